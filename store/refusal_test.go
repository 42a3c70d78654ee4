package store

import (
	"context"
	"strings"
	"testing"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// strange refuses rows with a code that says nothing of values.
const strange = "ALTER TABLE events ADD CONSTRAINT strange CHECK throwIf(device = 'poison', 'a strange thing') = 0"

// poisoned gives samples of which some are refused by strange.
func poisoned(from, to int, bad ...int) []*event.Row {
	rows := samples(from, to)
	for _, n := range bad {
		row := rows[n-from]
		row.Device, row.Raw = "poison", strings.Replace(row.Raw, "SEP", "poison ", 1)
		row.Identify(event.Alarm, "")
	}
	return rows
}

const patience = doubtful + 2

// persist commits as the pipeline does, but without waiting, and says how often that failed.
func persist(t *testing.T, b *Batch, next uint64) (counts event.Counts, failed int) {
	t.Helper()
	for ; failed < patience; failed++ {
		counts, err := b.Commit(context.Background(), next, event.Counts{})
		if err == nil {
			return counts, failed
		}
		t.Logf("try %d: %.200s", failed+1, err)
	}
	return counts, failed
}

// begin fills a batch.
func begin(s *Store, first uint64, rows []*event.Row) *Batch {
	b := s.Begin("a", first)
	for _, row := range rows {
		b.Add(row)
	}
	return b
}

// Rows that ClickHouse refuses with a code that is not known are set aside after some tries, and no others: those among good ones,
// a batch that has no other, and one that is the first of a process.
func TestStrangeRefusal(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	exec(t, s, strange)
	bad := 0
	for _, c := range []struct {
		name     string
		from, to int
		bad      []int
	}{
		{"first batch of all", 0, 500, []int{0, 1, 250, 499}},
		{"batch of its own", 500, 501, []int{500}},
		{"good again", 501, 600, nil},
		{"first of a process", 600, 601, []int{600}},
	} {
		if c.name == "first of a process" {
			s = reopen(t, options)
		}
		counts, failed := persist(t, begin(s, uint64(c.from), poisoned(c.from, c.to, c.bad...)), uint64(c.to))
		all, n := uint64(c.to-c.from), uint64(len(c.bad))
		if want := (event.Counts{Received: all, Stored: all - n, Unparsed: n}); counts != want {
			t.Errorf("%s: %+v, want %+v", c.name, counts, want)
		}
		if want := min(doubtful, doubtful*len(c.bad)); failed != want {
			t.Errorf("%s: tried %d times in vain, want %d", c.name, failed, want)
		}
		bad += len(c.bad)
	}
	check(t, s, 601-bad, event.Counts{Received: 601, Stored: uint64(601 - bad), Unparsed: uint64(bad)})
	lines, _, err := s.Unparsed(context.Background(), event.Filter{}, "", 100)
	if err != nil || len(lines) != bad {
		t.Fatalf("%d lines, %v; want %d", len(lines), err, bad)
	}
	for _, l := range lines {
		if !strings.Contains(l.Reason, "a strange thing") || !strings.Contains(l.Raw, "poison") {
			t.Errorf("kept as %+v", l)
		}
	}
}

// A good batch waits while the table takes nothing, whatever ClickHouse says of it, and is stored whole afterwards.
func TestGoodBatchWaits(t *testing.T) {
	for name, c := range map[string]struct{ ill, well string }{
		"unknown code":    {"ALTER TABLE events ADD CONSTRAINT ill CHECK throwIf(1) = 0", "ALTER TABLE events DROP CONSTRAINT ill"},
		"code of values":  {"ALTER TABLE events ADD CONSTRAINT ill CHECK number = 0", "ALTER TABLE events DROP CONSTRAINT ill"},
		"table missing":   {"RENAME TABLE events TO gone", "RENAME TABLE gone TO events"},
		"view that fails": {"CREATE MATERIALIZED VIEW ill ENGINE = Null AS SELECT toDateTime(concat('x', rest)) AS t FROM events", "DROP VIEW ill"},
		"lines refused":   {"ALTER TABLE unparsed ADD CONSTRAINT ill CHECK throwIf(1) = 0", "ALTER TABLE unparsed DROP CONSTRAINT ill"},
	} {
		for _, before := range []int{0, 1} { // rows that the table took before
			s := open(t)
			b := begin(s, 0, samples(0, before))
			for n := range before {
				b.AddUnparsed(&sample(1000+n).Event, 0, "why")
			}
			if _, failed := persist(t, b, uint64(2*before)); failed > 0 {
				t.Fatal(name)
			}
			if before == 0 && (name == "code of values" || name == "view that fails") {
				continue // nothing tells it from rows that are poison
			}
			exec(t, s, c.ill)
			b = begin(s, uint64(before), samples(before, 100))
			b.AddUnparsed(&sample(2000).Event, 0, "why")
			if counts, failed := persist(t, b, 101); failed != patience {
				t.Errorf("%s: %+v after %d tries", name, counts, failed)
			}
			exec(t, s, c.well)
			counts, failed := persist(t, b, 101)
			if want := uint64(100 - before); failed > 0 || counts != (event.Counts{Received: want + 1, Stored: want, Unparsed: 1}) {
				t.Errorf("%s: %+v, %d tries in vain", name, counts, failed)
			}
		}
	}
}
