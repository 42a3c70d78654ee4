package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

// judge finds what devices do in a window. It belongs to one goroutine.
type judge struct {
	finder   *pattern.Finder
	window   event.Window
	began    map[string]time.Time // first event of each cluster
	kinds    *kinds
	changes  []event.Change    // of the device at hand
	sessions []pattern.Session // of the device judged last
}

func newJudge(w event.Window, began map[string]time.Time) *judge {
	return &judge{finder: pattern.NewFinder(), window: w, began: began}
}

func (f *fleet) judge(w event.Window) *judge {
	j := newJudge(w, f.began)
	j.kinds = &f.kinds
	return j
}

// unpack takes the changes of the device that is judged next.
func (j *judge) unpack(d *device) {
	j.changes = j.kinds.unpack(d.changes, j.window.From.UnixMilli(), j.window.To.UnixMilli(), j.changes[:0])
}

// judge judges the device that was unpacked.
func (j *judge) judge(d *device) {
	if len(j.changes) == 0 {
		d.verdict, d.searched = nil, nil
		return
	}
	h := d.History
	h.Changes = j.changes
	d.verdict, d.searched = j.verdict(h, d.searched)
}

// verdict finds what one device does. known is what is known of its series from the last time; it gives what is known now.
func (j *judge) verdict(h event.History, known []searched) (v *diagnose.Verdict, now []searched) {
	j.sessions = pattern.Sessions(h, j.window)
	v = &diagnose.Verdict{History: h, Device: diagnose.Judged{Case: diagnose.CaseOf(h, j.sessions, j.window)}}
	v.Changes = nil
	if began, ok := j.began[h.Cluster]; ok {
		*v.Device.Flap = v.Device.Flap.Since(began)
	}
	for _, s := range series(h) {
		if len(s.times) < pattern.LeastEvents {
			continue
		}
		r := j.search(s, known)
		now = append(now, r)
		if len(r.found) == 0 {
			continue
		}
		about, c := h, v.Device.Case
		if s.kind == planned {
			about = withoutUnplanned(h)
			c = diagnose.CaseOf(about, pattern.Sessions(about, j.window), j.window)
		}
		for _, f := range r.found {
			v.Patterns = append(v.Patterns, diagnose.Judged{Case: c.About(f.Finding, about, j.window), Planned: s.kind == planned})
		}
	}
	slices.SortStableFunc(v.Patterns, func(a, b diagnose.Judged) int { return cmp.Compare(b.Finding.Score, a.Finding.Score) })
	return v, now
}

// times that may repeat, in Unix milliseconds.
type times struct {
	kind  byte
	node  string // that saw them; "" for any
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
				most.node, most.times = node, byNode[node]
			}
		}
		out = append(out, most)
	}
	return out
}

// withoutUnplanned leaves out of a history the unregistrations that a series of planned ones is not about.
func withoutUnplanned(h event.History) event.History {
	h.Changes = slices.DeleteFunc(slices.Clone(h.Changes), func(c event.Change) bool { return c.Role == event.Down && !c.Expected })
	return h
}

// fallback is the reason with which the secondary lets a device go home to its primary (EndPointUnregistered 28, FallbackInitiated): a
// consequence of what happened on the primary, not a series of its own.
const fallback = 28
