package pattern

import (
	"math"
	"time"

	"flapwatch/event"
)

// State of a device in the sense of FlapOptions.
type State string

const (
	Stable   State = "stable"
	Unsteady State = "flapping"
	Settling State = "settling" // was flapping, has become quieter, is not yet trusted
)

// FlapOptions are the knobs of the flap score, after the figure of merit of BGP route flap damping (RFC 2439, sections
// 4.2 and 4.4: cutoff, reuse, half life, ceiling). Every unregistration that was not meant adds one point and points
// decay by half in HalfLife. Zero fields take the defaults.
type FlapOptions struct {
	// HalfLife of a point; 2 h. A device that unregisters every i hours for ever ends up at 1/(1 − 2^(−i/HalfLife))
	// points: 3.4 for an hourly one, 10 for the cycle of 18 minutes.
	HalfLife time.Duration
	// Start: flapping from so many points on; 3. With the other defaults: three losses within minutes, or for ever one
	// every 70 minutes.
	Start float64
	// End: stable again below so many points; 1.
	End float64
	// Ceiling of the points; 12. It bounds the time until the device is trusted again to HalfLife·log2(Ceiling/End), 7 h.
	Ceiling float64
}

func (o FlapOptions) withDefaults() FlapOptions {
	if o.HalfLife <= 0 {
		o.HalfLife = 2 * time.Hour
	}
	if o.Start <= 0 {
		o.Start = 3
	}
	if o.End <= 0 || o.End > o.Start {
		o.End = o.Start / 3
	}
	if o.Ceiling < o.Start {
		o.Ceiling = 4 * o.Start
	}
	return o
}

// Flapping is how unsteady one device was in a window. Pointers are nil where the log does not tell.
type Flapping struct {
	Unregistrations  int // not meant
	Expected         int // planned or normal: reset, log-out, power saving, going home to the primary
	RatePerHour      float64
	Score            float64 // points at the end of the window
	State            State   // at the end of the window
	MedianRegistered *float64
	MedianOutage     *float64
	Availability     *float64
	TopReason        *uint32 // the most frequent one of the unregistrations that were not meant; of the expected ones if there are no others
	First, Last      int64   // Unix milliseconds, of the same ones; 0 if there are none

	Began int64 // Unix milliseconds: of what was before nothing can be known; 0 if the window begins later

	presence Presence
	from, to int64 // the window, Unix milliseconds; to is not before the last loss
	options  FlapOptions
}

// In gives f for a window that ends later, or begins later, where nothing happened in what is new and in what is left out.
func (f Flapping) In(w event.Window) Flapping {
	from, to := w.From.UnixMilli(), w.To.UnixMilli()
	if f.to == 0 || (from == f.from && to <= f.to) {
		return f
	}
	later := max(0, to-f.to)
	f.presence = f.presence.slide(seconds(from-f.from), seconds(later))
	f.from, f.to = from, f.to+later
	f = f.since(f.Began)
	if hours := seconds(to-from) / 3600; hours > 0 {
		f.RatePerHour = float64(f.Unregistrations) / hours
	}
	f.Score, f.State = f.options.decay(f.Score, f.State, later)
	return f
}

// Since gives f where nobody listened before a moment: a device whose first word is that it was lost had been registered, but nobody
// knows for how long before that moment.
func (f Flapping) Since(began time.Time) Flapping { return f.since(began.UnixMilli()) }

func (f Flapping) since(began int64) Flapping {
	p := f.presence
	f.Began = 0
	if began > f.from {
		f.Began = began
		p = p.slide(seconds(began-f.from), 0)
	}
	f.Availability = p.Availability()
	return f
}

// decay is what becomes of a score and its state in so many quiet milliseconds.
func (o FlapOptions) decay(score float64, state State, ms int64) (float64, State) {
	score *= math.Exp2(-float64(ms) / float64(o.HalfLife.Milliseconds()))
	switch {
	case state != Stable && score < o.End:
		state = Stable
	case state == Unsteady && score < o.Start:
		state = Settling
	}
	return score, state
}

// Flap judges one device over w.
func Flap(h event.History, w event.Window, o FlapOptions) Flapping {
	return FlapSessions(Sessions(h, w), w, o)
}

// FlapSessions is Flap for sessions that are already known.
func FlapSessions(sessions []Session, w event.Window, o FlapOptions) Flapping {
	presence := Measure(sessions, w)
	broke, meant := ends(sessions)
	f := Flapping{
		Unregistrations: len(broke), Expected: len(meant),
		MedianRegistered: presence.MedianRegistered, MedianOutage: presence.MedianOutage, Availability: presence.Availability(),
	}
	from, to := span(sessions, w)
	if hours := seconds(to-from) / 3600; hours > 0 {
		f.RatePerHour = float64(len(broke)) / hours
	}
	o = o.withDefaults()
	f.Score, f.State = settle(broke, to, o)
	f.presence, f.options, f.from, f.to = presence, o, from, to
	if n := len(broke); n > 0 {
		f.to = max(to, broke[n-1].Until)
	}
	told := broke
	if len(told) == 0 {
		told = meant
	}
	if len(told) > 0 {
		f.First, f.Last = told[0].Until, told[len(told)-1].Until
	}
	f.TopReason = topReason(told)
	return f
}

// ends are the sessions whose end was seen, by time of the end: those that broke and those that were meant to end.
func ends(sessions []Session) (broke, meant []Session) {
	broke = make([]Session, 0, len(sessions))
	for _, s := range sessions {
		switch {
		case s.OpenEnd:
		case s.EndExpected:
			meant = append(meant, s)
		default:
			broke = append(broke, s)
		}
	}
	sortByEnd(broke)
	sortByEnd(meant)
	return broke, meant
}

// settle plays the score through to the moment to, with its hysteresis.
func settle(broke []Session, to int64, o FlapOptions) (float64, State) {
	score, state, last := 0.0, Stable, int64(0)
	decay := func(until int64) {
		score, state = o.decay(score, state, until-last)
		last = until
	}
	for _, s := range broke {
		decay(s.Until)
		if score = min(score+1, o.Ceiling); score >= o.Start {
			state = Unsteady
		}
	}
	decay(max(to, last))
	return score, state
}

// topReason is the most frequent reason, the smallest number of equals; nil if no session gives one.
func topReason(sessions []Session) *uint32 {
	count := map[uint32]int{}
	for _, s := range sessions {
		if s.HasEndReason {
			count[s.EndReason]++
		}
	}
	if len(count) == 0 {
		return nil
	}
	top := mostOf(count)
	return &top
}
