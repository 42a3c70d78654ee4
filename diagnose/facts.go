package diagnose

import (
	"fmt"

	"flapwatch/event"
	"flapwatch/keepalive"
	"flapwatch/pattern"
	"flapwatch/reasons"
)

// facts is a case with what the catalogue says about it.
type facts struct {
	Case
	brief    bool // weights only, no words
	answer   reasons.Answer
	beat     beat
	timers   keepalive.SIP
	showing  float64            // share of causes that show in the alarm
	expected map[uint32]float64 // how often a reason comes with an arbitrary cause that shows in the same alarm
}

// beat is an even distance between the events of a case. Seconds is 0 if there is none.
type beat struct {
	seconds   float64
	spread    float64 // standard error of seconds
	kind      pattern.Kind
	certainty float64 // probability that it is one
	text      string  // "the period of 18m9s"
}

func read(c Case, catalogue *reasons.Catalogue, brief bool) *facts {
	f := &facts{Case: c, brief: brief, beat: c.beat(), timers: keepalive.DefaultSIP()}
	if c.Timers != nil {
		f.timers = *c.Timers
	}
	q := reasons.Question{Alarm: c.Alarm, Signal: c.Signal, Protocol: c.Protocol, Device: c.Device, DeviceType: c.DeviceType, HasDeviceType: c.DeviceType != 0}
	if c.Reason != nil {
		q.Code, q.HasCode = *c.Reason, true
	}
	f.answer = catalogue.Decode(q)
	f.showing, f.expected = showing(catalogue.PeriodicCauses(), c.Alarm), reasonRates(catalogue.PeriodicCauses(), c.Alarm)
	return f
}

// beat is the finding, or the spacing of attempts if half of the distances lie within a tenth of the middle.
func (c Case) beat() beat {
	switch {
	case c.Finding != nil && c.Finding.Period > 0:
		f := c.Finding
		b := beat{seconds: f.Period, spread: max(0, f.PeriodHigh-f.PeriodLow) / 4, kind: f.Kind, certainty: certainty(f)}
		b.text = "the period of " + span(f.Period).String()
		return b
	case c.Spacing != nil && c.Spacing.High-c.Spacing.Low <= 0.2*c.Spacing.Median:
		s := c.Spacing
		return beat{seconds: s.Median, spread: (s.High - s.Low) / 2, kind: pattern.Renewal, certainty: 1,
			text: "the distance of " + span(s.Median).String() + " between attempts"}
	}
	return beat{kind: pattern.Unknown}
}

// certainty that a finding is one: its posterior, or what the p-value leaves where there is none.
func certainty(f *pattern.Finding) float64 {
	if f.Posterior > 0 {
		return min(1, f.Posterior)
	}
	return max(0, 1-f.PValue)
}

// say puts words together, where words are wanted: with a fleet of devices they take longer than the weights.
func (f *facts) say(format string, args ...any) string {
	if f.brief {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// span is a length of time in seconds that is written only where words are wanted.
type span float64

func (s span) String() string { return event.Span(float64(s)) }
