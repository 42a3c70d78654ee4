package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// gone is a context that has ended: whoever has to ask ClickHouse, or to wait, fails.
func gone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// decide fills a batch and decides it.
func decide(t *testing.T, s *Store, first, next uint64, rows []*event.Row) *Batch {
	t.Helper()
	b := begin(s, first, rows)
	if err := b.Decide(t.Context(), next, event.Counts{}); err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, list ...*Batch) {
	t.Helper()
	for _, b := range list {
		if err := b.Write(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// mark marks a batch and checks what became of its messages.
func mark(t *testing.T, b *Batch, want event.Counts) {
	t.Helper()
	name := fmt.Sprintf("range %d to %d", b.first, b.next)
	got, err := b.Mark(t.Context())
	if want.Received = want.Stored + want.Duplicate + want.Unparsed; err != nil || got != want {
		t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
	}
}

// Two ranges with copies of the same events are decided, and then written in either order: the copies are the second's.
func TestOverlap(t *testing.T) {
	for name, swapped := range map[string]bool{"in order": false, "swapped": true} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			one := decide(t, s, 0, 100, samples(0, 100))
			two := decide(t, s, 100, 200, samples(50, 150))
			if swapped {
				write(t, two, one)
			} else {
				write(t, one, two)
			}
			check(t, s, 150, event.Counts{})
			mark(t, one, event.Counts{Stored: 100})
			mark(t, two, event.Counts{Stored: 50, Duplicate: 50})
			check(t, s, 150, event.Counts{Received: 200, Stored: 150, Duplicate: 50})
		})
	}
}

// A range that is tried again and again holds up the mark of the next, not its rows.
func TestOverlapTriedAgain(t *testing.T) {
	s := open(t)
	one := decide(t, s, 0, 100, samples(0, 100))
	two := decide(t, s, 100, 200, samples(50, 150))
	write(t, two)
	for range 3 {
		if err := one.Write(gone()); !errors.Is(err, event.ErrUnavailable) {
			t.Fatalf("written without a connection: %v", err)
		}
	}
	write(t, one, one, two) // a step that is done is not done again
	for range 2 {
		if _, err := one.Mark(gone()); !errors.Is(err, event.ErrUnavailable) {
			t.Fatalf("marked without a connection: %v", err)
		}
	}
	mark(t, one, event.Counts{Stored: 100})
	mark(t, two, event.Counts{Stored: 50, Duplicate: 50})
	check(t, s, 150, event.Counts{Received: 200, Stored: 150, Duplicate: 50})
}

// waits checks that a batch is not decided before others are written, and does not ask before that either.
func waits(t *testing.T, b *Batch, next uint64) {
	t.Helper()
	if err := b.Decide(gone(), next, event.Counts{}); err == nil || !strings.Contains(err.Error(), "wait for the ranges before") {
		t.Fatalf("decided before the range before it was written: %v", err)
	}
}

// A range that has to ask ClickHouse about events, seconds or lines waits until those decided before it are written.
func TestOverlapWaits(t *testing.T) {
	placed := func(from, to int) []*event.Row {
		rows := samples(from, to)
		for n, row := range rows {
			row.TimeSource = event.FromReceipt
			row.Identify(event.Alarm, fmt.Sprint("place/", from+n))
		}
		return rows
	}
	for name, c := range map[string]struct {
		stored   bool // something is, of all seconds
		one, two []*event.Row
	}{
		"seconds of which more is stored": {true, samples(0, 100), samples(50, 150)},
		"events known by their place":     {false, placed(0, 100), placed(50, 150)},
		"a day that is not known":         {false, samples(0, 100), slices.Concat(samples(50, 150), samples(100_000, 100_001))},
	} {
		t.Run(name, func(t *testing.T) {
			options := clickhousetest.Open(t)
			s := reopen(t, options)
			before := uint64(0)
			if c.stored {
				var rows []*event.Row
				for _, row := range samples(0, 150) {
					row.Seq += 10_000
					row.Identify(event.Alarm, "")
					rows = append(rows, row)
				}
				before = uint64(len(rows))
				commit(t, s, "a", 0, before, rows, event.Counts{Stored: before})
				s = reopen(t, options) // remembers nothing
			}
			at := before + uint64(len(c.one))
			end := at + uint64(len(c.two))
			one := decide(t, s, before, at, c.one)
			two := begin(s, at, c.two)
			waits(t, two, end)
			decided := make(chan error, 1)
			go func() { decided <- two.Decide(t.Context(), end, event.Counts{}) }()
			write(t, one)
			if err := <-decided; err != nil {
				t.Fatal(err)
			}
			write(t, two)
			mark(t, one, event.Counts{Stored: 100})
			mark(t, two, event.Counts{Stored: uint64(len(c.two)) - 50, Duplicate: 50})
		})
	}
}

// Lines of a file that is read twice at the same time are stored once.
func TestOverlapOfFiles(t *testing.T) {
	s := open(t)
	read := func(first uint64) (*Batch, *event.Counts) {
		b, c := s.Begin("a", first), new(event.Counts)
		b.Import(c)
		for n := range 3 {
			e := sample(n).Event
			e.Received = time.Now() // other lines are kept for a week
			e.Identify(event.Unparsed, fmt.Sprint("file/", n))
			b.AddUnparsed(&e, 0, "why")
			b.AddOther(&e)
		}
		return b, c
	}
	one, first := read(0)
	two, second := read(6)
	if err := one.Decide(t.Context(), 6, event.Counts{}); err != nil {
		t.Fatal(err)
	}
	waits(t, two, 12)
	write(t, one)
	if err := two.Decide(t.Context(), 12, event.Counts{}); err != nil {
		t.Fatal(err)
	}
	write(t, two)
	if *first != (event.Counts{}) || *second != (event.Counts{}) {
		t.Errorf("told %+v and %+v before the commit", *first, *second)
	}
	for _, b := range []*Batch{one, two} {
		if _, err := b.Mark(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if *first != (event.Counts{Unparsed: 3, Other: 3}) || *second != (event.Counts{Duplicate: 6}) {
		t.Errorf("told %+v and %+v", *first, *second)
	}
}

// A copy of an event that is refused is a duplicate while that is not known, and tried as any other afterwards.
func TestOverlapOfRefused(t *testing.T) {
	s := open(t)
	exec(t, s, "ALTER TABLE events ADD CONSTRAINT poison CHECK device != 'poison'")
	one := decide(t, s, 0, 10, poisoned(0, 10, 3, 4))
	two := decide(t, s, 10, 20, poisoned(0, 10, 3))
	write(t, two, one)
	mark(t, one, event.Counts{Stored: 8, Unparsed: 2})
	mark(t, two, event.Counts{Stored: 1, Duplicate: 9}) // 4 is another event here
	exec(t, s, "ALTER TABLE events DROP CONSTRAINT poison")
	commit(t, s, "a", 20, 30, poisoned(0, 10, 3, 4), event.Counts{Stored: 2, Duplicate: 8})
	check(t, s, 11, event.Counts{Received: 30, Stored: 11, Duplicate: 17, Unparsed: 2})
}

// Killed between the rows of two ranges and their marks, be it that one, the other or both are written: what the next process makes of
// the same frames counts once, whatever its ranges.
func TestOverlapKilled(t *testing.T) {
	rows := slices.Concat(samples(0, 100), samples(50, 150), samples(120, 170)) // in frames 0 to 250
	for name, left := range map[string]func(one, two *Batch) []*Batch{
		"none written":   func(_, _ *Batch) []*Batch { return nil },
		"first written":  func(one, _ *Batch) []*Batch { return []*Batch{one} },
		"second written": func(_, two *Batch) []*Batch { return []*Batch{two} },
		"both written":   func(one, two *Batch) []*Batch { return []*Batch{two, one} },
	} {
		for _, cuts := range [][]int{{100, 200, 250}, {60, 130, 250}, {220, 250}, {100, 150, 250}} {
			merged := cuts[0] != 100 // what lies there, before the next range is decided
			t.Run(fmt.Sprint(name, " ", cuts), func(t *testing.T) {
				options := clickhousetest.Open(t)
				s := reopen(t, options)
				write(t, left(decide(t, s, 0, 100, rows[:100]), decide(t, s, 100, 200, rows[100:200]))...)
				s = reopen(t, options)
				var list []*Batch
				known := map[event.ID]bool{}
				for i, end := range cuts {
					first := 0
					if i > 0 {
						first = cuts[i-1]
						if merged {
							exec(t, s, "OPTIMIZE TABLE events FINAL")
						}
						write(t, list[i-1]) // and is not marked yet
					}
					list = append(list, decide(t, s, uint64(first), uint64(end), rows[first:end]))
				}
				write(t, list[len(list)-1])
				total := event.Counts{Received: 250}
				for i, b := range list {
					first := 0
					if i > 0 {
						first = cuts[i-1]
					}
					want := tally(known, rows[first:cuts[i]])
					mark(t, b, want)
					total = total.Add(want)
				}
				check(t, s, 170, total)
			})
		}
	}
}

// tally says what becomes of rows when known are stored, and makes them known.
func tally(known map[event.ID]bool, rows []*event.Row) (c event.Counts) {
	for _, row := range rows {
		if known[row.ID] {
			c.Duplicate++
		} else {
			c.Stored++
		}
		known[row.ID] = true
	}
	return c
}

// process is a service as the store sees it: up to three ranges of a spool on their way at the same time.
type process struct {
	*testing.T
	random  *rand.Rand
	options *clickhouse.Options
	spool   []*event.Row
	store   *Store
	at      int // end of what is committed
	ranges  []*Batch
	ends    []int // of ranges
	known   map[event.ID]bool
	total   event.Counts
}

// end is where the next range begins.
func (p *process) end() int {
	if len(p.ends) == 0 {
		return p.at
	}
	return p.ends[len(p.ends)-1]
}

// begin begins a range if there is room for it.
func (p *process) begin() {
	if first := p.end(); len(p.ranges) < 3 && first < len(p.spool) {
		end := min(len(p.spool), first+1+p.random.IntN(60))
		p.ranges, p.ends = append(p.ranges, begin(p.store, uint64(first), p.spool[first:end])), append(p.ends, end)
	}
}

// decide decides the first range that is not. It fails where that has to wait for others.
func (p *process) decide() {
	ctx := context.Background()
	for i, b := range p.ranges {
		if b.writing != nil {
			if !b.writing.isDone() {
				ctx = gone()
			}
			continue
		}
		if err := b.Decide(ctx, uint64(p.ends[i]), event.Counts{}); err != nil && ctx.Err() == nil {
			p.Fatal(err)
		}
		return
	}
}

// write writes any of the ranges that are decided, or does not.
func (p *process) write() {
	if len(p.ranges) == 0 {
		return
	}
	b := p.ranges[p.random.IntN(len(p.ranges))]
	if b.writing == nil {
		return
	}
	if p.random.IntN(4) == 0 {
		_ = b.Write(gone())
		return
	}
	write(p.T, b)
}

// mark marks the first range if it is written. What became of its messages must be what a set of ids says.
func (p *process) mark() {
	if len(p.ranges) == 0 || p.ranges[0].writing == nil || !p.ranges[0].writing.isDone() {
		return
	}
	want := tally(p.known, p.spool[p.at:p.ends[0]])
	mark(p.T, p.ranges[0], want)
	p.total = p.total.Add(want)
	p.total.Received += want.Stored + want.Duplicate
	p.at, p.ranges, p.ends = p.ends[0], p.ranges[1:], p.ends[1:]
}

// die loses everything that is not in ClickHouse.
func (p *process) die() {
	p.store, p.ranges, p.ends = reopen(p.T, p.options), nil, nil
}

// A spool in which a third of the frames repeat others is committed in ranges of any size, several on their way at the same time, with
// failures, lost memories and merges in between.
func TestOnceAtRandom(t *testing.T) {
	for seed := range uint64(6) {
		p := process{T: t, random: rand.New(rand.NewPCG(seed, 0)), options: clickhousetest.Open(t), known: map[event.ID]bool{}}
		const frames = 400
		for range frames {
			p.spool = append(p.spool, sample(p.random.IntN(frames/2)))
		}
		p.die()
		died := 0
		for p.at < frames {
			switch p.random.IntN(32) {
			case 0:
				died++
				p.die()
			case 1:
				exec(t, p.store, "OPTIMIZE TABLE events FINAL")
			default:
				[]func(){p.begin, p.decide, p.write, p.mark}[p.random.IntN(4)]()
			}
		}
		check(t, p.store, len(p.known), p.total)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
		t.Logf("seed %d: died %d times", seed, died)
	}
}
