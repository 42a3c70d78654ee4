// Command fleet measures what judging a large fleet costs. It fills a data folder with the events of one, phones of both seed cases
// among many that are lost now and then, and outages; then it judges the last thirty days from scratch, and follows them minute by
// minute: those of the same fleet, and some with more events. The folder grows by these minutes.
//
//	go build -o bin/flapwatch ./cmd/flapwatch && go run ./bench/fleet --binary bin/flapwatch --data /tmp/fleet
//
// It is judged in the process of this command, by the rooms that serve uses and with its memory limit; the clock is set to the end of
// what is stored.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"flapwatch/engine"
	"flapwatch/event"
	"flapwatch/store"
)

func main() {
	var b bench
	flag.StringVar(&b.binary, "binary", "bin/flapwatch", "the program")
	flag.StringVar(&b.data, "data", "", "data folder; filled if it does not exist")
	flag.IntVar(&b.Events, "events", 10_000_000, "events to fill in")
	flag.IntVar(&b.Devices, "devices", 100_000, "devices")
	flag.DurationVar(&b.Length, "length", 30*24*time.Hour, "time that the events take")
	flag.TextVar(&b.Until, "until", time.Now().Truncate(time.Second), "end of that time")
	flag.IntVar(&b.minutes, "minutes", 5, "minutes to follow, and as many busy ones; 0 judges from scratch only")
	flag.IntVar(&b.busy, "busy", 5000, "events in each of as many minutes after these")
	flag.StringVar(&b.profile, "cpu-profile", "", "where processor time goes: FILE.scratch and FILE.minutes")
	flag.BoolVar(&b.only, "fill", false, "fill only")
	flag.Parse()
	if err := b.run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

type bench struct {
	made
	binary, data, profile string
	minutes, busy         int
	only                  bool

	store *store.Store
	next  uint64 // place in the spool
}

// made is what a folder was filled with, and kept in it.
type made struct {
	Events, Devices int
	Length          time.Duration
	Until           time.Time
	Minutes         int // that came after
}

func (b *bench) file() string { return filepath.Join(b.data, "fleet.json") }

func (b *bench) run(ctx context.Context) error {
	if b.data == "" {
		return errors.New("--data names the folder to fill")
	}
	text, err := os.ReadFile(b.file())
	full := err == nil
	switch {
	case full:
		if err := json.Unmarshal(text, &b.made); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	library, err := engine.Locate()
	if err != nil {
		return err
	}
	binary, err := filepath.Abs(b.binary)
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	e, err := engine.Start(ctx, engine.Options{Dir: filepath.Join(b.data, "clickhouse"), Library: library, Command: []string{binary, "engine-child"}, Log: quiet})
	if err != nil {
		return err
	}
	defer func() { _ = e.Stop(ctx) }()
	if b.store, err = store.Open(ctx, e.Options("flapwatch"), store.Settings{Log: quiet}); err != nil {
		return err
	}
	defer func() { _ = b.store.Close() }()
	p := newPopulation(b.Devices, b.Events, b.Until.Add(-b.Length), b.Until)
	if !full {
		if err := b.fill(ctx, p); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	if b.only {
		return nil
	}
	p.mute = full
	return b.measure(ctx, p)
}

// fill writes the events up to the end through the store, as the pipeline does.
func (b *bench) fill(ctx context.Context, p *population) error {
	began := time.Now()
	n, err := b.write(ctx, p, b.Until)
	if err != nil {
		return err
	}
	fmt.Printf("%d events of %d devices filled in within %s\n", n, b.Devices, time.Since(began).Round(time.Second))
	return b.note()
}

// write stores the events before until, or skips them where the population is mute.
func (b *bench) write(ctx context.Context, p *population, until time.Time) (uint64, error) {
	begin := b.next
	for !p.phones[0].at.After(until) {
		batch, first := b.store.Begin("fleet", b.next), b.next
		for b.next-first < 100_000 && !p.phones[0].at.After(until) {
			row := p.next()
			b.next++
			if !p.mute {
				batch.Add(row)
			}
		}
		if p.mute {
			continue
		}
		if _, err := batch.Commit(ctx, b.next, event.Counts{}); err != nil {
			return 0, err
		}
	}
	return b.next - begin, nil
}

// note writes down what the folder holds.
func (b *bench) note() error {
	text, err := json.Marshal(b.made)
	if err != nil {
		return err
	}
	return os.WriteFile(b.file(), text, 0o600)
}
