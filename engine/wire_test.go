package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/internal/clickhousetest"
)

// open is a client on a fresh database.
func open(t testing.TB) driver.Conn {
	t.Helper()
	return connect(t, clickhousetest.Open(t))
}

func connect(t testing.TB, opts *clickhouse.Options) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exec(t testing.TB, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one is the single value that a query answers.
func one[T any](t testing.TB, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func with(ctx context.Context, settings clickhouse.Settings) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(settings))
}

func TestServerVersion(t *testing.T) {
	version, err := open(t).ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.Version.Major < 24 || version.Timezone.String() != "UTC" {
		t.Errorf("version %v, timezone %v", version.Version, version.Timezone)
	}
	if err := open(t).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTypesThereAndBack(t *testing.T) {
	conn := open(t)
	at := time.Date(2015, 7, 2, 6, 22, 31, 123e6, time.UTC)
	text := "it's \\ \t\n\r\x00 ü"
	for _, c := range []struct {
		kind  string
		value any
	}{
		{"UInt8", uint8(255)},
		{"Int64", int64(math.MinInt64)},
		{"UInt64", uint64(math.MaxUint64)},
		{"Float64", math.Pi},
		{"Bool", true},
		{"String", text},
		{"String", ""},
		{"FixedString(16)", "0123456789abcdef"},
		{"UUID", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"LowCardinality(String)", "SEPE0D1730A8137"},
		{"LowCardinality(Nullable(String))", (*string)(nil)},
		{"Nullable(String)", &text},
		{"Nullable(UInt32)", (*uint32)(nil)},
		{"DateTime('UTC')", at.Truncate(time.Second)},
		{"DateTime64(3, 'UTC')", at},
		{"DateTime64(9, 'UTC')", at.Add(456789)},
		{"Array(String)", []string{"a", text, ""}},
		{"Array(LowCardinality(String))", []string{"a", "b", "a"}},
		{"Array(DateTime64(3, 'UTC'))", []time.Time{at, at.Add(time.Millisecond)}},
		{"Map(String, String)", map[string]string{"UNKNOWN_PARAMNAME:x": text}},
		{"Map(LowCardinality(String), String)", map[string]string{"a": "1", "b": "2"}},
		{"Enum8('up' = 1, 'down' = 2)", "down"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			exec(t, conn, "CREATE OR REPLACE TABLE t (v "+c.kind+") ENGINE = MergeTree ORDER BY tuple() SETTINGS allow_nullable_key = 1")
			batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
			if err != nil {
				t.Fatal(err)
			}
			if err := batch.Append(c.value); err != nil {
				t.Fatal(err)
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			got := reflect.New(reflect.TypeOf(c.value))
			if err := conn.QueryRow(t.Context(), "SELECT v FROM t").Scan(got.Interface()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Elem().Interface(), c.value) {
				t.Errorf("got %#v, want %#v", got.Elem().Interface(), c.value)
			}
		})
	}
}

// fill inserts rows n·rows … (n+1)·rows−1, column-wise.
func fill(ctx context.Context, conn driver.Conn, n, rows int) error {
	times, names, codes := make([]time.Time, rows), make([]string, rows), make([]uint32, rows)
	for i := range rows {
		times[i] = time.UnixMilli(int64(n*rows + i)).UTC()
		names[i] = fmt.Sprintf("SEP%012X", (n*rows+i)%5000)
		codes[i] = uint32(i % 30)
	}
	ctx = with(ctx, clickhouse.Settings{"insert_deduplication_token": fmt.Sprintf("batch %d", n)})
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO events (time, name, code)")
	if err != nil {
		return err
	}
	for i, column := range []any{times, names, codes} {
		if err := batch.Column(i).Append(column); err != nil {
			return err
		}
	}
	return batch.Send()
}

const events = `CREATE TABLE events (time DateTime64(3, 'UTC'), name LowCardinality(String), code UInt32)
	ENGINE = MergeTree ORDER BY (name, time) SETTINGS non_replicated_deduplication_window = 1000`

func TestBatchOfManyRowsOnce(t *testing.T) {
	conn := open(t)
	exec(t, conn, events)
	for range 2 { // the second is a duplicate
		if err := fill(t.Context(), conn, 0, 100_000); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[uint64](t, conn, "SELECT uniqExact(time) FROM events"); n != 100_000 {
		t.Errorf("%d times", n)
	}
	if n := one[uint64](t, conn, "SELECT count() FROM events"); n != 100_000 {
		t.Errorf("%d rows", n)
	}
}

func TestParameters(t *testing.T) {
	conn := open(t)
	for _, text := range []string{"", "x", "it's", `\`, `\\N`, `\N`, "a\tb\nc\rd", "nul\x00nul", "ü☃", "'; DROP TABLE t; --", "{a:String}", strings.Repeat("long ", 20_000)} {
		if got := one[string](t, conn, "SELECT {text:String}", clickhouse.Named("text", text)); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	at := time.Date(2026, 11, 16, 1, 2, 3, 456e6, time.UTC)
	if got := one[time.Time](t, conn, "SELECT {at:DateTime64(3, 'UTC')}", clickhouse.DateNamed("at", at, clickhouse.MilliSeconds)); !got.Equal(at) {
		t.Errorf("got %v", got)
	}
	if got := one[[]string](t, conn, "SELECT {names:Array(String)}", clickhouse.Named("names", []string{"it's", `\`, "x"})); !reflect.DeepEqual(got, []string{"it's", `\`, "x"}) {
		t.Errorf("got %q", got)
	}
	if got := one[*string](t, conn, "SELECT {none:Nullable(String)}", clickhouse.Named("none", nil)); got != nil {
		t.Errorf("got %q", *got)
	}
	exec(t, conn, "CREATE TABLE t (a String) ENGINE = Memory")
	if err := conn.Exec(t.Context(), "INSERT INTO t SELECT {a:String}", clickhouse.Named("a", "x'y")); err != nil {
		t.Error(err)
	}
	if got := one[string](t, conn, "SELECT a FROM t"); got != "x'y" {
		t.Errorf("got %q", got)
	}
}

// code is the number of the exception in err, 0 when there is none.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

func TestErrorsHaveTheirCode(t *testing.T) {
	conn := open(t)
	exec(t, conn, "CREATE TABLE t (a UInt64, CONSTRAINT small CHECK a < 100) ENGINE = MergeTree ORDER BY a")
	send := func(value uint64, settings clickhouse.Settings) error {
		batch, err := conn.PrepareBatch(with(t.Context(), settings), "INSERT INTO t (a)")
		if err != nil {
			return err
		}
		if err := batch.Append(value); err != nil {
			return err
		}
		return batch.Send()
	}
	for _, c := range []struct {
		name string
		err  error
		code int32
	}{
		{"unknown table", conn.Exec(t.Context(), "SELECT * FROM missing"), 60},
		{"syntax", conn.Exec(t.Context(), "SELEC 1"), 62},
		{"unknown setting", conn.Exec(with(t.Context(), clickhouse.Settings{"no_such": 1}), "SELECT 1"), 115},
		{"violated constraint", send(100, nil), 469},
		{"unknown setting of an insert", send(1, clickhouse.Settings{"no_such": 1}), 115},
		{"before the first row", conn.Exec(t.Context(), "SELECT throwIf(1)"), 395},
		{"time is up", conn.Exec(with(t.Context(), clickhouse.Settings{"max_execution_time": 1}), "SELECT count() FROM numbers(1e12) WHERE NOT ignore(sin(number))"), 159},
	} {
		if code(c.err) != c.code {
			t.Errorf("%s: got %v, want code %d", c.name, c.err, c.code)
		}
	}
	if n := one[uint64](t, conn, "SELECT count() FROM t"); n != 0 {
		t.Errorf("%d rows of refused batches", n)
	}
}

func TestErrorInTheMiddleOfAStream(t *testing.T) {
	conn := open(t)
	rows, err := conn.Query(t.Context(), "SELECT number, throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_threads = 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		seen++
	}
	if code(rows.Err()) != 395 || seen == 0 {
		t.Errorf("after %d rows: %v", seen, rows.Err())
	}
}

// A request is a session of its own: nothing is left behind for the next.
func TestNothingIsLeftBehind(t *testing.T) {
	conn := open(t)
	before := one[string](t, conn, "SELECT concat(currentDatabase(), ' ', toString(getSetting('max_block_size')))")
	exec(t, conn, "SET max_block_size = 77")
	exec(t, conn, "USE system")
	exec(t, conn, "CREATE TEMPORARY TABLE passing (a UInt8)")
	if err := conn.Exec(with(t.Context(), clickhouse.Settings{"max_block_size": 78}), "SELECT 1"); err != nil {
		t.Error(err)
	}
	if after := one[string](t, conn, "SELECT concat(currentDatabase(), ' ', toString(getSetting('max_block_size')))"); after != before {
		t.Errorf("before %q, after %q", before, after)
	}
	if err := conn.Exec(t.Context(), "SELECT * FROM passing"); code(err) != 60 {
		t.Errorf("temporary table: %v", err)
	}
}

func TestSettingsArriveAsWritten(t *testing.T) {
	conn := open(t)
	for _, text := range []string{"x", "it's", `\`, `a\'b`, "tab\tline\n", "ü", "`"} {
		ctx := with(t.Context(), clickhouse.Settings{"insert_deduplication_token": text})
		var got string
		if err := conn.QueryRow(ctx, "SELECT getSetting('insert_deduplication_token')").Scan(&got); err != nil || got != text {
			t.Errorf("got %q, want %q: %v", got, text, err)
		}
	}
}

// TestCheapParts: tables get the settings that make parts cheap to merge, unless they have their own.
func TestCheapParts(t *testing.T) {
	conn := open(t)
	const setting = "SELECT value FROM system.merge_tree_settings WHERE name = ?"
	for name, want := range map[string]string{"auto_statistics_types": "", "string_serialization_version": "single_stream"} {
		if got := one[string](t, conn, setting, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestWritersAndReadersAtOnce(t *testing.T) {
	conn := open(t)
	exec(t, conn, events)
	const writers, batches, rows = 3, 10, 5000
	var working sync.WaitGroup
	for w := range writers {
		working.Go(func() {
			for b := range batches {
				for range 2 {
					if err := fill(t.Context(), conn, w*batches+b, rows); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 3 {
		working.Go(func() {
			for range 20 {
				var n, times uint64
				if err := conn.QueryRow(t.Context(), "SELECT count(), uniqExact(time) FROM events").Scan(&n, &times); err != nil || n != times || n%rows != 0 {
					t.Errorf("%d rows, %d times: %v", n, times, err)
				}
			}
		})
	}
	working.Wait()
	if n := one[uint64](t, conn, "SELECT count() FROM events"); n != writers*batches*rows {
		t.Errorf("%d rows", n)
	}
}

func TestMoreStatementsThanRunAtOnce(t *testing.T) {
	opts := clickhousetest.Open(t)
	opts.MaxOpenConns = 60
	conn := connect(t, opts)
	var working sync.WaitGroup
	for range 60 {
		working.Go(func() {
			if err := conn.Exec(t.Context(), "SELECT sleep(0.3)"); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
}

// A query whose client goes away is stopped, whether it has begun to answer or not.
func TestAbandonedQueriesStop(t *testing.T) {
	conn := open(t)
	for name, sql := range map[string]string{
		"silent":       "SELECT count() FROM numbers(1e12) WHERE NOT ignore(sin(number), 'silent')",
		"materialised": "INSERT INTO FUNCTION null('n UInt64') SELECT number FROM numbers(1e12) WHERE NOT ignore(sin(number), 'materialised')",
	} {
		t.Run(name, func(t *testing.T) {
			running := func() bool {
				return one[uint64](t, conn, "SELECT count() FROM system.processes WHERE query LIKE {q:String} AND query NOT LIKE '%system.processes%'", clickhouse.Named("q", "%numbers(1e12)%"+name+"%")) > 0
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error)
			go func() { ended <- conn.Exec(ctx, sql) }()
			eventually(t, "the query runs", running)
			cancel()
			if err := <-ended; err == nil {
				t.Error("an endless query has ended")
			}
			eventually(t, "the query has stopped", func() bool { return !running() })
		})
	}
}

// eventually waits for a condition of another process.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func BenchmarkInsert(b *testing.B) {
	const rows = 50_000
	conn := open(b)
	exec(b, conn, events)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := fill(b.Context(), conn, n, rows); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n*rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkQuery(b *testing.B) {
	conn := open(b)
	b.ReportAllocs()
	for b.Loop() {
		one[uint8](b, conn, "SELECT 1")
	}
}
