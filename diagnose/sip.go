package diagnose

import "flapwatch/keepalive"

// The bands of keepalive.Bands lie 115 s apart and are about 15 s wide, so with the slack of keepalive.Fit they take up
// a fifth of the times between 4 and 22 minutes, and these are a sixth of the logarithmic range of periods: a time that
// is met counts 5·6 times. Where only the distance of the alarms is known, the time registered is uncertain by the 1 to
// 15 s of the next registration; where it is not known either whether the phone had a second node, there are two
// chances to meet a band.
const (
	bandMeasured = 30
	bandInferred = 18
	bandAssumed  = 8
	bandMissed   = 0.02
)

// sipCycle asks whether the cycle is that of a phone whose refreshes lose their first packet (package keepalive).
func (f *facts) sipCycle() factor {
	if f.Registered != nil {
		if m, ok := keepalive.Fit(*f.Registered, f.timers); ok {
			return factor{bandMeasured, "keepalive cycle", f.say("registered for %s each time: %s", span(*f.Registered), f.arithmetic(m))}
		}
		return factor{bandMissed, "keepalive cycle", f.say("registered for %s, which no number of repeated refreshes gives", span(*f.Registered))}
	}
	r, back := f.timers.Reregister, f.timers.Fallback
	seen := f.Failover != nil && f.Failover.ReturnSeconds != nil
	if seen {
		back = *f.Failover.ReturnSeconds
	}
	if m, ok := f.fitSpan(f.beat.seconds-back-r.High, f.beat.seconds-back-r.Low); ok {
		w := float64(bandInferred)
		if !seen {
			w = bandAssumed
		}
		return factor{w, "keepalive cycle", f.say("%s, less %s on the other node and %g to %g s on the way: %s",
			f.beat.text, span(back), r.Low, r.High, f.arithmetic(m))}
	}
	if m, ok := f.fitSpan(f.beat.seconds-r.High, f.beat.seconds); ok && !seen {
		return factor{bandAssumed, "keepalive cycle", f.say("%s fits a phone without a second node, back within %g s: %s",
			f.beat.text, r.High, f.arithmetic(m))}
	}
	return factor{bandMissed, "keepalive cycle", f.beat.text + " fits no number of repeated refreshes"}
}

// fewCycles is sipCycle before there are losses enough for a period.
func (f *facts) fewCycles() factor {
	m, ok := keepalive.Fit(*f.Registered, f.timers)
	if !ok {
		return nothing
	}
	return factor{bandAssumed, "keepalive cycle", f.say("registered for %s before it was lost: %s", span(*f.Registered), f.arithmetic(m))}
}

// fitSpan gives the match of a time registered that is known to lie between low and high: the middle of what a band
// leaves of it.
func (f *facts) fitSpan(low, high float64) (keepalive.Match, bool) {
	for _, b := range keepalive.Bands(f.timers) {
		if from, to := max(low, b.RegisteredLow), min(high, b.RegisteredHigh); from <= to {
			return keepalive.Fit((from+to)/2, f.timers)
		}
	}
	return keepalive.Match{}, false
}

// arithmetic of the closed form with the numbers of m.
func (f *facts) arithmetic(m keepalive.Match) string {
	interval := f.timers.Expires - f.timers.Delta
	return f.say("%d refreshes survive, the first repeated after %.3g s, the wait of %.3g s is too long (%d × %g s + the waits + %g s)",
		m.Survived, m.FirstRetry, m.FatalWait, m.Survived+1, interval, f.timers.Delta+f.timers.Grace)
}
