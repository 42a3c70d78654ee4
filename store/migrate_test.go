package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

func exec(t *testing.T, s *Store, statement string) {
	t.Helper()
	if err := s.conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func scan[T any](t *testing.T, s *Store, query string) (v T) {
	t.Helper()
	if err := s.conn.QueryRow(context.Background(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func TestMigrateAgain(t *testing.T) {
	options := clickhousetest.Open(t)
	s := reopen(t, options)
	commit(t, s, "a", 0, 5, samples(0, 5), event.Counts{Stored: 5})
	const when = "SELECT toString(arraySort(groupArray((step, applied_at)))) FROM migrations"
	before := scan[string](t, s, when)
	s = reopen(t, options)
	if after := scan[string](t, s, when); after != before {
		t.Errorf("steps applied at %s, then at %s", before, after)
	}
	check(t, s, 5, event.Counts{Received: 5, Stored: 5})
}

// A step that was interrupted after any of its statements is done again.
func TestMigrateInterrupted(t *testing.T) {
	steps, err := readSteps()
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		for n := range len(step.statements) + 1 {
			options := clickhousetest.Open(t)
			s := connect(t, options)
			if err := s.migrate(context.Background(), steps[:i]); err != nil {
				t.Fatal(err)
			}
			for _, statement := range step.statements[:n] {
				exec(t, s, statement)
			}
			commit(t, reopen(t, options), "a", 0, 5, samples(0, 5), event.Counts{Stored: 5})
		}
	}
}

// connect gives a store in a database without tables.
func connect(t *testing.T, options *clickhouse.Options) *Store {
	t.Helper()
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &Store{conn: conn, http: true, log: slog.New(slog.DiscardHandler)}
}

func TestMigrateRefused(t *testing.T) {
	for _, c := range []struct {
		name, statement string
		want            error
		says            string
	}{
		{"changed", "INSERT INTO migrations (step, name, checksum) VALUES (2, '0002_unparsed.sql', 'beef')", ErrChangedMigration, "0002_unparsed.sql"},
		{"newer", "INSERT INTO migrations (step, name, checksum) VALUES (1000, '1000_future.sql', 'beef')", ErrNewerSchema, "1000_future.sql"},
		{"hole", "DELETE FROM migrations WHERE step = 1", nil, "step 1 is missing"},
	} {
		options := clickhousetest.Open(t)
		exec(t, reopen(t, options), c.statement)
		_, err := Open(context.Background(), options, Settings{Log: slog.New(slog.DiscardHandler)})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestStepsOf(t *testing.T) {
	files := func(names ...string) fstest.MapFS {
		m := fstest.MapFS{}
		for _, name := range names {
			m[name] = &fstest.MapFile{Data: []byte("-- comment; with semicolon\nSELECT ';';\n\nSELECT 2;")}
		}
		return m
	}
	for _, c := range []struct {
		files fstest.MapFS
		says  string // the error; empty for none
	}{
		{files("0001_a.sql", "0002_b.sql"), ""},
		{files("0002_b.sql"), "number 1 expected"},
		{files("0001_a.sql", "0003_c.sql"), "number 2 expected"},
		{files("0001_a.sql", "0001_b.sql"), "number 2 expected"},
		{files("a.sql"), "number 1 expected"},
	} {
		steps, err := stepsOf(c.files)
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v: %v, want %q", c.files, err, c.says)
			}
			continue
		}
		if err != nil || len(steps) != 2 || len(steps[0].statements) != 2 || steps[0].statements[1] != "SELECT 2" {
			t.Errorf("%v: %+v, %v", c.files, steps, err)
		}
	}
}

func TestDatabaseIsMade(t *testing.T) {
	options := clickhousetest.Open(t)
	made := *options
	made.Auth.Database += "_made"
	s := reopen(t, &made)
	defer exec(t, s, "DROP DATABASE "+made.Auth.Database+" SYNC")
	commit(t, s, "a", 0, 5, samples(0, 5), event.Counts{Stored: 5})
}

func TestRetention(t *testing.T) {
	options := clickhousetest.Open(t)
	reopen(t, options)
	s, err := Open(context.Background(), options, Settings{Retention: 36 * time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, table := range []string{"events", "unparsed"} {
		definition := scan[string](t, s, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '"+table+"'")
		if !strings.Contains(definition, "toIntervalSecond(129600)") {
			t.Errorf("%s: %s", table, definition)
		}
	}
	// Counted from the receipt: an old event that came today stays, one that came two days ago goes.
	old, late := sample(0), sample(1)
	now := time.Now().Truncate(time.Millisecond)
	old.Received, late.Received = now, now.Add(-48*time.Hour)
	commit(t, s, "a", 0, 2, []*event.Row{old, late}, event.Counts{Stored: 2})
	exec(t, s, "OPTIMIZE TABLE events FINAL")
	if all := allEvents(t, s, event.Filter{}); len(all) != 1 || all[0].ID != old.ID {
		t.Errorf("%d events are left", len(all))
	}
}
