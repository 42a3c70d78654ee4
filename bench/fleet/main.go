// Command fleet fills a data folder with the events of a large fleet: phones of both seed cases among many that are lost now and then,
// and outages. What judging it costs is measured by serving the folder and asking:
//
//	go build -o bin/flapwatch ./cmd/flapwatch && go run ./bench/fleet --binary bin/flapwatch --data /tmp/fleet
//	bin/flapwatch serve --data /tmp/fleet & time curl 'http://127.0.0.1:8080/api/v1/patterns?from=-30d'
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
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
	flag.IntVar(&b.events, "events", 10_000_000, "events to fill in")
	flag.IntVar(&b.devices, "devices", 100_000, "devices")
	flag.DurationVar(&b.length, "length", 30*24*time.Hour, "time that the events take")
	flag.TextVar(&b.until, "until", time.Now().Truncate(time.Second), "end of that time")
	flag.Parse()
	if err := b.run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

type bench struct {
	binary, data    string
	events, devices int
	length          time.Duration
	until           time.Time
}

func (b *bench) run(ctx context.Context) error {
	if b.data == "" {
		return errors.New("--data names the folder to fill")
	}
	if _, err := os.Stat(b.data); err != nil {
		if err := b.fill(ctx); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

// fill writes the events through the store, as the pipeline does.
func (b *bench) fill(ctx context.Context) error {
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
	s, err := store.Open(ctx, e.Options("flapwatch"), store.Settings{Log: quiet})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	began := time.Now()
	p := newPopulation(b.devices, b.events, b.until.Add(-b.length), b.until)
	n := uint64(0)
	for more := true; more; {
		batch, first := s.Begin("fleet", n), n
		for more && n-first < 100_000 {
			row := p.next()
			if more = row.Time.Before(b.until); more {
				batch.Add(row)
				n++
			}
		}
		if _, err := batch.Commit(ctx, n, event.Counts{}); err != nil {
			return err
		}
	}
	fmt.Printf("%d events of %d devices filled in within %s\n", n, b.devices, time.Since(began).Round(time.Second))
	return nil
}
