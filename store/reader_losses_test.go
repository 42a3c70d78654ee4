package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
)

// TestLosses has six changes of one phone, fifty seconds apart, copies of which lie about, and what other phones lost an hour later.
func TestLosses(t *testing.T) {
	s := open(t)
	rows := story()
	for n := range 3 {
		late := sample(3600 + n)
		late.Device = "SEP0024C4000000"
		late.Identify(event.Alarm, "")
		rows = append(rows, late)
	}
	nameless := sample(3610)
	nameless.Device = ""
	nameless.Identify(event.Alarm, "")
	rows = append(rows, nameless)
	n := uint64(len(rows))
	interrupted(t, s, "a", 0, n, rows) // leaves copies
	commit(t, s, "a", 0, n, rows, event.Counts{Stored: n})

	ask := func(f event.Filter, length time.Duration) []event.Losses {
		t.Helper()
		got, err := s.Losses(context.Background(), f, length)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	minute := func(n int) time.Time { return noon.Truncate(time.Minute).Add(time.Duration(n) * time.Minute) }
	want := []event.Losses{{From: minute(0), Unplanned: 1}, {From: minute(3), Planned: 1}, {From: minute(60), Unplanned: 3}}
	if got := ask(event.Filter{}, time.Minute); !slices.Equal(got, want) {
		t.Errorf("by the minute %v, want %v", got, want)
	}
	half := event.Filter{Window: event.Window{From: noon.Add(time.Second), To: noon.Add(3602 * time.Second)}}
	if got, want := ask(half, time.Minute), []event.Losses{{From: minute(3), Planned: 1}, {From: minute(60), Unplanned: 2}}; !slices.Equal(got, want) {
		t.Errorf("within the window %v, want %v", got, want)
	}
	week := ask(event.Filter{Cluster: "StandAloneCluster"}, 7*24*time.Hour)
	if len(week) != 1 || week[0].From.Weekday() != time.Monday || week[0].Unplanned != 4 || week[0].Planned != 1 {
		t.Errorf("by the week %v", week)
	}
	if got := ask(event.Filter{Cluster: "another"}, time.Minute); len(got) != 0 {
		t.Errorf("of another cluster %v", got)
	}
}
