package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"

	"flapwatch/event"
	"flapwatch/reasons"
	"flapwatch/watch"
)

const (
	window      = 30 * 24 * time.Hour
	memoryLimit = 832 << 20 // of serve
)

// measure judges the fleet from scratch and then minute by minute. The clock goes on from the end of what is stored, and jumps.
func (b *bench) measure(ctx context.Context, p *population) error {
	debug.SetMemoryLimit(memoryLimit)
	catalogue, err := reasons.New()
	if err != nil {
		return err
	}
	end := b.Until.Add(time.Duration(b.Minutes) * time.Minute)
	if _, err := b.write(ctx, p, end); err != nil { // skips what the folder holds
		return err
	}
	p.mute = false
	began, jumped := time.Now(), time.Duration(0)
	clock := func() time.Time { return end.Add(time.Since(began) + jumped) }
	w := watch.New(b.store, catalogue, func() uint64 { return b.next }, clock)
	if err := b.profiled(".scratch", func() error { return ask(ctx, w, clock(), "from scratch", 0) }); err != nil {
		return err
	}
	return b.profiled(".minutes", func() error {
		for i := range 2 * b.minutes {
			jumped += time.Minute
			until := clock()
			n, err := b.write(ctx, p, until)
			if err == nil && i >= b.minutes {
				n, err = b.crowd(ctx, p, until, n)
			}
			if err == nil {
				err = ask(ctx, w, until, "a minute", n)
			}
			if err != nil {
				return err
			}
		}
		b.Minutes = int(clock().Sub(b.Until)/time.Minute) + 1
		return b.note()
	})
}

// ask waits for a survey of the window that ends at until and prints what it took.
func ask(ctx context.Context, w *watch.Watch, until time.Time, what string, events uint64) error {
	began, cpu := time.Now(), processorTime()
	f := event.Filter{Window: event.Window{From: until.Add(-window), To: until}}
	s, err := w.Fleet(ctx, f)
	for ; err == nil && !s.Window.To.Equal(until); s, err = w.Fleet(ctx, f) { // the one before, while the new one is made
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	passed := 0
	for _, v := range s.Verdicts {
		for i := range v.Patterns {
			if v.Patterns[i].Passed {
				passed++
			}
		}
	}
	fmt.Printf("%s, %d new events: %s, processor time %s, %d devices, %d patterns, %d outages, at most %d MiB so far\n", what, events,
		time.Since(began).Round(time.Millisecond), (processorTime() - cpu).Round(time.Millisecond), len(s.Verdicts), passed, len(s.Outages), peak()>>20)
	return nil
}

// crowd stores losses of other phones in the minute before now, until it has as many events as a busy one.
func (b *bench) crowd(ctx context.Context, p *population, now time.Time, n uint64) (uint64, error) {
	batch := b.store.Begin("fleet", b.next)
	for ; n < uint64(b.busy); n++ {
		h := p.phones[rand.IntN(len(p.phones))]
		p.write(h, now.Add(-rand.N(time.Minute)), h.primary, 13)
		batch.Add(&p.row)
		b.next++
	}
	_, err := batch.Commit(ctx, b.next, event.Counts{})
	return n, err
}

// profiled writes down where processor time of do goes, if that is asked for.
func (b *bench) profiled(what string, do func() error) error {
	if b.profile == "" {
		return do()
	}
	f, err := os.Create(b.profile + what)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = do()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// processorTime that this process took, the engine left out.
func processorTime() time.Duration {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the most memory that this process held, in bytes.
func peak() int64 { return usage().Maxrss << 10 }

func usage() (u syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u
}
