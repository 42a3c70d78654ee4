package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// shelf keeps refused lines as long as it has room.
type shelf struct {
	room  int
	trips int // calls that fail first
	lines map[string][]event.Line
}

func (s *shelf) keep(table string, lines []event.Line) (int, error) {
	if s.trips > 0 {
		s.trips--
		return 0, errors.New("disk full")
	}
	n := min(s.room, len(lines))
	s.room -= n
	s.lines[table] = append(s.lines[table], lines[:n]...)
	return n, nil
}

// Lines that their own table refuses are kept elsewhere, each once however often the commit is tried, and count as what they are; those
// for which there is no room are dropped and counted, and so is every one where nobody keeps them.
func TestLinesRefused(t *testing.T) {
	const lines = 8 // of each table, one in four refused
	for name, c := range map[string]struct {
		kept   *shelf
		counts event.Counts
	}{
		"kept":           {&shelf{room: 100}, event.Counts{Received: 16, Unparsed: 8, Other: 8}},
		"kept at last":   {&shelf{room: 100, trips: 2}, event.Counts{Received: 16, Unparsed: 8, Other: 8}},
		"room for three": {&shelf{room: 3}, event.Counts{Received: 16, Unparsed: 8, Other: 7, Dropped: 1}},
		"nobody":         {nil, event.Counts{Received: 16, Unparsed: 6, Other: 6, Dropped: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			settings := Settings{Retention: maxRetention, Log: slog.New(slog.DiscardHandler)}
			if c.kept != nil {
				c.kept.lines = map[string][]event.Line{}
				settings.Refused = c.kept.keep
			}
			s, err := Open(t.Context(), clickhousetest.Open(t), settings)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			for _, table := range []string{"unparsed", "other"} {
				exec(t, s, "ALTER TABLE "+table+" ADD CONSTRAINT ill CHECK NOT startsWith(raw, 'poison')")
			}
			var shared event.Counts
			b, want := s.Begin("a", 0), map[event.ID]event.Line{}
			b.Import(&shared)
			for n := range lines {
				for table, add := range map[string]func(*event.Event){
					"unparsed": func(e *event.Event) { b.AddUnparsed(e, n, "why") }, "other": b.AddOther,
				} {
					e := sample(n).Event
					if e.Identify(event.Unparsed, table+e.Raw); n%4 == 0 {
						e.Raw = "poison" + everyByte()
						want[e.ID] = event.Line{ID: e.ID, Received: e.Received, Source: e.Source, Offset: map[string]int{"unparsed": n}[table], Raw: e.Raw}
					}
					add(&e)
				}
			}
			exec(t, s, "RENAME TABLE counts TO gone") // the lines are written, and not marked
			for range 3 {
				if counts, err := b.Commit(context.Background(), 16, event.Counts{}); err == nil {
					t.Fatalf("without a table for the counts: %+v", counts)
				}
			}
			exec(t, s, "RENAME TABLE gone TO counts")
			counts, err := b.Commit(context.Background(), 16, event.Counts{})
			if err != nil || counts != c.counts {
				t.Fatalf("%+v, %v; want %+v", counts, err, c.counts)
			}
			if shared.Unparsed != counts.Unparsed || shared.Other != counts.Other || shared.Dropped != counts.Dropped {
				t.Errorf("the file is told %+v", shared)
			}
			if c.kept == nil {
				return
			}
			got := 0
			for table, list := range c.kept.lines {
				for _, l := range list {
					got++
					if !strings.Contains(l.Reason, "ill") {
						t.Errorf("%s: the reason is %q", table, l.Reason)
					}
					if l.Reason = ""; l != want[l.ID] {
						t.Errorf("%s: kept %+v, want %+v", table, l, want[l.ID])
					}
					delete(want, l.ID)
				}
			}
			if got+int(counts.Dropped) != 4 {
				t.Errorf("%d lines kept, %d dropped, 4 were refused", got, counts.Dropped)
			}
		})
	}
}
