package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// oldEvents are rows as the schema holds them after so many steps: in 41 columns, and in 20.
var oldEvents = map[int]string{3: `
INSERT INTO events (cluster, device, time, alarm, node, app_id, ip, reason, seq, time_source, claimed, clock, lag, source, host,
    process, pri, agent_seq, facility, severity, mac, ipv6, protocol, description, device_type, model, signal, state, call_state,
    part, text, truncated, tags, raw, role, expected, reason_name, cause, spool, range_end)
VALUES ('C', 'SEP1', '2026-11-20 12:00:00.123', 'A', 'n', 'app', '10.0.0.1', 0, 7, 'message', '% x \x1f', '*', 40, 's\x1e', 'h',
    'ccm', 187, 5, 'UC', 3, 'mac', '::1', 'SIP', 'caf\xe9', 592, 'Cisco 3905', 'sig', 'st', 'cs',
    '1/2', 'words', true, {'a': '1', 'UNKNOWN_PARAMNAME:b': '2'}, 'r{aw', 'down', true, 'KeepAliveTimeout', 'lost', 'spool', 9)`, 6: `
INSERT INTO events (cluster, device, time, alarm, node, app_id, ip, reason, seq, claimed, lag, agent_seq, part, tags, raw, range_end, sender, phone, said)
SELECT 'C', 'SEP1', '2026-11-20 12:00:00.123', 'A', 'n', 'app', '10.0.0.1', 0, 7, '% x \x1f', 40, 5,
    '1/2', map('a', '1', 'UNKNOWN_PARAMNAME:b', '2'), 'r{aw', 9,
    concat('message\x1f*\x1f', 's\x1ee', '\x1fh\x1fccm\x1f187\x1f1\x1fspool'), concat('mac\x1f::1\x1fSIP\x1f', 'caf\xe9', '\x1f592\x1fCisco 3905'),
    'UC\x1f3\x1fsig\x1fst\x1fcs\x1fwords\x1fdown\x1f1\x1fKeepAliveTimeout\x1flost\x1f'`}

// What a folder of a schema before holds is there afterwards, and what was written is still known.
func TestMigrateCarriesEventsAlong(t *testing.T) {
	for steps := range oldEvents {
		t.Run(fmt.Sprint(steps, " steps"), func(t *testing.T) { carryAlong(t, steps) })
	}
}

// upto gives a database of the schema after so many steps.
func upto(t *testing.T, n int) (*Store, *clickhouse.Options) {
	t.Helper()
	steps, err := readSteps()
	if err != nil {
		t.Fatal(err)
	}
	options := clickhousetest.Open(t)
	s := connect(t, options)
	if err := s.migrate(context.Background(), steps[:n]); err != nil {
		t.Fatal(err)
	}
	return s, options
}

func carryAlong(t *testing.T, steps int) {
	old, options := upto(t, steps)
	exec(t, old, oldEvents[steps])
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

// withoutForm are columns of 20 with what was usual and what was not, in the order of their numbers.
const withoutForm = `
INSERT INTO events (cluster, device, time, seq, given_id, claimed, agent_seq, part, tags, raw, sender, phone, said)
SELECT 'C', 'SEP1', toDateTime64('2026-11-20 12:00:00', 3, 'UTC'), number, '', ['%b %d %Y %H:%i:%S.%f UTC', '', '%b %d %Y %H:%i:%S.%f CET', '%%%', 'x'][number + 1],
    if(number = 1, 0, NULL), if(number = 2, 'p\x1f\x1e', ''),
    [map(), map('', ''), map('k\x1f', '\x1e', 'k\x1f', '\xff'), map(), map()][number + 1], if(number = 4, '\x1ef\x1f\0', ''),
    'message', '', concat('UC\x1f3\x1f\x1f\x1f\x1f\x1fdown\x1f\x1f\x1f\x1f', if(number = 4, '', '<1>: {claimed}'))
FROM numbers(5)`

// What was in columns of its own is given back, be it empty, absent, or what separates values, by the names as by the store.
func TestMigrateFoldsColumns(t *testing.T) {
	old, options := upto(t, 6)
	exec(t, old, withoutForm)
	const named = `SELECT arrayStringConcat(groupArray(hex(toString((seq, claimed, agent_seq, part, tags, raw, form, reason, alarm, device)))), ' ')
FROM (SELECT * FROM (SELECT seq, claimed, agent_seq, part, tags, raw, form, reason, alarm, device FROM events) ORDER BY seq)`
	before := scan[string](t, old, named)
	s := reopen(t, options)
	if after := scan[string](t, s, named); after != before {
		t.Errorf("by name\n%s, before\n%s", after, before)
	}
	var got []string
	for _, e := range allEvents(t, s, event.Filter{}) {
		row := fmt.Sprintf("%d %q %d %v %q %q", e.Seq, e.Claimed, e.AgentSeq, e.HasAgentSeq, e.Part, e.Raw)
		for _, tag := range e.Tags {
			row += fmt.Sprintf(" %q=%q", tag.Key, tag.Value)
		}
		got = append(got, row)
	}
	slices.Sort(got)
	want := []string{
		`0 "Nov 20 2026 12:00:00.000 UTC" 0 false "" "<1>: Nov 20 2026 12:00:00.000 UTC"`,
		`1 "" 0 true "" "<1>: " ""=""`,
		`2 "Nov 20 2026 12:00:00.000 CET" 0 false "p\x1f\x1e" "<1>: Nov 20 2026 12:00:00.000 CET" "k\x1f"="\x1e" "k\x1f"="\xff"`,
		`3 "%" 0 false "" "<1>: %"`,
		`4 "x" 0 false "" "\x1ef\x1f\x00"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := scan[uint64](t, s, "SELECT countIf(rest = '') FROM events"); n != 1 {
		t.Errorf("%d rows have nothing besides, want 1", n)
	}
}

// Whoever keeps rows for longer than is usual loses none while the table is written anew.
func TestMigrateKeepsOldRows(t *testing.T) {
	old, options := upto(t, 6)
	exec(t, old, "ALTER TABLE events MODIFY TTL toDateTime(time + toIntervalMillisecond(lag)) + toIntervalSecond(1500000000)")
	exec(t, old, "INSERT INTO events (cluster, device, time, seq) VALUES ('C', 'SEP1', '2011-11-20 12:00:00', 1)")
	steps, err := readSteps()
	if err != nil {
		t.Fatal(err)
	}
	if err := old.migrate(context.Background(), steps[:7]); err != nil {
		t.Fatal(err)
	}
	exec(t, old, "OPTIMIZE TABLE events FINAL")
	if all := allEvents(t, reopen(t, options), event.Filter{}); len(all) != 1 {
		t.Errorf("%d rows are left", len(all))
	}
}
