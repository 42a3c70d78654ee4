package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// interrupted writes rows as a commit does that is killed before the counts.
func interrupted(t *testing.T, s *Store, spool string, first, next uint64, rows []*event.Row) {
	t.Helper()
	b := s.Begin(spool, first)
	for _, row := range rows {
		b.Add(row)
	}
	ctx := context.Background()
	if err := errors.Join(b.Decide(ctx, next, event.Counts{}), b.Write(ctx)); err != nil {
		t.Fatal(err)
	}
}

// check compares what is stored and counted.
func check(t *testing.T, s *Store, events int, want event.Counts) {
	t.Helper()
	all := allEvents(t, s, event.Filter{})
	ids := map[event.ID]bool{}
	for _, row := range all {
		ids[row.ID] = true
	}
	if len(all) != events || len(ids) != events {
		t.Errorf("%d events with %d ids are read, want %d", len(all), len(ids), events)
	}
	got, err := s.Totals(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
}

func TestSameRangeTwice(t *testing.T) {
	s := open(t)
	for range 2 {
		commit(t, s, "a", 0, 100, samples(0, 100), event.Counts{Stored: 100})
	}
	check(t, s, 100, event.Counts{Received: 100, Stored: 100})
	commit(t, s, "a", 100, 110, samples(95, 105), event.Counts{Stored: 5, Duplicate: 5})
}

// A commit whose answer is lost is tried again by the same batch, or by another process from the same frame.
func TestCommitAgain(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	rows := samples(0, 100)
	commit(t, s, "a", 0, 100, rows, event.Counts{Stored: 100})
	commit(t, reopen(t, options), "a", 0, 100, rows, event.Counts{Stored: 100})
	check(t, s, 100, event.Counts{Received: 100, Stored: 100})

	b := s.Begin("a", 100)
	for _, row := range samples(100, 200) {
		b.Add(row)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Commit(gone, 200, event.Counts{}); !errors.Is(err, event.ErrUnavailable) {
		t.Fatalf("commit without a connection: %v", err)
	}
	for range 2 {
		if err := b.writeEvents(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Commit(context.Background(), 200, event.Counts{}); err != nil {
		t.Fatal(err)
	}
	check(t, s, 200, event.Counts{Received: 200, Stored: 200})
}

// What an interrupted commit left belongs to the ranges that take its place, whatever their ends.
func TestInterrupted(t *testing.T) {
	for name, fresh := range map[string]bool{"same process": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			options := clickhousetest.Open(t)
			s := reopen(t, options)
			commit(t, s, "a", 0, 100, samples(0, 100), event.Counts{Stored: 100})
			interrupted(t, s, "a", 100, 200, samples(100, 200))
			interrupted(t, s, "a", 100, 250, samples(100, 250))
			if fresh {
				s = reopen(t, options)
			}
			commit(t, s, "a", 100, 150, samples(100, 150), event.Counts{Stored: 50})
			if fresh {
				s = reopen(t, options)
			}
			// 150 to 199 are left over from two interrupted commits, 120 to 129 were committed, 260 comes twice.
			rows := slices.Concat(samples(150, 300), samples(120, 130), samples(260, 261))
			commit(t, s, "a", 150, 311, rows, event.Counts{Received: 161, Stored: 150, Duplicate: 11})
			check(t, s, 300, event.Counts{Received: 311, Stored: 300, Duplicate: 11})
			ranges, err := s.Committed(context.Background(), "a", 100)
			if want := []event.Range{{First: 100, Next: 150}, {First: 150, Next: 311}}; err != nil || !slices.Equal(ranges, want) {
				t.Errorf("committed ranges %v, %v; want %v", ranges, err, want)
			}
		})
	}
}

// The same, after the copies were merged into one.
func TestInterruptedAndMerged(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	interrupted(t, s, "a", 0, 200, samples(0, 200))
	commit(t, reopen(t, options), "a", 0, 150, samples(0, 150), event.Counts{Stored: 150})
	if err := s.conn.Exec(context.Background(), "OPTIMIZE TABLE events FINAL"); err != nil {
		t.Fatal(err)
	}
	commit(t, reopen(t, options), "a", 150, 350, samples(0, 200), event.Counts{Stored: 50, Duplicate: 150})
	check(t, s, 200, event.Counts{Received: 350, Stored: 200, Duplicate: 150})
}

func TestDuplicates(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	commit(t, s, "a", 0, 30, slices.Concat(samples(0, 20), samples(10, 20)), event.Counts{Stored: 20, Duplicate: 10})
	commit(t, s, "a", 30, 60, samples(10, 40), event.Counts{Stored: 20, Duplicate: 10})
	s = reopen(t, options) // remembers nothing
	commit(t, s, "a", 60, 110, samples(0, 50), event.Counts{Stored: 10, Duplicate: 40})
	commit(t, s, "b", 0, 60, samples(0, 60), event.Counts{Stored: 10, Duplicate: 50})
	check(t, s, 60, event.Counts{Received: 170, Stored: 60, Duplicate: 110})
}

// An event without a time of its own has that of its receipt, which is another when a file is read again.
func TestDuplicateWithoutTime(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	at := func(received time.Time) []*event.Row {
		row := sample(0)
		row.TimeSource, row.Time, row.Received = event.FromReceipt, received, received
		row.Identify(event.Alarm, "digest/17")
		return []*event.Row{row}
	}
	commit(t, s, "a", 0, 1, at(noon), event.Counts{Stored: 1})
	commit(t, s, "a", 1, 2, at(noon.AddDate(0, 3, 0)), event.Counts{Duplicate: 1})
	commit(t, reopen(t, options), "a", 2, 3, at(noon.AddDate(0, 0, 1)), event.Counts{Duplicate: 1})
	check(t, s, 1, event.Counts{Received: 3, Stored: 1, Duplicate: 2})
}

// Lines of a file are duplicates when they come again, also with the receipt that they had; those that an interrupted commit left
// are not.
func TestDuplicateLines(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	received := time.Now() // other lines are kept for a week
	read := func(first uint64) (*Batch, *event.Counts) {
		b, c := s.Begin("a", first), new(event.Counts)
		b.Import(c)
		for n := range 3 {
			e := sample(n).Event
			e.Received = received
			e.Identify(event.Unparsed, fmt.Sprint("file/", n))
			b.AddUnparsed(&e, 0, "why")
			b.AddOther(&e)
		}
		return b, c
	}
	b, _ := read(0)
	if err := errors.Join(b.Decide(t.Context(), 6, event.Counts{}), b.Write(t.Context())); err != nil { // and no counts
		t.Fatal(err)
	}
	s = reopen(t, options)
	for i, want := range []event.Counts{{Unparsed: 3, Other: 3}, {Duplicate: 6}, {Duplicate: 6}} {
		if i == 2 {
			s = reopen(t, options)
		}
		b, told := read(uint64(6 * i))
		got, err := b.Commit(t.Context(), uint64(6*i+6), event.Counts{})
		if err != nil || *told != want || got != want.Add(event.Counts{Received: 6}) {
			t.Errorf("time %d: %+v, told %+v, %v; want %+v", i+1, got, *told, err, want)
		}
	}
	if lines, _, err := s.Unparsed(t.Context(), event.Filter{}, "", 10); err != nil || len(lines) != 3 {
		t.Errorf("%d lines, %v; want 3", len(lines), err)
	}
}

// Ids that differ in one thing only stay apart, in memory and in the sorting key.
func TestAlmostDuplicates(t *testing.T) {
	var rows []*event.Row
	for _, change := range []func(*event.Row){
		func(e *event.Row) {},
		func(e *event.Row) { e.Cluster = "other" },
		func(e *event.Row) { e.Node = "cucm-2" },
		func(e *event.Row) { e.AppID = "Cisco CTIManager" },
		func(e *event.Row) { e.Alarm = "DeviceUnregistered" },
		func(e *event.Row) { e.Device = "SEPFFFFFFFFFFFF" },
		func(e *event.Row) { e.IP = "10.60.98.255" },
		func(e *event.Row) { e.Event.Reason = 14 },
		func(e *event.Row) { e.Event.Reason, e.HasReason = 0, false },
		func(e *event.Row) { e.Event.Reason = 0 },
		func(e *event.Row) { e.Seq++ },
		func(e *event.Row) { e.Seq = 0 },
		func(e *event.Row) { e.Seq, e.HasSeq = 0, false },
		func(e *event.Row) { e.HasSeq, e.Raw = false, e.Raw+"!" },
		func(e *event.Row) { e.Time = e.Time.Add(time.Second) },
	} {
		row := sample(0)
		change(row)
		row.Identify(event.Alarm, "")
		rows = append(rows, row)
	}
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	n := uint64(len(rows))
	commit(t, s, "a", 0, n, rows, event.Counts{Stored: n})
	commit(t, reopen(t, options), "a", n, 2*n, rows, event.Counts{Duplicate: n})
	if err := s.conn.Exec(context.Background(), "OPTIMIZE TABLE events FINAL"); err != nil {
		t.Fatal(err)
	}
	check(t, s, len(rows), event.Counts{Received: 2 * n, Stored: n, Duplicate: n})
}

// Rows that ClickHouse does not want are set aside, one by one, and the others stored.
func TestPoison(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	const all = 10_000
	checks := []string{ // what ClickHouse says of a row with the device poison-N, by classes of refusal
		"device != 'poison-0'",
		"toUInt8(if(device = 'poison-1', 'x', '1')) = 1",
		"toDateTime(if(device = 'poison-2', 'x', '2020-01-01 00:00:00')) > 0",
		"toDate(if(device = 'poison-3', 'x', '2020-01-01')) > toDate(0)",
		"length(range(if(device = 'poison-4', 2000000000, 1))) = 1",
		"length(repeat('x', if(device = 'poison-5', 2000000000, 1))) = 1",
		"toDecimal32(if(device = 'poison-6', '99999999999', '1'), 2) = 1",
		"accurateCast(if(device = 'poison-7', 300, 1), 'UInt8') = 1",
	}
	b, want := s.Begin("a", 0), map[event.ID]string{}
	rows := samples(0, all)
	for i, check := range checks {
		if err := s.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE events ADD CONSTRAINT poison%d CHECK %s", i, check)); err != nil {
			t.Fatal(err)
		}
		row := rows[i*(all-1)/(len(checks)-1)] // the first and the last among them
		row.Device = fmt.Sprintf("poison-%d", i)
		row.Raw = strings.Replace(row.Raw, "SEP", fmt.Sprintf("poison-%d ", i), 1)
		row.Identify(event.Alarm, "")
		want[row.ID] = row.Raw
	}
	for _, row := range rows {
		b.Add(row)
	}
	counts, err := b.Commit(ctx, all, event.Counts{})
	bad := uint64(len(checks))
	if want := (event.Counts{Received: all, Stored: all - bad, Unparsed: bad}); err != nil || counts != want {
		t.Fatalf("%+v, %v; want %+v", counts, err, want)
	}
	check(t, s, all-int(bad), counts)
	lines, _, err := s.Unparsed(ctx, event.Filter{}, "", 100)
	if err != nil || len(lines) != len(checks) {
		t.Fatalf("%d lines, %v; want %d", len(lines), err, len(checks))
	}
	for _, l := range lines {
		if l.Raw != want[l.ID] || l.Reason == "" {
			t.Errorf("kept as %+v", l)
		}
		t.Logf("set aside: %.100s", l.Reason)
	}
	t.Logf("%d rows that ClickHouse refuses, one of a class, among %d: others lost 0, each kept with its reason", bad, all)
}

func TestLeftover(t *testing.T) {
	s := open(t)
	b := s.Begin("a", 0)
	b.Add(sample(0))
	b.Add(sample(0))
	b.AddOther(&sample(1).Event)
	b.AddUnparsed(&sample(2).Event, 17, "no header")
	counts, err := b.Commit(context.Background(), 10, event.Counts{Stored: 2, Dropped: 4})
	want := event.Counts{Received: 10, Stored: 3, Duplicate: 1, Unparsed: 1, Other: 1, Dropped: 4}
	if err != nil || counts != want {
		t.Errorf("%+v, %v; want %+v", counts, err, want)
	}
	check(t, s, 1, want)
}

// TestTotals asks after every stretch, so that what was summed before is built upon; the newest stretch is written again.
func TestTotals(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	want := event.Counts{}
	for n := range 6 {
		first := n * 10
		rows := samples(first, first+10)
		commit(t, s, "a", uint64(first), uint64(first+10), rows, event.Counts{Stored: 10})
		commit(t, s, "a", uint64(first), uint64(first+10), rows, event.Counts{Stored: 10})
		want = want.Add(event.Counts{Received: 10, Stored: 10})
		for _, spool := range []string{"a", ""} {
			if got, err := s.Totals(ctx, spool); err != nil || got != want {
				t.Errorf("after %d stretches %q has %+v, %v; want %+v", n+1, spool, got, err, want)
			}
		}
	}
	if known := s.totalled.Load(); known.upto != 50 || known.sum.Received != 50 {
		t.Errorf("built upon %+v", known)
	}
	commit(t, s, "b", 0, 10, samples(60, 70), event.Counts{Stored: 10})
	if got, err := s.Totals(ctx, "b"); err != nil || got != (event.Counts{Received: 10, Stored: 10}) {
		t.Errorf("b has %+v, %v", got, err)
	}
}

func TestDrops(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	commit(t, s, "a", 0, 1, samples(0, 1), event.Counts{Stored: 1})
	for range 2 {
		if err := errors.Join(s.RecordDrops(ctx, "a", "a/1", "kernel", 3), s.RecordDrops(ctx, "a", "a/1", "full", 4),
			s.RecordDrops(ctx, "b", "b/1", "full", 5)); err != nil {
			t.Fatal(err)
		}
	}
	for spool, want := range map[string]event.Counts{
		"a":  {Received: 1, Stored: 1, Dropped: 3 + 4},
		"b":  {Dropped: 5},
		"":   {Received: 1, Stored: 1, Dropped: 3 + 4 + 5},
		"no": {},
	} {
		if got, err := s.Totals(ctx, spool); err != nil || got != want {
			t.Errorf("totals of %q: %+v, %v; want %+v", spool, got, err, want)
		}
	}
	if drops, err := s.Drops(ctx, ""); err != nil || len(drops) != 2 || drops["kernel"] != 3 || drops["full"] != 9 {
		t.Errorf("drops %v, %v", drops, err)
	}
}

// Without the HTTP interface the blocks go out as batches of the driver's.
func TestDriverBatch(t *testing.T) {
	s := open(t)
	s.http = false
	row := sample(0)
	row.Raw = everyByte()
	row.Tags = []event.Tag{{Key: "b", Value: "1"}, {Key: "a", Value: ""}, {Key: "b", Value: "2"}}
	row.Identify(event.Alarm, "")
	b := s.Begin("a", 0)
	for _, r := range []*event.Row{row, sample(1), sample(1), sample(2)} {
		b.Add(r)
	}
	b.AddOther(&sample(3).Event)
	b.AddUnparsed(&sample(4).Event, 5, "why")
	counts, err := b.Commit(context.Background(), 6, event.Counts{})
	want := event.Counts{Received: 6, Stored: 3, Duplicate: 1, Unparsed: 1, Other: 1}
	if err != nil || counts != want {
		t.Fatalf("%+v, %v; want %+v", counts, err, want)
	}
	check(t, s, 3, want)
	got := allEvents(t, s, event.Filter{})[2]
	if got.ID != row.ID || got.Raw != row.Raw || !slices.Equal(got.Tags, row.Tags) {
		t.Errorf("read %+v, want %+v", got, row)
	}
}

// A store that is gone is told from rows that are refused.
func TestUnavailable(t *testing.T) {
	options := &clickhouse.Options{Addr: []string{"127.0.0.1:1"}, Protocol: clickhouse.HTTP, DialTimeout: time.Second}
	_, err := Open(context.Background(), options, Settings{Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("open: %v", err)
	}
}
