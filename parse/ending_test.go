package parse

import (
	"fmt"
	"strings"
	"testing"

	"flapwatch/event"
)

// Records that end alike share an Ending from the third on, whatever comes between, and say what they say without.
func TestEndings(t *testing.T) {
	const nodes = 3 * len(endings{}.known) // more than are remembered
	p := New(knownKeys(t))
	parse := func(node, phone int, old, new string) *event.Event {
		line := strings.NewReplacer("uc-ucm-01]", fmt.Sprintf("node-%d]", node), "SEPE0D1730A8137", fmt.Sprintf("SEP%012X", phone), old, new).Replace(floodLine)
		var e event.Event
		status, err := p.Parse(line, Context{Received: received}, &e)
		sound(t, line, status, err, &e)
		bothWays(t, p, &e, status)
		return &e
	}
	parse(0, 0, "", "")
	parse(0, 1, "", "")
	first := parse(0, 2, "", "")
	if first.Ending == nil || first.Layout == 0 || first.Device != "SEP000000000002" {
		t.Fatalf("the third record has ending %+v, layout %x, device %q", first.Ending, first.Layout, first.Device)
	}
	for _, other := range []struct{ old, new string }{
		{"Tor 12", "Tor 13"}, {"Reason=13", "Reason=8"}, {"[Reason=13]", "[Reason=13][MACAddress=E0D1730A8137]"}, {"<187>", "<189>"},
	} {
		if e := parse(0, 3, other.old, other.new); e.Ending != first.Ending {
			t.Errorf("with %s the ending is another", other.new)
		}
	}
	for _, other := range []struct{ old, new string }{
		{"registered", "Registered"}, {"AppID=Cisco CallManager", "AppID=Cisco CTIManager"}, {"][ClusterID", "] [ClusterID"}, {"An end", "[An] end"},
	} {
		for range 4 {
			if e := parse(0, 4, other.old, other.new); e.Ending == first.Ending {
				t.Errorf("with %s the ending is the same", other.new)
			}
		}
	}
	if e := parse(0, 5, "Halle 4", "Halle\x014"); e.Ending != nil {
		t.Error("a record with a control character has an ending")
	}
	for i := range 6 * nodes {
		parse(i%nodes, i, "", "")
	}
	for i, k := range p.endings.known {
		if k != nil && len(k.bytes) > longestEnding {
			t.Errorf("place %d holds %d bytes", i, len(k.bytes))
		}
	}
	long := strings.Repeat("x", longestEnding)
	for range 4 {
		if e := parse(0, 6, "An end", long+"An end"); e.Ending != nil {
			t.Error("a long end is remembered")
		}
	}
}
