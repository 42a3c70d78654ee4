package pattern

import (
	"cmp"
	"slices"
	"sync"

	"flapwatch/event"
)

const (
	// echoMS: a second message of the same kind from the same node so soon after the first speaks of the same moment
	// (another envelope, or StationConnectionError beside EndPointUnregistered). The shortest outage measured, after a
	// restart, is 5.6 s.
	echoMS = 5_000
	// reorderMS: messages of one node so close together may have overtaken each other on the way.
	reorderMS = 2_000
	// handoverMS: so long may a node still believe in a device that has gone to another one: the timer of the primary
	// line, 130 s with the default expiry of 120 s, and some seconds more.
	handoverMS = 135_000
)

// Session is one stay of a device on a node, From ≤ Until, in Unix milliseconds.
type Session struct {
	Node        string
	From, Until int64
	OpenStart   bool // nobody saw it begin: From is the earliest moment possible
	OpenEnd     bool // nobody saw it end: Until is the latest moment possible

	// How it ended; empty if OpenEnd.
	EndReason    uint32
	HasEndReason bool
	EndExpected  bool
	EndSignal    string
}

// Seconds from the beginning to the end.
func (s Session) Seconds() float64 { return seconds(s.Until - s.From) }

// Broke says that the session was seen to end and was not meant to.
func (s Session) Broke() bool { return !s.OpenEnd && !s.EndExpected }

// Sessions reads the stays of a device out of the messages of all nodes within w, sorted by beginning; sessions of one
// node never overlap. A zero window reaches from the first change to the last.
//
// Every node is followed on its own, because the next node takes a device in before the last one's timer has run out.
// Messages may be lost, repeated or a second or two out of order: two ends in a row make a session that began unseen,
// two beginnings one that ended unseen, and what other nodes say narrows the open side. A device that was there before
// the window has an open start at w.From, one that is still there at the end an open end at w.To. A log that holds only
// ends (the default level of a node's remote log) gives sessions that all have an open start.
func Sessions(h event.History, w event.Window) []Session {
	m := scratch.Get().(*messages)
	defer scratch.Put(m)
	m.all = registrations(m.all[:0], h.Changes, w)
	from, to := bounds(m.all, w)
	others := newWitness(m.all)
	out := make([]Session, 0, len(m.all)/2+1)
	for _, one := range m.byNode() {
		out = stays(out, one[0].Node, mend(one), from, to, others)
	}
	for i := range out {
		out[i] = others.narrow(out[i])
	}
	slices.SortFunc(out, func(a, b Session) int {
		if a.From != b.From {
			return cmp.Compare(a.From, b.From)
		}
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(a.Node, b.Node))
	})
	return out
}

// Since gives the sessions as they are known where nobody listened before a moment, in Unix milliseconds.
func Since(sessions []Session, began int64) []Session {
	out := slices.Clone(sessions)
	for i := range out {
		if s := &out[i]; s.OpenStart && s.From < began {
			s.From = min(began, s.Until)
		}
	}
	return out
}

// messages are the beginnings and ends of a device while its sessions are read: of all nodes together, and one node after the
// other.
type messages struct {
	all, sorted []event.Change
	nodes       map[string]int // positions in ends
	ends        []int
	parts       [][]event.Change
}

var scratch = sync.Pool{New: func() any { return &messages{nodes: map[string]int{}} }}

// byNode gives the messages of each node, in the order of time.
func (m *messages) byNode() [][]event.Change {
	clear(m.nodes)
	m.ends, m.parts = m.ends[:0], m.parts[:0]
	for _, c := range m.all {
		k, ok := m.nodes[c.Node]
		if !ok {
			k = len(m.ends)
			m.nodes[c.Node], m.ends = k, append(m.ends, 0)
		}
		m.ends[k]++
	}
	m.sorted = resize(m.sorted, len(m.all))
	sum := 0
	for k, n := range m.ends {
		m.ends[k], sum = sum, sum+n
	}
	for _, c := range m.all {
		k := m.nodes[c.Node]
		m.sorted[m.ends[k]] = c
		m.ends[k]++
	}
	begin := 0
	for _, end := range m.ends {
		m.parts = append(m.parts, m.sorted[begin:end])
		begin = end
	}
	return m.parts
}

// registrations appends the beginnings and ends within w to out in one fixed order, whatever order they came in.
func registrations(out, changes []event.Change, w event.Window) []event.Change {
	from, to := w.From.UnixMilli(), w.To.UnixMilli()
	whole := w == event.Window{}
	for _, c := range changes {
		if (c.Role == event.Down || c.Role == event.Up) && (whole || c.At >= from && c.At < to) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b event.Change) int {
		if a.At != b.At {
			return cmp.Compare(a.At, b.At)
		}
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Node, b.Node),
			cmp.Compare(b.Signal, a.Signal), cmp.Compare(a.Reason, b.Reason), order(a.HasReason, b.HasReason), order(a.Expected, b.Expected))
	})
	return out
}

// order puts true before false.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// bounds of the window in milliseconds; of the sorted changes where the window is zero.
func bounds(sorted []event.Change, w event.Window) (from, to int64) {
	switch {
	case w != event.Window{}:
		return w.From.UnixMilli(), w.To.UnixMilli()
	case len(sorted) > 0:
		return sorted[0].At, sorted[len(sorted)-1].At
	}
	return 0, 0
}

// mend puts neighbours that overtook each other back in order and takes repeats out, in place.
func mend(c []event.Change) []event.Change {
	out := c[:0]
	for i := 0; i < len(c); i++ {
		if overtaken(out, c[i:]) {
			c[i], c[i+1] = c[i+1], c[i]
			c[i].At, c[i+1].At = c[i+1].At, c[i].At
		}
		if n := len(out); n > 0 && out[n-1].Role == c[i].Role && c[i].At-out[n-1].At <= echoMS {
			out[n-1] = richer(out[n-1], c[i])
			continue
		}
		out = append(out, c[i])
	}
	return out
}

// overtaken: the next two messages make more sense the other way round, seen from the one before and the one after.
func overtaken(past, c []event.Change) bool {
	if len(past) == 0 || len(c) < 2 || c[0].Role == c[1].Role || c[1].At-c[0].At > reorderMS {
		return false
	}
	if past[len(past)-1].Role != c[0].Role {
		return false
	}
	return len(c) == 2 || c[2].Role == c[1].Role
}

// richer is a with what b knows more: of the copies of one end, the one with a signal says most.
func richer(a, b event.Change) event.Change {
	if a.Signal == "" && (b.Signal != "" || !a.HasReason && b.HasReason) {
		b.At = a.At
		return b
	}
	return a
}

// stays follows one node and appends its sessions to out: c alternates between beginnings and ends, except where a message was
// lost.
func stays(out []Session, node string, c []event.Change, from, to int64, others witness) []Session {
	since, registered := from, false // of the last message; before the first one nothing is known
	for _, m := range c {
		switch {
		case m.Role == event.Up && registered:
			out = append(out, Session{Node: node, From: since, Until: m.At, OpenEnd: true})
		case m.Role == event.Down:
			if registered {
				if _, moved := others.took(node, since, m.At-handoverMS); moved {
					out = append(out, Session{Node: node, From: since, Until: m.At, OpenEnd: true})
					registered = false
				}
			}
			out = append(out, Session{Node: node, From: since, Until: m.At, OpenStart: !registered,
				EndReason: m.Reason, HasEndReason: m.HasReason, EndExpected: m.Expected, EndSignal: m.Signal})
		}
		since, registered = m.At, m.Role == event.Up
	}
	if registered {
		out = append(out, Session{Node: node, From: since, Until: to, OpenEnd: true})
	}
	return out
}

// witness is the sorted changes of all nodes: a device is registered with one node at a time.
type witness struct {
	all  []event.Change
	many bool // more than one node speaks
}

func newWitness(all []event.Change) witness {
	return witness{all, slices.ContainsFunc(all, func(c event.Change) bool { return c.Node != all[0].Node })}
}

// took is the moment between from and to at which another node took the device in first; false if none did.
func (o witness) took(node string, from, to int64) (int64, bool) {
	if !o.many {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(o.all, from+1, at)
	for ; i < len(o.all) && o.all[i].At < to; i++ {
		if o.all[i].Node != node && o.all[i].Role == event.Up {
			return o.all[i].At, true
		}
	}
	return 0, false
}

// had is the last moment between from and to at which another node had the device; false if none had.
func (o witness) had(node string, from, to int64) (int64, bool) {
	if !o.many {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(o.all, to, at)
	for i--; i >= 0 && o.all[i].At > from; i-- {
		if o.all[i].Node != node {
			return o.all[i].At, true
		}
	}
	return 0, false
}

// narrow moves the open side of s to what another node saw.
func (o witness) narrow(s Session) Session {
	if s.OpenStart {
		if t, ok := o.had(s.Node, s.From, s.Until-handoverMS); ok {
			s.From = t
		}
	}
	if s.OpenEnd {
		if t, ok := o.took(s.Node, s.From, s.Until); ok {
			s.Until = t
		}
	}
	return s
}

func at(c event.Change, ms int64) int { return cmp.Compare(c.At, ms) }

func seconds(ms int64) float64 { return float64(ms) / 1000 }
