package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	syslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"
	"pgregory.net/rapid"

	"flapwatch/event"
)

// differ compares an event with what go-syslog, strict, makes of the same line.
func differ(line string, e *event.Event, m *syslog.Base) string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	switch {
	case !e.HasPRI || e.PRI != *m.Priority:
		return fmt.Sprint("pri ", e.PRI)
	case e.Host != text(m.Hostname):
		return fmt.Sprintf("host %q, not %q", e.Host, text(m.Hostname))
	case e.Process != text(m.Appname):
		return fmt.Sprintf("process %q, not %q", e.Process, text(m.Appname))
	case e.Text != strings.TrimSpace(text(m.Message)):
		return fmt.Sprintf("text %q, not %q", e.Text, text(m.Message))
	case m.Timestamp != nil && e.Time.Format("01-02 15:04:05.000000") != m.Timestamp.UTC().Format("01-02 15:04:05.000000"):
		return fmt.Sprintf("time %v, not %v", e.Time, m.Timestamp)
	}
	return ""
}

// TestAgainstGoSyslog: where go-syslog understands a line of the operating system too, both say the same.
func TestAgainstGoSyslog(t *testing.T) {
	p := New(nil)
	bsd, ietf := rfc3164.NewMachine(), rfc5424.NewMachine()
	name := rapid.StringMatching(`[a-z][a-z0-9_.-]{0,20}[a-z0-9]`)
	word := rapid.StringMatching(`[A-Za-z0-9 ,.()=/'_-]{0,60}`)
	zone := rapid.SampledFrom([]string{"Z", "+02:00", "-05:30"})
	rapid.Check(t, func(t *rapid.T) {
		pri := rapid.IntRange(0, 191).Draw(t, "pri")
		at := time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "at"), 0).UTC()
		host, program, text := name.Draw(t, "host"), name.Draw(t, "program"), "x "+word.Draw(t, "text")+" x"
		pid := rapid.IntRange(1, 99999).Draw(t, "pid")
		var line string
		var m syslog.Message
		var err error
		if rapid.Bool().Draw(t, "ietf") {
			line = fmt.Sprintf("<%d>1 %s%s %s %s %d - - %s", pri, at.Format("2006-01-02T15:04:05.000"), zone.Draw(t, "zone"), host, program, pid, text)
			m, err = ietf.Parse([]byte(line))
		} else {
			line = fmt.Sprintf("<%d>%s %s %s[%d]: %s", pri, at.Format(time.Stamp), host, program, pid, text)
			m, err = bsd.Parse([]byte(line))
		}
		if err != nil || m == nil {
			t.Skip("go-syslog does not read it")
		}
		var base *syslog.Base
		switch m := m.(type) {
		case *rfc5424.SyslogMessage:
			base = &m.Base
		case *rfc3164.SyslogMessage:
			base = &m.Base
		}
		var e event.Event
		if _, err := p.Parse(line, Context{Received: received}, &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Alarm == "" {
			if d := differ(line, &e, base); d != "" {
				t.Fatalf("%s: %s", line, d)
			}
		}
	})
}

// TestRelayed: an alarm behind any relay's header is the alarm without it, the host of an alarm that names none aside.
func TestRelayed(t *testing.T) {
	p := New(knownKeys(t))
	inner := strings.TrimPrefix(seedLine, "<187>")
	var want, e event.Event
	if _, err := p.Parse(seedLine, Context{Received: received}, &want); err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{
		"<187>Jul  2 08:22:31 10.60.1.12 ", "<187>Jul 12 08:22:31 relay.example.net ", "<187>1 2015-07-02T06:22:31.5Z 10.60.1.12 ucm - - - ",
		"<187>1 2015-07-02T06:22:31.5+02:00 10.60.1.12 ucm 1 ID [a@1 b=\"c]: d\"][e@1 f=\"\\\"\"] ", "<187>1 - - - - - - ",
		"Jul  2 08:22:31 10.60.1.12 ", "2015-07-02T08:22:31.500000+02:00 10.60.1.12 ", "2015-07-02 08:22:31 10.60.1.12 ", "411 <187>",
	} {
		if _, err := p.Parse(header+inner, Context{Received: received}, &e); err != nil {
			t.Fatalf("%s: %v", header, err)
		}
		e.Identify(event.Alarm, "")
		want.Identify(event.Alarm, "")
		if e.ID != want.ID || e.Host != want.Host || e.Seq != want.Seq || !e.Time.Equal(want.Time) || e.Claimed != want.Claimed || e.Text != want.Text || e.HasAgentSeq {
			t.Errorf("%s: %+v", header, e)
		}
	}
}

// TestMachinePanics: a machine that panics, and one that answers nothing, cost the record its relay's host and no more.
func TestMachinePanics(t *testing.T) {
	p := New(nil)
	for _, machine := range []syslog.Machine{nil, silent{}} {
		p.relay = relays{bsd: machine, ietf: machine}
		for _, line := range []string{"<187>Jul  2 08:22:31 relay 1: uc: Jul 02 2015 06:22:31 UTC : %UC_A-3-B: x", "<187>1 - relay - - - - 1: uc: Jul 02 2015 06:22:31 UTC : %UC_A-3-B: x"} {
			var e event.Event
			if status, err := p.Parse(line, Context{Received: received}, &e); status != event.Alarm || err != nil || e.Host != "uc" || e.Seq != 1 {
				t.Errorf("%s: %v, %v, %+v", line, status, err, e)
			}
		}
	}
}

// silent answers as go-syslog does to some lines.
type silent struct{ syslog.BestEfforter }

func (silent) Parse([]byte) (syslog.Message, error) { return nil, nil }
