package store

import (
	"context"
	"reflect"
	"testing"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// oldEvent is a row as the schema of steps 1 to 3 holds it.
const oldEvent = `
INSERT INTO events (cluster, device, time, alarm, node, app_id, ip, reason, seq, time_source, claimed, clock, lag, source, host,
    process, pri, agent_seq, facility, severity, mac, ipv6, protocol, description, device_type, model, signal, state, call_state,
    part, text, truncated, tags, raw, role, expected, reason_name, cause, spool, range_end)
VALUES ('C', 'SEP1', '2026-11-20 12:00:00.123', 'A', 'n', 'app', '10.0.0.1', 0, 7, 'message', '% x \x1f', '*', 40, 's\x1e', 'h',
    'ccm', 187, 5, 'UC', 3, 'mac', '::1', 'SIP', 'caf\xe9', 592, 'Cisco 3905', 'sig', 'st', 'cs',
    '1/2', 'words', true, {'a': '1', 'UNKNOWN_PARAMNAME:b': '2'}, 'r{aw', 'down', true, 'KeepAliveTimeout', 'lost', 'spool', 9)`

// What a folder of the schema before holds is there afterwards, and what was written is still known.
func TestMigrateCarriesEventsAlong(t *testing.T) {
	steps, err := readSteps()
	if err != nil {
		t.Fatal(err)
	}
	options := clickhousetest.Open(t)
	old := connect(t, options)
	if err := old.migrate(context.Background(), steps[:3]); err != nil {
		t.Fatal(err)
	}
	exec(t, old, oldEvent)
	exec(t, old, "INSERT INTO unparsed (received_at, id, source, error, position, raw) VALUES ('2026-11-20 12:00:00.123', '0123456789abcdef', 's', 'e', 1, 'r')")
	s := reopen(t, options)
	want := event.Row{Event: event.Event{
		Cluster: "C", Device: "SEP1", Time: noon, Received: noon.Add(40e6), Alarm: "A", Node: "n", AppID: "app", IP: "10.0.0.1",
		HasReason: true, Seq: 7, HasSeq: true, TimeSource: event.FromMessage, Claimed: "% x \x1f", Clock: "*", Source: "s\x1e", Host: "h",
		Process: "ccm", PRI: 187, HasPRI: true, AgentSeq: 5, HasAgentSeq: true, Facility: "UC", Severity: 3, MAC: "mac", IPv6: "::1",
		Protocol: "SIP", Description: "caf\xe9", DeviceType: 592, HasDeviceType: true, Signal: "sig", State: "st", CallState: "cs",
		Part: "1/2", Text: "words", Truncated: true, Tags: []event.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2", Unknown: true}},
		Raw: "r{aw",
	}, Names: event.Names{Role: event.Down, Expected: true, Reason: "KeepAliveTimeout", Cause: "lost", Model: "Cisco 3905"}}
	want.Identify(event.Alarm, "")
	all := allEvents(t, s, event.Filter{})
	if len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		t.Fatalf("read\n%+v\nwant\n%+v", all, want)
	}
	commit(t, s, "another", 0, 1, []*event.Row{&want}, event.Counts{Duplicate: 1})
	b := s.Begin("another", 1)
	b.Import(new(event.Counts))
	b.AddUnparsed(&event.Event{ID: event.ID([]byte("0123456789abcdef")), Received: noon, Source: "s", Raw: "r"}, 1, "e")
	if got, err := b.Commit(t.Context(), 2, event.Counts{}); err != nil || got.Duplicate != 1 {
		t.Errorf("a line of before: %+v, %v", got, err)
	}
}
