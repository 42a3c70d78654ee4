package watch

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"
)

// series that repeat, with what is between their events.
var repeating = map[string]func(r *rand.Rand, at time.Time) time.Duration{
	"timer": func(r *rand.Rand, _ time.Time) time.Duration { return seconds(1083 + 8*r.NormFloat64()) },
	"timer, a fifth missing": func(r *rand.Rand, _ time.Time) (gap time.Duration) {
		for gap = seconds(1083 + 8*r.NormFloat64()); r.IntN(5) == 0; {
			gap += seconds(1083 + 8*r.NormFloat64())
		}
		return gap
	},
	"timer that pauses": func(r *rand.Rand, at time.Time) time.Duration {
		if at.Hour() == 3 && at.Minute() > 40 {
			return seconds(4000 + 300*r.Float64())
		}
		return seconds(1083 + 8*r.NormFloat64())
	},
	"schedule": func(r *rand.Rand, at time.Time) time.Duration {
		return at.Add(seconds(2700)).Truncate(time.Hour).Add(seconds(1800 + 20*r.NormFloat64())).Sub(at)
	},
	"two in a cycle": func(r *rand.Rand, at time.Time) time.Duration {
		if at.Nanosecond() == 0 {
			return seconds(120) + 1
		}
		return seconds(963+8*r.NormFloat64()).Truncate(time.Second) - 1
	},
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// TestCarry finds a period in ten days and carries it on step by step over three more, as far as a series is carried before it is
// searched again: what it tells is what a search in the later window tells.
func TestCarry(t *testing.T) {
	for name, gap := range repeating {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 3))
			var all []int64
			for at := week.From; len(all) == 0 || at.Sub(week.From) < 13*24*time.Hour; at = at.Add(gap(r, at)) {
				all = append(all, at.UnixMilli())
				if r.IntN(10) == 0 { // something else happens, too
					all = append(all, at.Add(seconds(900*r.Float64())).UnixMilli())
				}
			}
			slices.Sort(all)
			testCarry(t, all)
		})
	}
}

func testCarry(t *testing.T, all []int64) {
	w := event.Window{From: week.From, To: week.From.Add(10 * 24 * time.Hour)}
	inside := func() times {
		return times{times: all[before(all, w.From.UnixMilli()):before(all, w.To.UnixMilli())]}
	}
	search := func() searched { return newJudge(w, nil).search(inside(), nil) }
	known := search()
	carried := 0
	for w.To.Before(week.From.Add(13 * 24 * time.Hour)) {
		step := 7 * time.Minute
		w.From, w.To = w.From.Add(step), w.To.Add(step)
		if known.due(inside()) {
			known = search()
			continue
		}
		known = known.carry(inside().times, w)
		if carried++; carried%47 != 0 { // a search takes long
			continue
		}
		want := search()
		if len(known.found) == 0 || len(want.found) == 0 {
			t.Fatalf("%d carried findings, %d of a search", len(known.found), len(want.found))
		}
		compareFindings(t, known.found[0].Finding, want.found[0].Finding)
		if t.Failed() {
			return
		}
	}
	if carried < 500 {
		t.Errorf("carried on over %d steps only", carried)
	}
}

// compareFindings: a search may see noise as a further event of each cycle, and either of two as the first of it.
func compareFindings(t *testing.T, got, want *pattern.Finding) {
	t.Helper()
	off := func(a, b int) bool { return math.Abs(float64(a-b)) > 3+0.01*float64(b) }
	late := 0.0
	if want.PerCycle > 1 {
		late = 1000 * want.Period
	}
	switch {
	case math.Abs(got.Period/want.Period-1) > 0.002, got.Kind != want.Kind,
		got.PerCycle == want.PerCycle && off(got.Events, want.Events), off(got.CyclesSeen, want.CyclesSeen), off(got.CyclesExpected, want.CyclesExpected),
		got.Missed != got.CyclesExpected-got.CyclesSeen, got.First != got.Segments[0][0],
		math.Abs(float64(got.Last-want.Last)) > late, math.Abs(float64(got.NextExpected-want.NextExpected)) > late+1000*want.NextSD:
		g, w := *got, *want
		g.Segments, w.Segments = nil, nil
		t.Errorf("carried on, it is\n%+v, a search gives\n%+v", g, w)
	}
}
