package watch

import (
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
)

// clock is one that only the test moves, and that a search beside it may read.
type clock struct{ ms atomic.Int64 }

func clockAt(t time.Time) *clock {
	c := new(clock)
	c.ms.Store(t.UnixMilli())
	return c
}

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

func (c *clock) pass(d time.Duration) time.Time {
	c.ms.Add(d.Milliseconds())
	return c.now()
}

// TestLongSearch lets a search for outages take long: a survey in between tells the outages before, and the one after it those found.
func TestLongSearch(t *testing.T) {
	c := catalogue(t)
	p := play(t, c, "outage", 1)
	version := uint64(0)
	clock := clockAt(until)
	w := New(p, c, func() uint64 { return version }, clock.now)
	q := event.Filter{Window: event.Window{From: week.From, To: until}}
	next := func() *diagnose.Survey {
		t.Helper()
		s, err := w.Fleet(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		version++
		q.To = clock.pass(2 * time.Minute)
		q.From = q.From.Add(2 * time.Minute)
		return s
	}
	first := next()
	if len(first.Outages) == 0 {
		t.Fatal("no outage in a week with outages")
	}
	o := &w.questions[w.key(q)].fleet.outages
	o.effort, o.found, o.search = 5*time.Second, nil, make(chan found, 1)
	if second := next(); len(second.Outages) != 0 {
		t.Errorf("%d outages while a search is under way, want none, as before", len(second.Outages))
	}
	o.search <- found{outages: first.Outages, window: q.Window}
	if third := next(); !reflect.DeepEqual(third.Outages, first.Outages) {
		t.Errorf("%d outages after the search, want the %d that it found", len(third.Outages), len(first.Outages))
	}
}

// TestSigns lets the window of a fleet whose search takes long move on to an outage: there is no search while nothing happens, and one
// as soon as the outage has begun.
func TestSigns(t *testing.T) {
	c := catalogue(t)
	p := play(t, c, "outage", 1)
	outage := time.UnixMilli(survey(t, p, c).Outages[0].Outage.Start)
	clock, version := clockAt(outage.Add(-8*time.Minute)), uint64(0)
	w := New(p, c, func() uint64 { return version }, clock.now)
	survey := func() (*diagnose.Survey, *outages) {
		t.Helper()
		now := clock.now()
		q := event.Filter{Window: event.Window{From: now.Add(-week.Length()), To: now}}
		s, err := w.Fleet(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		o := &w.questions[w.key(q)].fleet.outages
		version++
		clock.pass(3 * time.Minute)
		return s, o
	}
	_, o := survey()
	if o.effort = 5 * time.Second; o.search != nil {
		t.Error("a first survey does not wait for its search")
	}
	if _, o = survey(); o.search != nil {
		t.Error("a search where nothing happened")
	}
	survey()
	s, o := survey()
	if o.search != nil { // it may be done already
		if len(s.Outages) != 0 {
			t.Errorf("%d outages while they are sought, want none, as before", len(s.Outages))
		}
		o.search <- <-o.search // now it is
		s, _ = survey()
	}
	if len(s.Outages) != 1 || s.Outages[0].Outage.Start != outage.UnixMilli() {
		t.Errorf("%d outages after the search a minute after one began, want that one", len(s.Outages))
	}
}
