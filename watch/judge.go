package watch

import (
	"cmp"
	"maps"
	"slices"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

// fewest events of a series that can have a period.
const fewest = 4

// judge finds what one device does. tested is how many series were looked at for a period. Sessions are kept only where a single
// device is asked for: those of a fleet would fill the memory.
func (w *Watch) judge(finder *pattern.Finder, h event.History, f event.Filter) (v diagnose.Verdict, tested int) {
	v = diagnose.Verdict{History: h, Device: diagnose.Judged{Case: diagnose.NewCase(h, f.Window, nil)}}
	v.Changes = nil
	if f.Device != "" {
		v.Sessions = pattern.Sessions(h, f.Window)
	}
	for _, s := range series(h) {
		if len(s.times) < fewest {
			continue
		}
		tested++
		for _, finding := range w.memo.find(finder, s, h, f.Window) {
			c := diagnose.NewCase(about(h, s.kind), f.Window, &finding)
			v.Patterns = append(v.Patterns, diagnose.Judged{Case: c, Planned: s.kind == planned})
		}
	}
	slices.SortStableFunc(v.Patterns, func(a, b diagnose.Judged) int { return cmp.Compare(b.Finding.Score, a.Finding.Score) })
	return v, tested
}

// times that may repeat, in Unix milliseconds.
type times struct {
	kind  byte
	times []int64
}

const (
	unplanned byte = iota // unregistrations nobody meant
	planned               // normal ones: resets, log-outs, power saving
	attempted             // registrations that were tried and not completed
)

// series gives the event times of a device that may repeat. A period is measured from alarm to alarm on one node: of unregistrations
// those of the node that saw most of them count.
func series(h event.History) []times {
	nodes := [attempted + 1]map[string][]int64{{}, {}, {}}
	for _, c := range h.Changes {
		switch {
		case c.Role == event.Down && !c.Expected:
			nodes[unplanned][c.Node] = append(nodes[unplanned][c.Node], c.At)
		case c.Role == event.Down && c.Reason != fallback:
			nodes[planned][c.Node] = append(nodes[planned][c.Node], c.At)
		case c.Role == event.Attempt:
			nodes[attempted][""] = append(nodes[attempted][""], c.At)
		}
	}
	var out []times
	for kind, byNode := range nodes {
		most := times{kind: byte(kind)}
		for _, node := range slices.Sorted(maps.Keys(byNode)) {
			if len(byNode[node]) > len(most.times) {
				most.times = byNode[node]
			}
		}
		out = append(out, most)
	}
	return out
}

// about leaves out of a history the unregistrations that a series of planned ones is not about.
func about(h event.History, kind byte) event.History {
	if kind == planned {
		h.Changes = slices.DeleteFunc(slices.Clone(h.Changes), func(c event.Change) bool { return c.Role == event.Down && !c.Expected })
	}
	return h
}

// fallback is the reason with which the secondary lets a device go home to its primary (EndPointUnregistered 28, FallbackInitiated): a
// consequence of what happened on the primary, not a series of its own.
const fallback = 28
