package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
)

// TestTail follows what is committed in small pages: nothing is missing, nothing comes twice, and what is written and not
// committed is not shown.
func TestTail(t *testing.T) {
	s, ctx := open(t), context.Background()
	place, err := s.TailEnd(ctx, "q")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	follow := func(f event.Filter) {
		t.Helper()
		end, err := s.TailEnd(ctx, "q")
		if err != nil {
			t.Fatal(err)
		}
		for {
			rows, places, err := s.Tail(ctx, f, "q", place, end, 7)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				got = append(got, fmt.Sprint(rows[i].Seq))
				place = places[i]
			}
			if len(rows) < 7 {
				place = end
				return
			}
		}
	}
	commit(t, s, "q", 0, 20, samples(0, 20), event.Counts{Received: 20, Stored: 20})
	follow(event.Filter{})
	commit(t, s, "other", 0, 5, samples(100, 105), event.Counts{Received: 5, Stored: 5})
	commit(t, s, "q", 20, 30, samples(15, 25), event.Counts{Received: 10, Stored: 5, Duplicate: 5})
	follow(event.Filter{})
	commit(t, s, "q", 30, 32, samples(25, 27), event.Counts{Received: 2, Stored: 2})
	follow(event.Filter{Device: sample(26).Device})
	var want []string
	for n := range 25 {
		want = append(want, fmt.Sprint(41_000+n))
	}
	if want = append(want, "41026"); !slices.Equal(got, want) {
		t.Errorf("tail gave\n%v\nwant\n%v", got, want)
	}
	if _, _, err := s.Tail(ctx, event.Filter{}, "elsewhere", place, place, 7); !errors.Is(err, event.ErrCursor) {
		t.Errorf("a place of another spool: %v", err)
	}
}

// TestSourcesByReceipt has a sender whose clock is three hours ahead and whose numbers have a gap of two.
func TestSourcesByReceipt(t *testing.T) {
	s := open(t)
	rows := samples(0, 10)
	rows = append(rows[:4], rows[6:]...)
	for _, r := range rows {
		r.Received = r.Time.Add(-3 * time.Hour)
	}
	commit(t, s, "q", 0, 8, rows, event.Counts{Received: 8, Stored: 8})
	w := event.Window{From: noon.Add(-4 * time.Hour), To: noon.Add(-2 * time.Hour)}
	senders, err := s.Sources(context.Background(), event.Filter{Window: w})
	list := senders.List
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sources, %v", len(list), err)
	}
	o := list[0]
	got := fmt.Sprint(o.Source, o.Node, o.Messages, o.Endpoint, o.Up, o.Down, o.Severities, o.Skew, o.LastEndpoint.UTC() == o.Last.UTC(),
		len(o.Counters), o.Counters[0].Missing, o.Counters[0].Gaps)
	if want := fmt.Sprint("10.0.0.1", "cucm-1", 8, 8, 0, 8, []uint8{3}, 3*time.Hour, true, 1, 2, 1); got != want {
		t.Errorf("source is %s, want %s", got, want)
	}
}

// TestReplayIsNoClock tells a record that is played from a clock that is wrong: one is made at another pace than it comes.
func TestReplayIsNoClock(t *testing.T) {
	s := open(t)
	rows := samples(0, 400) // one a second
	for i, r := range rows {
		late := time.Duration(i%3) * time.Millisecond
		switch i % 4 {
		case 0: // a year behind, live
			r.Source, r.Node, r.Received = "10.0.0.1", "behind", r.Time.AddDate(1, 0, 0).Add(late)
		case 1: // a day of a year ago, played in a second
			r.Time = noon.Add(time.Duration(i) * 4 * time.Minute)
			r.Source, r.Node, r.Received = "10.0.0.1", "played", noon.AddDate(1, 0, 0).Add(time.Duration(i)*time.Millisecond)
		case 2: // held back by a relay for an hour, then let go at once
			r.Time = noon.AddDate(1, 0, 0).Add(time.Duration(i)*9*time.Second - time.Hour)
			r.Source, r.Node, r.Received = "10.0.0.1", "held", noon.AddDate(1, 0, 0).Add(time.Duration(i)*time.Millisecond)
		case 3: // as it should be
			r.Source, r.Node, r.Received = "10.0.0.1", "well", noon.AddDate(1, 0, 0).Add(time.Duration(i)*time.Second+late)
			r.Time = r.Received
		}
		r.Identify(event.Alarm, "")
	}
	commit(t, s, "q", 0, 400, rows, event.Counts{Received: 400, Stored: 400})
	w := event.Window{From: noon.AddDate(1, 0, 0).Add(-time.Hour), To: noon.AddDate(1, 0, 0).Add(time.Hour)}
	senders, err := s.Sources(context.Background(), event.Filter{Window: w})
	list := senders.List
	if err != nil || len(list) != 4 {
		t.Fatalf("%d sources, %v", len(list), err)
	}
	for _, o := range list {
		if want := o.Node == "played" || o.Node == "held"; o.Replayed() != want {
			t.Errorf("%s: replayed %v; made over %s, came over %s, skew %s", o.Node, o.Replayed(), o.Made, o.Came, o.Skew)
		}
		if o.Node == "behind" && o.Skew > -364*24*time.Hour {
			t.Errorf("behind: skew %s", o.Skew)
		}
	}
}
