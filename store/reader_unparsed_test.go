package store

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
)

func TestUnparsed(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	b := s.Begin("a", 0)
	var want []event.Line
	for n := range 10 {
		e := sample(n / 2).Event // two in each millisecond
		e.Identify(event.Unparsed, "a/"+string(rune('0'+n)))
		e.Raw = everyByte()
		reason := []string{"no header", "no time"}[n%5/3]
		b.AddUnparsed(&e, n, reason)
		want = append(want, event.Line{ID: e.ID, Received: e.Received, Source: e.Source, Offset: n, Reason: reason, Raw: e.Raw})
	}
	counts, err := b.Commit(ctx, 10, event.Counts{})
	if err != nil || counts != (event.Counts{Received: 10, Unparsed: 10}) {
		t.Fatalf("%+v, %v", counts, err)
	}
	var got []event.Line
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := s.Unparsed(ctx, event.Filter{}, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
		cursor = next
	}
	newest := func(a, b event.Line) int {
		if c := b.Received.Compare(a.Received); c != 0 {
			return c
		}
		return slices.Compare(b.ID[:], a.ID[:])
	}
	slices.SortFunc(want, newest)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("lines\n%+v\nwant\n%+v", got, want)
	}
	first := sample(0).Received
	reasons, err := s.UnparsedCounts(ctx, event.Window{})
	if wantReasons := []LineCount{
		{"no header", 6, first, first.Add(3 * time.Second)}, {"no time", 4, first.Add(time.Second), first.Add(4 * time.Second)},
	}; err != nil || !reflect.DeepEqual(reasons, wantReasons) {
		t.Errorf("reasons %+v, %v; want %+v", reasons, err, wantReasons)
	}
	inside, _, err := s.Unparsed(ctx, event.Filter{Window: event.Window{From: first.Add(time.Second), To: first.Add(2 * time.Second)}}, "", 10)
	if err != nil || len(inside) != 2 {
		t.Errorf("%d lines in the window, %v; want 2", len(inside), err)
	}
}

func TestOthers(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	b := s.Begin("a", 0)
	now := time.Now().UTC().Truncate(time.Millisecond) // they are kept for a week
	for n, program := range []string{"audispd", "crond", "audispd"} {
		e := event.Event{Received: now.Add(time.Duration(n) * time.Second), Process: program, Raw: program}
		e.Identify(event.Other, string(rune('0'+n)))
		b.AddOther(&e)
	}
	if _, err := b.Commit(ctx, 3, event.Counts{}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Others(ctx)
	want := []ProgramCount{{"audispd", 2, now.Add(2 * time.Second)}, {"crond", 1, now.Add(time.Second)}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("programs %+v, %v; want %+v", got, err, want)
	}
}
