package diagnose

import (
	"math"
	"slices"

	"flapwatch/reasons"
)

// form is how a cause's periods are meant.
type form int

const (
	setting   form = iota // each is the setting of a timer
	between               // anything from the smallest to the largest
	minutes               // settings in whole minutes, those in the list are the usual ones
	sometimes             // it may come at these distances, more often it does not
	unbound               // it has no period of its own and any may come of it
	bands                 // keepalive.Bands
)

// forms of the causes that are not plain timers. The catalogue says it in words (PeriodText, Evidence, Tolerance).
var forms = map[string]form{
	"sip-refresh-first-packet-loss": bands,
	"port-security-aging-absolute":  minutes,
	"nat-udp":                       between,
	"jabber-mobile":                 between,
	"retry-sip-7821":                between,
	"retry-mismatch-9971":           between,
	"poe-lldp":                      sometimes,
	"stp":                           sometimes,
	"arp-mac-mismatch":              sometimes,
	"duplicate-registration":        unbound, // the clients' retry timer
	"firmware-upgrade":              unbound, // a failing download is tried again and again
	"tftp-config-loop":              unbound,
	"primary-flap":                  unbound,
}

const (
	// ample: the most that a fitting period may count. Under an arbitrary cause the logarithm of the period is even
	// between a minute and a week, ln 10080 = 9.2; a timer met within one percent would count 9.2/(0.01·√2π) = 370 times as
	// much. But other causes have round settings too, so that a fit says less than that.
	ample = 30
	// missed: a firm period that the cause cannot make.
	missed = 0.03
	// enough losses without a period to say that there is none.
	enough = 6
)

var logRange = math.Log(7 * 86400 / 60.0)

// period compares the beat with the cause's periods.
func (f *facts) period(p *reasons.PeriodicCause) factor {
	how := forms[p.ID]
	if f.beat.seconds <= 0 {
		return f.noPeriod(p, how)
	}
	var got factor
	switch {
	case how == unbound:
		return nothing
	case how == bands:
		got = f.sipCycle()
	case len(p.Periods) == 0:
		got = factor{0.25, "period", f.beat.text + " does not go with a cause that has none of its own"}
	case how == between:
		got = f.inRange(p)
	default:
		got = f.onTimer(p, how)
	}
	got.weight = f.beat.certainty*got.weight + 1 - f.beat.certainty
	return got
}

// noPeriod weighs that many losses came without one.
func (f *facts) noPeriod(p *reasons.PeriodicCause, how form) factor {
	if f.Outage != nil || f.Flap == nil || f.Alarm == transient {
		return nothing
	}
	if how == bands && f.Registered != nil && f.Flap.Unregistrations < enough {
		return f.fewCycles()
	}
	if f.Flap.Unregistrations < enough {
		return nothing
	}
	n := f.Flap.Unregistrations
	switch {
	case len(p.Periods) == 0 || how == sometimes:
		return factor{2, "no period", f.say("%d losses without a period, as this cause makes them", n)}
	case how == unbound:
		return nothing
	}
	return factor{0.2, "no period", f.say("no period in %d losses, and this cause has one (%s)", n, p.PeriodText)}
}

// onTimer finds the nearest setting. The alarm may come later than the timer by the time it takes to be back, because
// most timers start again with the registration; the time registered is compared too, where it is known.
func (f *facts) onTimer(p *reasons.PeriodicCause, how form) factor {
	best, timer := 0.0, 0.0
	for _, t := range p.Periods {
		w := f.near(t, f.beat.seconds, f.away(p))
		if f.Registered != nil {
			w = max(w, 0.7*f.near(t, *f.Registered, 0))
		}
		if w > best {
			best, timer = w, t
		}
	}
	w := ample * best / float64(len(p.Periods))
	if whole := math.Round(f.beat.seconds / 60); how == minutes && w < 1.5 && whole > 0 && f.beat.seconds < 86400 &&
		math.Abs(f.beat.seconds-60*whole) < 0.01*f.beat.seconds {
		return factor{1.5, "period", f.say("%s is about %.0f minutes, and the setting is in minutes", f.beat.text, whole)}
	}
	switch {
	case w > 1:
		return factor{w, "period", f.say("%s fits a timer of %s (%s)", f.beat.text, span(timer), p.PeriodText)}
	case how == sometimes:
		return factor{max(w, 0.25), "period", f.say("%s is not its usual distance (%s)", f.beat.text, p.PeriodText)}
	}
	return factor{max(w, misfit(p)), "period", f.say("%s fits none of its timers (%s)", f.beat.text, p.PeriodText)}
}

// misfit of a period. The distances of retry loops were measured on one model each; others have their own.
func misfit(p *reasons.PeriodicCause) float64 {
	if p.Class == retryLoop {
		return 0.2
	}
	return missed
}

// near is 1 if a distance of so many seconds is the timer's, and less the further it is off, in units of one percent and
// of the distance's own uncertainty. It may be longer by up to away seconds.
func (f *facts) near(timer, seconds, away float64) float64 {
	off := max(timer-seconds, seconds-timer-away, 0)
	sd := math.Hypot(0.01*timer, f.beat.spread)
	return math.Exp(-0.5 * off * off / (sd * sd))
}

// away is how long the device takes to be back: as seen, as typical of the cause, or half a minute. Clock times do not
// wait for it.
func (f *facts) away(p *reasons.PeriodicCause) float64 {
	switch {
	case onClock(p):
		return 0
	case f.Flap != nil && f.Flap.MedianOutage != nil:
		return *f.Flap.MedianOutage
	case p.OutageSeconds > 0:
		return p.OutageSeconds
	}
	return 30
}

// inRange: the narrower the range, the more a hit counts.
func (f *facts) inRange(p *reasons.PeriodicCause) factor {
	low, high := slices.Min(p.Periods), slices.Max(p.Periods)
	slack := 0.02*f.beat.seconds + 2*f.beat.spread
	if f.beat.seconds < low-slack || f.beat.seconds > high+slack+f.away(p) {
		return factor{misfit(p), "period", f.say("%s lies outside %s to %s", f.beat.text, span(low), span(high))}
	}
	w := min(ample, logRange/math.Log(high/low))
	return factor{w, "period", f.say("%s lies between %s and %s", f.beat.text, span(low), span(high))}
}
