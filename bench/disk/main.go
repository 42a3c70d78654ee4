// Command disk puts generated messages into the embedded ClickHouse, past sockets and spool, and tells what a row costs there:
// bytes on disk, column by column, and processor time of both processes, the merges that follow included.
//
//	go run ./bench/disk [-traffic flood|office] [-rows 1000000] [-batch 65536] [-sql "ALTER TABLE …"]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"flapwatch/engine"
)

const childWord = "engine-child"

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "disk:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == childWord {
		return engine.Child(ctx, args[1:], os.Stdin, os.Stderr)
	}
	var o load
	flags := flag.NewFlagSet("disk", flag.ContinueOnError)
	flags.StringVar(&o.traffic, "traffic", "flood", "flood or office")
	flags.IntVar(&o.rows, "rows", 1_000_000, "messages")
	flags.IntVar(&o.batch, "batch", 65_536, "messages in a batch")
	flags.StringVar(&o.sql, "sql", "", "statements to run first, with ; between them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir := flags.Arg(0)
	o.keep = dir != ""
	if dir == "" {
		temp, err := os.MkdirTemp("", "flapwatch-disk-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	library, err := engine.Locate()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	e, err := engine.Start(ctx, engine.Options{Dir: dir, Library: library, Command: []string{self, childWord}, Log: log})
	if err != nil {
		return err
	}
	o.engine, o.log = e, log
	err = o.play(ctx, out)
	return errors.Join(err, e.Stop(context.Background()))
}

// statements cuts the argument -sql.
func statements(sql string) (list []string) {
	for s := range strings.SplitSeq(sql, ";") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}
