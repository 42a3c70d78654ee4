package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/engine"
	"flapwatch/event"
	"flapwatch/ingest"
	"flapwatch/parse"
	"flapwatch/reasons"
	"flapwatch/simulate"
	"flapwatch/store"
)

// load is what to put in, and where.
type load struct {
	traffic, sql string
	rows, batch  int
	keep         bool
	engine       *engine.Engine
	log          *slog.Logger
	frame        uint64
	own          time.Duration // processor time of this process in the store
}

func (o *load) play(ctx context.Context, out io.Writer) error {
	s, err := store.Open(ctx, o.engine.Options("flapwatch"), store.Settings{Log: o.log})
	if err != nil {
		return err
	}
	defer s.Close()
	conn, err := clickhouse.Open(o.engine.Options("flapwatch"))
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, statement := range statements(o.sql) {
		if err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	before, begun := cpuOf(o.engine.PID()), time.Now()
	if err := o.fill(ctx, s); err != nil {
		return err
	}
	inserted, took := cpuOf(o.engine.PID()), time.Since(begun)
	if err := settle(ctx, conn); err != nil {
		return err
	}
	merged := cpuOf(o.engine.PID())
	n := float64(o.rows)
	fmt.Fprintf(out, "%s, %d rows in batches of %d, %s\n", o.traffic, o.rows, o.batch, took.Round(10*time.Millisecond))
	fmt.Fprintf(out, "cpu µs a row: store %.2f, engine %.2f until the last insert, %.2f with the merges after it\n",
		micros(o.own)/n, micros(inserted-before)/n, micros(merged-before)/n)
	if err := amplification(ctx, conn, n, out); err != nil {
		return err
	}
	return o.sizes(ctx, conn, out)
}

const mergeEvents = `
SELECT sumIf(value, event = 'Merge'), sumIf(value, event = 'MergedRows')
FROM system.events`

// amplification tells how often a row is written again by merges.
func amplification(ctx context.Context, conn driver.Conn, n float64, out io.Writer) error {
	var merges, merged uint64
	if err := conn.QueryRow(ctx, mergeEvents).Scan(&merges, &merged); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d merges wrote each row again %.2f times\n", merges, float64(merged)/n)
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// fill parses messages, a batch at a time, and stores them.
func (o *load) fill(ctx context.Context, s *store.Store) error {
	catalogue, err := reasons.New()
	if err != nil {
		return err
	}
	words, parser := ingest.Words{Catalogue: catalogue}, parse.New(catalogue.Keys())
	rows := make([]event.Row, 0, o.batch)
	take := func(raw string, at time.Time) error {
		var r event.Row
		status, err := parser.Parse(raw, parse.Context{Received: at.Add(time.Duration(len(rows)%7) * time.Millisecond), Source: "10.0.0.1"}, &r.Event)
		if status != event.Alarm || err != nil {
			return fmt.Errorf("%q: %w", raw, err)
		}
		r.Identify(status, fmt.Sprint(o.frame, len(rows)))
		r.Names = words.Names(&r.Event)
		r.Tags = slices.Clone(r.Tags)
		if rows = append(rows, r); len(rows) == o.batch {
			err = o.store(ctx, s, rows)
			rows = rows[:0]
		}
		return err
	}
	if err := o.lines(ctx, take); err != nil {
		return err
	}
	return o.store(ctx, s, rows)
}

func (o *load) store(ctx context.Context, s *store.Store, rows []event.Row) error {
	used := ownCPU()
	batch := s.Begin("spool", o.frame)
	for i := range rows {
		batch.Add(&rows[i])
	}
	o.frame += uint64(len(rows))
	_, err := batch.Commit(ctx, o.frame, event.Counts{})
	o.own += ownCPU() - used
	return err
}

var errEnough = errors.New("enough")

// lines makes the messages and the times they are taken in.
func (o *load) lines(ctx context.Context, take func(raw string, at time.Time) error) error {
	begin := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	if o.traffic == "flood" {
		f := simulate.NewFlood(1, begin, 5*time.Microsecond, 5000)
		for i := range o.rows {
			if err := take(string(f.Next(nil)), begin.Add(time.Duration(i)*5*time.Microsecond)); err != nil {
				return err
			}
		}
		return nil
	}
	n := 0
	_, err := simulate.Run(ctx, simulate.Options{Scenario: o.traffic, Phones: 5000, From: begin, Until: begin.AddDate(1, 0, 0), Seed: 1}, func(l simulate.Line) error {
		if n++; n > o.rows {
			return errEnough
		}
		return take(string(l.Raw), l.At)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	o.rows = n
	return err
}

// settle waits until no merges run.
func settle(ctx context.Context, conn driver.Conn) error {
	for quiet := 0; quiet < 20; quiet++ {
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			quiet = 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

const columnSizes = `
SELECT name, data_compressed_bytes FROM system.columns
WHERE database = currentDatabase() AND table = 'events' AND data_compressed_bytes > 0
ORDER BY data_compressed_bytes DESC`

// sizes merges everything into parts with a file for each column, which tell how much each takes.
func (o *load) sizes(ctx context.Context, conn driver.Conn, out io.Writer) error {
	var parts uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.parts WHERE table = 'events' AND active").Scan(&parts); err != nil {
		return err
	}
	if o.keep {
		return nil
	}
	for _, statement := range []string{"ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 0", "OPTIMIZE TABLE events FINAL"} {
		if err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	var disk, rows uint64
	if err := conn.QueryRow(ctx, "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE table = 'events' AND active").Scan(&disk, &rows); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d parts, %.2f bytes a row on disk when merged into one (%d rows)\n", parts, float64(disk)/float64(rows), rows)
	list, err := conn.Query(ctx, columnSizes)
	if err != nil {
		return err
	}
	defer list.Close()
	for list.Next() {
		var name string
		var size uint64
		if err := list.Scan(&name, &size); err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-12s %6.2f\n", name, float64(size)/float64(rows))
	}
	return list.Err()
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is the time a process has had from its processors, in ticks of 10 ms.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
