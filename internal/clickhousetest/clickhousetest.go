// Package clickhousetest gives tests a real ClickHouse with a fresh database for each: the embedded engine, or the
// server that FLAPWATCH_TEST_CLICKHOUSE names as a DSN. Without either a test is skipped with the reason; where CI is
// set it fails. Call Main from TestMain, then Open from each test.
package clickhousetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/engine"
)

const (
	dsnEnv    = "FLAPWATCH_TEST_CLICKHOUSE"
	childWord = "engine-child" // first argument of the test binary when it is the child
	patience  = time.Minute
)

// Main runs the tests, and afterwards ends the engine they shared. When this process is the engine's child, it is
// nothing else and does not return.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childWord {
		if err := engine.Child(context.Background(), os.Args[2:], os.Stdin, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Command is the argv that makes the running test binary the engine's child, for tests that start an engine themselves.
func Command(t testing.TB) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, childWord}
}

// Library is the path of the engine's library. Without one the test is skipped, or fails where CI is set.
func Library(t testing.TB) string {
	t.Helper()
	path, err := engine.Locate()
	if err != nil {
		missing(t, err)
	}
	return path
}

func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// Open makes a database that is dropped when the test ends, and returns the options for clickhouse.Open to use it.
func Open(t testing.TB) *clickhouse.Options {
	t.Helper()
	database := "test_" + strings.ToLower(rand.Text())
	admin, err := clickhouse.Open(options(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	run := func(sql string) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return admin.Exec(ctx, sql)
	}
	if err := run("CREATE DATABASE " + database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(run("DROP DATABASE "+database+" SYNC"), admin.Close()); err != nil {
			t.Error(err)
		}
	})
	return options(t, database)
}

func options(t testing.TB, database string) *clickhouse.Options {
	t.Helper()
	dsn := os.Getenv(dsnEnv)
	if dsn == "" {
		return shared(t).Options(database)
	}
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("reading %s: %v", dsnEnv, err)
	}
	if database != "" {
		opts.Auth.Database = database
	}
	return opts
}

// one is the engine that all tests of the binary share; it starts with the first that asks.
var one struct {
	sync.Mutex
	engine *engine.Engine
	dir    string
}

func shared(t testing.TB) *engine.Engine {
	t.Helper()
	one.Lock()
	defer one.Unlock()
	if one.engine != nil {
		return one.engine
	}
	library, command := Library(t), Command(t)
	dir, err := os.MkdirTemp("", "flapwatch-test-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	started, err := engine.Start(ctx, engine.Options{
		Dir: dir, Library: library, Command: command, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	one.engine, one.dir = started, dir
	return started
}

func stop() error {
	one.Lock()
	defer one.Unlock()
	if one.engine == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(one.engine.Stop(ctx), os.RemoveAll(one.dir))
}
