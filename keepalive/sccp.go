package keepalive

import (
	"fmt"
	"math"
	"slices"
)

// Failover is how soon an SCCP phone believes that its primary is gone: the setting "Detect
// Unified CM Connection Failure" of the phone.
type Failover string

const (
	Normal  Failover = "normal"  // after the time in which past keepalives were acknowledged
	Delayed Failover = "delayed" // after three more keepalive intervals
)

// delayedIntervals is what a phone with delayed failover waits for, Cisco TAC document 200410.
const delayedIntervals = 3

// SCCP is a phone whose packets reach the primary for a while and then no more, as where a
// firewall answers ARP in the node's place (Cisco TAC document 200410, first case).
type SCCP struct {
	Interval   float64  `json:"interval_seconds"`   // Station KeepAlive Interval, to the primary
	Standby    float64  `json:"standby_seconds"`    // keepalive interval to the secondary
	Missed     int      `json:"missed"`             // intervals without a keepalive after which the node gives up
	Healthy    float64  `json:"healthy_seconds"`    // from the registration until packets stop arriving
	Failover   Failover `json:"failover"`           // how the phone notices
	Answer     float64  `json:"answer_seconds"`     // in which past keepalives were acknowledged; for Normal
	Fallback   float64  `json:"fallback_seconds"`   // Connection Monitor Duration
	Reregister Range    `json:"reregister_seconds"` // from giving up the primary to the registration on the secondary
}

// DefaultSCCP gives the timers of a cluster that nobody changed. The path breaks at once, so that
// Registered is what passes after the last keepalive that was heard.
func DefaultSCCP() SCCP {
	return SCCP{Interval: 30, Standby: 60, Missed: 3, Failover: Normal, Answer: 0.5, Fallback: 120, Reregister: Range{1, 15}}
}

func (s SCCP) validate() error {
	c := &check{}
	if c.within("interval", s.Interval, 1, day) {
		c.within("answer", s.Answer, 0, s.Interval)
	}
	c.within("standby", s.Standby, 1, day)
	if s.Missed < 1 || s.Missed > 100 {
		c.refuse("missed", "%d intervals are not between 1 and 100", s.Missed)
	}
	c.within("healthy", s.Healthy, 0, 7*day)
	if s.Failover != Normal && s.Failover != Delayed {
		c.refuse("failover", "%q is neither %q nor %q", s.Failover, Normal, Delayed)
	}
	c.within("fallback", s.Fallback, 0, day)
	c.span("reregister", s.Reregister)
	if back := s.noticed() + s.Reregister.Low + s.Fallback; len(c.errs) == 0 && back <= s.patience() {
		c.refuse("fallback", "%g s bring the phone home %g s after its last keepalive, before the node's %g s are over: there is no alarm",
			s.Fallback, back, s.patience())
	}
	return c.err()
}

// patience of the node after the last keepalive that it heard.
func (s SCCP) patience() float64 { return float64(s.Missed) * s.Interval }

// noticed is when the phone gives the primary up, after the last keepalive that was answered.
func (s SCCP) noticed() float64 {
	if s.Failover == Delayed {
		return s.Interval + delayedIntervals*s.Interval
	}
	return s.Interval + s.Answer
}

func (s SCCP) predict() Prediction {
	heard := math.Floor(s.Healthy / s.Interval)
	t := heard*s.Interval + s.patience()
	return Prediction{
		Protocol:     "SCCP",
		Steps:        s.steps(heard * s.Interval),
		Registered:   t,
		AlarmToAlarm: s.Reregister.plus(heard*s.Interval + s.noticed() + s.Fallback),
		Survived:     int(heard),
		FatalWait:    s.patience(),
		Formula: fmt.Sprintf("T = floor(healthy/interval)·interval + missed·interval = %g·%g + %d·%g = %g s",
			heard, s.Interval, s.Missed, s.Interval, t),
	}
}

// steps after the last keepalive that was heard; the ones before are all alike and left out.
func (s SCCP) steps(last float64) []Step {
	noticed := last + s.noticed()
	elsewhere := noticed + s.Reregister.Low
	home := elsewhere + s.Fallback
	steps := []Step{
		{0, Primary, fmt.Sprintf("registered; a keepalive every %g s", s.Interval), 0},
		{last, Primary, "the last message that arrives", 0},
		{last + s.Interval, Primary, "keepalive lost", s.Interval},
		{last + s.patience(), Primary, fmt.Sprintf("%d intervals without a keepalive: EndPointUnregistered, reason 13 KeepAliveTimeout", s.Missed), s.patience()},
		{noticed, Primary, fmt.Sprintf("the phone gives the primary up (%s failover)", s.Failover), s.noticed() - s.Interval},
		{elsewhere, Secondary, fmt.Sprintf("EndPointRegistered; that connection was tried every %g s", s.Standby), s.Reregister.Low},
		{home, Secondary, "the primary answered long enough: EndPointUnregistered, reason 28 FallbackInitiated", s.Fallback},
		{home, Primary, "EndPointRegistered; the next turn begins", 0},
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return steps
}
