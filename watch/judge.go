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

// judge finds what devices do in a window. It belongs to one goroutine.
type judge struct {
	finder   *pattern.Finder
	window   event.Window
	kinds    *kinds
	changes  []event.Change    // of the device at hand
	sessions []pattern.Session // of the device judged last
}

func newJudge(w event.Window) *judge { return &judge{finder: pattern.NewFinder(), window: w} }

func (f *fleet) judge(w event.Window) *judge {
	j := newJudge(w)
	j.kinds = &f.kinds
	return j
}

// unpack takes the changes of the device that is judged next.
func (j *judge) unpack(d *device) {
	j.changes = j.kinds.unpack(d.changes, j.window.From.UnixMilli(), j.window.To.UnixMilli(), j.changes[:0])
}

// judge judges the device that was unpacked.
func (j *judge) judge(d *device) {
	d.verdict, d.tested = nil, 0
	if len(j.changes) == 0 {
		return
	}
	h := d.History
	h.Changes = j.changes
	d.verdict, d.tested = j.verdict(h)
}

// verdict finds what one device does. tested is how many series were looked at for a period.
func (j *judge) verdict(h event.History) (v *diagnose.Verdict, tested int) {
	j.sessions = pattern.Sessions(h, j.window)
	v = &diagnose.Verdict{History: h, Device: diagnose.Judged{Case: diagnose.CaseOf(h, j.sessions, j.window, nil)}}
	v.Changes = nil
	for _, s := range series(h) {
		if len(s.times) < fewest {
			continue
		}
		tested++
		for _, finding := range j.finder.Find(pattern.Input{Times: s.times, Window: j.window}).Findings {
			c := diagnose.NewCase(about(h, s.kind), j.window, &finding)
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
