package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/zeebo/xxh3"

	"flapwatch/migrations"
)

// step is one migration file.
type step struct {
	number     uint32
	name       string // of the file
	checksum   string // XXH3-128 of the file, in hexadecimal
	statements []string
}

func readSteps() ([]step, error) { return stepsOf(migrations.FS) }

// stepsOf reads the steps in the order of their numbers, which must be 1, 2, 3 …
func stepsOf(files fs.FS) ([]step, error) {
	names, err := fs.Glob(files, "*.sql") // in lexical order
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	steps := make([]step, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		digits, _, _ := strings.Cut(name, "_")
		number, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || int(number) != i+1 {
			return nil, fmt.Errorf("migration %s: number %d expected", name, i+1)
		}
		sum := xxh3.Hash128(text).Bytes()
		steps[i] = step{uint32(number), name, hex.EncodeToString(sum[:]), statements(string(text))}
	}
	return steps, nil
}

// statements cuts a file at the semicolons that end a line.
func statements(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text+"\n", ";\n") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

const createMigrations = `
CREATE TABLE IF NOT EXISTS migrations
(
    step       UInt32,
    name       String,
    checksum   String,
    applied_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY step`

const appliedMigrations = `SELECT step, name, checksum FROM migrations FINAL ORDER BY step`

const recordMigration = `
INSERT INTO migrations (step, name, checksum)
SELECT {step:UInt32}, {name:String}, {checksum:String}`

// migrate applies the steps that the database does not have yet. A step is recorded when all its statements are done, so
// one that was interrupted is done again from its first statement, which changes nothing that is there.
func (s *Store) migrate(ctx context.Context, steps []step) error {
	soon, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if err := s.conn.Exec(soon, createMigrations); err != nil {
		return written("create table migrations", err)
	}
	done, err := s.applied(ctx, steps)
	if err != nil {
		return err
	}
	began := time.Now()
	took := func() string { return time.Since(began).Round(time.Millisecond).String() }
	for i, step := range steps[done:] {
		if done > 0 {
			s.log.Info("bringing the tables to the schema of this program; with many events that takes a minute or more",
				"step", step.name, "number", done+i+1, "of", len(steps))
		}
		if err := s.apply(ctx, step); err != nil {
			return err
		}
	}
	switch {
	case done == 0:
		s.log.Info("tables made", "took", took())
	case done < len(steps):
		s.log.Info("tables have the schema of this program", "took", took())
	}
	return nil
}

// applied gives the number of steps the database has, after comparing them with ours.
func (s *Store) applied(ctx context.Context, steps []step) (int, error) {
	have, err := s.recorded(ctx)
	if err != nil {
		return 0, err
	}
	for i, h := range have {
		switch {
		case int(h.number) > len(steps):
			return 0, fmt.Errorf("%w: it has step %s, this program knows %d steps; use the newer version", ErrNewerSchema, h.name, len(steps))
		case int(h.number) != i+1:
			return 0, fmt.Errorf("applied migrations: step %d is missing before %s", i+1, h.name)
		case h.checksum != steps[i].checksum:
			return 0, fmt.Errorf("%w: %s has checksum %s, applied as %s with %s",
				ErrChangedMigration, steps[i].name, steps[i].checksum, h.name, h.checksum)
		}
	}
	return len(have), nil
}

func (s *Store) recorded(ctx context.Context) ([]step, error) {
	var have []step
	err := s.each(ctx, lookup, "read applied migrations", appliedMigrations, nil, func(rows driver.Rows) error {
		var h step
		err := rows.Scan(&h.number, &h.name, &h.checksum)
		have = append(have, h)
		return err
	})
	return have, err
}

func (s *Store) apply(ctx context.Context, step step) error {
	for _, statement := range step.statements {
		if err := s.conn.Exec(ctx, statement); err != nil {
			return written("apply migration "+step.name, err)
		}
	}
	err := s.conn.Exec(ctx, recordMigration, clickhouse.Named("step", step.number),
		clickhouse.Named("name", step.name), clickhouse.Named("checksum", step.checksum))
	return written("record migration "+step.name, err)
}
