package store

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

// story is a phone that goes, tries, comes back, is restarted on purpose, and tells how it was.
func story() []*event.Row {
	change := func(n int, alarm string, role event.Role, edit func(*event.Row)) *event.Row {
		row := sample(n * 50) // all of the same phone
		row.Alarm, row.Role = alarm, role
		edit(row)
		row.Identify(event.Alarm, "")
		return row
	}
	nothing := func(*event.Row) {}
	return []*event.Row{
		change(0, "EndPointUnregistered", event.Down, nothing),
		change(1, "EndPointTransientConnection", event.Attempt, func(e *event.Row) { e.IP, e.Description = "", "" }),
		change(2, "EndPointRegistered", event.Up, func(e *event.Row) {
			e.Node, e.IP, e.Event.Reason, e.HasReason, e.Signal = "cucm-2", "10.60.99.1", 0, false, ""
		}),
		change(3, "DeviceResetInitiated", event.Action, nothing),
		change(4, "EndPointUnregistered", event.Down, func(e *event.Row) { e.Expected, e.Event.Reason = true, 10 }),
		change(5, "LastOutOfServiceInformation", event.Info, func(e *event.Row) {
			e.Tags = []event.Tag{{Key: "NeighborDeviceID", Value: "switch-7", Unknown: true}, {Key: "NeighborPortID", Value: "Gi1/0/3", Unknown: true}}
			e.IP, e.Node = "", "cucm-3"
		}),
	}
}

func TestDevices(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	rows := story()
	for n := 1; n < 5; n++ { // four more phones, one of them in another cluster too
		rows = append(rows, sample(n))
	}
	twin := sample(3)
	twin.Cluster = "AnotherCluster"
	nameless := sample(6)
	nameless.Device = ""
	rows = append(rows, twin, nameless)
	for _, row := range rows {
		row.Identify(event.Alarm, "")
	}
	commit(t, s, "a", 0, uint64(len(rows)), rows, event.Counts{Stored: uint64(len(rows))})

	var names []string
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := s.Devices(ctx, event.Filter{}, cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			names = append(names, d.Cluster[:1]+d.Device[12:])
		}
		cursor = next
	}
	if want := []string{"A003", "S000", "S001", "S002", "S003", "S004"}; !slices.Equal(names, want) {
		t.Errorf("devices %v, want %v", names, want)
	}
	got, err := s.Device(ctx, "StandAloneCluster", rows[0].Device)
	want := event.DeviceSummary{
		Cluster: "StandAloneCluster", Device: rows[0].Device, Model: "Cisco 3905", Description: "Lobby", DeviceType: 592,
		IP: "10.60.98.0", Protocol: "SIP", Node: "cucm-3", Alarm: "LastOutOfServiceInformation", Role: event.Down,
		First: rows[0].Time, Last: rows[5].Time, Unregistrations: 1, Expected: 1, Registrations: 1, Attempts: 1,
	}
	if err != nil || got != want {
		t.Errorf("device %+v, %v; want %+v", got, err, want)
	}
	if _, err := s.Device(ctx, "NoCluster", twin.Device); !errors.Is(err, event.ErrNotFound) {
		t.Errorf("device of another cluster: %v", err)
	}
	clusters, err := s.Clusters(ctx, twin.Device)
	if want := []string{"AnotherCluster", "StandAloneCluster"}; err != nil || !slices.Equal(clusters, want) {
		t.Errorf("clusters %q, %v; want %q", clusters, err, want)
	}
}

func TestHistories(t *testing.T) {
	s := open(t)
	rows := append(story(), sample(1), sample(51))
	slices.Reverse(rows)
	n := uint64(len(rows))
	interrupted(t, s, "a", 0, n, rows) // leaves copies
	commit(t, s, "a", 0, n, rows, event.Counts{Stored: n})
	var got []event.History
	err := s.Histories(context.Background(), event.Filter{}, func(h event.History) error {
		got = append(got, h)
		return nil
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d histories, %v; want 2", len(got), err)
	}
	slices.SortFunc(got, func(a, b event.History) int { return strings.Compare(a.Device, b.Device) })
	for i := range got[0].Changes {
		if c := &got[0].Changes[i]; c.Key == 0 {
			t.Errorf("change %d has no key", i)
		} else {
			c.Key = 0
		}
	}
	at := func(n int) int64 { return noon.Add(time.Duration(n*50) * time.Second).UnixMilli() }
	const signal = "SIPStationDPrimaryLineTimeout"
	want := event.History{
		Cluster: "StandAloneCluster", Device: "SEP000000000000", IP: "10.60.98.0", Protocol: "SIP", Description: "Lobby",
		Model: "Cisco 3905", DeviceType: 592, NeighborID: "switch-7", Neighbor: "Gi1/0/3",
		Told: event.Told{IP: at(4), Protocol: at(5), Description: at(5), Model: at(5), DeviceType: at(5), Neighbor: at(5)},
		Changes: []event.Change{
			{At: at(0), Role: event.Down, Node: "cucm-1", Reason: 13, HasReason: true, Signal: signal},
			{At: at(1), Role: event.Attempt, Node: "cucm-1", Reason: 13, HasReason: true, Signal: signal},
			{At: at(2), Role: event.Up, Node: "cucm-2"},
			{At: at(3), Role: event.Action, Node: "cucm-1", Reason: 13, HasReason: true, Signal: signal},
			{At: at(4), Role: event.Down, Node: "cucm-1", Reason: 10, HasReason: true, Expected: true, Signal: signal},
		},
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("history\n%+v\nwant\n%+v", got[0], want)
	}
	if len(got[1].Changes) != 2 {
		t.Errorf("%d changes of %s, want 2", len(got[1].Changes), got[1].Device)
	}
}

// TestHistoriesBetween reads what came between two marks, each event once, whatever an interrupted commit left.
func TestHistoriesBetween(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	mark := func() event.Mark {
		m, err := s.Mark(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	between := func(after, upto event.Mark) map[string]int {
		changes := map[string]int{}
		err := s.HistoriesBetween(ctx, event.Filter{}, after, upto, func(h event.History) error {
			changes[h.Device] += len(h.Changes)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if added, err := s.Added(ctx, event.Window{}, after, upto); err != nil || added != (len(changes) > 0) {
			t.Errorf("%d devices changed, added %v, %v", len(changes), added, err)
		}
		return changes
	}
	begin := mark()
	commit(t, s, "a", 0, 100, samples(0, 100), event.Counts{Stored: 100})
	first := mark()
	interrupted(t, s, "a", 100, 103, []*event.Row{sample(100), sample(101), sample(102)})
	if got := between(begin, mark()); len(got) != 50 || got["SEP000000000000"] != 2 {
		t.Errorf("%d devices, %d changes of the first; an interrupted commit counts", len(got), got["SEP000000000000"])
	}
	commit(t, s, "a", 100, 103, []*event.Row{sample(100), sample(101), sample(102)}, event.Counts{Stored: 3})
	commit(t, s, "b", 0, 1, []*event.Row{sample(151)}, event.Counts{Stored: 1})
	want := map[string]int{"SEP000000000000": 1, "SEP000000000001": 2, "SEP000000000002": 1}
	if got := between(first, mark()); !maps.Equal(got, want) {
		t.Errorf("after the first mark %v, want %v", got, want)
	}
	second := mark()
	commit(t, s, "a", 103, 103+3*stretch, []*event.Row{sample(103)}, event.Counts{Stored: 1})
	commit(t, s, "b", 1, 1+stretch, []*event.Row{sample(154), sample(155)}, event.Counts{Stored: 2})
	want = map[string]int{"SEP000000000003": 1, "SEP000000000004": 1, "SEP000000000005": 1}
	if got := between(second, mark()); !maps.Equal(got, want) {
		t.Errorf("of many frames %v, want %v", got, want)
	}
	if added, err := s.Added(ctx, event.Window{To: noon}, first, mark()); err != nil || added {
		t.Errorf("before the first event: added %v, %v", added, err)
	}
	if got := between(mark(), mark()); len(got) > 0 {
		t.Errorf("%v between a mark and itself", got)
	}
}

func TestHistoriesEnd(t *testing.T) {
	s := open(t)
	commit(t, s, "a", 0, 100, samples(0, 100), event.Counts{Stored: 100})
	enough := errors.New("enough")
	calls := 0
	err := s.Histories(context.Background(), event.Filter{}, func(event.History) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestSeries(t *testing.T) {
	s := open(t)
	rows := append(story(), sample(1), sample(51), sample(51))
	slices.Reverse(rows)
	n := uint64(len(rows))
	interrupted(t, s, "a", 0, n, rows) // leaves copies
	commit(t, s, "a", 0, n, rows, event.Counts{Stored: n - 1, Duplicate: 1})
	at := func(n int) int64 { return noon.Add(time.Duration(n) * time.Second).UnixMilli() }
	phone := func(n string, times ...int64) event.Series {
		return event.Series{Cluster: "StandAloneCluster", Device: "SEP00000000000" + n, Times: times}
	}
	for _, c := range []struct {
		withExpected bool
		want         []event.Series
	}{
		{false, []event.Series{phone("0", at(0)), phone("1", at(1), at(51))}},
		{true, []event.Series{phone("0", at(0), at(200)), phone("1", at(1), at(51))}},
	} {
		var got []event.Series
		err := s.Series(context.Background(), event.Filter{}, c.withExpected, func(one event.Series) error {
			got = append(got, one)
			return nil
		})
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("planned ones %v: %+v, %v; want %+v", c.withExpected, got, err, c.want)
		}
	}
}

// TestChanges compares what one device did with what is read of the whole fleet.
func TestChanges(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	rows := append(story(), sample(1))
	twin := sample(50)
	twin.Cluster = "AnotherCluster"
	quiet := sample(100)
	quiet.Cluster, quiet.Alarm, quiet.Role = "QuietCluster", "LastOutOfServiceInformation", event.Info
	for _, row := range []*event.Row{twin, quiet} {
		row.Identify(event.Alarm, "")
		rows = append(rows, row)
	}
	slices.Reverse(rows)
	n := uint64(len(rows))
	interrupted(t, s, "a", 0, n, rows) // leaves copies
	commit(t, s, "a", 0, n, rows, event.Counts{Stored: n})
	for _, f := range []event.Filter{
		{}, {Cluster: "StandAloneCluster"}, {Node: "cucm-2"}, {Window: event.Window{From: rows[len(rows)-3].Time, To: twin.Time.Add(150 * time.Second)}},
	} {
		f.Device = "SEP000000000000"
		got, err := s.Changes(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]event.Change{}
		err = s.Histories(ctx, f, func(h event.History) error {
			want[h.Cluster] = h.Changes
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var clusters []string
		for _, h := range got {
			clusters = append(clusters, h.Cluster)
			for _, list := range [][]event.Change{h.Changes, want[h.Cluster]} {
				for i := range list {
					list[i].Key = 0
				}
			}
			if len(h.Changes)+len(want[h.Cluster]) > 0 && !reflect.DeepEqual(h.Changes, want[h.Cluster]) {
				t.Errorf("%+v: changes\n%+v\nwant\n%+v", f, h.Changes, want[h.Cluster])
			}
			delete(want, h.Cluster)
		}
		if len(want) > 0 || !slices.IsSorted(clusters) || f == (event.Filter{Device: f.Device}) && len(clusters) != 3 {
			t.Errorf("%+v: clusters %q; missing %v", f, clusters, want)
		}
	}
}

func TestFind(t *testing.T) {
	s := open(t)
	rows := samples(0, 20) // SEP000000000000 to SEP000000000013
	twin := sample(3)
	twin.Cluster, twin.Device = "AnotherCluster", "über 50%_3"
	twin.Identify(event.Alarm, "")
	later := sample(53) // of the phone of sample 3
	later.Description, later.IP = "Reception", ""
	rows = append(rows, twin, later)
	commit(t, s, "a", 0, uint64(len(rows)), rows, event.Counts{Stored: uint64(len(rows))})
	commit(t, s, "b", 0, 1, []*event.Row{sample(60)}, event.Counts{Stored: 1})
	f := func(limit int, filter event.Filter, parts []string, want ...string) {
		t.Helper()
		found, err := s.Find(t.Context(), filter, parts, limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range found {
			got = append(got, d.Device)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", parts, got, want)
		}
	}
	all := event.Filter{}
	f(9, all, []string{"sep00000000000f"}, "SEP00000000000F")
	f(9, all, []string{"00001"}, "SEP000000000001", "SEP000000000010", "SEP000000000011", "SEP000000000012", "SEP000000000013")
	f(2, all, []string{"00001"}, "SEP000000000001", "SEP000000000010")
	f(9, all, []string{"ÜBER", "0003"}, "SEP000000000003", "über 50%_3")
	f(9, all, []string{"%"}, "über 50%_3")
	f(9, all, []string{"'; DROP TABLE events; --"})
	f(9, event.Filter{Window: event.Window{From: noon.Add(50 * time.Second)}}, []string{"00000"}, "SEP000000000003", "SEP00000000000A")
	found, err := s.Find(t.Context(), all, []string{"0003"}, 9)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v %v", found, err)
	}
	want := event.DeviceSummary{
		Cluster: "StandAloneCluster", Device: "SEP000000000003", Model: "Cisco 3905", Description: "Reception", IP: "10.60.98.3",
		First: noon.Add(3 * time.Second), Last: noon.Add(53 * time.Second),
	}
	if found[0] != want {
		t.Errorf("%+v, want %+v", found[0], want)
	}
}
