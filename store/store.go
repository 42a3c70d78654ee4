// Package store is the only room that knows ClickHouse and SQL. It writes what it is given, once, and answers questions
// about it; what the rows mean is decided elsewhere.
//
// Writing goes through a Batch: Begin, Add…, Decide, Write, Mark. A batch is one stretch of a spool, and its counts are written last,
// as the mark that the stretch is committed. Batches are decided in order and marked in order, and between that written at the same
// time; duplicates.go says why a kill at any moment changes neither the rows nor the counts. Reading is in the files reader*.go; what
// was asked stands as SQL above the function that asks, values go to the server as parameters, and every question has a deadline.
//
//	event.Row ─▶ [batch] ─ columns ─▶ [insert] ══ ClickHouse ══▶ [reader…] ─▶ events, devices, histories, counts
//	                          └─ [duplicates] ◀──┘
//
// Start with Open.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Settings are what a store needs to know besides the address.
type Settings struct {
	Retention time.Duration // how long rows are kept after they were received (default 400 days)
	Refused   Refused       // keeps lines that no table takes (may be nil: then they are lost, and counted)
	Log       *slog.Logger  // required
}

const maxSpare = 4 // batches

const (
	openWithin     = 10 * time.Second // ClickHouse has to answer first questions in that time
	migrationLimit = 24 * time.Hour   // that one statement of a migration may take: it may copy a table
)

const (
	defaultRetention = 400 * 24 * time.Hour
	maxRetention     = 50 * 365 * 24 * time.Hour // a DateTime ends in 2106
)

// Store is a database with the schema of this program. Its methods may be called from several goroutines.
type Store struct {
	conn driver.Conn
	http bool // ClickHouse's HTTP interface, which takes blocks as they lie in a batch
	log  *slog.Logger

	refused Refused

	deciding sync.Mutex  // one batch at a time: it must know what the one before it will store
	memory   memory      // of the rows stored lately; used by the one who decides
	newest   newest      // events, for those who ask
	days     days        // of events, for those who ask
	spare    chan *Batch // whose memory can be used again
	proofs   [3]proof    // of events, unparsed and other

	totalled atomic.Pointer[totalled]
}

// Open connects, makes the database if there is none, brings it to the schema of this program and sets how long rows are
// kept. It takes as long as the steps take that the database lacks; ctx ends them. The error wraps event.ErrUnavailable
// while ClickHouse does not answer, ErrNewerSchema when a newer program has used the database, ErrChangedMigration when a
// step differs from what was applied.
func Open(ctx context.Context, options *clickhouse.Options, settings Settings) (*Store, error) {
	switch {
	case settings.Retention <= 0:
		settings.Retention = defaultRetention
	case settings.Retention > maxRetention:
		return nil, fmt.Errorf("retention %s is longer than 50 years, beyond which ClickHouse cannot count", settings.Retention)
	}
	soon, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if err := createDatabase(soon, options); err != nil {
		return nil, err
	}
	patient := *options // questions and inserts end earlier, by the deadline of their context
	patient.ReadTimeout = migrationLimit
	conn, err := clickhouse.Open(&patient)
	if err != nil {
		return nil, fmt.Errorf("connect to clickhouse: %w", err)
	}
	s := &Store{conn: conn, http: options.Protocol == clickhouse.HTTP, log: settings.Log, refused: settings.Refused, spare: make(chan *Batch, maxSpare)}
	s.newest.most = keptEvents
	for i, columns := range newBatch().blocks {
		s.proofs[i].block = columns
	}
	if err := s.prepare(ctx, settings.Retention); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, retention time.Duration) error {
	steps, err := readSteps()
	if err != nil {
		return err
	}
	if err := s.migrate(ctx, steps); err != nil {
		return err
	}
	return s.keep(ctx, retention)
}

// createDatabase makes the database that options name, unless it can be used already.
func createDatabase(ctx context.Context, options *clickhouse.Options) error {
	name := options.Auth.Database
	if name == "" {
		return nil
	}
	err := once(ctx, options, func(conn driver.Conn) error { return conn.Ping(ctx) })
	if !isException(err, unknownDatabase) {
		return written("connect to clickhouse", err)
	}
	elsewhere := *options
	elsewhere.Auth.Database = "default"
	err = once(ctx, &elsewhere, func(conn driver.Conn) error {
		return conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS {name:Identifier}", clickhouse.Named("name", name))
	})
	return written("create database "+name, err)
}

// once opens a connection for one use.
func once(ctx context.Context, options *clickhouse.Options, use func(driver.Conn) error) error {
	conn, err := clickhouse.Open(options)
	if err != nil {
		return err
	}
	return errors.Join(use(conn), conn.Close())
}

// Ping says whether ClickHouse answers.
func (s *Store) Ping(ctx context.Context) error { return written("ping clickhouse", s.conn.Ping(ctx)) }

// Close lets the connections go.
func (s *Store) Close() error { return s.conn.Close() }
