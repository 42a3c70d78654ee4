// Package keepalive predicts what a lost keepalive does: given the timers of the phone and of the
// node, when the node gives up, and which cycle of registrations results, step by step.
//
// Two models are here, SIP and SCCP. They are pure arithmetic: no clock, no packets, no alarms to
// parse. All times are seconds as float64. Start with Cycle; Fit goes the other way, from a
// measured time to the mechanism.
package keepalive

// Model is a set of timers that Cycle can play: SIP or SCCP.
type Model interface {
	validate() error
	predict() Prediction
}

// Cycle plays the timers until the node gives up and the phone is back, once. The error joins one
// *ParameterError for each parameter that makes no sense.
func Cycle(m Model) (Prediction, error) {
	if err := m.validate(); err != nil {
		return Prediction{}, err
	}
	return m.predict(), nil
}

// Prediction is one turn of the cycle, from the registration on the primary to the next one there.
type Prediction struct {
	Protocol     string  `json:"protocol"`
	Steps        []Step  `json:"steps"`                  // in the order of time
	Registered   float64 `json:"registered_seconds"`     // T: from the registration on the primary to the alarm
	AlarmToAlarm Range   `json:"alarm_to_alarm_seconds"` // between two alarms of the primary
	Survived     int     `json:"survived"`               // keepalives that reached the primary in time
	FatalWait    float64 `json:"fatal_wait_seconds"`     // the wait that the node does not sit out
	Formula      string  `json:"formula"`                // how Registered is computed, with the numbers
}

// Step is something that happens in the cycle.
type Step struct {
	At   float64 `json:"at_seconds"`   // since the registration on the primary; at the earliest where a Range is given
	Node string  `json:"node"`         // Primary or Secondary
	What string  `json:"what"`         // in words
	Wait float64 `json:"wait_seconds"` // how long the phone or the node waited for it, 0 where nobody did
}

// The two nodes of a Step.
const (
	Primary   = "primary"
	Secondary = "secondary"
)

// Range is a span of seconds, both ends included.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// plus moves the range by s seconds.
func (r Range) plus(s float64) Range { return Range{r.Low + s, r.High + s} }
