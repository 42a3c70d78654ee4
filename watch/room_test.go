package watch

import (
	"testing"
	"time"

	"flapwatch/event"
)

// TestRoom: where all questions together take too much, a refresh leaves the one that was asked last, and a new question does not.
func TestRoom(t *testing.T) {
	c := clockAt(until)
	w := New(nil, nil, nil, c.now)
	add := func(key string, length time.Duration, bytes int) {
		w.questions[key] = &question{
			fleet: &fleet{watch: w, filter: event.Filter{Window: event.Window{From: until.Add(-length), To: until}}, length: length, goesOn: true},
			asked: c.now(), bytes: bytes,
		}
		c.pass(time.Second)
	}
	add("standing", standing, room/2)
	add("month", 30*24*time.Hour, room)
	add("week", 7*24*time.Hour, room/2)
	want := func(doing string, keys ...string) {
		t.Helper()
		for _, k := range keys {
			if w.questions[k] == nil {
				t.Errorf("%s: %q is forgotten", doing, k)
			}
		}
		if len(w.questions) != len(keys) {
			t.Errorf("%s: %d questions kept, want %v", doing, len(w.questions), keys)
		}
	}
	w.makeRoom(c.now(), 1)
	want("a refresh", "standing", "week")
	w.questions["week"].bytes = room
	w.makeRoom(c.now(), 1)
	want("a refresh with one question left", "standing", "week")
	w.makeRoom(c.now(), 0)
	want("a new question", "standing")
	add("week", 7*24*time.Hour, 1)
	c.pass(idle)
	w.makeRoom(c.now(), 1)
	want("nobody asks any more", "standing")
}
