package parse

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"flapwatch/event"
)

// render writes an event as the CiscoLog message that says the same, escaped as CiscoLog asks for.
func render(e *event.Event) string {
	var b strings.Builder
	if e.HasPRI {
		fmt.Fprintf(&b, "<%d>", e.PRI)
	}
	if e.HasAgentSeq {
		fmt.Fprintf(&b, "%d: : %s: ", e.AgentSeq, e.Process)
	}
	if e.HasSeq {
		fmt.Fprintf(&b, "%d: ", e.Seq)
	}
	if e.Host != "" && e.HasSeq && digits(e.Host) < len(e.Host) {
		b.WriteString(e.Host + ": ")
	}
	if e.TimeSource == event.FromReceipt {
		b.WriteString(noClock)
	} else {
		b.WriteString(e.Clock + e.Time.Format("Jan 02 2006 15:04:05.000 UTC"))
	}
	fmt.Fprintf(&b, " :  %%%s-%d-%s: ", e.Facility, e.Severity, e.Alarm)
	for i, t := range e.Tags {
		if i == 0 {
			b.WriteByte('%')
		}
		b.WriteByte('[')
		if t.Unknown {
			b.WriteString("UNKNOWN_PARAMNAME:")
		}
		b.WriteString(t.Key + "=" + escape.Replace(t.Value) + "]")
	}
	if len(e.Tags) > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Text)
	return b.String()
}

// sound checks what holds of every event, whatever was sent.
func sound(t *testing.T, raw string, status event.Status, err error, e *event.Event) {
	t.Helper()
	if (err != nil) != (status == event.Unparsed) {
		t.Errorf("status %v with error %v", status, err)
	}
	if place, ok := err.(*Error); err != nil && (!ok || place.Offset < 0 || place.Offset > len(raw)) {
		t.Errorf("error %v of %d bytes", err, len(raw))
	}
	if e.Raw != raw {
		t.Error("raw changed")
	}
	if e.Severity > 7 || e.PRI > 191 || status == event.Alarm && e.Alarm == "" || len(e.Tags) > maxTags {
		t.Errorf("severity %d, pri %d, alarm %q, %d tags", e.Severity, e.PRI, e.Alarm, len(e.Tags))
	}
	if y := e.Time.Year(); y < 1969 || y > 2262 || e.Time.Location() != time.UTC || e.TimeSource == event.FromReceipt && !e.Time.Equal(received) {
		t.Errorf("time %v from %v", e.Time, e.TimeSource)
	}
	if !strings.Contains(raw, e.Claimed) && !strings.Contains(joinLines(raw), e.Claimed) {
		t.Errorf("claimed %q was not sent", e.Claimed)
	}
	if e.Layout != 0 {
		laidOut(t, e)
	}
	fields := []string{
		e.Host, e.Process, e.Facility, e.Alarm, e.Device, e.MAC, e.IP, e.IPv6, e.Protocol, e.Description, e.Signal, e.State, e.CallState,
		e.AppID, e.Cluster, e.Node, e.Part, e.Text, e.Claimed,
	}
	for _, tag := range e.Tags {
		fields = append(fields, tag.Key, tag.Value)
		if tag.Key == "" || strings.TrimSpace(tag.Value) != tag.Value && strings.TrimFunc(tag.Value, func(c rune) bool { return c < 0x80 && unicode.IsSpace(c) }) != tag.Value {
			t.Errorf("tag %q=%q", tag.Key, tag.Value)
		}
	}
	for _, f := range fields {
		if !utf8.ValidString(f) {
			t.Errorf("%q is not UTF-8", f)
		}
	}
}

// laidOut checks what a layout promises: that the record is its fields and nothing else.
func laidOut(t *testing.T, e *event.Event) {
	t.Helper()
	gap := " :  "
	if e.Layout&event.OneSpace != 0 {
		gap = " : "
	}
	b := fmt.Appendf(nil, "<%d>%d: %s: %s%s%%%s-%d-%s: %%", e.PRI, e.Seq, e.Host, e.Claimed, gap, e.Facility, e.Severity, e.Alarm)
	fields := map[string]string{
		"DeviceName": e.Device, "MACAddress": e.MAC, "IPAddress": e.IP, "IPV6Address": e.IPv6, "Protocol": e.Protocol,
		"Description": e.Description, "DeviceType": fmt.Sprint(e.DeviceType), "Reason": fmt.Sprint(e.Reason),
		"LastSignalReceived": e.Signal, "CallState": e.CallState, "AppID": e.AppID, "ClusterID": e.Cluster, "NodeID": e.Node,
	}
	for _, tag := range e.Tags {
		if field, has := fields[tag.Key]; has && field != tag.Value || tag.Unknown {
			t.Errorf("layout %x: tag %+v, field %q", e.Layout, tag, field)
		}
		b = fmt.Appendf(b, "[%s=%s]", tag.Key, tag.Value)
	}
	if got := e.Time.Format("Jan 02 2006 15:04:05.000 UTC"); got != e.Claimed {
		t.Errorf("layout %x: %s is claimed of %s", e.Layout, e.Claimed, got)
	}
	if got := string(append(b, ": "+e.Text...)); got != e.Raw || !e.HasPRI || !e.HasSeq {
		t.Errorf("layout %x of\n%q says\n%q", e.Layout, e.Raw, got)
	}
}

// bothWays checks that e, made of its record in the shortest way, is what the long way makes of it.
func bothWays(t *testing.T, p *Parser, e *event.Event, status event.Status) {
	t.Helper()
	var slow event.Event
	if s, err := p.parse(e.Raw, Context{Received: received}, &slow, true); s != status {
		t.Errorf("the long way: status %v and %v, want %v", s, err, status)
	}
	if slow.Layout != 0 {
		t.Error("the long way knows a layout")
	}
	slow.Layout, slow.Ending = e.Layout, e.Ending
	if reflect.DeepEqual(*e, slow) {
		return
	}
	if got, want := fmt.Sprintf("%+v", *e), fmt.Sprintf("%+v", slow); got != want { // nil and empty are the same
		t.Errorf("the short way:\n got %s\nwant %s", got, want)
	}
}

// FuzzParse: the short ways say the same as the long one, and what is understood of a tagged alarm can be written as CiscoLog
// again, and then says the same.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/derived.jsonl", "testdata/real.jsonl", "testdata/own.jsonl"} {
		for _, s := range samples(f, path) {
			f.Add(s.Raw)
		}
	}
	f.Add(floodLine)
	f.Add(cjkLine)
	for usual, unusual := range map[string]string{"Jul 02": "JUL 02", "06:22:31": "06:22:60", "[AppID": "[IPV6Address=::1][AppID"} {
		f.Add(strings.Replace(seedLine, usual, unusual, 1))
	}
	p := New(knownKeys(f))
	f.Fuzz(func(t *testing.T, raw string) {
		var e event.Event
		var status event.Status
		for range 3 { // at last with an end that is known
			var err error
			e = event.Event{}
			status, err = p.Parse(raw, Context{Received: received}, &e)
			sound(t, raw, status, err, &e)
			bothWays(t, p, &e, status)
		}
		if status != event.Alarm || e.Truncated || len(e.Tags) == 0 || len(e.Tags) == maxTags || !cucmFacility(e.Facility) || !speakable(p, &e) {
			return
		}
		var again event.Event
		line := render(&e)
		if _, err := p.Parse(line, Context{Received: received}, &again); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want := spoken(e)
		if got := spoken(again); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n got %+v\nwant %+v", line, got, want)
		}
	})
}

// speakable tells whether an event can be written as CiscoLog without doubt: its free texts have no control characters, it does
// not hold a message of its own, and no parameter comes twice and none that is not known behind a Description, which are taken
// for parts of it.
func speakable(p *Parser, e *event.Event) bool {
	seen := map[string]bool{}
	for i, t := range e.Tags {
		if seen[t.Key] || i > 0 && fieldOf(e.Tags[i-1].Key) == description && !p.keys.known[t.Key] {
			return false
		}
		seen[t.Key] = true
		if strings.ContainsFunc(t.Value+t.Key, unicode.IsControl) || fieldOf(t.Key) == alert {
			return false
		}
	}
	return !strings.ContainsFunc(e.Text+e.Facility, unicode.IsControl) && !strings.ContainsAny(e.Text+e.Process, "[]") && all(e.Process+"x", hostByte)
}

// spoken is an event without what render does not keep: the time beyond milliseconds, the way the time was written, host and
// process where the message has none.
func spoken(e event.Event) event.Event {
	e.Raw, e.Layout, e.Ending, e.Claimed, e.TimeSource, e.Time = "", 0, nil, "", 0, e.Time.Truncate(time.Millisecond)
	e.Process, e.Host, e.Clock = "", "", ""
	if _, named := e.Tag("NodeID"); !named {
		e.Node = ""
	}
	if e.Node == "" || slices.ContainsFunc(e.Tags, func(t event.Tag) bool { return fieldOf(t.Key) == node && t.Value == "" }) {
		e.Node = ""
	}
	e.Tags = slices.Clone(e.Tags)
	return e
}

// FuzzTags: values survive, escaped as CiscoLog asks for, in any order; a Description survives as CUCM sends it, unescaped.
func FuzzTags(f *testing.F) {
	f.Add("SEP1", "Lobby [2nd floor]", "x", uint32(13))
	f.Add("SEP1", "a][Reason=8", "]", uint32(0))
	f.Add("a\\b", "][NodeID=x]: y", "[Reason=1]", uint32(1<<32-1))
	f.Add("", "x][Reason=8][AppID=a][NodeID=b]: gone", "\\", uint32(5))
	p := New(knownKeys(f))
	parse := func(t *testing.T, list string) *event.Event {
		var e event.Event
		raw := "<187>1: uc: Jul 02 2015 06:22:31.123 UTC : %UC_CALLMANAGER-3-EndPointUnregistered: %" + list + ": Gone"
		status, err := p.Parse(raw, Context{Received: received}, &e)
		sound(t, raw, status, err, &e)
		if status != event.Alarm {
			t.Fatalf("%q: %v", raw, status)
		}
		return &e
	}
	f.Fuzz(func(t *testing.T, device, text, other string, reason uint32) {
		for _, s := range []string{device, text, other} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) || strings.Contains(s, codedEqual) {
				t.Skip()
			}
		}
		e := parse(t, fmt.Sprintf("[DeviceName=%s][UserID=%s][Reason=%d][NodeID=uc]", escape.Replace(device), escape.Replace(other), reason))
		user, _ := e.Tag("UserID")
		if e.Device != strings.Trim(device, " ") || user != strings.Trim(other, " ") || !e.HasReason || e.Reason != reason || len(e.Tags) != 4 {
			t.Errorf("escaped: device %q, user %q, reason %d of %+v", e.Device, user, e.Reason, e.Tags)
		}
		if strings.ContainsAny(text, `"<>\&%`) {
			return // CUCM does not allow them in a Description
		}
		e = parse(t, fmt.Sprintf("[DeviceName=SEP1][DeviceType=592][Description=%s][Reason=%d][AppID=a][ClusterID=c][NodeID=uc]", text, reason))
		if e.Description != strings.Trim(text, " ") || e.Reason != reason || e.Node != "uc" || e.AppID != "a" || e.Text != "Gone" || e.DeviceType != 592 {
			t.Errorf("as sent: %q, want %q; reason %d of %+v", e.Description, text, e.Reason, e.Tags)
		}
	})
}

// FuzzTime: a time that is understood, written in CiscoLog's own form, is the same time.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"Jul 02 2015 06:22:31.123 UTC", "Jul 02 2015 06:22:31 UTC", "Dec 22 2015 20:12:57.1 UTC", "Oct 14 2015 05:50:19 AM.484 UTC", "Jun 14 11:57:27 PM.685 UTC",
		"*Feb 14 2003 01:02:03.005 EST", ".Jun 22 2003 05:11:52.525 -0300", noClock, "2015-07-02T08:22:31.500000+02:00", "03/15/2011 10:22:33.123", "Feb 29 12:00:00 PM UTC",
		"Jul 02, 2015 06:22:31.123 utc", "Jul 02 2015 06:22:31 GMT+05:30", "Jul 02 06:22:31 UTC-0300 2015",
	} {
		f.Add(s)
	}
	p := New(nil)
	f.Fuzz(func(t *testing.T, s string) {
		var e event.Event
		raw := "<187>1: uc: " + s + " : %UC_A-3-B: x"
		status, err := p.Parse(raw, Context{Received: received}, &e)
		sound(t, raw, status, err, &e)
		bothWays(t, p, &e, status)
		if status != event.Alarm || e.TimeSource == event.FromReceipt || e.Time.Year() < 1970 || e.Time.Year() > 2261 {
			return
		}
		again := "<187>1: uc: " + e.Clock + e.Time.Format("Jan 02 2006 15:04:05.000 UTC") + " : %UC_A-3-B: x"
		at := e.Time.Truncate(time.Millisecond)
		if _, err := p.Parse(again, Context{Received: received}, &e); err != nil || !e.Time.Equal(at) || e.TimeSource != event.FromMessage {
			t.Errorf("%q gave %v, then %v", s, at, e.Time)
		}
	})
}

// FuzzRecords: records lie one behind the other in the file, none is longer than allowed, and between them nothing is left out
// but line breaks, unless the record was cut. However the file is read, they are the same.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("<14>a\n<14>b\r\n\n<14>c"), uint16(100))
	f.Add([]byte("Jun 17 16:14:24 hcm local7 2 : 15: hcm.net:\nJun 17 2019 14:14:24.808 UTC : %UC_A-2-B : %[AppID=C]: x\n"), uint16(60))
	f.Add([]byte("\xff\xfe<\x001\x004\x00>\x00a\x00\n\x00\xd8\x3d"), uint16(50))
	f.Add([]byte("\"a,\n\"b\"\n\"c\"\n"), uint16(8))
	f.Fuzz(func(t *testing.T, file []byte, size uint16) {
		max := int(size)%2000 + 1
		wide := bytes.HasPrefix(file, []byte("\xff\xfe")) || bytes.HasPrefix(file, []byte("\xfe\xff"))
		var first []string
		for _, in := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file))} {
			r := NewRecords(in, max)
			var all []string
			end := 0
			if bytes.HasPrefix(file, []byte("\ufeff")) {
				end = len("\ufeff")
			}
			cut := false
			for r.Next() {
				at, text := int(r.Offset()), r.Text()
				all = append(all, fmt.Sprint(at, r.Cut(), string(text)))
				if len(text) == 0 || len(text) > max {
					t.Fatalf("record of %d bytes, %d allowed", len(text), max)
				}
				if wide {
					continue
				}
				if at < end || at+len(text) > len(file) || !bytes.Equal(file[at:at+len(text)], text) {
					t.Fatalf("%q is not at %d", text, at)
				}
				if left := bytes.Trim(file[end:at], "\r\n\x00"); !cut && len(left) > 0 {
					t.Fatalf("%q left out", left)
				}
				end, cut = at+len(text), r.Cut()
			}
			if left := bytes.Trim(file[min(end, len(file)):], "\r\n\x00"); !wide && !cut && len(left) > 0 {
				t.Fatalf("%q left out at the end", left)
			}
			if len(r.buf) > 2000+peek+readSize+1 {
				t.Fatalf("buffer of %d bytes", len(r.buf))
			}
			if first == nil {
				first = all
			} else if !slices.Equal(first, all) {
				t.Fatalf("%q, byte by byte %q", first, all)
			}
		}
	})
}
