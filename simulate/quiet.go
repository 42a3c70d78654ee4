package simulate

import (
	"time"

	"flapwatch/keepalive"
)

// quiet is what befalls a healthy phone: incidents at random, independent of each other, most of
// them while people work. There is no habit of a user and no job of a clock in it.
type quiet struct {
	zone zone
}

// incident is something that may befall a phone.
type incident struct {
	perWeek   float64 // if every hour were a busy one
	reason    uint8
	notice    kind
	low, high time.Duration // how long the phone is away
	office    bool          // follows the office hours
	path      bool          // half of them are trouble on the path to the home node only, so the phone goes to the backup
}

// incidents: the times away after reasons 9 (42 s) and 15 (6 s) were measured in traces.
var incidents = [...]incident{
	{1.5, 8, 0, 60 * time.Second, 110 * time.Second, true, false},                      // DeviceInitiatedReset
	{0.8, 9, resetInitiated, 38 * time.Second, 46 * time.Second, true, false},          // CallManagerReset
	{1.5, 15, restartInitiated, 5 * time.Second, 6500 * time.Millisecond, true, false}, // CallManagerRestart
	{2.0, 19, 0, 8 * time.Second, 20 * time.Second, true, false},                       // EMLoginLogout
	{0.15, 6, 0, 60 * time.Second, 240 * time.Second, false, true},                     // ConnectivityError
	{0.2, 13, 0, 20 * time.Second, 200 * time.Second, false, true},                     // KeepAliveTimeout
}

// perWeek is the sum over incidents.
const perWeek = 1.5 + 0.8 + 1.5 + 2.0 + 0.15 + 0.2

const week = 7 * 24 * time.Hour

func (q quiet) lead() time.Duration { return 0 }

// next draws candidates at the busiest rate and drops those that the hour does not want (thinning
// of a Poisson process, Lewis and Shedler 1979).
func (q quiet) next(p *phone, up time.Duration) trouble {
	at := up + settle
	for {
		at += time.Duration(p.rng.ExpFloat64() * float64(week) / perWeek)
		i := pick(p.rng.Float64() * perWeek)
		if !i.office || p.rng.Float64() < q.zone.busy(at) {
			return i.strike(p, at)
		}
	}
}

// pick gives the incident at x, with 0 ≤ x < perWeek.
func pick(x float64) incident {
	for _, i := range incidents {
		if x -= i.perWeek; x < 0 {
			return i
		}
	}
	return incidents[len(incidents)-1]
}

func (i incident) strike(p *phone, at time.Duration) trouble {
	t := trouble{at: at, reason: i.reason, notice: i.notice}
	if i.path && p.rng.IntN(2) == 0 {
		return t.failover(p, keepalive.DefaultSIP())
	}
	t.home = p.between(i.low, i.high)
	return t
}

// zone turns times since the beginning into hours of the day.
type zone struct {
	from time.Time // the beginning, in the location of the office
}

// busy is how much people work, 0 to 1, by the hour of a working day.
func (z zone) busy(at time.Duration) float64 {
	const idle = 0.03
	t := z.from.Add(at)
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		return idle
	}
	switch h := t.Hour(); {
	case h < 7 || h >= 19:
		return idle
	case h < 8 || h >= 17:
		return 0.4
	case h == 12:
		return 0.6
	default:
		return 1
	}
}
