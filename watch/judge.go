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

// judge finds what one device does. tested is how many series were looked at for a period.
func judge(finder *pattern.Finder, h event.History, w event.Window) (v diagnose.Verdict, tested int) {
	v = diagnose.Verdict{
		History: h, Sessions: pattern.Sessions(h, w), Device: diagnose.Judged{Case: diagnose.NewCase(h, w, nil)},
	}
	v.Changes = nil
	for _, times := range series(h) {
		if len(times) < fewest {
			continue
		}
		tested++
		for _, f := range finder.Find(pattern.Input{Times: times, Window: w}).Findings {
			v.Patterns = append(v.Patterns, diagnose.Judged{Case: diagnose.NewCase(h, w, &f)})
		}
	}
	slices.SortStableFunc(v.Patterns, func(a, b diagnose.Judged) int { return cmp.Compare(b.Finding.Score, a.Finding.Score) })
	return v, tested
}

// series gives the event times that may repeat: unregistrations nobody meant, on the node that saw most of them, because a period
// is measured from alarm to alarm on one node; and registrations that were tried and not completed.
func series(h event.History) [][]int64 {
	downs := map[string][]int64{}
	var attempts []int64
	for _, c := range h.Changes {
		switch {
		case c.Role == event.Down && !c.Expected:
			downs[c.Node] = append(downs[c.Node], c.At)
		case c.Role == event.Attempt:
			attempts = append(attempts, c.At)
		}
	}
	var most []int64
	for _, node := range slices.Sorted(maps.Keys(downs)) {
		if len(downs[node]) > len(most) {
			most = downs[node]
		}
	}
	return [][]int64{most, attempts}
}
