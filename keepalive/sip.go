package keepalive

import (
	"fmt"
	"math"
)

// SIP is a phone that refreshes its REGISTER over a path which loses the first packet of every
// refresh. TCP repeats it with a wait that doubles from one refresh to the next: no first packet
// ever gets through, so the round trip is never measured anew and the wait is never reset (Karn's
// algorithm, RFC 6298 section 3).
//
// Cisco TAC document 200410, second case. The arithmetic follows from three numbers: a refresh is due Expires−Delta after the last accepted REGISTER, the node waits
// Expires+Grace, and the k-th refresh comes FirstRetry·2^(k−1) late.
type SIP struct {
	Expires    float64 `json:"expires_seconds"`     // what the node grants in its 200 OK
	Delta      float64 `json:"delta_seconds"`       // how long before the expiry the phone refreshes (SIP profile)
	Grace      float64 `json:"grace_seconds"`       // how long the node's timer runs beyond Expires
	FirstRetry float64 `json:"first_retry_seconds"` // wait before the first repetition
	Fallback   float64 `json:"fallback_seconds"`    // Connection Monitor Duration: time on the secondary before going home
	Reregister Range   `json:"reregister_seconds"`  // from the alarm to the registration on the secondary
}

// DefaultSIP gives the timers of a cluster that nobody changed, and the first retry that makes
// sixteen minutes: 0.21875 s doubles to 14 s, which the node sits out, and to 28 s, which it does
// not. The node's timer was measured in a trace of CUCM 11.5: 130.010 s for a grant of 120 s.
func DefaultSIP() SIP {
	return SIP{Expires: 120, Delta: 5, Grace: 10, FirstRetry: 0.21875, Fallback: 120, Reregister: Range{1, 15}}
}

// interval from an accepted REGISTER to the next refresh: E − d.
func (s SIP) interval() float64 { return s.Expires - s.Delta }

// patience of the node once a refresh is due: G = (E + grace) − (E − d).
func (s SIP) patience() float64 { return s.Delta + s.Grace }

func (s SIP) validate() error {
	c := s.checkTimers()
	c.within("retry", s.FirstRetry, millisecond, day)
	return c.err()
}

// checkTimers looks at everything but the first retry, which Bands and Fit do not need.
func (s SIP) checkTimers() *check {
	c := &check{}
	granted, delta := c.within("expires", s.Expires, 1, day), c.within("delta", s.Delta, 0, day)
	if granted && delta && s.Delta >= s.Expires {
		c.refuse("delta", "%g s is not shorter than the %g s of expires", s.Delta, s.Expires)
	}
	c.within("grace", s.Grace, 0, day)
	if s.Delta+s.Grace < millisecond {
		c.refuse("grace", "with a delta of %g s and a grace of %g s every refresh comes too late", s.Delta, s.Grace)
	}
	c.within("fallback", s.Fallback, 0, day)
	c.span("reregister", s.Reregister)
	return c
}

// survived counts the refreshes that arrive in time: floor(log2(G/r1)) + 1, and none where already
// the first wait is too long. Doubling is exact in floating point, a logarithm is not.
func (s SIP) survived() int {
	n := 0
	for wait := s.FirstRetry; wait <= s.patience(); wait *= 2 {
		n++
	}
	return n
}

// registered is the closed form T = (n+1)(E−d) + r1(2^n − 1) + G.
func (s SIP) registered(n int, firstRetry float64) float64 {
	return float64(n+1)*s.interval() + firstRetry*(math.Ldexp(1, n)-1) + s.patience()
}

func (s SIP) predict() Prediction {
	n := s.survived()
	t := s.registered(n, s.FirstRetry)
	return Prediction{
		Protocol:     "SIP",
		Steps:        s.steps(),
		Registered:   t,
		AlarmToAlarm: s.Reregister.plus(t + s.Fallback),
		Survived:     n,
		FatalWait:    math.Ldexp(s.FirstRetry, n),
		Formula: fmt.Sprintf("T = (n+1)(E−d) + r1(2^n − 1) + G = %d·%g + %g·%g + %g = %.2f s",
			n+1, s.interval(), s.FirstRetry, math.Ldexp(1, n)-1, s.patience(), t),
	}
}

// steps walks through the cycle, without use of the closed form.
func (s SIP) steps() []Step {
	steps := []Step{{0, Primary, fmt.Sprintf("REGISTER accepted, %g s granted; the node's timer runs %g s", s.Expires, s.Expires+s.Grace), 0}}
	due, wait := s.interval(), s.FirstRetry
	for ; wait <= s.patience(); wait *= 2 {
		steps = append(steps,
			Step{due, Primary, "refresh due; the first packet is lost", 0},
			Step{due + wait, Primary, "the repeated packet arrives; REGISTER accepted", wait})
		due += wait + s.interval()
	}
	alarm := due + s.patience()
	elsewhere := alarm + s.Reregister.Low
	home := elsewhere + s.Fallback
	return append(steps,
		Step{due, Primary, fmt.Sprintf("refresh due; the first packet is lost, the repetition would come after %g s", wait), 0},
		Step{alarm, Primary, "the node's timer ends: EndPointUnregistered, reason 13 KeepAliveTimeout, SIPStationDPrimaryLineTimeout", s.patience()},
		Step{elsewhere, Secondary, "EndPointRegistered", s.Reregister.Low},
		Step{home, Secondary, "the primary answered long enough: EndPointUnregistered, reason 28 FallbackInitiated", s.Fallback},
		Step{home, Primary, "EndPointRegistered; the next turn begins", 0})
}
