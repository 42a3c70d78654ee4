package watch

import (
	"flapwatch/event"
	"flapwatch/pattern"
)

// searched is what is known of one series of a device: what was found when it was searched last, carried on to the last judgement.
//
// A search costs more the longer the series is, and one event more among thousands says little: a series is searched again when
// enough of it has changed, and its findings are carried on in between.
type searched struct {
	kind   byte
	node   string
	events int   // when it was searched
	last   int64 // of these
	seen   int64 // the newest event that the findings know of
	found  []finding
}

// finding is one whose members are times rather than positions, which shift.
type finding struct {
	*pattern.Finding
	members []int64
}

// enough says how many events of a series must have come or left before it is searched again: one of a short series, a tenth of a
// longer one, 24 of a long one, a hundredth of a very long one. Looking again with every tenth is also what the p-values were tried
// with; more looks find more accidents.
func enough(events int) int { return max(1, min(events/10, max(24, events/100))) }

// due says whether so much of the series has changed that it is searched again, or all of it: other times count now.
func (s *searched) due(now times) bool {
	came := len(now.times) - after(now.times, s.last)
	left := s.events + came - len(now.times) // less those that came in late
	return s.node != now.node || came+max(left, -left) >= enough(s.events)
}

// search searches one series, or carries on what is known of it.
func (j *judge) search(s times, known []searched) searched {
	for i := range known {
		if k := &known[i]; k.kind == s.kind && !k.due(s) {
			return k.carry(s.times, j.window)
		}
	}
	newest := s.times[len(s.times)-1]
	out := searched{kind: s.kind, node: s.node, events: len(s.times), last: newest, seen: newest}
	for _, g := range j.finder.Find(pattern.Input{Times: s.times, Window: j.window}).Findings {
		f := finding{Finding: &g, members: make([]int64, len(g.Members))}
		for i, m := range g.Members {
			f.members[i] = s.times[m]
		}
		f.Members = nil
		out.found = append(out.found, f)
	}
	return out
}

// carry gives what is known of the series now, which has changed little since it was searched.
func (s *searched) carry(times []int64, w event.Window) searched {
	out := *s
	out.found = make([]finding, 0, len(s.found))
	for _, f := range s.found {
		if f, ok := f.carry(times, s.seen, w); ok {
			out.found = append(out.found, f)
		}
	}
	out.seen = max(s.seen, times[len(times)-1])
	return out
}
