package ingest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"flapwatch/event"
	"flapwatch/reasons"
)

// TestNamer asks for names in a random order, of few values so that they return and share slots, and wants what the catalogue says.
func TestNamer(t *testing.T) {
	catalogue, err := reasons.New()
	if err != nil {
		t.Fatal(err)
	}
	words := Words{catalogue}
	n := namer{words: words}
	random := rand.New(rand.NewPCG(1, 2))
	one := func(list ...string) string { return list[random.IntN(len(list))] }
	seen := map[event.Names]bool{}
	for range 20_000 {
		e := event.Event{
			Alarm:  one("EndPointUnregistered", "EndPointRegistered", "EndPointTransientConnection", "DeviceUnregistered", "Nothing", ""),
			Signal: one("SIPStationDPrimaryLineTimeout", "SIPConnControlInd", "", strings.Repeat("x", 300)), Protocol: one("SIP", "SCCP", ""),
			State: one("", "1", "wait_register"), Device: one("SEPE0D1730A8137", "CSFmiller", "ATA0D1730A8137", ""),
			Reason: uint32(random.IntN(30)), HasReason: random.IntN(4) > 0, DeviceType: uint32(590 + random.IntN(100)), HasDeviceType: random.IntN(4) > 0,
		}
		got, want := n.of(&e), words.Names(&e)
		if got != want {
			t.Fatalf("%+v: %+v, want %+v", e, got, want)
		}
		seen[want] = true
	}
	if len(seen) < 100 {
		t.Errorf("%d different answers: nothing was tested", len(seen))
	}
	for i := range n.recent {
		if d := &n.recent[i]; len(d.alarm)+len(d.signal)+len(d.protocol)+len(d.state) > longest {
			t.Errorf("%d bytes are remembered", len(d.signal))
		}
	}
}
