package watch

import (
	"math"
	"slices"

	"flapwatch/event"
	"flapwatch/pattern"
)

// carry takes a finding on to the end of w: what left the window is taken off, events of its series after the moment seen are counted
// where they lie whole cycles after a member, and the next one is expected. Period, spread and p-value stay those of the search. It
// gives false when too little is left. f is not changed.
func (f finding) carry(times []int64, seen int64, w event.Window) (finding, bool) {
	members := f.members[before(f.members, w.From.UnixMilli()):]
	if len(members) < pattern.LeastEvents {
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
	g.CyclesExpected = max(g.CyclesSeen, g.CyclesExpected+g.Cycles()-f.Cycles())
	g.Missed, g.First = g.CyclesExpected-g.CyclesSeen, g.Segments[0][0]
	g.Expect(max(times[len(times)-1], w.To.UnixMilli()))
	return out, true
}

// meet counts an event if it belongs to the pattern. earlier are the events before it.
func (f *finding) meet(at int64, earlier []int64) {
	events, cycles := f.Accept(at, f.members, earlier)
	if len(events) == 0 {
		return
	}
	f.members, f.Events, f.CyclesSeen = append(f.members, events...), f.Events+len(events), f.CyclesSeen+cycles
	if cycles == 0 {
		return
	}
	if f.Last = at; cycles == 1 {
		f.Segments[len(f.Segments)-1][1] = at
		return
	}
	slices.Sort(f.members)
	f.Segments = append(f.Segments, [2]int64{events[0], at})
}

// after is the position of the first time after ms, before of the first that is not before it.
func after(times []int64, ms int64) int { return before(times, ms+1) }

func before(times []int64, ms int64) int {
	i, _ := slices.BinarySearch(times, ms)
	return i
}
