package parse

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"flapwatch/event"
)

// parseOne parses raw with everything at its default.
func parseOne(t testing.TB, raw string) (event.Status, *event.Event, error) {
	t.Helper()
	var e event.Event
	status, err := New(knownKeys(t)).Parse(raw, Context{Received: received}, &e)
	return status, &e, err
}

// TestCut cuts good messages at every byte and looks at what is still understood: a field is whole or it is empty.
func TestCut(t *testing.T) {
	p := New(knownKeys(t))
	for _, s := range samples(t, "testdata/derived.jsonl") {
		var whole event.Event
		status, err := p.Parse(s.Raw, Context{Received: received}, &whole)
		if err != nil {
			t.Fatal(err)
		}
		if whole.Truncated || whole.Facility[0] == 'C' { // the last value of a flat body may be whole or cut
			continue
		}
		list := strings.Index(s.Raw, ": %[")
		for n := range len(s.Raw) {
			inside := n > list && n < len(trimEnd(s.Raw))-len(whole.Text)-2
			cutAt(t, p, s.ID, s.Raw[:n], &whole, inside && status == event.Alarm)
		}
	}
}

func cutAt(t *testing.T, p *Parser, id, raw string, whole *event.Event, alarm bool) {
	t.Helper()
	var e event.Event
	status, err := p.Parse(raw, Context{Received: received}, &e)
	if err != nil && (status != event.Unparsed || err.(*Error).Offset > len(raw)) {
		t.Fatalf("%s cut at %d: %v with error %v", id, len(raw), status, err)
	}
	if alarm && (status != event.Alarm || !e.Truncated) {
		t.Errorf("%s cut at %d: %v, truncated %v", id, len(raw), status, e.Truncated)
	}
	for name, pair := range map[string][2]string{
		"device": {e.Device, whole.Device}, "ip": {e.IP, whole.IP}, "ipv6": {e.IPv6, whole.IPv6}, "mac": {e.MAC, whole.MAC},
		"protocol": {e.Protocol, whole.Protocol}, "signal": {e.Signal, whole.Signal}, "state": {e.State, whole.State},
		"app": {e.AppID, whole.AppID}, "cluster": {e.Cluster, whole.Cluster}, "alarm": {e.Alarm, whole.Alarm},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			t.Errorf("%s cut at %d: %s %q, whole %q", id, len(raw), name, pair[0], pair[1])
		}
	}
	if e.HasReason && (e.Reason != whole.Reason || !whole.HasReason) || e.HasDeviceType && e.DeviceType != whole.DeviceType {
		t.Errorf("%s cut at %d: reason %d, type %d", id, len(raw), e.Reason, e.DeviceType)
	}
	if status == event.Alarm && e.Node != "" && e.Node != whole.Node && e.Node != whole.Host {
		t.Errorf("%s cut at %d: node %q", id, len(raw), e.Node)
	}
	if !strings.HasPrefix(whole.Description, e.Description) && e.Description != "" {
		t.Errorf("%s cut at %d: description %q", id, len(raw), e.Description)
	}
}

func TestLatin1(t *testing.T) {
	f := func(sent, want string) {
		t.Helper()
		raw := strings.Replace(seedLine, "Phone", sent, 1)
		_, e, err := parseOne(t, raw)
		if err != nil || e.Description != want || e.Raw != raw || e.Reason != 13 {
			t.Errorf("%q: %q, reason %d, %v; want %q", sent, e.Description, e.Reason, err, want)
		}
	}
	f("B\xfcro 3", "Büro 3")
	f("B\xc3\xbcro 3", "Büro 3")
	f("\xe9", "é")
	f("\xe4\xbc\x9a \xfc", "会 ü") // mixed: what is UTF-8 stays
	f("a\xa0b", "a\u00a0b")
}

// TestCutRune cuts inside a character.
func TestCutRune(t *testing.T) {
	raw := strings.Replace(seedLine, "Phone", "会議室", 1)
	_, e, _ := parseOne(t, raw[:strings.Index(raw, "室")+2])
	if e.Description != "会議" || !e.Truncated {
		t.Errorf("%q", e.Description)
	}
}

func TestYear(t *testing.T) {
	p := New(nil)
	f := func(now, sent, want string) {
		t.Helper()
		at, err := time.Parse(time.DateTime, now)
		if err != nil {
			t.Fatal(err)
		}
		var e event.Event
		_, _ = p.Parse("<187>1: a: "+sent+" UTC : %CCM_A-A-3-B: x", Context{Received: at}, &e)
		if got := e.Time.Format(time.DateTime); got != want || e.TimeSource != event.FromMessageNoYear {
			t.Errorf("%s at %s: %s (%v), want %s", sent, now, got, e.TimeSource, want)
		}
	}
	f("2026-01-01 00:00:05", "Dec 31 23:59:59", "2025-12-31 23:59:59")
	f("2025-12-31 23:59:58", "Jan 01 00:00:03", "2026-01-01 00:00:03") // the sender's clock is ahead
	f("2026-07-01 00:00:00", "Jul 02 06:22:31", "2026-07-02 06:22:31")
	f("2026-07-01 00:00:00", "Jan 02 06:22:31", "2026-01-02 06:22:31") // 180 days back, 185 ahead
	f("2026-07-05 00:00:00", "Jan 02 06:22:31", "2027-01-02 06:22:31") // 184 days back, 181 ahead
	f("2024-03-01 00:00:00", "Feb 29 06:22:31", "2024-02-29 06:22:31")
	f("2025-03-01 00:00:00", "Feb 29 06:22:31", "2024-02-29 06:22:31") // 366 days back, 1,095 ahead
	f("2027-03-01 00:00:00", "Feb 29 06:22:31", "2028-02-29 06:22:31")
}

func TestSenderZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	p := New(nil)
	f := func(zone *time.Location, sent, want string) {
		t.Helper()
		var e event.Event
		_, _ = p.Parse(sent, Context{Received: received, Zone: zone}, &e)
		if got := e.Time.Format(time.DateTime); got != want {
			t.Errorf("%s in %v: %s, want %s", sent, zone, got, want)
		}
	}
	f(nil, "Jul 02 2026 08:22:31.123: %UC_A-3-B: x", "2026-07-02 08:22:31")
	f(berlin, "Jul 02 2026 08:22:31.123: %UC_A-3-B: x", "2026-07-02 06:22:31")
	f(berlin, "Jan 02 2026 08:22:31.123: %UC_A-3-B: x", "2026-01-02 07:22:31")
	f(berlin, "Jul 02 2026 08:22:31.123 UTC : %UC_A-3-B: x", "2026-07-02 08:22:31")
	f(berlin, "Jul  2 08:22:31 cucm local7 6 Cisco: x", "2026-07-02 06:22:31")
	f(kolkata, "Jul 02 2026 11:52:31 IST : %UC_A-3-B: x", "2026-07-02 06:22:31") // its own name for its own zone
	f(berlin, "Jul 02 2026 11:52:31 IST : %UC_A-3-B: x", received.Format(time.DateTime))
}

// TestOtherTimes reads forms that say one thing only, though CUCM does not send them; what could be two stays with the receive time.
func TestOtherTimes(t *testing.T) {
	p := New(nil)
	f := func(sent, want string) {
		t.Helper()
		var e event.Event
		_, _ = p.Parse("<187>1: uc: "+sent+" : %UC_A-3-B: x", Context{Received: received}, &e)
		got := e.Time.Format(time.DateTime)
		if e.TimeSource == event.FromReceipt {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, want %q", sent, got, want)
		}
	}
	f("Jul 02 2026 06:22:31.123 utc", "2026-07-02 06:22:31")
	f("Jul 02 2026 06:22:31.123 gmt", "2026-07-02 06:22:31")
	f("Jul 02 2026 11:52:31.123 GMT+05:30", "2026-07-02 06:22:31")
	f("Jul 02 2026 11:52:31.123 UTC+0530", "2026-07-02 06:22:31")
	f("Jul 02 2026 03:22:31.123 GMT-03:00", "2026-07-02 06:22:31")
	f("Jul 02, 2026 06:22:31.123 UTC", "2026-07-02 06:22:31")
	f("Jul 2, 2026 6:22:31 AM UTC", "2026-07-02 06:22:31")
	f("Jul 02 11:52:31 GMT+05:30 2026", "2026-07-02 06:22:31")
	f("Jul 02 2026 11:52:31.123 GMT+5", "") // of POSIX, west of Greenwich, or of others, east
	f("Jul 02 2026 11:52:31.123 GMT+15:00", "")
	f("Jul 02 2026 11:52:31.123 UTC+", "")
	f("Jul 02 2026 11:52:31.123 EST+05:30", "")
	f("Jul 02 2026 11:52:31.123 utcx", "")
	f("Jul 02,, 2026 06:22:31.123 UTC", "")
}

// TestIsPlain puts every byte at every place.
func TestIsPlain(t *testing.T) {
	for n := range 70 {
		b := []byte(strings.Repeat("a", n+1))
		for c := range 256 {
			b[n] = byte(c)
			if got, want := isPlain(string(b)), c >= ' ' && c < 0x80 && c != '\\'; got != want {
				t.Fatalf("%#x at %d: %v", c, n, got)
			}
			b[n] = 'a'
		}
		for s, want := range map[string]bool{"ü": true, "\u00a0": true, "会": true, "🕿": true, "\xe4\xbc": false, "\xbc": false, "ü\n": false, "\\ü": false} {
			for _, behind := range []int{0, 1, 7, 8, 50} {
				if got := isPlain(string(b[:n]) + s + strings.Repeat("a", behind)); got != want {
					t.Fatalf("%q at %d, %d behind: %v", s, n, behind, got)
				}
			}
		}
	}
}

// TestBothWays puts odd bytes at every place of lines that take the short ways, in place of a byte and before it, and leaves every
// byte out: whether a line still takes them or not, the long way says the same.
func TestBothWays(t *testing.T) {
	p := New(knownKeys(t))
	long := strings.Replace(seedLine, "[IPAddrAttributes=0]", "[MACAddress=E0D1730A8137][IPV6Address=::1][IPAddrAttributes=0][IPV6AddrAttributes=3]", 1)
	try := func(line string) {
		var e event.Event
		status, _ := p.Parse(line, Context{Received: received}, &e)
		bothWays(t, p, &e, status)
	}
	brackets := strings.Replace(seedLine, "=Phone]", "=a]: b [c] ]d]", 1)
	for _, line := range []string{seedLine, long, floodLine, cjkLine, brackets} {
		try(line)
		for i := range len(line) {
			try(line[:i] + line[i+1:])
			for _, odd := range []string{" ", "[", "]", ":", "%", "\\", "=", "0", "x", "(", "\n", "\x00", "é", "\xe4", "][Reason=8"} {
				try(line[:i] + odd + line[i+1:])
				try(line[:i] + odd + line[i:])
			}
			if t.Failed() {
				t.Fatalf("at byte %d", i)
			}
		}
	}
}

// TestClones parses in several goroutines at once, for the race detector.
func TestClones(t *testing.T) {
	p := New(knownKeys(t))
	all := samples(t, "testdata/derived.jsonl")
	var wait sync.WaitGroup
	for range 4 {
		own := p.Clone()
		wait.Go(func() {
			for _, s := range all {
				var e event.Event
				if _, err := own.Parse(s.Raw, Context{Received: received}, &e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// TestNoAllocation: the two copies that CUCM sends of an alarm, with an event that was used before.
func TestNoAllocation(t *testing.T) {
	p := New(knownKeys(t))
	var e event.Event
	for _, line := range []string{seedLine, floodLine, cjkLine, strings.Replace(seedLine, "<187>", "<187>10499: : : ", 1)} {
		n := testing.AllocsPerRun(100, func() { _, _ = p.Parse(line, Context{Received: received}, &e) })
		if n != 0 {
			t.Errorf("%v allocations for %s", n, line)
		}
	}
}

// TestReuse: nothing of one record is left in the next.
func TestReuse(t *testing.T) {
	p := New(knownKeys(t))
	var e event.Event
	_, _ = p.Parse(seedLine, Context{Received: received, Source: "a"}, &e)
	_, err := p.Parse("", Context{Received: received}, &e)
	var place *Error
	if !errors.As(err, &place) || e.Device != "" || e.HasReason || len(e.Tags) != 0 || e.Node != "" || e.Source != "" || e.Raw != "" {
		t.Errorf("%v: %+v", err, e)
	}
}

// TestHostile feeds what takes most work and looks at the bytes allocated: the work itself shows in the benchmark.
func TestHostile(t *testing.T) {
	p := New(knownKeys(t))
	var e event.Event
	for name, raw := range hostile() {
		_, _ = p.Parse(raw, Context{Received: received}, &e)
		most := uint64(math.MaxUint64)
		for range 3 { // other goroutines of the test binary allocate too
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = p.Parse(raw, Context{Received: received}, &e)
			runtime.ReadMemStats(&after)
			most = min(most, after.TotalAlloc-before.TotalAlloc)
		}
		if limit := uint64(8*len(raw) + 64<<10); most > limit {
			t.Errorf("%s: %d bytes allocated for %d", name, most, len(raw))
		}
	}
}

// hostile are records of 64 KiB of the same over and over, behind a good header and bare.
func hostile() map[string]string {
	const size = 64 << 10
	fill := func(start, s string) string { return (start + strings.Repeat(s, size/len(s)+1))[:size] }
	all := map[string]string{}
	header := "<187>1: a: Jul 02 2015 06:22:31.123 UTC : %UC_A-3-B: "
	for _, s := range []string{
		"%", "%UC_", "%UC_A-3-", "%UC_A-3-B", "%AB-3-C:", "[", "]", "][", "[]", "[a=", "[a=]", "[a=b]", "[Reason=1]", "[Description=", "][Reason=", "Reason",
		"[Reason", "[NodeID=x]:", "]:", "] [", "\\]", "\\", ":", ": ", "Device name.:", "Node ID:", " - ", "AbCd - ", "AbCd - Node ID:", "|AlarmName:A,", "12:34:56 ",
		"Jul 02 2015 06:22:31 ", "||", "1||", "\xff", "\xe4\xbc", "\n", " \n", "\x00", "1: ", "a: ", "UNKNOWN_PARAMNAME:", "C", "UC_", "_", "MatchedEvent", "%[AlertDetail=",
		"[AlertDetail=%[", "[AppID=]", "%61", "[a%61b]", "Description:", "Reason Code:1 ", "[optional]", "[optional].", "\"", "\",", "<1>", "Jul  2 08:22:31 a ", "1 - - - ",
	} {
		all["bare "+s] = fill("", s)
		all["text "+s] = fill(header, s)
		all["list "+s] = fill(header+"%[DeviceName=x][Description=", s)
		all["alert "+s] = fill(header+"%[AlertName=x][AlertDetail=", s)
		all["relay "+s] = fill("<187>Jul  2 08:22:31 ", s)
		all["5424 "+s] = fill("<187>1 2015-07-02T06:22:31.5Z a b c d [x@1 a=\"", s)
	}
	return all
}

func BenchmarkHostile(b *testing.B) {
	p := New(knownKeys(b))
	var e event.Event
	for name, raw := range hostile() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = p.Parse(raw, Context{Received: received}, &e)
			}
		})
	}
}
