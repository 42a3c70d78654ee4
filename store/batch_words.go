package store

import (
	"strings"
	"unsafe"

	"flapwatch/event"
)

// senderWords are the values of the column sender, in their order.
type senderWords struct {
	timeSource                   event.TimeSource
	clock, source, host, process string
	pri                          uint8
	hasPRI, truncated            bool
	spool                        string
}

func (w senderWords) pack(p *packed) []byte {
	return p.pack(false, w.timeSource.String(), w.clock, w.source, w.host, w.process, p.number(uint32(w.pri), w.hasPRI), flagText(w.truncated), w.spool)
}

func (w senderWords) lasting(e *event.Event) senderWords {
	w.clock, w.source, w.host, w.process = lasting(e, w.clock), lasting(e, w.source), lasting(e, w.host), lasting(e, w.process)
	return w
}

// saidWords are those of the column said. Where there is an ending, signal, callState and text are those of it.
type saidWords struct {
	facility                       string
	severity                       uint8
	ending                         *event.Ending
	signal, state, callState, text string
	role                           event.Role
	expected                       bool
	reason, cause, form            string
}

func saidBy(e *event.Row, form string) saidWords {
	w := saidWords{
		facility: e.Facility, severity: e.Severity, ending: e.Ending, state: e.State,
		role: e.Role, expected: e.Expected, reason: e.Names.Reason, cause: e.Cause, form: form,
	}
	if e.Ending == nil {
		w.signal, w.callState, w.text = e.Signal, e.CallState, e.Text
	}
	return w
}

func (w *saidWords) hint() uint64 {
	if w.ending != nil {
		return uint64(guess(w.form)) + w.ending.Hash + hint(w.reason)
	}
	return uint64(guess(w.form)) + hint(w.signal) + hint(w.reason)
}

func (w saidWords) pack(p *packed) []byte {
	if w.ending != nil {
		w.signal, w.callState, w.text = w.ending.Signal, w.ending.CallState, w.ending.Text
	}
	return p.pack(false, w.facility, p.number(uint32(w.severity), true), w.signal, w.state, w.callState, w.text,
		w.role.String(), flagText(w.expected), w.reason, w.cause, w.form)
}

func (w saidWords) lasting(e *event.Event) saidWords {
	w.facility, w.signal, w.state = lasting(e, w.facility), lasting(e, w.signal), lasting(e, w.state)
	w.callState, w.text = lasting(e, w.callState), lasting(e, w.text)
	return w
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
