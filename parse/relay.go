package parse

import (
	"fmt"
	"strconv"
	"strings"

	syslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"
)

// relays are the machines for headers that a relay put in front. They know nothing of what follows such a header: the message
// itself is always read from the bytes of the record.
type relays struct {
	bsd, ietf syslog.Machine
	input     []byte // of the last call
}

func newRelays() relays {
	return relays{bsd: rfc3164.NewMachine(rfc3164.WithBestEffort()), ietf: rfc5424.NewMachine(rfc5424.WithBestEffort())}
}

// maxRelay is how much of a record the machines get to see.
const maxRelay = 2048

// relayed reads the header that a relay put in front of s, which begins behind the PRI, and gives what follows it.
func (r *record) relayed(s string) string {
	if !r.e.HasPRI || len(s) < 8 {
		return s
	}
	switch {
	case isDigit(s[0]) && s[1] == ' ':
		m, behind := r.ietf(s)
		if m != nil {
			r.fromRelay(&m.Base)
		}
		return s[behind:]
	case isAlpha(s[0]) && month(s) > 0:
		m, _ := r.p.relay.message(r.p.relay.bsd, r.e.PRI, s)
		if m, ok := m.(*rfc3164.SyslogMessage); ok && m != nil && m.Hostname != nil {
			r.setHost(*m.Hostname)
		}
	}
	return s
}

// ietf reads an RFC 5424 header, and gives where the MSG behind it begins: nowhere but at 0 if the header cannot be read to
// its end.
func (r *record) ietf(s string) (m *rfc5424.SyslogMessage, behind int) {
	parsed, err := r.p.relay.message(r.p.relay.ietf, r.e.PRI, s)
	m, ok := parsed.(*rfc5424.SyslogMessage)
	switch {
	case !ok || m == nil || err != nil:
		return m, 0
	case m.Message == nil:
		return m, len(s)
	}
	behind = min(len(s), maxRelay) - len(*m.Message)
	return m, len(s) - len(strings.TrimPrefix(s[behind:], mark)) // RFC 5424 section 6.4
}

// message gives what machine makes of s behind its PRI. It may answer with neither message nor error, and is not trusted not
// to panic.
func (r *relays) message(machine syslog.Machine, pri uint8, s string) (m syslog.Message, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			m, err = nil, fmt.Errorf("panic: %v", cause)
		}
	}()
	r.input = append(strconv.AppendUint(append(r.input[:0], '<'), uint64(pri), 10), '>')
	r.input = append(r.input, s[:min(len(s), maxRelay)]...) // the machine copies what it takes of it
	return machine.Parse(r.input)
}

// fromRelay takes host and APP-NAME. Relays take the number of an alarm for its program's name.
func (r *record) fromRelay(m *syslog.Base) {
	if m.Hostname != nil {
		r.setHost(*m.Hostname)
	}
	if m.Appname == nil {
		return
	}
	if n, ok := number(*m.Appname, 1<<32); ok {
		r.e.Seq, r.e.HasSeq = uint32(n), true
	} else {
		r.setProcess(*m.Appname)
	}
}
