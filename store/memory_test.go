package store

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/zeebo/xxh3"

	"flapwatch/event"
)

func idOfNumber(n uint64) (id event.ID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func TestIDSet(t *testing.T) {
	var s idSet
	if s.has(idOfNumber(1)) {
		t.Error("an empty set has an id")
	}
	for _, size := range []int{0, 10, 100_000} {
		s.reset(size)
		random := rand.New(rand.NewPCG(1, 2))
		known := map[event.ID]bool{}
		for range 5000 {
			id := idOfNumber(random.Uint64N(2000))
			if random.IntN(2) == 0 {
				binary.BigEndian.PutUint64(id[:], random.Uint64N(3))
			}
			if s.has(id) != known[id] || s.add(id) == known[id] {
				t.Fatalf("room for %d: wrong about %s, known: %v", size, id, known[id])
			}
			known[id] = true
		}
		if s.len() != len(known) {
			t.Errorf("%d ids, want %d", s.len(), len(known))
		}
		all := slices.Clone(s.ids)
		for _, n := range []int{len(all), len(all) - 1, len(all) / 3, 0} {
			s.cut(n)
			for i, id := range all {
				if s.has(id) != (i < n) {
					t.Fatalf("cut to %d: id %d is there: %v", n, i, s.has(id))
				}
			}
		}
		for _, id := range all {
			s.add(id)
		}
		for i, id := range all {
			if i%3 == 0 {
				s.forget(id)
			}
		}
		for range 2 {
			for i, id := range all {
				if s.has(id) != (i%3 > 0) {
					t.Fatalf("of every third id forgotten, id %d is there: %v", i, s.has(id))
				}
			}
			s.grow()
		}
		for i, id := range all {
			if s.add(id) != (i%3 == 0) || !s.has(id) {
				t.Fatalf("id %d is not taken in again", i)
			}
		}
	}
}

// memory must never say that it knows all of a second of which it has forgotten something.
func TestMemoryForgets(t *testing.T) {
	var m memory
	m.take(map[int64]*day{0: new(day)})
	m.days[0][0] = 1 // something is stored of second 0
	rows := func(second int64, from, n int) (b *Batch, all []int32) {
		b = &Batch{spool: "a"}
		e := &b.events
		for i := range n {
			e.ids = append(e.ids, event.ID(xxh3.HashString128(strconv.Itoa(from+i)).Bytes()))
			e.time.add(second * 1000)
			all = append(all, int32(i))
		}
		return b, all
	}
	learn := func(second int64, from, n int) {
		b, all := rows(second, from, n)
		m.learn(b, all)
	}
	expect := func(when string, second int64, stored, complete bool) {
		t.Helper()
		if m.stored(second) != stored || m.complete(second) != complete {
			t.Errorf("%s: second %d is stored %v, complete %v; want %v, %v", when, second, m.stored(second), m.complete(second), stored, complete)
		}
	}
	expect("at first", 0, true, false)
	expect("at first", 1, false, false)
	learn(0, 0, 1)
	learn(1, 1, 1)
	expect("learnt", 0, true, false)
	expect("learnt", 1, true, true)
	expect("another day", 100_000, true, false)

	learn(2, 10, maxIDs)
	learn(1, 2, 1)
	expect("in the generation before", 1, true, true)
	expect("in the generation before", 2, true, true)
	if b, _ := rows(1, 1, 2); m.enter(b.events.ids[0], m.old(1)) || m.enter(b.events.ids[1], m.old(1)) {
		t.Error("an id of a complete second is forgotten")
	}
	learn(3, 10+maxIDs, maxIDs)
	learn(4, 10+2*maxIDs, 1)
	expect("forgotten", 1, true, false)
	expect("forgotten", 2, true, false)
	expect("kept", 3, true, true)

	m.begin(&Batch{spool: "a"})
	expect("the next range", 3, true, true)
	b, all := rows(5, 1, 1)
	b.next = 7
	m.learn(b, all)
	m.begin(&Batch{spool: "b"})
	expect("a range of another spool", 5, true, true)
	if m.old(5) || !m.old(3) || !m.old(1) {
		t.Errorf("the generation before may have ids of second 5: %v, of 3: %v, of 1: %v", m.old(5), m.old(3), m.old(1))
	}
	m.begin(&Batch{spool: "a", first: 6})
	expect("a range written again", 5, true, false)
}

func TestUnknownDays(t *testing.T) {
	var m memory
	var times []int64
	for n := range int64(1000) {
		times = append(times, n%100*secondsPerDay*1000, n%100*secondsPerDay*1000+1)
	}
	unknown := m.unknown(times)
	if len(unknown) != maxNewDays {
		t.Fatalf("%d days are loaded at once, want %d", len(unknown), maxNewDays)
	}
	for n := range int64(2000) {
		m.take(map[int64]*day{n: new(day)})
		if len(m.days) > maxDays || m.days[n] == nil {
			t.Fatalf("%d days are remembered, at most %d", len(m.days), maxDays)
		}
	}
}

// What a batch entered counts once it is decided, and not before, nor when ClickHouse refused it.
func TestMemoryOfUndecided(t *testing.T) {
	var m memory
	m.take(map[int64]*day{0: new(day)})
	m.days[0][0] = 1 // something is stored of second 0
	batch := func(second int64, ids ...uint64) *Batch {
		b := &Batch{spool: "a"}
		for _, n := range ids {
			b.events.ids = append(b.events.ids, idOfNumber(n))
			b.events.time.add(second * 1000)
		}
		return b
	}
	enter := func(b *Batch) (fresh []int32) {
		m.begin(b)
		for i, id := range b.events.ids {
			if m.enter(id, m.old(b.events.second(int32(i)))) {
				fresh = append(fresh, int32(i))
			}
		}
		return fresh
	}
	expect := func(when string, b *Batch, want ...int32) {
		t.Helper()
		if got := enter(b); !slices.Equal(got, want) {
			t.Errorf("%s: rows %d are new, want %d", when, got, want)
		}
	}
	lost, kept, refused := batch(1, 1, 2, 1), batch(1, 2, 3), batch(1, 4, 5)
	expect("at first", lost, 0, 1)
	expect("after a batch that was not decided", kept, 0, 1)
	m.learn(kept, []int32{0, 1})
	expect("after a decision", batch(1, 1, 2, 3), 0)

	w := m.learn(refused, enter(refused))
	expect("while it is written", batch(1, 1, 2, 3, 4, 5), 0)
	if len(m.unwritten) != 2 {
		t.Errorf("%d batches are not written, want 2", len(m.unwritten))
	}
	w.end([]event.ID{idOfNumber(4)})
	expect("after a row was refused", batch(1, 1, 2, 3, 4, 5), 0, 3)
	if len(m.unwritten) != 1 {
		t.Errorf("%d batches are not written, want 1", len(m.unwritten))
	}

	asked := batch(0, 6)
	m.learn(asked, enter(asked))
	expect("of a second of which ClickHouse knows more", batch(0, 6), 0)
}
