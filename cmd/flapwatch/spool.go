package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flapwatch/ingest"
	"flapwatch/spool"
)

// spoolCmd holds the commands about the queue on disk. They change nothing and may run beside the service.
type spoolCmd struct {
	Inspect spoolInspectCmd `cmd:"" help:"Read and check everything in it."`
	Export  spoolExportCmd  `cmd:"" help:"Write the messages in it, as they came."`
	Replay  spoolReplayCmd  `cmd:"" help:"Take in again what was not understood when it came and is now."`
}

type spoolFolder struct {
	Data string `help:"Data folder of the service." default:"./data" type:"path"`
}

// path is the spool's folder, which must be there.
func (s *spoolFolder) path() (string, error) {
	path := filepath.Join(s.Data, "spool")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no spool in %s: name the data folder of the service with --data", s.Data)
	}
	return path, nil
}

type spoolInspectCmd struct {
	spoolFolder
	JSON bool `help:"Print JSON." name:"json"`
}

// Help shows how it is used.
func (spoolInspectCmd) Help() string {
	return `Examples:
  flapwatch spool inspect
  flapwatch spool inspect --data /var/lib/flapwatch --json`
}

// Run prints what lies in it; damage is an error.
func (c *spoolInspectCmd) Run(ctx context.Context, con *console) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	in, err := spool.Inspect(ctx, path)
	if err != nil {
		return fmt.Errorf("inspect spool: %w", err)
	}
	if c.JSON {
		err = printJSON(con.out, in)
	} else {
		err = printInspection(con.out, in)
	}
	if err == nil && in.Damaged > 0 {
		err = fmt.Errorf("%d stretches cannot be read, %d messages in them", in.Damaged, in.LostFrames)
	}
	return err
}

func printInspection(w io.Writer, in *spool.Inspection) error {
	fmt.Fprintf(w, "spool %s, format %d\n%d messages accepted, %d done, %d waiting; %d bytes torn at the end\n\n",
		in.ID, in.Version, in.Next, in.Acked, in.Next-in.Acked, in.TornBytes)
	t := newTable(w, "SEGMENT", "FIRST", "NEXT", "BYTES", "RECORDS", "READABLE", "OLDEST", "NEWEST")
	for _, s := range in.Segments {
		t.row(filepath.Base(s.Path), s.First, s.Next, s.Bytes, s.Records, s.Frames, day(s.Oldest), day(s.Newest))
	}
	return t.Flush()
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

type spoolExportCmd struct {
	spoolFolder
	From    uint64 `help:"First message, by its number; earlier ones are passed over." default:"0" placeholder:"N"`
	Waiting bool   `help:"Only messages that are not stored yet."`
	Output  string `help:"Write to this file." short:"o" default:"-" placeholder:"FILE"`
	JSON    bool   `help:"Print one JSON object a message: number, receive time, source, message." name:"json"`
}

// Help shows how it is used.
func (spoolExportCmd) Help() string {
	return `One message a line, which import reads again; a line feed inside a message becomes a blank. With --json nothing is changed: bytes
that are no UTF-8 stand under "base64", and import gives each message the receive time and the source that it had.

Examples:
  flapwatch spool export --waiting -o waiting.log
  flapwatch spool export --data /var/lib/flapwatch --json | jq .source | sort | uniq -c`
}

// exported is a message with --json.
type exported struct {
	ingest.Exported
	N uint64 `json:"n"`
}

// Run writes.
func (c *spoolExportCmd) Run(ctx context.Context, con *console) (err error) {
	path, err := c.path()
	if err != nil {
		return err
	}
	view, err := spool.OpenReadOnly(path)
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	if c.Waiting {
		c.From = max(c.From, view.Stats().Acked)
	}
	reader, err := view.Reader(c.From)
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	out := con.out
	if c.Output != "-" {
		f, failed := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if failed != nil {
			return fmt.Errorf("write messages: %w", failed)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	w := bufio.NewWriterSize(out, 1<<16)
	passed, err := c.write(ctx, w, reader, view.Stats().Appended)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return err
	}
	if lost := view.Stats(); lost.Damaged > 0 {
		return fmt.Errorf("%d messages that were not stored yet cannot be read and are left out: see spool inspect", lost.LostFrames)
	}
	if passed > 0 {
		fmt.Fprintf(con.err, "flapwatch: %d messages that are stored cannot be read any more and are left out\n", passed)
	}
	return nil
}

// write writes what can be read, and tells how many messages from the first that can to the end cannot.
func (c *spoolExportCmd) write(ctx context.Context, w io.Writer, reader *spool.Reader, end uint64) (passed uint64, err error) {
	for next := uint64(0); ; {
		record, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			if next > 0 {
				passed += end - next
			}
			return passed, nil
		}
		if err != nil {
			return passed, fmt.Errorf("read spool: %w", err)
		}
		if next > 0 {
			passed += record.First - next
		}
		next = record.First + uint64(record.Count)
		record.Frames(func(n uint64, received int64, source string, data []byte) bool {
			if n >= c.From {
				err = c.one(w, n, received, source, data)
			}
			return err == nil
		})
		record.Release()
		if err != nil {
			return passed, fmt.Errorf("write messages: %w", err)
		}
	}
}

func (c *spoolExportCmd) one(w io.Writer, n uint64, received int64, source string, data []byte) error {
	x := ingest.Export(received, source, data)
	if c.JSON {
		return printLine(w, exported{x, n})
	}
	_, err := fmt.Fprintln(w, strings.ReplaceAll(strings.TrimRight(string(x.Message()), "\r\n"), "\n", " "))
	return err
}
