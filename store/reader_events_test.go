package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
)

func TestEventsPages(t *testing.T) {
	t.Run("without an end", func(t *testing.T) { pages(t, event.Filter{}) })
	// A page may be full with the last minute, need the last hour, or more than that.
	t.Run("with an end", func(t *testing.T) {
		pages(t, event.Filter{Window: event.Window{From: noon, To: noon.Add(729*time.Minute + time.Millisecond)}})
	})
}

// pages walks through a hundred events while others arrive.
func pages(t *testing.T, f event.Filter) {
	s := open(t)
	rows := samples(0, 100)
	for i, row := range rows { // ten in each millisecond
		n := time.Duration(i / 10)
		row.Time = noon.Add(n * n * n * time.Minute)
		row.Identify(event.Alarm, "")
	}
	commit(t, s, "a", 0, 100, rows, event.Counts{Stored: 100})
	ctx := context.Background()
	var got []event.Row
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		list, next, err := s.Events(ctx, f, cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, list...)
		cursor = next
		// What arrives between two pages stands before them, or after: neither moves them.
		later := sample(1000 + page)
		later.Time = noon.Add(13*time.Hour + time.Duration(page)*time.Second)
		later.Identify(event.Alarm, "")
		commit(t, s, "a", uint64(100+page), uint64(101+page), []*event.Row{later}, event.Counts{Stored: 1})
	}
	ids := map[event.ID]bool{}
	for i, row := range got {
		ids[row.ID] = true
		if i > 0 && row.Time.After(got[i-1].Time) {
			t.Errorf("event %d is newer than the one before", i)
		}
	}
	if len(got) != 100 || len(ids) != 100 {
		t.Errorf("%d events with %d ids, want 100", len(got), len(ids))
	}
}

func TestEventsFilter(t *testing.T) {
	s := open(t)
	rows := samples(0, 6)
	rows[1].Cluster, rows[2].Node, rows[3].Protocol, rows[4].Alarm = "other", "cucm-2", "SCCP", "DeviceUnregistered"
	rows[5].Event.Reason = 8
	for _, row := range rows {
		row.Identify(event.Alarm, "")
	}
	commit(t, s, "a", 0, 6, rows, event.Counts{Stored: 6})
	eight, thirteen := uint32(8), uint32(13)
	at := func(n int) time.Time { return rows[n].Time }
	for _, c := range []struct {
		name string
		f    event.Filter
		want []int // newest first
	}{
		{"all", event.Filter{}, []int{5, 4, 3, 2, 1, 0}},
		{"cluster", event.Filter{Cluster: "other"}, []int{1}},
		{"node", event.Filter{Node: "cucm-2"}, []int{2}},
		{"device", event.Filter{Device: "SEP000000000003"}, []int{3}},
		{"protocol", event.Filter{Protocol: "SCCP"}, []int{3}},
		{"alarm", event.Filter{Alarm: "DeviceUnregistered"}, []int{4}},
		{"reason", event.Filter{Reason: &eight}, []int{5}},
		{"reason and node", event.Filter{Reason: &thirteen, Node: "cucm-1"}, []int{4, 3, 1, 0}},
		{"from is in", event.Filter{Window: event.Window{From: at(4)}}, []int{5, 4}},
		{"to is out", event.Filter{Window: event.Window{To: at(2)}}, []int{1, 0}},
		{"within a millisecond", event.Filter{Window: event.Window{From: at(2).Add(-999 * time.Microsecond), To: at(2).Add(time.Microsecond)}}, []int{2}},
		{"just after", event.Filter{Window: event.Window{From: at(2).Add(time.Nanosecond), To: at(3)}}, nil},
		{"empty", event.Filter{Window: event.Window{From: at(2), To: at(2)}}, nil},
		{"backwards", event.Filter{Window: event.Window{From: at(3), To: at(1)}}, nil},
		{"hostile", event.Filter{Device: `' OR 1=1 --`}, nil},
		{"hostile cluster", event.Filter{Cluster: "x\\' OR {from:Int64} \x00\n\t"}, nil},
	} {
		var got []int
		for _, row := range allEvents(t, s, c.f) {
			got = append(got, slices.IndexFunc(rows, func(r *event.Row) bool { return r.ID == row.ID }))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: events %v, want %v", c.name, got, c.want)
		}
	}
}

// Names that look like SQL or hold control characters are values, and are found as such.
func TestHostileNames(t *testing.T) {
	s := open(t)
	for i, name := range []string{`' OR 1=1 --`, `\`, `\'`, "a\tb\nc\r", "nul\x00nul", "{x:String}", "caf\xe9", "%_", `\N`} {
		row := sample(i)
		row.Device = name
		row.Identify(event.Alarm, "")
		commit(t, s, "a", uint64(i), uint64(i+1), []*event.Row{row}, event.Counts{Stored: 1})
		got := allEvents(t, s, event.Filter{Device: name})
		if len(got) != 1 || got[0].Device != name || got[0].ID != row.ID {
			t.Errorf("%q: %d events", name, len(got))
		}
		if clusters, err := s.Clusters(context.Background(), name); err != nil || !slices.Equal(clusters, []string{row.Cluster}) {
			t.Errorf("%q: clusters %q, %v", name, clusters, err)
		}
	}
}

func TestForeignCursors(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	rows := samples(0, 2)
	commit(t, s, "a", 0, 2, rows, event.Counts{Stored: 2})
	_, events, err := s.Events(ctx, event.Filter{}, "", 1)
	if err != nil || events == "" {
		t.Fatalf("cursor %q, %v", events, err)
	}
	_, devices, err := s.Devices(ctx, event.Filter{}, "", 1)
	if err != nil || devices == "" {
		t.Fatalf("cursor %q, %v", devices, err)
	}
	for _, cursor := range []string{"x", "AAAA", devices, events[:len(events)-1], events + "A", "!" + events[1:], "\x00", "🙂"} {
		if _, _, err := s.Events(ctx, event.Filter{}, cursor, 1); !errors.Is(err, event.ErrCursor) {
			t.Errorf("events with cursor %q: %v", cursor, err)
		}
		if _, _, err := s.Unparsed(ctx, event.Filter{}, cursor, 1); !errors.Is(err, event.ErrCursor) {
			t.Errorf("unparsed with cursor %q: %v", cursor, err)
		}
	}
	if _, _, err := s.Devices(ctx, event.Filter{}, events, 1); !errors.Is(err, event.ErrCursor) {
		t.Errorf("devices with the cursor of events: %v", err)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(writePoint(eventsKind, point{1, 2}))
	f.Add(writeDevice("cluster", "device"))
	f.Fuzz(func(t *testing.T, cursor string) {
		if p, err := readPoint(eventsKind, cursor); err == nil && cursor != "" && writePoint(eventsKind, p) != cursor {
			t.Errorf("%q is read as %v", cursor, p)
		}
		if cluster, device, err := readDevice(cursor); err == nil && cursor != "" && writeDevice(cluster, device) != cursor {
			t.Errorf("%q is read as %q, %q", cursor, cluster, device)
		}
	})
}
