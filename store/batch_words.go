package store

import "flapwatch/event"

// senderWords are the values of the column sender, in their order.
type senderWords struct {
	timeSource                   event.TimeSource
	clock, source, host, process string
	pri                          uint8
	hasPRI, truncated            bool
	spool                        string
}

func (w senderWords) pack(p *packed) {
	p.text(w.timeSource.String())
	p.text(w.clock)
	p.text(w.source)
	p.text(w.host)
	p.text(w.process)
	p.number(uint32(w.pri), w.hasPRI)
	p.flag(w.truncated)
	p.text(w.spool)
}

func (w senderWords) of(v []string) senderWords {
	w.clock, w.source, w.host, w.process, w.spool = v[1], v[2], v[3], v[4], v[7]
	return w
}

// saidWords are those of the column said.
type saidWords struct {
	facility                       string
	severity                       uint8
	signal, state, callState, text string
	role                           event.Role
	expected                       bool
	reason, cause, form            string
}

func (w saidWords) pack(p *packed) {
	p.text(w.facility)
	p.number(uint32(w.severity), true)
	p.text(w.signal)
	p.text(w.state)
	p.text(w.callState)
	p.text(w.text)
	p.text(w.role.String())
	p.flag(w.expected)
	p.text(w.reason)
	p.text(w.cause)
	p.text(w.form)
}

func (w saidWords) of(v []string) saidWords {
	w.facility, w.signal, w.state, w.callState, w.text = v[0], v[2], v[3], v[4], v[5]
	w.reason, w.cause, w.form = v[8], v[9], v[10]
	return w
}
