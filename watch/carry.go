package watch

import (
	"math"
	"slices"

	"flapwatch/event"
	"flapwatch/pattern"
)

const (
	deviations = 3.5 // of a cycle, that an event may be off
	reach      = 8   // cycles without an event over which a pattern is followed
)

// carry takes a finding on to the end of w: what left the window is taken off, events of its series after the moment seen are counted
// where they lie whole cycles after a member, and the next one is expected. Period, spread and p-value stay those of the search. It
// gives false when too little is left. f is not changed.
func (f finding) carry(times []int64, seen int64, w event.Window) (finding, bool) {
	members := f.members[before(f.members, w.From.UnixMilli()):]
	if len(members) < fewest {
		return finding{}, false
	}
	g := *f.Finding
	left := len(f.members) - len(members)
	g.CyclesSeen -= int(math.Round(float64(left*f.CyclesSeen) / float64(max(1, f.Events))))
	g.Events -= left
	g.Segments = slices.Clone(slices.DeleteFunc(slices.Clone(g.Segments), func(s [2]int64) bool { return s[1] < members[0] }))
	if len(g.Segments) == 0 {
		return finding{}, false
	}
	g.Segments[0][0] = max(g.Segments[0][0], members[0])
	out := finding{&g, slices.Clone(members)}
	for i := after(times, seen); i < len(times); i++ {
		out.meet(times[i], times[:i])
	}
	g.CyclesExpected = max(g.CyclesSeen, g.CyclesExpected+cycles(&g)-cycles(f.Finding))
	g.Missed, g.First = g.CyclesExpected-g.CyclesSeen, g.Segments[0][0]
	expect(&g, f.Finding, max(times[len(times)-1], w.To.UnixMilli()))
	return out, true
}

// meet counts an event if it belongs to the pattern: the next one, one of several in a cycle, or the last of some in a row after a
// pause. before are the events before it.
func (f *finding) meet(at int64, before []int64) {
	g := f.Finding
	switch {
	case follows(g, g.Last, at, reach):
		g.Segments[len(g.Segments)-1][1] = at
		f.add(at)
		g.CyclesSeen, g.Last = g.CyclesSeen+1, at
	case g.PerCycle > 1 && slices.ContainsFunc(f.members[max(0, len(f.members)-2*g.PerCycle):], func(m int64) bool { return follows(g, m, at, 1) }):
		f.add(at)
	default:
		row := resumed(g, at, before[after(before, g.Last):])
		if row == nil {
			return
		}
		g.Segments = append(g.Segments, [2]int64{row[0], at})
		f.add(row...)
		slices.Sort(f.members)
		g.CyclesSeen, g.Last = g.CyclesSeen+len(row), at
	}
}

func (f *finding) add(at ...int64) {
	f.members, f.Events = append(f.members, at...), f.Events+len(at)
}

// resumed gives the events that end with at and lie one cycle apart, where there are enough of them to believe that a pattern goes on.
func resumed(g *pattern.Finding, at int64, before []int64) []int64 {
	const row = 4
	out := []int64{at}
	for i := len(before) - 1; i >= 0 && len(out) < row; i-- {
		if follows(g, before[i], out[0], 1) {
			out = slices.Insert(out, 0, before[i])
		}
	}
	if len(out) < row {
		return nil
	}
	return out
}

// follows says whether an event lies a whole number of cycles after another.
func follows(g *pattern.Finding, first, at int64, most float64) bool {
	gap := float64(at-first) / 1000
	k := math.Round(gap / g.Period)
	spread := g.Jitter * math.Sqrt(k) // each cycle starts where the last one ended
	if g.Kind == pattern.Clock {
		spread = g.Jitter * math.Sqrt2 // of two, each on its own
	}
	return k >= 1 && k <= most && math.Abs(gap-k*g.Period) <= min(deviations*spread, 0.45*g.Period)
}

// cycles of all segments.
func cycles(g *pattern.Finding) int {
	n := 0
	for _, s := range g.Segments {
		n += 1 + int(math.Round(float64(s[1]-s[0])/1000/g.Period))
	}
	return n
}

// expect predicts the next event of g, which is f carried on, after the moment end: as the finder does, with what it knew about the
// spread.
func expect(g, f *pattern.Finding, end int64) {
	se := (f.PeriodHigh - f.PeriodLow) / (2 * 1.96)
	k := max(1, math.Round(float64(f.NextExpected-f.Last)/1000/f.Period))
	one := math.Sqrt(max(0, f.NextSD*f.NextSD-k*k*se*se))
	if f.Kind != pattern.Clock {
		one /= math.Sqrt(k)
	}
	k = max(1, math.Ceil((float64(end-g.Last)/1000-3*g.Jitter)/g.Period))
	g.NextSD = math.Hypot(one, k*se)
	if g.Kind != pattern.Clock {
		g.NextSD = math.Hypot(one*math.Sqrt(k), k*se)
	}
	g.NextExpected = g.Last + int64(math.Round(k*g.Period*1000))
}

// after is the position of the first time after ms, before of the first that is not before it.
func after(times []int64, ms int64) int { return before(times, ms+1) }

func before(times []int64, ms int64) int {
	i, _ := slices.BinarySearch(times, ms)
	return i
}
