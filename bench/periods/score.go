package main

import (
	"math"
	"slices"
	"time"

	"flapwatch/pattern"
)

// answer is what the finder said about one labelled series, and whether it was right.
type answer struct {
	labelled
	result   pattern.Result
	right    bool // the best finding has a true period
	error    float64
	multiple bool
	next     int // -1 not tried, 0 missed, 1 hit
}

func (a answer) p() float64 {
	if len(a.result.Findings) == 0 {
		return 1
	}
	return a.result.Findings[0].PValue
}

// tolerance is how far a period may lie from the true one, relative.
func (l labelled) tolerance(p float64) float64 {
	t := l.Truth
	rel := max(0.02, 3*t.Jitter/math.Sqrt(math.Max(1, float64(t.True-1))), math.Abs(t.Drift)) + (1+0.3*float64(l.Res)/1000)/p
	return min(rel, 0.2)
}

func (l labelled) matches(found float64) (bool, float64) {
	best, ok := math.Inf(1), false
	for _, p := range l.Truth.Periods {
		e := math.Abs(found-p) / p
		best = min(best, e)
		ok = ok || e <= l.tolerance(p)
	}
	return ok, best
}

func (l labelled) isMultiple(found float64) bool {
	for _, p := range l.Truth.Periods {
		for a := 1.0; a <= 8; a++ {
			for b := 1.0; b <= 8; b++ {
				if a != b && (a == 1 || b == 1 || a+b <= 5) && math.Abs(found-p*a/b) <= l.tolerance(p)*p*a/b {
					return true
				}
			}
		}
	}
	return false
}

func judge(f *pattern.Finder, l labelled) answer {
	a := answer{labelled: l, next: -1}
	a.result = f.Find(l.input())
	if l.Label != 1 {
		return a
	}
	fs := a.result.Findings
	if len(fs) > 0 {
		a.right, a.error = l.matches(fs[0].Period)
		a.multiple = !a.right && l.isMultiple(fs[0].Period)
	}
	a.predict(f)
	return a
}

// all says whether every true period has a finding with at most p.
func (a answer) all(p float64) bool {
	for _, period := range a.Truth.Periods {
		if !slices.ContainsFunc(a.result.Findings, func(g pattern.Finding) bool {
			return g.PValue <= p && math.Abs(g.Period-period) <= a.tolerance(period)*period
		}) {
			return false
		}
	}
	return true
}

// predict cuts the series at 70 % of the pattern's time and looks whether the next event comes when it should.
func (a *answer) predict(f *pattern.Finder) {
	seg := a.Truth.Segment
	cut := seg[0] + (seg[1]-seg[0])*7/10
	in := a.input()
	n, _ := slices.BinarySearch(in.Times, cut)
	in.Times, in.Window.To = in.Times[:n], time.UnixMilli(cut)
	r := f.Find(in)
	if len(r.Findings) == 0 || r.Findings[0].PValue > 1e-4 {
		return
	}
	g := r.Findings[0]
	if ok, _ := a.matches(g.Period); !ok || g.NextExpected+int64(3000*g.NextSD) > seg[1] {
		return
	}
	a.next = 0
	low, high := g.NextExpected-int64(3000*g.NextSD)-a.Res, g.NextExpected+int64(3000*g.NextSD)
	i, _ := slices.BinarySearch(a.Times, max(low, cut))
	if i < len(a.Times) && a.Times[i] <= high {
		a.next = 1
	}
}
