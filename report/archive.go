package report

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"flapwatch/event"
)

// mostKept digests lie in an archive: a year and two months of weeks, which is as long as events are kept unless told otherwise.
const mostKept = 60

// Committed tells what was stored, and when in the order of all that was.
type Committed interface {
	// Mark says what is committed now.
	Mark(ctx context.Context) (event.Mark, error)
	// Added says whether anything that the histories of a window tell was committed after one mark and not after another.
	Added(ctx context.Context, w event.Window, after, upto event.Mark) (bool, error)
}

// Archive keeps the digests of weeks that are over as files of a folder, so that a report of such a week costs no look at its events.
// A digest holds as long as no event of its window comes in late and the program that made it is the one that reads it: another may
// find other things in the same events. What does not hold, or cannot be read, is made anew.
type Archive struct {
	folder    string
	program   string
	committed Committed
	log       *slog.Logger
	turn      chan struct{} // one digest is made at a time
}

// NewArchive keeps digests in a folder, which is made when it is needed. program is the name of what makes them.
func NewArchive(folder, program string, c Committed, log *slog.Logger) *Archive {
	return &Archive{folder, program, c, log, make(chan struct{}, 1)}
}

// stored is a digest in a file.
type stored struct {
	Program string  `json:"program"`
	Digest  *Digest `json:"digest"`
}

// digest gives the one of a window: the kept one, or else what conclude gives, which is then kept. That of a large fleet takes minutes: it is
// made to the end even if nobody waits for it any more, so that who asks again finds it.
func (a *Archive) digest(ctx context.Context, w event.Window, conclude func(context.Context) (*Digest, error)) (*Digest, error) {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type result struct {
		digest *Digest
		err    error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-a.turn }()
		d, err := a.keep(context.WithoutCancel(ctx), w, conclude)
		done <- result{d, err}
	}()
	select {
	case r := <-done:
		return r.digest, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *Archive) keep(ctx context.Context, w event.Window, conclude func(context.Context) (*Digest, error)) (*Digest, error) {
	d, err := a.load(w)
	if err != nil {
		a.log.Warn("kept week not readable, made anew", "file", a.file(w), "error", err)
	}
	if d != nil {
		if holds, err := a.holds(ctx, d); holds || err != nil {
			return d, err
		}
	}
	if d, err = conclude(ctx); err != nil || d.Mark == nil {
		return d, err
	}
	if err := a.store(d); err != nil {
		a.log.Warn("week not kept", "error", err)
	}
	return d, nil
}

// holds: nothing of the window came in since, and what is asked is what was asked then.
func (a *Archive) holds(ctx context.Context, d *Digest) (bool, error) {
	now, err := a.committed.Mark(ctx)
	if err != nil {
		return false, err
	}
	for spool, next := range d.Mark {
		if now[spool] < next { // another database
			return false, nil
		}
	}
	added, err := a.committed.Added(ctx, d.Window, d.Mark, now)
	return !added, err
}

func (a *Archive) file(w event.Window) string {
	const form = "20060102T1504Z"
	return filepath.Join(a.folder, w.From.UTC().Format(form)+"-"+w.To.UTC().Format(form)+".json.gz")
}

// load gives the digest of a window as this program made it, or nil.
func (a *Archive) load(w event.Window) (*Digest, error) {
	f, err := os.Open(a.file(w))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var s stored
	if err := json.NewDecoder(z).Decode(&s); err != nil {
		return nil, err
	}
	if s.Program != a.program || s.Digest == nil || !s.Digest.Window.From.Equal(w.From) || !s.Digest.Window.To.Equal(w.To) {
		return nil, nil
	}
	return s.Digest, nil
}

// store writes a digest whole or not at all.
func (a *Archive) store(d *Digest) error {
	if err := os.MkdirAll(a.folder, 0o750); err != nil {
		return fmt.Errorf("make a folder for weeks: %w", err)
	}
	f, err := os.CreateTemp(a.folder, ".week-*")
	if err != nil {
		return fmt.Errorf("keep a week: %w", err)
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	err = json.NewEncoder(z).Encode(stored{a.program, d})
	if err = errors.Join(err, z.Close(), f.Close()); err == nil {
		err = os.Rename(f.Name(), a.file(d.Window))
	}
	if err != nil {
		return fmt.Errorf("keep a week: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return a.cut()
}

// cut removes the files that were written longest ago, and what an interrupted write left.
func (a *Archive) cut() error {
	left, err := filepath.Glob(filepath.Join(a.folder, ".week-*"))
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(a.folder, "*.json.gz"))
	if err != nil {
		return err
	}
	written := func(file string) (at int64) {
		if info, err := os.Stat(file); err == nil {
			at = info.ModTime().UnixNano()
		}
		return at
	}
	slices.SortFunc(files, func(x, y string) int { return cmp.Or(cmp.Compare(written(y), written(x)), cmp.Compare(x, y)) })
	for _, file := range append(left, files[min(len(files), mostKept):]...) {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}
