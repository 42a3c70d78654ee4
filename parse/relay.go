package parse

import (
	"fmt"

	syslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"

	"flapwatch/event"
)

// relays are the machines for headers that a relay put in front. They know nothing of what follows such a header: the message
// itself is always read from the bytes of the record.
type relays struct {
	bsd, ietf syslog.Machine
}

func newRelays() relays {
	return relays{bsd: rfc3164.NewMachine(rfc3164.WithBestEffort()), ietf: rfc5424.NewMachine(rfc5424.WithBestEffort())}
}

// maxRelay is how much of a record the machines get to see.
const maxRelay = 2048

// relayed reads host and, in RFC 5424, APP-NAME from the header of a relay, if s, which begins behind the PRI, has one. Relays
// take the number of an alarm for its program name.
func (r *record) relayed(s string) {
	if !r.e.HasPRI || len(s) < 8 {
		return
	}
	switch {
	case isDigit(s[0]) && s[1] == ' ':
		if m, ok := message(r.p.relay.ietf, r.e.PRI, s).(*rfc5424.SyslogMessage); ok && m != nil {
			r.fromRelay(&m.Base)
		}
	case isAlpha(s[0]) && month(s) > 0:
		if m, ok := message(r.p.relay.bsd, r.e.PRI, s).(*rfc3164.SyslogMessage); ok && m != nil && m.Hostname != nil {
			r.setHost(*m.Hostname)
		}
	}
}

// message gives what machine makes of s behind its PRI, nil if nothing: it may answer with neither message nor error, and is
// not trusted not to panic.
func message(machine syslog.Machine, pri uint8, s string) (m syslog.Message) {
	defer func() {
		if recover() != nil {
			m = nil
		}
	}()
	m, _ = machine.Parse(fmt.Appendf(nil, "<%d>%.*s", pri, maxRelay, s))
	return m
}

func (r *record) fromRelay(m *syslog.Base) {
	if m.Hostname != nil {
		r.setHost(*m.Hostname)
	}
	if m.Appname != nil {
		if n, ok := number(*m.Appname, 1<<32); ok {
			r.e.Seq, r.e.HasSeq = uint32(n), true
		} else {
			r.e.Process = *m.Appname
		}
	}
}

// ietf reads the whole of an RFC 5424 message without a CiscoLog header, and gives where its MSG begins, 0 where it is none.
func (r *record) ietf(s string) int {
	m, ok := message(r.p.relay.ietf, r.e.PRI, s).(*rfc5424.SyslogMessage)
	if !ok || m == nil || m.Timestamp == nil {
		return 0
	}
	r.fromRelay(&m.Base)
	r.e.Time, r.e.TimeSource = m.Timestamp.UTC(), event.FromMessage
	if m.Message == nil {
		return len(s)
	}
	return min(len(s), maxRelay) - len(*m.Message)
}
