package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"flapwatch/event"
)

// TestBegan: a cluster is known since its first event, but not since a time that only a wrong clock has told.
func TestBegan(t *testing.T) {
	s := open(t)
	known, n := map[string]time.Time{}, 0
	f := func(cluster, source string, want time.Time, made ...time.Time) {
		t.Helper()
		var rows []*event.Row
		for i, at := range made {
			row := sample(n)
			row.Cluster, row.Source, row.Time, row.Received = cluster, source, at, noon.Add(time.Duration(i)*time.Second)
			row.Identify(event.Alarm, "")
			rows, n = append(rows, row), n+1
		}
		commit(t, s, "q", uint64(n-len(rows)), uint64(n), rows, event.Counts{Stored: uint64(len(rows))})
		known[cluster] = want
		began, err := s.Began(t.Context())
		if err != nil || !reflect.DeepEqual(began, known) {
			t.Errorf("%v began at %v, want %v", cluster, began, known)
		}
	}
	if began, err := s.Began(t.Context()); err != nil || len(began) != 0 {
		t.Errorf("of nothing: %v, %v", began, err)
	}
	old := noon.AddDate(-2, 0, 0)
	f("fresh", "10.0.0.1", noon, noon, noon.Add(time.Second))
	f("earlier", "10.0.0.1", noon.Add(-time.Hour), noon.Add(-time.Hour))
	f("fresh", "10.0.0.1", noon.Add(-time.Minute), noon.Add(-time.Minute)) // came later, is older
	f("dead clock", "10.0.0.1", noon, noon, time.Unix(7, 0).UTC())
	f("dead clock", "fd00::1", noon, old, old.Add(time.Second), old.Add(3*time.Second)) // at the pace at which it came
	f("file", "import 6f1:CiscoSyslog", old, old)
	f("record", "10.0.0.1", old, old, old.Add(time.Hour), old.Add(2*time.Hour))
	s.days.read = time.Time{} // and so it is when all is read again
	f("another", "10.0.0.1", noon, noon)
}

// TestSummedUp: days that are summed up tell the same as their events, whatever is committed later, and when the program starts again.
func TestSummedUp(t *testing.T) {
	s := open(t)
	all := event.Filter{Window: event.Window{From: noon.AddDate(0, 0, -3), To: noon.AddDate(0, 0, 9)}}
	n := uint64(0)
	commitOn := func(days ...int) {
		t.Helper()
		var rows []*event.Row
		for _, day := range days {
			for i := range 30 {
				row := sample(int(n) + i)
				row.Time = noon.AddDate(0, 0, day).Add(time.Duration(n)*time.Second + time.Duration(i)*time.Second)
				row.Received = row.Time.Add(time.Duration(i) * time.Millisecond)
				row.Node, row.Source = fmt.Sprintf("cucm-%d", i%2), fmt.Sprintf("10.0.0.%d", i%3)
				row.Seq = uint32(n) + uint32(i/4*4) // some are missing
				row.Identify(event.Alarm, "")
				rows = append(rows, row)
			}
			n += 30
		}
		commit(t, s, "q", n-uint64(len(rows)), n, rows, event.Counts{Stored: uint64(len(rows))})
	}
	f := func(sums, events int, filters ...event.Filter) {
		t.Helper()
		for _, filter := range append(filters, all) {
			asked, err := s.daysOf(t.Context(), filter)
			if err != nil {
				t.Fatal(err)
			}
			if len(filters) == 0 && (len(asked.sums) != sums || len(asked.events) != events) {
				t.Errorf("%d days by their sums and %d by their events, want %d and %d", len(asked.sums), len(asked.events), sums, events)
			}
			got, err := s.Sources(t.Context(), filter)
			if err != nil {
				t.Fatal(err)
			}
			filter.Alarm = "EndPointUnregistered" // all are, and sums do not know
			want, err := s.Sources(t.Context(), filter)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%v: by sums\n%+v, by events\n%+v, %v", filter.Window, got, want, err)
			}
		}
	}
	f(0, 0)
	commitOn(0, 1, 2)
	f(3, 0)
	commitOn(3)
	f(4, 0)
	commitOn(1, 5) // events of a day that is summed up already
	f(5, 0)
	part := all
	part.From = noon.AddDate(0, 0, 1).Add(40 * time.Second)
	node := all
	node.Node, node.Cluster = "cucm-1", "StandAloneCluster"
	other := all
	other.Node = "cucm-7"
	f(0, 0, part, node, other)

	commitOn(2)
	s.days.read = time.Time{} // as at the next start
	if _, err := s.Began(t.Context()); err != nil || !s.days.list[dayOf(noon)].summed || s.days.list[dayOf(noon)+2].summed {
		t.Errorf("the sums that hold at the next start: %+v, %v", s.days.list[dayOf(noon)], err)
	}
	f(5, 0)
	if kept := scan[uint64](t, s, "SELECT count() FROM days FINAL"); kept != 5 {
		t.Errorf("%d days are kept", kept)
	}
}

func dayOf(t time.Time) int32 { return int32(t.Unix() / 86_400) }

// TestNotSummedUp: neither a day that is not over nor one of which something came a moment ago is summed up.
func TestNotSummedUp(t *testing.T) {
	s := open(t)
	now := time.Now()
	rows := samples(0, 3)
	rows[0].Time, rows[0].Received = now, now
	rows[1].Time, rows[1].Received = now.AddDate(0, 0, -3), now
	rows[2].Time, rows[2].Received = now.AddDate(0, 0, -5), now.AddDate(0, 0, -5)
	for _, row := range rows {
		row.Identify(event.Alarm, "")
	}
	commit(t, s, "q", 0, 3, rows, event.Counts{Stored: 3})
	asked, err := s.daysOf(t.Context(), event.Filter{})
	if err != nil || len(asked.sums) != 1 || len(asked.events) != 2 {
		t.Errorf("%+v, %v", asked, err)
	}
}
