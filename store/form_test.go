package store

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"flapwatch/event"
	"flapwatch/parse"
)

// parsed is an event as a parser finds it in a record: what it does not find is empty.
func parsed(raw string, at time.Time) *event.Row {
	e := &event.Row{Event: event.Event{Time: at, Received: at, TimeSource: event.FromMessage, Alarm: "A", Raw: raw}}
	if head, rest, found := strings.Cut(raw, ": "); found {
		for _, c := range head {
			if c >= '0' && c <= '9' && e.Seq < 1e8 {
				e.Seq, e.HasSeq = e.Seq*10+uint32(c-'0'), true
			}
		}
		e.Host, rest, _ = strings.Cut(rest, ": ")
		e.Claimed, _, _ = strings.Cut(rest, " : ")
	}
	for part := range strings.SplitSeq(raw, "[") {
		key, rest, found := strings.Cut(part, "=")
		value, _, closed := strings.Cut(rest, "]")
		if !found || !closed {
			continue
		}
		t := event.Tag{Key: key, Value: value, Unknown: strings.HasPrefix(key, "U")}
		if place, at, _ := placeOf(tagColumns[key]); place == atText {
			*at.text(&e.Event) = value
		}
		if key == "Reason" && len(value) == 1 && value[0] >= '0' && value[0] <= '9' {
			e.Event.Reason, e.HasReason = uint32(value[0]-'0'), true
		}
		e.Tags = append(e.Tags, t)
	}
	if i := strings.LastIndex(raw, "]: "); i >= 0 {
		e.Text = raw[i+3:]
	}
	return e
}

// restored is the record as the columns of a row give it back.
func restored(rows *eventRows, row int32) string {
	return rows.row(row).Raw
}

var records = []string{
	"<187>41679: ucm-01: Nov 20 2026 12:00:00.123 UTC :  %UC_CALLMANAGER-3-A: %[DeviceName=SEP0001][IPAddress=10.0.0.1][Reason=8]" +
		"[IPAddrAttributes=0][NodeID=ucm-01]: An endpoint has unregistered",
	"Nov 20 12:00:00 ucm-01 local7 3 ccm: 7: ucm-01: Nov 20 2026 12:00:00.123 CET :  %A: %[ DeviceName =x][Reason=08][UNKNOWN=]: ",
	"{seq} 1: {{: } : %[a={0}][b=}{][DeviceName={][DeviceName=}][=]",
	"1: 1: 1 : %[Reason=1][Reason=1][1=1]: 1",
	"1: h: %b %d %Y %H:%i:%S.%f UTC : %[a=\x1e\x1f\x1ee][c=\x00\xff]: \x1f",
	"",
}

// Whatever a record is, its row gives it back byte for byte, be it the first of its form or one of many.
func FuzzForm(f *testing.F) {
	for _, raw := range records {
		f.Add(raw, raw)
	}
	f.Add(records[0], records[1])
	f.Fuzz(func(t *testing.T, a, b string) {
		rows := new(eventRows)
		for i, raw := range []string{a, b, a, b} {
			e := parsed(raw, noon)
			rows.add(e, "spool\x1f", true)
			if got := restored(rows, int32(i)); got != raw {
				t.Fatalf("row %d gives\n%q\nwant\n%q\nform %q", i, got, raw, unfoldSaid(new(event.Row), rows.said.at(int32(i))))
			}
			if got := rows.row(int32(i)); got.Claimed != e.Claimed {
				t.Fatalf("time as sent is %q, want %q", got.Claimed, e.Claimed)
			}
		}
	})
}

// The same of what the parser finds in them, the layout included.
func FuzzParsedForm(f *testing.F) {
	line := "<187>41679: ucm-01.example.net: Jul 02 2015 06:22:31.123 UTC :  %UC_CALLMANAGER-3-EndPointUnregistered: " +
		"%[DeviceName=SEPE0D1730A8137][IPAddress=10.60.98.210][Protocol=SIP][DeviceType=592][Description=Halle 4 [Tor 12]: Süd][Reason=13]" +
		"[IPAddrAttributes=0][LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager][ClusterID=StandAloneCluster]" +
		"[NodeID=ucm-01]: An endpoint has unregistered"
	f.Add(line, strings.Replace(line, " :  %", " : %", 1))
	f.Add(line, strings.Replace(line, "10.60.98.210", "2001:db8::1", 1))
	f.Add(line, strings.Replace(line, "Reason=13", "Reason=013", 1))
	f.Add(line, strings.Replace(line, "NodeID=ucm-01", "NodeID=", 1))
	f.Add(line, strings.Replace(line, "Reason=13][IPAddrAttributes=0", "IPV6Address=x][IPV6AddrAttributes=1", 1))
	p := parse.New(nil)
	f.Fuzz(func(t *testing.T, a, b string) {
		rows := new(eventRows)
		for i, raw := range []string{a, b, a, b} {
			var e event.Row
			_, _ = p.Parse(raw, parse.Context{Received: noon}, &e.Event)
			rows.add(&e, "spool", true)
			if got := restored(rows, int32(i)); got != raw {
				t.Fatalf("row %d gives\n%q\nwant\n%q\nform %q", i, got, raw, unfoldSaid(new(event.Row), rows.said.at(int32(i))))
			}
		}
	})
}

// All records of a kind have one form, known by their layout or not, and nothing of them is kept besides but a tag.
func TestFormsAreFew(t *testing.T) {
	fleet, rows := newFleet(1000), new(eventRows)
	for i := range int32(1000) {
		e := fleet.next()
		e.Layout = event.Layout(i % 2)
		rows.add(e, "a", true)
		if got := restored(rows, i); got != e.Raw {
			t.Fatalf("row gives %q, want %q", got, e.Raw)
		}
	}
	forms := map[string]bool{}
	for _, word := range rows.said.words[1:] {
		forms[unfoldSaid(new(event.Row), word)] = true
	}
	const want = "<187>{seq}: {host}: {claimed} :  %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName={device}][IPAddress={ip}]" +
		"[Protocol={protocol}][DeviceType={device_type}][Description={description}][Reason={reason}][IPAddrAttributes={0}]" +
		"[LastSignalReceived={signal}][AppID={app_id}][ClusterID={cluster}][NodeID={node}]: {text}"
	if !forms[want] || len(forms) != 1 {
		t.Errorf("forms %v", forms)
	}
	for i := range int32(1000) {
		if got, want := rows.rest.string(i), "\x1f\x1f\x1fIPAddrAttributes\x1f0"; got != want {
			t.Fatalf("%q is kept besides, want %q", got, want)
		}
	}
}

// A layout is not believed where the record is written otherwise, nor taken for that of another header.
func TestLayouts(t *testing.T) {
	const claimed = "Nov 20 2026 12:00:00.123 UTC"
	rows := new(eventRows)
	for i, e := range []*event.Row{
		{Event: event.Event{Raw: "<187>1: h: " + claimed + " :  %F-3-A: %: x", PRI: 187, Seq: 1, HasSeq: true, Host: "h", Facility: "F", Severity: 3, Alarm: "A", Text: "x"}},
		{Event: event.Event{Raw: "<187>2: h: " + claimed + " :  %F-3-B: %: y", PRI: 187, Seq: 2, HasSeq: true, Host: "h", Facility: "F", Severity: 3, Alarm: "B", Text: "y"}},
		{Event: event.Event{Raw: "<187>3: h: " + claimed + " :  %F-4-B: %: y", PRI: 187, Seq: 3, HasSeq: true, Host: "h", Facility: "F", Severity: 4, Alarm: "B", Text: "y"}},
		{Event: event.Event{Raw: "<187>4: h: " + claimed + " : %F-3-C: %: y", PRI: 187, Seq: 4, HasSeq: true, Host: "h", Facility: "F", Severity: 3, Alarm: "C", Text: "y"}},
		{Event: event.Event{Raw: "<86>5: h: " + claimed + " :  %F-3-A: %: x", PRI: 86, Seq: 5, HasSeq: true, Host: "h", Facility: "F", Severity: 3, Alarm: "A", Text: "x"}},
		{Event: event.Event{Raw: "<187>6: h: Nov 20 2026 12:00:00 UTC :  %F-3-D: %: y", PRI: 187, Seq: 6, HasSeq: true, Host: "h", Facility: "F", Severity: 3, Alarm: "D", Text: "y", Claimed: "Nov 20 2026 12:00:00 UTC"}},
	} {
		e.Layout, e.Time = 1, noon
		if e.Claimed == "" {
			e.Claimed = claimed
		}
		rows.add(e, "a", true)
		if got := restored(rows, int32(i)); got != e.Raw {
			t.Errorf("row gives %q, want %q", got, e.Raw)
		}
	}
	if n := len(rows.former.layouts.list); n != 4 {
		t.Errorf("%d layouts are believed, want 4", n)
	}
}

// The memory of records is used again once they are added: nothing in the columns, nor in what is remembered to compare the next with,
// may be a part of it. The records here lie in the same memory and differ where it is not seen at a glance.
func TestRecordsAreLetGo(t *testing.T) {
	rows, p, memory := new(eventRows), parse.New(nil), make([]byte, 1024)
	var lines []string
	for _, form := range []string{"<187>", "<189>7: : : ", "Nov 20 12:00:00 ucm-01 local7 3 ccm: "} {
		for _, host := range []string{"aaaaaaaaXbbbbbbbbbbbbbbbbbbbbbbb", "aaaaaaaaYbbbbbbbbbbbbbbbbbbbbbbb"} {
			lines = append(lines, form+"41679: "+host+": Nov 20 2026 12:00:00.123 UTC :  %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName=SEP000000000001]"+
				"[IPAddress=10.60.98.210][Protocol=SIP][DeviceType=592][Description=Hall][Reason=13][LastSignalReceived="+host+"]"+
				"[AppID=Cisco CallManager][ClusterID=C][NodeID=ucm-01]: An endpoint has unregistered")
		}
	}
	for n := range int32(6 * len(lines)) {
		line := lines[int(n)%len(lines)]
		copy(memory, line)
		var e event.Row
		if status, err := p.Parse(unsafe.String(&memory[0], len(line)), parse.Context{Received: noon, Source: "10.0.0.1"}, &e.Event); status != event.Alarm {
			t.Fatal(err)
		}
		rows.add(&e, "a", false)
	}
	clear(memory)
	for n := range int32(6 * len(lines)) {
		got, line := rows.row(n), lines[int(n)%len(lines)]
		if got.Raw != line || !strings.Contains(line, got.Host) || got.Signal != got.Host || len(got.Host) != 32 {
			t.Errorf("row %d gives\n%q, want\n%q\nhost %q, signal %q", n, got.Raw, line, got.Host, got.Signal)
		}
	}
}

// Forms that are long or many are not worth one: their records are kept whole.
func TestRecordsWithoutForm(t *testing.T) {
	rows := new(eventRows)
	long := strings.Repeat("x", maxForm+1)
	rows.add(parsed(long, noon), "a", true)
	if !strings.HasSuffix(rows.rest.string(0), long) || restored(rows, 0) != long {
		t.Error("a long record is not kept whole")
	}
	for i := range maxForms + 10 {
		raw := strings.Repeat("y", i%70) + strings.Repeat("z", i/70)
		rows.add(parsed(raw, noon), "a", true)
		if got := restored(rows, int32(i+1)); got != raw {
			t.Fatalf("row gives %q, want %q", got, raw)
		}
	}
	if n := len(rows.said.words); n > maxForms+1 {
		t.Errorf("%d words", n)
	}
}
