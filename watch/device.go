package watch

import (
	"slices"

	"flapwatch/diagnose"
	"flapwatch/event"
)

// device is what is kept of one: everything that happened to it in the window of its fleet, as small as it gets, and the verdict.
type device struct {
	event.History // without changes
	changes       []change
	verdict       *diagnose.Verdict // nil where nothing happened in the window
	searched      []searched        // its series that are long enough for a period
}

// overdue: an event of a pattern that is shown was expected before ms and has not come.
func (d *device) overdue(ms int64) bool {
	return d.verdict != nil && slices.ContainsFunc(d.verdict.Patterns, func(p diagnose.Judged) bool {
		return p.Passed && p.Finding.NextExpected+int64(3000*p.Finding.NextSD) < ms
	})
}

// change is an event.Change in sixteen bytes: its time, its key and what all changes of its kind have in common.
type change struct {
	at   int64
	key  uint32
	kind uint32
}

// kinds gives the changes of one kind a number. A fleet has some hundred kinds.
type kinds struct {
	number map[event.Change]uint32
	kind   []event.Change
}

func (k *kinds) pack(c event.Change) change {
	p := change{at: c.At, key: c.Key}
	c.At, c.Key = 0, 0
	n, ok := k.number[c]
	if !ok {
		if k.number == nil {
			k.number = map[event.Change]uint32{}
		}
		n = uint32(len(k.kind))
		k.number[c], k.kind = n, append(k.kind, c)
	}
	p.kind = n
	return p
}

// unpack appends the changes from ≤ t < to to buf.
func (k *kinds) unpack(list []change, from, to int64, buf []event.Change) []event.Change {
	for _, p := range list[firstAt(list, from):firstAt(list, to)] {
		c := k.kind[p.kind]
		c.At, c.Key = p.at, p.key
		buf = append(buf, c)
	}
	return buf
}

// firstAt is the position of the first change at or after ms.
func firstAt(list []change, ms int64) int {
	i, _ := slices.BinarySearchFunc(list, ms, func(c change, ms int64) int {
		if c.at < ms {
			return -1
		}
		return 1
	})
	return i
}

// merge adds what came in later.
func (d *device) merge(k *kinds, h event.History) {
	for _, x := range []struct {
		known, newer *string
		at           *int64
		told         int64
	}{
		{&d.IP, &h.IP, &d.Told.IP, h.Told.IP}, {&d.Protocol, &h.Protocol, &d.Told.Protocol, h.Told.Protocol},
		{&d.Description, &h.Description, &d.Told.Description, h.Told.Description}, {&d.Model, &h.Model, &d.Told.Model, h.Told.Model},
		{&d.NeighborID, &h.NeighborID, &d.Told.Neighbor, h.Told.Neighbor},
	} {
		if *x.newer == "" || x.told < *x.at {
			continue
		}
		*x.known = *x.newer
		if x.at == &d.Told.Neighbor {
			d.Neighbor = h.Neighbor
		}
		*x.at = x.told
	}
	if h.Told.DeviceType > 0 && h.Told.DeviceType >= d.Told.DeviceType {
		d.DeviceType, d.Told.DeviceType = h.DeviceType, h.Told.DeviceType
	}
	if len(h.Changes) == 0 {
		return
	}
	first := firstAt(d.changes, h.Changes[0].At/1000*1000) // copies lie in one second
	all := event.Settle(append(k.unpack(d.changes[first:], minTime, maxTime, nil), h.Changes...))
	if first < len(d.changes) { // a search for outages may be reading them
		d.changes = slices.Clone(d.changes[:first])
	}
	for _, c := range all {
		d.changes = append(d.changes, k.pack(c))
	}
}

// cut forgets the oldest changes where there are more than most, or more than restless that follow each other in seconds: some more
// than it must so that it is seldom done. It says how many.
func (d *device) cut(most int) int {
	n := len(d.changes)
	if n > restless && d.changes[n-1].at-d.changes[n-restless].at < restlessWithin.Milliseconds() {
		most = min(most, restless)
	}
	if n <= most {
		return 0
	}
	forgotten := n - most/4*3
	d.changes = slices.Clone(d.changes[forgotten:]) // a search for outages may be reading them
	return forgotten
}

// forget leaves out what happened or was said before ms.
func (d *device) forget(ms int64) {
	if n := firstAt(d.changes, ms); n > 0 {
		d.changes = slices.Clone(d.changes[n:]) // a search for outages may be reading them
	}
	t := &d.Told
	for _, x := range []struct {
		at   *int64
		what *string
	}{
		{&t.IP, &d.IP}, {&t.Protocol, &d.Protocol}, {&t.Description, &d.Description}, {&t.Model, &d.Model}, {&t.Neighbor, &d.NeighborID},
	} {
		if *x.at != 0 && *x.at < ms {
			*x.at, *x.what = 0, ""
			if x.what == &d.NeighborID {
				d.Neighbor = ""
			}
		}
	}
	if t.DeviceType != 0 && t.DeviceType < ms {
		t.DeviceType, d.DeviceType = 0, 0
	}
}
