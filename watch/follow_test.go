package watch

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
	"flapwatch/pattern"
	"flapwatch/store"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// writer stores alarms about some phones, one of which drops every sixteen minutes.
type writer struct {
	store  *store.Store
	random *rand.Rand
	frame  uint64
	seq    uint32
	past   []event.Row
}

func (w *writer) row(device int, at time.Time, role event.Role) event.Row {
	w.seq++
	e := event.Event{
		Time: at.Truncate(time.Millisecond), TimeSource: event.FromMessage, Received: at, Seq: w.seq, HasSeq: true, Alarm: "EndPointUnregistered",
		Device: fmt.Sprintf("SEP%012X", device), Cluster: "Campus", Node: fmt.Sprintf("ucm-%d", 1+w.random.IntN(2)), AppID: "Cisco CallManager",
		Protocol: "SIP", Reason: 13, HasReason: true, Signal: "SIPStationDPrimaryLineTimeout",
	}
	if w.random.IntN(3) > 0 { // not every message tells everything
		e.IP, e.Description = fmt.Sprintf("10.0.%d.%d", w.random.IntN(2), device), fmt.Sprint("desk ", w.random.IntN(3))
	}
	r := event.Row{Event: e, Names: event.Names{Role: role, Model: "Cisco 3905", Expected: role == event.Down && w.random.IntN(5) == 0}}
	switch role {
	case event.Up:
		r.Alarm, r.Event.Reason, r.HasReason, r.Signal = "EndPointRegistered", 0, false, ""
	case event.Attempt:
		r.Alarm = "EndPointTransientConnection"
	case event.Info:
		r.Alarm, r.Tags = "LastOutOfServiceInformation", []event.Tag{{Key: "NeighborDeviceID", Value: fmt.Sprint("switch-", w.random.IntN(3))}}
	}
	r.Identify(event.Alarm, "")
	return r
}

// write stores what came in up to now: of the last minutes, late, ahead of its time, and copies of what is stored.
func (w *writer) write(t *testing.T, before, now time.Time) {
	t.Helper()
	b := w.store.Begin("a", w.frame)
	add := func(r event.Row) {
		b.Add(&r)
		w.frame++
		w.past = append(w.past, r)
	}
	for range w.random.IntN(30) {
		at := before.Add(time.Duration(w.random.Float64() * float64(now.Sub(before))))
		switch w.random.IntN(10) {
		case 0:
			at = at.Add(-time.Duration(w.random.Float64() * float64(30*time.Hour)))
		case 1:
			at = at.Add(time.Duration(w.random.Float64() * float64(time.Hour)))
		}
		add(w.row(1+w.random.IntN(12), at, []event.Role{event.Down, event.Down, event.Up, event.Up, event.Attempt, event.Action, event.Info}[w.random.IntN(7)]))
	}
	const cycle = 16 * time.Minute
	for at := before.Truncate(cycle).Add(cycle); at.Before(now); at = at.Add(cycle) {
		r := w.row(0, at, event.Down)
		r.Node, r.Names.Expected = "ucm-1", false
		r.Identify(event.Alarm, "")
		add(r)
	}
	for i := range w.past {
		if w.random.IntN(50) == 0 {
			add(w.past[i])
		}
	}
	w.frame++ // a stretch is never empty
	if _, err := b.Commit(t.Context(), w.frame, event.Counts{}); err != nil {
		t.Fatal(err)
	}
}

// TestFollowing lets a fleet be followed while events come in and its window moves on, and compares each survey with one that is
// made from scratch.
func TestFollowing(t *testing.T) {
	t.Run("last day", func(t *testing.T) {
		testFollowing(t, func(now time.Time) time.Time { return now.Add(-standing) })
	})
	t.Run("since a day before", func(t *testing.T) {
		from := until.Add(-standing).Truncate(time.Hour)
		testFollowing(t, func(time.Time) time.Time { return from })
	})
}

func testFollowing(t *testing.T, from func(now time.Time) time.Time) {
	s, err := store.Open(context.Background(), clickhousetest.Open(t), store.Settings{Retention: 10 * 365 * 24 * time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := catalogue(t)
	w := &writer{store: s, random: rand.New(rand.NewPCG(7, 7))}
	now, version := until, uint64(0)
	clock := func() time.Time { return now }
	following := New(s, c, func() uint64 { return version }, clock)
	w.write(t, now.Add(-30*time.Hour), now)
	scans, devices := 0, 0
	for step := range 40 {
		before := now
		now = now.Add(time.Duration(w.random.Float64() * float64(30*time.Minute)))
		if step == 25 {
			now = now.Add(14 * time.Hour) // most of what is known leaves the window
		}
		if step%7 != 6 {
			w.write(t, before, now)
		}
		version++
		q := event.Filter{Window: event.Window{From: from(now), To: now}}
		got, err := following.Fleet(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want, err := New(s, c, func() uint64 { return 0 }, clock).Fleet(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		f := following.questions[following.key(q)].fleet
		compareSurveys(t, step, got, want, f)
		if f.scanned.Equal(now) {
			scans++
		}
		devices = max(devices, len(got.Verdicts))
	}
	if scans > 25 || devices < 12 {
		t.Errorf("%d scans in 40 surveys of %d devices: nothing was followed", scans, devices)
	}
}

func compareSurveys(t *testing.T, step int, got, want *diagnose.Survey, f *fleet) {
	t.Helper()
	if got.Window != want.Window || len(got.Verdicts) != len(want.Verdicts) || !reflect.DeepEqual(got.Outages, want.Outages) {
		t.Fatalf("step %d: %d verdicts, %d outages in %v; want %d, %d in %v", step, len(got.Verdicts), len(got.Outages), got.Window,
			len(want.Verdicts), len(want.Outages), want.Window)
	}
	for i := range want.Verdicts {
		g, w := got.Verdicts[i], want.Verdicts[i]
		if !reflect.DeepEqual(g.History, w.History) {
			t.Errorf("step %d: history\n%+v, want\n%+v", step, g.History, w.History)
		}
		a, b := g.Device.Flap.In(got.Window), w.Device.Flap.In(want.Window)
		if a.Unregistrations != b.Unregistrations || a.Expected != b.Expected || a.State != b.State || a.First != b.First || a.Last != b.Last ||
			!reflect.DeepEqual(a.MedianOutage, b.MedianOutage) || !reflect.DeepEqual(a.MedianRegistered, b.MedianRegistered) ||
			!near(a.Score, b.Score) || !near(a.RatePerHour, b.RatePerHour) || !near(value(a.Availability), value(b.Availability)) {
			t.Errorf("step %d: %s flaps\n%+v, want\n%+v", step, g.Device.Device, a, b)
		}
		comparePatterns(t, step, g.Patterns, w.Patterns, f.devices[name{w.Cluster, w.History.Device}].searched)
	}
}

// comparePatterns: a series that has changed little since it was searched may tell of some events more or fewer, and lack what is not
// shown; all else is as from scratch.
func comparePatterns(t *testing.T, step int, got, want []diagnose.Judged, series []searched) {
	t.Helper()
	slack := 0
	for _, s := range series {
		if s.seen != s.last {
			slack = max(slack, enough(s.events))
		}
	}
	if slack > 0 {
		hidden := func(j diagnose.Judged) bool { return !j.Passed }
		got, want = slices.DeleteFunc(slices.Clone(got), hidden), slices.DeleteFunc(slices.Clone(want), hidden)
	}
	if len(got) != len(want) {
		t.Errorf("step %d: %d patterns, want %d", step, len(got), len(want))
		return
	}
	for j := range want {
		p, q := got[j].Finding, want[j].Finding
		if got[j].Passed != want[j].Passed || math.Abs(float64(p.Events-q.Events)) > float64(slack) || math.Abs(p.Period/q.Period-1) > 0.01 {
			t.Errorf("step %d: %s repeats\n%+v, want\n%+v", step, want[j].Device, *p, *q)
		}
		if got[j].Passed && (!whole(p.Last-q.Last, q) || !whole(p.NextExpected-q.NextExpected, q)) {
			t.Errorf("step %d: %s was last lost %d and is expected %d, want %d and %d", step, want[j].Device, p.Last, p.NextExpected, q.Last, q.NextExpected)
		}
	}
}

// whole: a difference in milliseconds is some whole cycles of a finding, for a search leaves out an event after one that is missing at the
// very end.
func whole(ms int64, g *pattern.Finding) bool {
	d := float64(ms) / 1000
	k := math.Round(d / g.Period)
	return math.Abs(k) <= 2 && math.Abs(d-k*g.Period) <= max(10, g.NextSD)
}

func value(p *float64) float64 {
	if p == nil {
		return -1
	}
	return *p
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

// TestRestless keeps of devices that change all the time their newest changes, and of a quiet one all.
func TestRestless(t *testing.T) {
	f := &fleet{devices: map[name]*device{}, most: mostOfDevice}
	const gap = 10 * time.Second
	change := func(device string, n int, gap time.Duration) {
		h := event.History{Device: device}
		for i := range n {
			h.Changes = append(h.Changes, event.Change{At: until.Add(time.Duration(i) * gap).UnixMilli(), Role: event.Down})
		}
		f.take(h)
	}
	change("quiet", 700, gap)
	for i := range 10 {
		change(fmt.Sprint("restless ", i), mostOfDevice+1, gap)
	}
	const each = mostOfDevice / 4 * 3
	if f.most != mostOfDevice || f.changes != 700+10*each {
		t.Fatalf("%d changes kept, want %d", f.changes, 700+10*each)
	}
	f.cut(20_000) // 700 and ten times 2048/4·3 = 1536 are fewer
	if f.most != 2048 || f.changes != 700+10*1536 {
		t.Errorf("%d changes kept, at most %d of a device, want %d and 2048", f.changes, f.most, 700+10*1536)
	}
	f.cut(100) // no less is kept than leastOfDevice/4·3
	kept := 0
	for _, d := range f.sorted {
		kept += len(d.changes)
		if last := d.changes[len(d.changes)-1].at; d.Device != "quiet" && last != until.Add(mostOfDevice*gap).UnixMilli() {
			t.Errorf("%s has no newest change", d.Device)
		}
	}
	if f.most != leastOfDevice || kept != f.changes || kept != 11*leastOfDevice/4*3 {
		t.Errorf("%d changes kept and %d counted, want %d", kept, f.changes, 11*leastOfDevice/4*3)
	}
	f = &fleet{devices: map[name]*device{}, most: mostOfDevice}
	change("a flood", 10_000, 3*time.Second)
	if f.changes != restless/4*3 {
		t.Errorf("%d changes kept of a device that changes every three seconds", f.changes)
	}
}
