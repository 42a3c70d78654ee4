package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// tally counts what the disk did not give back.
type tally struct {
	damaged uint64 // stretches of frames that could not be read
	lost    uint64 // frames in them, known from the numbers around them
	torn    uint64 // bytes cut from the end of segments: never accepted
}

// losses keeps the tally so that each loss counts once, over restarts too: what lies below the ack position is in the
// ack file; what lies above is found again by the next reader.
type losses struct {
	past tally
	open map[uint64]uint64 // end of the stretch → its begin
}

// add notes the loss of the frames from ≤ n < to; false if it is known.
func (l *losses) add(from, to uint64) bool {
	if _, known := l.open[to]; known || from >= to {
		return false
	}
	if l.open == nil {
		l.open = map[uint64]uint64{}
	}
	l.open[to] = from
	return true
}

// settle moves what ends at or below acked to the past.
func (l *losses) settle(acked uint64) {
	for to, from := range l.open {
		if to <= acked {
			l.past.damaged++
			l.past.lost += to - from
			delete(l.open, to)
		}
	}
}

// total is past and open together.
func (l *losses) total() tally {
	t := l.past
	for to, from := range l.open {
		t.damaged++
		t.lost += to - from
	}
	return t
}

// above counts the lost frames that are not acknowledged yet.
func (l *losses) above(acked uint64) (n uint64) {
	for to, from := range l.open {
		n += to - max(from, acked)
	}
	return n
}

// lose notes that a reader cannot have the frames from ≤ n < to. Those that are done are missed by nobody.
func (fo *folder) lose(from, to uint64, path string) {
	fo.mu.Lock()
	from = max(from, fo.acked)
	fresh := fo.losses.add(from, to)
	fo.mu.Unlock()
	if fresh {
		fo.log.Error("spool frames lost to damage", "first", from, "count", to-from, "segment", path)
	}
}

const (
	damagedDir   = "damaged"
	damagedFiles = 256
	damagedBytes = 64 << 20
)

// setAside copies a damaged stretch of a segment to the folder damaged, for people to look at, as long as there are
// not too many.
func (fo *folder) setAside(seg *segment, r io.ReaderAt, off, end int64) {
	if !fo.live {
		return
	}
	name, err := fo.copyDamaged(seg, r, off, end)
	if errors.Is(err, os.ErrExist) {
		return
	}
	fo.log.Error("spool record damaged: set aside", "segment", seg.path, "offset", off, "bytes", end-off, "copy", name, "error", err)
}

var errManyDamaged = errors.New("no copy is kept: there are too many already")

func (fo *folder) copyDamaged(seg *segment, r io.ReaderAt, off, end int64) (string, error) {
	dir := filepath.Join(fo.dir, damagedDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	have := end - off
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			have += info.Size()
		}
	}
	if len(entries) >= damagedFiles || have > damagedBytes {
		return "", errManyDamaged
	}
	name := fmt.Sprintf("%020d-%d", seg.first, off)
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, io.NewSectionReader(r, off, end-off))
	return name, errors.Join(err, f.Close())
}
