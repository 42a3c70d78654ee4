package diagnose

import (
	"testing"

	"flapwatch/event"
	"flapwatch/pattern"
)

func TestConclude(t *testing.T) {
	flapping := Case{Protocol: "SIP", Alarm: unregistered, Reason: ptr(uint32(13)), Signal: primaryTimeout,
		Flap: &pattern.Flapping{Unregistrations: 12, State: pattern.Unsteady}}
	periodic := flapping
	periodic.Finding = every(1089, pattern.Renewal)
	stable := flapping
	stable.Flap = &pattern.Flapping{Unregistrations: 1, State: pattern.Stable}
	s := Survey{
		Verdicts: []*Verdict{
			{History: event.History{Device: "a"}, Device: Judged{Case: flapping}, Patterns: []Judged{{Case: periodic, Passed: true}}},
			{History: event.History{Device: "b"}, Device: Judged{Case: flapping}, Patterns: []Judged{{Case: periodic}}},
			{History: event.History{Device: "c"}, Device: Judged{Case: stable}},
		},
	}
	s.Conclude(catalogue(t))
	for _, c := range []struct {
		what string
		got  []Hypothesis
		some bool
	}{
		{"pattern that passed", s.Verdicts[0].Patterns[0].Hypotheses, true},
		{"device that has it", s.Verdicts[0].Device.Hypotheses, false},
		{"pattern that did not pass", s.Verdicts[1].Patterns[0].Hypotheses, true},
		{"device without another one", s.Verdicts[1].Device.Hypotheses, true},
		{"stable device", s.Verdicts[2].Device.Hypotheses, false},
	} {
		if (len(c.got) > 0) != c.some {
			t.Errorf("%s: %d hypotheses", c.what, len(c.got))
		}
	}
}
