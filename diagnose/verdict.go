package diagnose

import (
	"slices"

	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/reasons"
)

// Survey is everything concluded about the devices of one window.
type Survey struct {
	Window   event.Window
	Verdicts []Verdict // every device that changed its registration, by cluster and name
	Outages  []Judged
}

// Verdict is everything concluded about one device. Device.Flap is never nil.
type Verdict struct {
	event.History                   // without its changes
	Sessions      []pattern.Session // only where a single device was asked for
	Device        Judged            // without a finding
	Patterns      []Judged          // with a finding each, p ≤ 0.05, best first
}

// Judged is a case with its causes.
type Judged struct {
	Case
	Planned    bool         // the finding is about planned or normal unregistrations
	Passed     bool         // the finding may be shown: it stands among all series of the fleet
	Hypotheses []Hypothesis // best first
}

// often: a device that lost its registration so many times in a window is explained even if it is quiet at the end.
const often = 5

// Conclude compares the cases of a survey with each other and names the causes of those that somebody will look at: patterns,
// outages, and devices that are or were not stable and have no pattern to be looked at instead.
func (s *Survey) Conclude(catalogue *reasons.Catalogue) {
	var judged []*Judged
	for i := range s.Verdicts {
		v := &s.Verdicts[i]
		if !slices.ContainsFunc(v.Patterns, func(j Judged) bool { return j.Passed }) {
			judged = append(judged, &v.Device)
		}
		for j := range v.Patterns {
			judged = append(judged, &v.Patterns[j])
		}
	}
	cases := make([]Case, len(judged))
	for i, j := range judged {
		cases[i] = j.Case
	}
	for i, c := range Fleet(cases) {
		judged[i].Case = c
		if c.Finding != nil || c.Flap.State != pattern.Stable || c.Flap.Unregistrations >= often || c.Spacing != nil {
			judged[i].Hypotheses = Explain(c, catalogue)
		}
	}
	for i := range s.Outages {
		s.Outages[i].Hypotheses = Explain(s.Outages[i].Case, catalogue)
	}
}
