package store

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// TestNewest asks for pages while events arrive, in time, late, ahead of it, many in a millisecond, twice, left over from an interrupted
// commit: what memory gives is what ClickHouse gives.
func TestNewest(t *testing.T) {
	options := clickhousetest.Open(t)
	s, plain := reopen(t, options), reopen(t, options)
	s.newest.most = 60
	ctx := t.Context()
	random := rand.New(rand.NewPCG(1, 2))
	next, now := uint64(0), noon
	arrive := func() {
		now = now.Add(time.Minute)
		rows := make([]*event.Row, random.IntN(100))
		for i := range rows {
			row := sample(random.IntN(1000))
			row.Time = now.Add(-time.Duration(random.IntN(60)) * time.Second)
			switch random.IntN(8) {
			case 0:
				row.Time = now.Add(-time.Duration(random.IntN(40)) * time.Hour)
			case 1:
				row.Time = now.Add(time.Duration(random.IntN(60)) * time.Second)
			case 2:
				row.Time = now
			}
			row.Received = now
			if random.IntN(4) == 0 {
				row.Node, row.Protocol, row.Event.Reason, row.HasSeq, row.Seq = "cucm-2", "SCCP", 8, false, 0
				row.Raw += row.Time.String()
			}
			row.Identify(event.Alarm, "")
			rows[i] = row
		}
		if random.IntN(3) == 0 {
			interrupted(t, s, "a", next, next+uint64(len(rows)), rows)
			samePage(t, s, plain, event.Filter{}, "", 30) // before the rows are counted
		}
		b := s.Begin("a", next)
		for _, row := range rows {
			b.Add(row)
		}
		next += uint64(len(rows)) + 1
		if _, err := b.Commit(ctx, next, event.Counts{}); err != nil {
			t.Fatal(err)
		}
	}
	arrive()
	eight := uint32(8)
	filters := []event.Filter{{}, {Node: "cucm-2"}, {Reason: &eight}, {Device: "SEP000000000007"}, {Protocol: "SIP", Cluster: "StandAloneCluster"}, {Alarm: "none"}}
	fromMemory := 0
	for round := range 30 {
		if round == 3 {
			if err := s.Keep(ctx); err != nil {
				t.Fatal(err)
			}
		}
		arrive()
		f := filters[random.IntN(len(filters))]
		if random.IntN(4) > 0 {
			f.To = now.Add(time.Duration(random.IntN(90)-30) * time.Second)
			f.From = f.To.Add(-time.Duration(1+random.IntN(600)) * time.Second)
		}
		limit, cursor := 1+random.IntN(30), ""
		for page := 0; page < 4 && (page == 0 || cursor != ""); page++ {
			before, err := readPoint(eventsKind, cursor)
			if err != nil {
				t.Fatal(err)
			}
			if _, known := s.newest.page(f, before, limit); known {
				fromMemory++
			}
			cursor = samePage(t, s, plain, f, cursor, limit)
		}
	}
	if len(s.newest.rows) > 60 || fromMemory < 15 {
		t.Errorf("%d events are kept; %d pages came from memory", len(s.newest.rows), fromMemory)
	}
}

// samePage asks both stores for a page and gives the cursor of the next.
func samePage(t *testing.T, s, plain *Store, f event.Filter, cursor string, limit int) string {
	t.Helper()
	got, gotNext, err := s.Events(t.Context(), f, cursor, limit)
	if err != nil {
		t.Fatal(err)
	}
	want, wantNext, err := plain.Events(t.Context(), f, cursor, limit)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || gotNext != wantNext {
		t.Fatalf("%+v from %q, limit %d:\n%d events, %s\n%d events, %s", f, cursor, limit, len(got), gotNext, len(want), wantNext)
	}
	return wantNext
}
