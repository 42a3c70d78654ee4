package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"flapwatch/api"
	"flapwatch/event"
	"flapwatch/ingest"
	"flapwatch/reasons"
	"flapwatch/spool"
	"flapwatch/watch"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"
)

// offlineStore is what some files say, in a ClickHouse that lives no longer than the question.
type offlineStore struct {
	*service              // its database is the reader, its watch the findings
	window   event.Window // of the data: from the first event to the last, at most five years
	files    []imported   // what became of each file
	totals   event.Counts // of all files
}

// longestOffline bounds the window of the data, as the API does.
const longestOffline = 5 * 365 * 24 * time.Hour

// What an analysis takes, beside the engine: files may be much larger.
const (
	offlineSpool  = 512 << 20 // bytes of the files that may wait on disk for being stored
	offlineBytes  = 6 << 20   // of messages that are understood together
	offlineMemory = 200 << 20 // of memory, where the garbage collector can keep to it
)

// withOffline imports files as the service would, into an embedded ClickHouse in a temporary folder, and lets use ask it. Folder
// and engine are gone when it returns, also when ctx ends. Progress and files that cannot be read go to con.err; an error of use, or
// that nothing could be imported, ends it with that error, and files that failed are in the files of the store.
func withOffline(ctx context.Context, con *console, paths []string, zones []senderZone, use func(*offlineStore) error) (err error) {
	dir, err := os.MkdirTemp("", "flapwatch-offline-*")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(offlineMemory))
	o, err := newOffline(ctx, con, dir, zones)
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.take(ctx, con, paths); err != nil {
		return err
	}
	return use(o)
}

// newOffline builds the part of the service that needs no sockets; zones are those of times that name none.
func newOffline(ctx context.Context, con *console, dir string, zones []senderZone) (_ *offlineStore, err error) {
	log := slog.New(slog.NewTextHandler(con.err, &slog.HandlerOptions{Level: slog.LevelError}))
	s := &service{log: log, metrics: prometheus.NewRegistry(), settings: &serveCmd{Clickhouse: "embedded", Data: dir}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	counters := ingest.NewMetrics(s.metrics)
	if s.catalogue, err = reasons.New(); err != nil {
		return nil, err
	}
	if s.spool, err = spool.Open(filepath.Join(dir, "spool"), spool.Options{Cap: offlineSpool, Log: log}); err != nil {
		return nil, err
	}
	s.intake = ingest.NewIntake(s.spool, 0, counters, log)
	if s.database, err = openDatabase(ctx, s.settings, log); err != nil {
		return nil, err
	}
	s.importer = &ingest.Importer{
		Intake: s.intake, Imports: ingest.NewImports(), Metrics: counters, Now: time.Now, Temp: dir, Crowded: crowded(s.spool, offlineSpool),
	}
	words := ingest.Words{Catalogue: s.catalogue}
	s.pipeline = ingest.NewPipeline(ingest.Options{
		Spool: s.spool, Sink: s.database, Imports: s.importer.Imports, Keys: s.catalogue.Keys(), Words: words, Bytes: offlineBytes,
		Lost: s.intake.TakeLost, Zones: zonesOf(zones), Log: log, Metrics: counters, Now: time.Now,
	})
	s.watch = watch.New(s.database, s.catalogue, s.pipeline.Version, time.Now)
	s.handler = api.New(api.Deps{
		Reader: s.database, Findings: s.watch, Service: s, Words: words, Catalogue: s.catalogue,
		Metrics: http.NotFoundHandler(), Log: log, Now: time.Now, Version: version, Loopback: true,
	})
	return &offlineStore{service: s}, nil
}

// crowded says whether half of the spool is taken: then imports wait, and what is behind the spool no longer does.
func crowded(s *spool.Spool, cap int64) func() bool {
	return func() bool { return s.Stats().Bytes > cap/2 }
}

// take imports everything and ends when it is stored.
func (o *offlineStore) take(ctx context.Context, con *console, paths []string) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	g, inside := errgroup.WithContext(running)
	g.Go(func() error { return o.intake.Run(inside) })
	g.Go(func() error { return o.pipeline.Run(inside) })
	g.Go(func() error { return o.database.run(inside) })
	err := o.importAll(inside, con, paths)
	if err == nil {
		err = o.opened(inside)
	}
	stop()
	if failed := g.Wait(); failed != nil && !errors.Is(failed, context.Canceled) {
		err = failed
	}
	if ctx.Err() != nil {
		return fmt.Errorf("ended before everything was read: %w", ctx.Err())
	}
	if err != nil {
		return err
	}
	return o.span(ctx)
}

// opened waits until the store can be asked, which it can at once if anything was stored.
func (o *offlineStore) opened(ctx context.Context) error {
	for {
		if _, err := o.database.use(); err == nil {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// importAll imports file by file, then waits until all is stored. It is an error when nothing could be read.
func (o *offlineStore) importAll(ctx context.Context, con *console, paths []string) error {
	files, errs := logFiles(paths)
	for _, err := range errs {
		o.files = append(o.files, imported{Error: err.Error()})
	}
	bar := byteBar(con.err, totalSize(files))
	var taken []*ingest.Import
	for _, f := range files {
		bar.Describe(plain(f.name))
		in, err := o.importOne(ctx, con, f, bar)
		taken = append(taken, in)
		o.files = append(o.files, imported{File: f.name, Error: text(err)})
	}
	bar.Describe("storing")
	for i, in := range taken {
		counts, err := in.Wait(ctx)
		if err != nil {
			return err
		}
		o.files[len(errs)+i].Import = importView(in.Accepted(), counts)
		addCounts(&o.totals, counts)
	}
	_ = bar.Finish()
	if o.totals.Received == 0 && failed(o.files) > 0 {
		printFailed(con.err, o.files)
		return errors.New("nothing could be imported")
	}
	return nil
}

// importOne imports a file.
func (o *offlineStore) importOne(ctx context.Context, con *console, f logFile, bar *progressbar.ProgressBar) (*ingest.Import, error) {
	if f.path == "-" {
		return o.importer.Reader(ctx, interruptible(ctx, con.in), f.name, api.MaxImport)
	}
	read := new(atomic.Int64)
	defer follow(bar, read)()
	return o.importer.File(ctx, f.path, f.name, read)
}

// importView shows what became of an import.
func importView(accepted uint64, c event.Counts) api.Import {
	v := api.Import{Accepted: accepted, Stored: &c.Stored, Duplicate: &c.Duplicate, Unparsed: &c.Unparsed, Other: &c.Other}
	if c.Dropped > 0 {
		v.Dropped = &c.Dropped
	}
	return v
}

// follow lets a bar show what is read until it is told to stop.
func follow(bar *progressbar.ProgressBar, read *atomic.Int64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		shown := int64(0)
		for more := true; more; {
			select {
			case <-ticker.C:
			case <-end:
				more = false
			}
			now := read.Load()
			_ = bar.Add64(now - shown)
			shown = now
		}
	}()
	return func() { close(end); <-ended }
}

func addCounts(sum *event.Counts, c event.Counts) {
	sum.Received += c.Received
	sum.Stored += c.Stored
	sum.Duplicate += c.Duplicate
	sum.Unparsed += c.Unparsed
	sum.Other += c.Other
	sum.Dropped += c.Dropped
}

// span asks for the window of the data.
func (o *offlineStore) span(ctx context.Context) error {
	s, err := o.database.use()
	if err != nil {
		return err
	}
	o.window, err = s.Span(ctx, time.Now())
	if oldest := o.window.To.Add(-longestOffline); o.window.From.Before(oldest) {
		o.window.From = oldest
	}
	return err
}
