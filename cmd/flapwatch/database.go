package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"flapwatch/engine"
	"flapwatch/event"
	"flapwatch/ingest"
	"flapwatch/store"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// database is the store and, where it is embedded, the engine under it. ClickHouse may be absent at the start and go away at
// any time: until it answers, questions end with event.ErrUnavailable and messages wait in the spool.
type database struct {
	engine   *engine.Engine // nil where a server is used
	options  *clickhouse.Options
	settings store.Settings
	log      *slog.Logger
	opened   atomic.Pointer[store.Store]
	trouble  atomic.Pointer[string]
}

// openDatabase starts the engine or reads the server's address. It does not wait for an answer.
func openDatabase(ctx context.Context, c *serveCmd, log *slog.Logger) (_ *database, err error) {
	d := &database{settings: store.Settings{
		Retention: time.Duration(c.Retention), Refused: newRefusedFile(c.Data).keep, Log: log,
	}, log: log}
	starting := "it is being opened; after an update its tables may be written anew first, which takes a while"
	d.trouble.Store(&starting)
	if c.Clickhouse != "embedded" {
		if d.options, err = readDSN(c.Clickhouse); err != nil {
			return nil, usageError{fmt.Errorf("--clickhouse: write it as embedded or clickhouse://user:password@host:9000/database (%w)", err)}
		}
		return d, nil
	}
	library, err := engine.Locate()
	if err != nil {
		return nil, err
	}
	command, err := itself(engineChild)
	if err != nil {
		return nil, err
	}
	d.engine, err = engine.Start(ctx, engine.Options{
		Dir: filepath.Join(c.Data, "clickhouse"), Library: library, Command: command, Log: log,
	})
	if err != nil {
		return nil, err
	}
	d.options = d.engine.Options("flapwatch")
	return d, nil
}

// readDSN reads the address of a server. The client would try for ever to reach one that cannot be.
func readDSN(dsn string) (*clickhouse.Options, error) {
	scheme, _, _ := strings.Cut(dsn, "://")
	if !slices.Contains([]string{"clickhouse", "tcp", "http", "https"}, scheme) {
		return nil, errors.New("it begins with clickhouse://, tcp://, http:// or https://")
	}
	o, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	for _, server := range o.Addr {
		if _, _, err := net.SplitHostPort(server); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// run opens the store as soon as ClickHouse answers, and then watches whether it still does.
func (d *database) run(ctx context.Context) error {
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 2*time.Second) {
		err := d.look(ctx)
		switch {
		case errors.Is(err, store.ErrNewerSchema), errors.Is(err, store.ErrChangedMigration):
			return err
		case err == nil:
			pause = 2 * time.Second
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

// look tries once. Opening the store may take as long as its tables take to be brought to the schema of this program.
func (d *database) look(ctx context.Context) error {
	if s := d.opened.Load(); s != nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return d.note(s.Ping(ctx))
	}
	s, err := store.Open(ctx, d.options, d.settings)
	if err != nil {
		return d.note(err)
	}
	d.opened.Store(s)
	_ = d.note(nil)
	if d.engine == nil { // others may write to a server
		return nil
	}
	if err := s.Keep(ctx); err != nil {
		d.log.Warn("the newest events are not kept in memory: asking for them takes longer", "error", err)
	}
	return nil
}

// note keeps the reason why the store cannot be used, and logs when that changes.
func (d *database) note(err error) error {
	before := d.trouble.Load()
	if err == nil {
		d.trouble.Store(nil)
		if before != nil {
			d.log.Info("store ready")
		}
		return nil
	}
	why := err.Error()
	d.trouble.Store(&why)
	if before == nil {
		d.log.Warn("store not available; messages wait in the spool", "error", err)
	}
	return err
}

// ready gives nil, or why the store cannot be used.
func (d *database) ready() error {
	if d.engine != nil {
		if err := d.engine.Ready(); err != nil {
			return err
		}
	}
	if why := d.trouble.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

func (d *database) restarts() int {
	if d.engine == nil {
		return 0
	}
	return d.engine.Restarts()
}

func (d *database) close() {
	if s := d.opened.Load(); s != nil {
		_ = s.Close()
	}
	if d.engine == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.engine.Stop(ctx); err != nil {
		d.log.Error("stop engine", "error", err)
	}
}

// use gives the store, or event.ErrUnavailable.
func (d *database) use() (*store.Store, error) {
	if s := d.opened.Load(); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %w", event.ErrUnavailable, d.ready())
}

// Begin implements ingest.Sink. The pipeline begins after it has asked for what was committed, so the store is open.
func (d *database) Begin(spool string, first uint64) ingest.Draft {
	return d.opened.Load().Begin(spool, first)
}

// Committed implements ingest.Sink.
func (d *database) Committed(ctx context.Context, spool string, from uint64) ([]event.Range, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Committed(ctx, spool, from)
}

// RecordDrops implements ingest.Sink.
func (d *database) RecordDrops(ctx context.Context, spool, token, reason string, n uint64) error {
	s, err := d.use()
	if err != nil {
		return err
	}
	return s.RecordDrops(ctx, spool, token, reason, n)
}

// Events implements api.Reader.
func (d *database) Events(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Row, string, error) {
	s, err := d.use()
	if err != nil {
		return nil, "", err
	}
	return s.Events(ctx, f, cursor, limit)
}

// Devices implements api.Reader.
func (d *database) Devices(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.DeviceSummary, string, error) {
	s, err := d.use()
	if err != nil {
		return nil, "", err
	}
	return s.Devices(ctx, f, cursor, limit)
}

// Find implements api.Reader.
func (d *database) Find(ctx context.Context, f event.Filter, parts []string, limit int) ([]event.DeviceSummary, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Find(ctx, f, parts, limit)
}

// Changes implements api.Reader.
func (d *database) Changes(ctx context.Context, f event.Filter) ([]event.History, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Changes(ctx, f)
}

// Losses implements api.Reader.
func (d *database) Losses(ctx context.Context, f event.Filter, length time.Duration) ([]event.Losses, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Losses(ctx, f, length)
}

// Unparsed implements api.Reader.
func (d *database) Unparsed(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Line, string, error) {
	s, err := d.use()
	if err != nil {
		return nil, "", err
	}
	return s.Unparsed(ctx, f, cursor, limit)
}

// Sources implements api.Reader.
func (d *database) Sources(ctx context.Context, f event.Filter) (event.Senders, error) {
	s, err := d.use()
	if err != nil {
		return event.Senders{}, err
	}
	return s.Sources(ctx, f)
}

// Histories implements watch.Source.
func (d *database) Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error {
	s, err := d.use()
	if err != nil {
		return err
	}
	return s.Histories(ctx, f, yield)
}

// HistoriesBetween implements watch.Source.
func (d *database) HistoriesBetween(ctx context.Context, f event.Filter, after, upto event.Mark, yield func(event.History) error) error {
	s, err := d.use()
	if err != nil {
		return err
	}
	return s.HistoriesBetween(ctx, f, after, upto, yield)
}

// Mark implements watch.Source and report.Committed.
func (d *database) Mark(ctx context.Context) (event.Mark, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Mark(ctx)
}

// Added implements report.Committed.
func (d *database) Added(ctx context.Context, w event.Window, after, upto event.Mark) (bool, error) {
	s, err := d.use()
	if err != nil {
		return false, err
	}
	return s.Added(ctx, w, after, upto)
}

// Known implements watch.Source.
func (d *database) Known(ctx context.Context) (map[string]int, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Known(ctx)
}

// Began implements watch.Source.
func (d *database) Began(ctx context.Context) (map[string]time.Time, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Began(ctx)
}

// totals counts what was decided since the data folder began.
func (d *database) totals(ctx context.Context, spool string) (event.Counts, error) {
	s, err := d.use()
	if err != nil {
		return event.Counts{}, err
	}
	return s.Totals(ctx, spool)
}
