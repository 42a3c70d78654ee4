package pattern

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// report turns an explanation into a finding.
func (f *Finder) report(e explanation, in Input) Finding {
	g := Finding{
		Kind: e.kind, Period: e.period, PeriodLow: e.period - 1.96*e.se, PeriodHigh: e.period + 1.96*e.se, Jitter: e.sd,
		Score: e.score, PValue: max(1e-300, math.Exp(-e.score)), Posterior: posterior(e.score, len(f.t), in.Prior),
		Events: len(e.links) + len(e.company), PerCycle: e.perCycle,
		pace: pace{e.se, f.res, e.kind == Clock},
	}
	if len(e.links) < leastForKind {
		g.Kind = Unknown
	}
	for i, l := range e.links {
		ms := f.ms[f.at[l.event]]
		if l.jump == 0 {
			g.Segments = append(g.Segments, [2]int64{ms, ms})
			g.CyclesExpected++
		}
		g.CyclesExpected += int(l.jump)
		g.Segments[len(g.Segments)-1][1] = ms
		g.Extra += f.between(e, i)
	}
	g.CyclesSeen = len(e.links)
	g.Missed = g.CyclesExpected - g.CyclesSeen
	g.First, g.Last = g.Segments[0][0], g.Segments[len(g.Segments)-1][1]
	for i := range f.t {
		if e.has(int32(i)) {
			g.Members = append(g.Members, int(f.at[i]))
		}
	}
	end := f.ms[len(f.ms)-1]
	if !in.Window.To.IsZero() {
		end = max(end, in.Window.To.UnixMilli())
	}
	g.Expect(end)
	g.Warnings = f.warnings(g, e, in)
	return g
}

// leastForKind is the number of events from which a timer and a schedule can be told apart.
const leastForKind = 12

// between is the number of events between the i-th link of e and the one before that do not belong to e.
func (f *Finder) between(e explanation, i int) int {
	if e.links[i].jump == 0 {
		return 0
	}
	first, last := e.links[i-1].event+1, e.links[i].event
	a, _ := slices.BinarySearch(e.company, first)
	b, _ := slices.BinarySearch(e.company, last)
	return int(last-first) - (b - a)
}

// warnings say what a reader of g should mind.
func (f *Finder) warnings(g Finding, e explanation, in Input) []string {
	var w []string
	observed := float64(f.ms[len(f.ms)-1]-f.ms[0]) / 1000
	if !in.Window.From.IsZero() && !in.Window.To.IsZero() {
		observed = max(observed, in.Window.Length().Seconds())
	}
	if observed < 3*e.period {
		w = append(w, "window shorter than three periods")
	}
	if len(e.links) <= 4 {
		w = append(w, fmt.Sprintf("%d events: a hint at best", len(e.links)))
	}
	if e.doubtful {
		w = append(w, "every "+length(e.period)+" or every "+length(2*e.period))
	}
	if e.second > 0 {
		w = append(w, "two lengths of gap, the other one "+length(e.second))
	}
	if f.res >= 1 && e.period < 4*f.res {
		w = append(w, "period near the resolution of the times, "+length(f.res))
	}
	if habit(e.period, e.sd/e.period) > 0 && e.sd > 1200 {
		w = append(w, "may be a habit of working hours")
	}
	return w
}

// length spells a length of time given in seconds.
func length(s float64) string {
	return strconv.FormatFloat(math.Round(s*10)/10, 'f', -1, 64) + " s"
}
