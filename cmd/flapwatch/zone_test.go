package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestZonesOf asks for senders of nested networks, for strangers and for a file.
func TestZonesOf(t *testing.T) {
	var list []senderZone
	for _, text := range []string{"10.0.0.0/8=Europe/Berlin", "America/New_York", "10.1.0.0/16=Asia/Kolkata", "2001:db8::/32=Asia/Tokyo"} {
		var z senderZone
		if err := z.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if z.String() != text {
			t.Errorf("%s is written as %s", text, z)
		}
		list = append(list, z)
	}
	f := func(list []senderZone, source, want string) {
		t.Helper()
		if got := zonesOf(list)(source).String(); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
	f(list, "10.2.3.4", "Europe/Berlin")
	f(list, "10.1.3.4", "Asia/Kolkata")
	f(list, "::ffff:10.1.3.4", "Asia/Kolkata")
	f(list, "2001:db8::1", "Asia/Tokyo")
	f(list, "192.0.2.1", "America/New_York")
	f(list, "AlternateSyslog", "America/New_York")
	if zone := zonesOf(list[:1])("192.0.2.1"); zone != nil {
		t.Errorf("a stranger's zone is %s", zone)
	}
	if zonesOf(nil) != nil {
		t.Error("a choice among nothing")
	}
	for _, text := range []string{"", "Nowhere", "10.1.0.0/16", "10.1.0.0/16=", "10.1.0.0/16=Nowhere", "host=Europe/Berlin"} {
		if new(senderZone).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestDecodeZone reads a time without a zone as UTC, and as what --zone says.
func TestDecodeZone(t *testing.T) {
	const line = "Jul 02 2026 08:22:31.123: %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName=SEP001122334455][NodeID=a]: x"
	f := func(want string, args ...string) {
		t.Helper()
		out, log, exit := once(t, "", append([]string{"decode", "--json", line}, args...)...)
		var answer struct{ Event struct{ Time string } }
		if err := json.Unmarshal([]byte(out), &answer); err != nil || exit != 0 || answer.Event.Time != want {
			t.Errorf("%v: %d, %v, %s, want %s\n%s", args, exit, err, answer.Event.Time, want, log)
		}
	}
	f("2026-07-02T08:22:31.123Z")
	f("2026-07-02T06:22:31.123Z", "--zone", "Europe/Berlin")
	if _, log, exit := once(t, "", "decode", line, "--zone", "Nowhere"); exit != 2 || !strings.Contains(log, "Europe/Berlin") {
		t.Errorf("a zone that does not exist: %d\n%s", exit, log)
	}
}
