package watch

import (
	"context"
	"slices"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

const (
	widest    = 1e-3 // a pattern that is shown has at most this p-value,
	discovery = 0.01 // and passes Benjamini-Hochberg at this rate over the fleet
)

// single judges one device, or the devices of one name, from their histories. Sessions are told, outages are not.
func (w *Watch) single(ctx context.Context, f event.Filter) (*diagnose.Survey, error) {
	s := &diagnose.Survey{Window: f.Window}
	began, err := w.source.Began(ctx)
	if err != nil {
		return nil, err
	}
	j := newJudge(f.Window, began)
	tests := 0
	err = w.source.Histories(ctx, f, func(h event.History) error {
		v, searched := j.verdict(h, nil)
		v.Sessions = j.sessions
		s.Verdicts = append(s.Verdicts, v)
		tests += len(searched)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s.Verdicts, func(a, b *diagnose.Verdict) int { return compareNames(&a.History, &b.History) })
	pass(s, tests)
	s.Conclude(w.catalogue)
	return s, nil
}

// pass marks the patterns that may be shown: p ≤ 1e-3, and a false discovery rate of 1 % over all series that were tested. A verdict
// is copied where that changes.
func pass(s *diagnose.Survey, tests int) {
	var p []float64
	for _, v := range s.Verdicts {
		for i := range v.Patterns {
			p = append(p, v.Patterns[i].Finding.PValue)
		}
	}
	found := len(p)
	p = append(p, slices.Repeat([]float64{1}, max(0, tests-found))...)
	passed := pattern.Adjust(p, discovery)
	n := 0
	for i, v := range s.Verdicts {
		now := passed[n : n+len(v.Patterns)]
		n += len(v.Patterns)
		if changes(v, now) {
			c := *v
			c.Patterns = slices.Clone(v.Patterns)
			c.Device.Fleet, c.Device.Hypotheses = nil, nil // its causes are told where no pattern is
			for j := range c.Patterns {
				c.Patterns[j].Passed = shown(&c.Patterns[j], now[j])
			}
			s.Verdicts[i] = &c
		}
	}
}

func changes(v *diagnose.Verdict, passed []bool) bool {
	for j := range v.Patterns {
		if v.Patterns[j].Passed != shown(&v.Patterns[j], passed[j]) {
			return true
		}
	}
	return false
}

func shown(j *diagnose.Judged, passed bool) bool { return passed && j.Finding.PValue <= widest }
