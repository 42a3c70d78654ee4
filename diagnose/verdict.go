package diagnose

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/reasons"
)

// Survey is everything concluded about the devices of one window. It is not changed any more once it is given out.
type Survey struct {
	Window   event.Window
	Verdicts []*Verdict // every device that changed its registration, by cluster and name
	Outages  []Judged
	Mark     event.Mark // what was committed when it was made; nil where that was not asked
}

// Verdict is everything concluded about one device. Device.Flap is never nil; it speaks of the end of the window in which the device
// was judged last, and Flapping.In gives it for a window that goes on.
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

// Conclude compares the cases of a survey with each other and names the causes of those that somebody will look at: patterns, and
// devices that are or were not stable and have no pattern to be looked at instead. Of a device without a pattern
// only the best cause is kept, without its words, unless it is the only one: Explain gives them again.
//
// A verdict of an earlier survey stays as it is, for somebody may be reading it: where the conclusion changes a copy is made, and
// where it does not nothing is worked out again.
func (s *Survey) Conclude(catalogue *reasons.Catalogue) {
	type place struct{ verdict, pattern int } // pattern -1: the device
	var places []place
	var cases []*Case
	for i, v := range s.Verdicts {
		if !slices.ContainsFunc(v.Patterns, func(j Judged) bool { return j.Passed }) {
			places, cases = append(places, place{i, -1}), append(cases, &v.Device.Case)
		}
		for j := range v.Patterns {
			places, cases = append(places, place{i, j}), append(cases, &v.Patterns[j].Case)
		}
	}
	copied := -1 // the verdict that was copied last
	var work []func()
	for i, n := range neighbourhoods(cases) {
		if cases[i].Fleet != nil && *cases[i].Fleet == n {
			continue
		}
		p := places[i]
		if copied != p.verdict {
			s.Verdicts[p.verdict], copied = s.Verdicts[p.verdict].copy(), p.verdict
		}
		v := s.Verdicts[p.verdict]
		j := &v.Device
		if p.pattern >= 0 {
			j = &v.Patterns[p.pattern]
		}
		j.Case.Fleet = &n
		work = append(work, func() { j.explain(catalogue, p.pattern < 0 && len(s.Verdicts) > 1) })
	}
	atOnce(work)
}

// atOnce does the work on all processors.
func atOnce(work []func()) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(work), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(work)); i = next.Add(1) - 1 {
				work[i]()
			}
		})
	}
	wg.Wait()
}

func (v *Verdict) copy() *Verdict {
	c := *v
	c.Patterns = slices.Clone(v.Patterns)
	return &c
}

// explain names the causes; briefly: the best one without its words.
func (j *Judged) explain(catalogue *reasons.Catalogue, briefly bool) {
	c := &j.Case
	switch {
	case c.Finding == nil && c.Flap.State == pattern.Stable && c.Flap.Unregistrations < often && c.Spacing == nil:
		j.Hypotheses = nil
	case briefly:
		j.Hypotheses = best(j.Case, catalogue)
	default:
		j.Hypotheses = Explain(j.Case, catalogue)
	}
}
