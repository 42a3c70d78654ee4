package store

import (
	"strings"
	"unsafe"

	"flapwatch/event"
)

// common is what an event has in common with many others: words of some columns, one each or several packed.
type common struct {
	// sender
	timeSource                   event.TimeSource
	clock, source, host, process string
	pri                          uint8
	hasPRI, truncated            bool

	// cluster, origin and said. What an ending has is empty where there is one.
	facility, alarm                               string
	severity                                      uint8
	ending                                        *event.Ending
	cluster, node, appID, signal, callState, text string
	state                                         string
	code                                          uint32
	hasCode                                       bool
	part                                          string
	role                                          event.Role
	expected                                      bool
	reason, cause                                 string

	layout event.Layout
	form   string // where there is no layout, which tells it
}

// alike is what such events have in the columns.
type alike struct {
	common
	sender, cluster, origin, said uint32 // numbers of the words
	form                          string // of the records; empty where they are kept whole
	kept                          []int  // places of the tags that are kept, if there is a layout
	rest                          string // of all that have no agent_seq, if it is settled
	known, settled                bool
}

// alikes are those that came lately; a slot is a guess, which is checked.
type alikes [256]alike

// find gives the slot of an event, which is to be filled if it is not known.
func (l *alikes) find(e *event.Row, form string) *alike {
	h := hint(e.Source) + uint64(e.Event.Reason) + uint64(guess(e.Alarm)) + uint64(e.PRI)
	if e.Ending != nil {
		h += e.Ending.Hash
	} else {
		h += hint(e.Host) + hint(e.Signal) + uint64(guess(form))
	}
	i := h * 0x9e3779b97f4a7c15 >> 56 // Knuth, section 6.4
	if a := &l[i]; a.known && a.is(e, form) {
		return a
	}
	if a := &l[i^1]; a.known && a.is(e, form) {
		return a
	}
	l[i^1] = l[i]
	l[i].known = false
	return &l[i]
}

// is says whether the event has all this.
func (c *common) is(e *event.Row, form string) bool {
	if c.ending != e.Ending || c.layout != e.Layout || c.pri != e.PRI || c.severity != e.Severity || c.role != e.Role ||
		c.code != e.Event.Reason || c.hasCode != e.HasReason || c.hasPRI != e.HasPRI || c.truncated != e.Truncated || c.expected != e.Expected || c.timeSource != e.TimeSource {
		return false
	}
	return same(c.alarm, e.Alarm) && same(c.facility, e.Facility) && same(c.source, e.Source) && same(c.host, e.Host) &&
		same(c.reason, e.Names.Reason) && same(c.cause, e.Cause) && same(c.clock, e.Clock) && same(c.process, e.Process) &&
		same(c.state, e.State) && same(c.part, e.Part) && same(c.form, form) && (c.ending != nil || c.ends(&e.Event))
}

// ends says whether the event has what an ending would have.
func (c *common) ends(e *event.Event) bool {
	return same(c.cluster, e.Cluster) && same(c.node, e.Node) && same(c.appID, e.AppID) && same(c.signal, e.Signal) &&
		same(c.callState, e.CallState) && same(c.text, e.Text)
}

// commonOf is what the event has in common with others, to be kept.
func commonOf(e *event.Row, form string) common {
	own := func(s string) string { return lasting(&e.Event, s) }
	c := common{
		timeSource: e.TimeSource, clock: own(e.Clock), source: own(e.Source), host: own(e.Host), process: own(e.Process),
		pri: e.PRI, hasPRI: e.HasPRI, truncated: e.Truncated,
		facility: own(e.Facility), alarm: own(e.Alarm), severity: e.Severity, ending: e.Ending, state: own(e.State), part: own(e.Part),
		code: e.Event.Reason, hasCode: e.HasReason,
		role: e.Role, expected: e.Expected, reason: e.Names.Reason, cause: e.Cause, layout: e.Layout, form: form,
	}
	if e.Ending == nil {
		c.cluster, c.node, c.appID = own(e.Cluster), own(e.Node), own(e.AppID)
		c.signal, c.callState, c.text = own(e.Signal), own(e.CallState), own(e.Text)
	}
	return c
}

// lasting is a text of e, as a copy where it may be a part of the record or of what was made of it: the record's memory is used again.
// Of a record with a layout whatever is no part of it is kept by others too.
func lasting(e *event.Event, s string) string {
	from := uintptr(unsafe.Pointer(unsafe.StringData(s))) - uintptr(unsafe.Pointer(unsafe.StringData(e.Raw)))
	if e.Layout != 0 && from >= uintptr(len(e.Raw)) {
		return s
	}
	return strings.Clone(s)
}

// alikeTo gives what the columns have of the event and those like it.
func (r *eventRows) alikeTo(e *event.Row, form, spool string) *alike {
	a := r.recent.find(e, form)
	if a.known {
		return a
	}
	p := &r.packed
	*a = alike{common: commonOf(e, form), form: form, known: true}
	if e.Layout != 0 {
		a.form, a.kept = r.former.laidOut(&e.Event)
	}
	if len(r.said.words) >= maxForms {
		a.form = ""
	}
	a.cluster = r.cluster.numberOf(e.Cluster)
	a.origin = r.origin.numberOf(p.pack(e.Alarm, e.Node, e.AppID, p.number(e.Event.Reason, e.HasReason)))
	a.sender = r.sender.numberOf(p.pack(e.TimeSource.String(), e.Clock, e.Source, e.Host, e.Process,
		p.number(uint32(e.PRI), e.HasPRI), flagText(e.Truncated), spool))
	a.said = r.said.numberOf(p.pack(e.Facility, p.number(uint32(e.Severity), true), e.Signal, e.State, e.CallState, e.Text,
		e.Role.String(), flagText(e.Expected), e.Names.Reason, e.Cause, a.form, e.Part))
	if e.Ending != nil && e.Layout != 0 && !e.HasAgentSeq && a.form != "" && (len(a.kept) == 0 || a.kept[0] >= len(e.Tags)-len(e.Ending.Tags)) {
		a.rest, a.settled = strings.Clone(r.restOf(&e.Event, a)), true
	}
	return a
}
