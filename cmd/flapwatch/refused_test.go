package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/event"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// TestRefusedFile: lines are appended as long as there is room; one that a power cut tore harms no other.
func TestRefusedFile(t *testing.T) {
	f := newRefusedFile(t.TempDir())
	line := event.Line{Received: time.UnixMilli(1_800_000_000_123), Source: "10.0.0.1", Reason: "why", Raw: "<1>a\xff\n"}
	add := func(lines, want int) {
		t.Helper()
		if kept, err := f.keep("other", append([]event.Line{}, make([]event.Line, lines)...)); err != nil || kept != want {
			t.Errorf("%d of %d kept, %v; want %d", kept, lines, err, want)
		}
	}
	if kept, err := f.keep("unparsed", []event.Line{line}); err != nil || kept != 1 {
		t.Fatalf("%d, %v", kept, err)
	}
	text, err := os.ReadFile(f.path)
	if want := `{"received_at":"2027-01-15T08:00:00.123Z","source":"10.0.0.1","base64":"PDE+Yf8K","table":"unparsed","error":"why"}` + "\n"; err != nil || string(text) != want {
		t.Fatalf("%s, %v; want %s", text, err, want)
	}
	if err := os.WriteFile(f.path, text[:30], 0o600); err != nil {
		t.Fatal(err)
	}
	add(1, 1)
	one, err := os.ReadFile(f.path)
	if lines := strings.SplitAfter(string(one), "\n"); err != nil || len(lines) != 3 || lines[0] != string(text[:30])+"\n" || lines[2] != "" {
		t.Errorf("after a torn line: %q, %v", one, err)
	}
	f.most = int64(len(one)) + 2*int64(len(one)-31)
	add(3, 2)
	add(1, 0)
	if info, err := os.Stat(f.path); err != nil || info.Size() != f.most {
		t.Errorf("%+v, %v; want %d bytes", info, err, f.most)
	}
	f.path = filepath.Join(f.path, "no folder")
	if kept, err := f.keep("other", []event.Line{line}); err == nil || kept != 0 {
		t.Errorf("where nothing can be written: %d kept", kept)
	}
}

// TestRefusedAgain: a line that its table refused while somebody had forbidden it is imported from the file when that is over.
func TestRefusedAgain(t *testing.T) {
	data := folder(t)
	received := time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC()
	withDatabase(t, data, func(ctx context.Context, d *database) {
		conn, err := clickhouse.Open(d.options)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		exec := func(statement string) {
			if err := conn.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		exec("ALTER TABLE unparsed ADD CONSTRAINT ill CHECK raw != 'ill'")
		keepUnparsed(ctx, t, d, received, "well", "ill")
		exec("ALTER TABLE unparsed DROP CONSTRAINT ill")
	})
	p := serve(t, data)
	kept := func() (raws []string) {
		var lines api.List[api.Line]
		p.get("/unparsed", query("from", "-2h"), &lines)
		for _, l := range lines.Items {
			if raws = append(raws, l.Raw); !l.ReceivedAt.Equal(received) || l.Source != "10.0.0.1" {
				t.Errorf("listed as %+v", l)
			}
		}
		return raws
	}
	if got := kept(); len(got) != 1 || got[0] != "well" {
		t.Errorf("kept %q", got)
	}
	done, exit := importing(t, p, "", filepath.Join(data, "refused.jsonl"))
	if got := countsOf(done[0].Import); exit != 0 || got != (counted{1, 0, 0, 1, 0}) {
		t.Errorf("exit %d, %+v", exit, got)
	}
	if got := kept(); len(got) != 2 {
		t.Errorf("kept %q", got)
	}
}
