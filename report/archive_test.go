package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/report"
	"flapwatch/watch"
)

// ledger is what a fleet's store says of its commits. Windows that something was added to late are named by their beginning.
type ledger struct {
	*fleet
	next  uint64
	late  map[int64]bool
	reads int
}

func (l *ledger) Mark(context.Context) (event.Mark, error) { return event.Mark{"spool": l.next}, nil }

func (l *ledger) Added(_ context.Context, w event.Window, after, upto event.Mark) (bool, error) {
	if after["spool"] > upto["spool"] {
		return false, fmt.Errorf("from %v to %v", after, upto)
	}
	return l.late[w.From.UnixMilli()] && after["spool"] < upto["spool"], nil
}

// HistoriesBetween implements watch.Source: all of a window, or what was added late.
func (l *ledger) HistoriesBetween(ctx context.Context, ask event.Filter, after, upto event.Mark, yield func(event.History) error) error {
	if added, err := l.Added(ctx, ask.Window, after, upto); err != nil || after != nil && !added {
		return err
	}
	return l.fleet.Histories(ctx, ask, yield)
}

func (l *ledger) Histories(ctx context.Context, ask event.Filter, yield func(event.History) error) error {
	l.reads++
	return l.fleet.Histories(ctx, ask, yield)
}

func newLedger(t testing.TB) *ledger {
	l := &ledger{fleet: &fleet{histories: office()}, next: 10, late: map[int64]bool{}}
	l.judge(t)
	return l
}

func (l *ledger) judge(t testing.TB) {
	l.Watch = watch.New(l, catalogue(t), func() uint64 { return l.next }, time.Now)
}

// TestArchive: a week that is over is looked at once, until something comes in late, another program asks, or the file is damaged.
// What is kept gives the same report.
func TestArchive(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "weeks")
	l := newLedger(t)
	at := now
	f := func(what, program string, reads int) string {
		t.Helper()
		l.judge(t) // the program was started again
		l.reads = 0
		o := report.Options{
			Week: week, Location: berlin, Now: at, Catalogue: catalogue(t), Senders: l,
			Archive: report.NewArchive(folder, program, l, slog.New(slog.DiscardHandler)),
		}
		r, err := report.Weekly(t.Context(), l, o)
		if err != nil {
			t.Fatal(err)
		}
		if l.reads != reads {
			t.Errorf("%s: the events were read %d times, want %d", what, l.reads, reads)
		}
		return normal(t, r)
	}
	first := f("first", "a", 2)
	if again := f("again", "a", 0); again != first {
		t.Errorf("kept:\n%s\nmade:\n%s", again, first)
	}
	w := week.Window(berlin)
	l.late[w.From.UnixMilli()], l.next = true, 11
	f("late", "a", 1)
	f("after what came in late", "a", 0)
	l.next = 5
	l.late = map[int64]bool{}
	f("another database", "a", 2)
	f("the other database again", "a", 0)
	f("another program", "b", 2)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	text, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[1], text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	f("damaged", "b", 1)
	at = w.From.Add(50 * time.Hour)
	f("not over", "b", 2)
	f("not over, again", "b", 2)
}

// normal writes a report as one that was read from JSON, where broken UTF-8 has become U+FFFD.
func normal(t *testing.T, r *report.Report) string {
	t.Helper()
	var again report.Report
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err == nil {
		text, err = json.Marshal(again)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestArchiveBound: the weeks that were made longest ago go first.
func TestArchiveBound(t *testing.T) {
	folder := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range 100 {
		file := filepath.Join(folder, fmt.Sprintf("%03d.json.gz", i))
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, old, old.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, ".week-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	o := report.Options{
		Week: week, Location: berlin, Now: now, Catalogue: catalogue(t), Archive: report.NewArchive(folder, "a", l, slog.New(slog.DiscardHandler)),
	}
	if _, err := report.Weekly(t.Context(), l, o); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 60 || files[0].Name() != "042.json.gz" {
		t.Errorf("%d files, the first is %s, %v", len(files), files[0].Name(), err)
	}
}
