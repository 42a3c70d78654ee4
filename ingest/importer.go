package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"flapwatch/parse"

	"github.com/zeebo/xxh3"
)

// Importer reads exported logs into the intake.
type Importer struct {
	Intake  *Intake
	Metrics *Metrics
	Now     func() time.Time
	Temp    string // folder for what has to be unpacked on disk
}

// File reads one file, packed or not, under the name that its events will carry. When it returns, everything accepted is
// durable. read, if not nil, follows the packed bytes read so far.
func (i *Importer) File(ctx context.Context, path, name string, read *atomic.Int64) (accepted uint64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	defer func() { _ = f.Close() }()
	digest := xxh3.New128()
	if _, err := io.Copy(digest, f); err != nil {
		return 0, fmt.Errorf("import %s: %w", name, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("import %s: %w", name, err)
	}
	if read == nil {
		read = new(atomic.Int64)
	}
	t := &tally{Importer: i, name: name, digest: digest.Sum128().Bytes()}
	u := unpacker{packed: read.Load, temp: i.Temp, each: func(name string, r io.Reader) error { return t.text(ctx, name, r) }}
	if err := u.walk(name, &follower{f, read}, 0); err != nil {
		return t.accepted, err
	}
	return t.accepted, t.flush(ctx, true)
}

// Reader imports what r holds. It is copied to disk first: a file is known by its digest.
func (i *Importer) Reader(ctx context.Context, r io.Reader, name string) (accepted uint64, err error) {
	f, err := os.CreateTemp(i.Temp, "flapwatch-import-*")
	if err != nil {
		return 0, fmt.Errorf("import %s: %w", name, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("import %s: %w", name, err)
	}
	return i.File(ctx, f.Name(), name, nil)
}

// follower counts the bytes read from a file.
type follower struct {
	io.Reader
	read *atomic.Int64
}

func (f *follower) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	f.read.Add(int64(n))
	return n, err
}

// tally is one import under way.
type tally struct {
	*Importer
	name     string
	digest   [16]byte
	arena    []byte // what frames stand on until they are in the intake
	frames   []Frame
	group    *Group // of the newest frames handed over
	accepted uint64
}

// chunk is how many bytes of records go to the intake together.
const chunk = 512 << 10

// text puts the records of one text into the intake. A text that is no log at all is refused.
func (t *tally) text(ctx context.Context, name string, r io.Reader) error {
	records := parse.NewRecords(r, MaxFrame)
	for records.Next() {
		t.add(name, records.Offset(), records.Text())
		if len(t.arena) >= chunk {
			if err := t.flush(ctx, false); err != nil {
				return err
			}
		}
	}
	if err := records.Err(); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (t *tally) add(name string, offset int64, record []byte) {
	if len(bytes.TrimSpace(record)) == 0 {
		return
	}
	if cap(t.arena)-len(t.arena) < originSize+len(record) {
		t.arena = make([]byte, 0, chunk+originSize+MaxFrame)
	}
	from := len(t.arena)
	t.arena = append(binary.LittleEndian.AppendUint64(t.arena, t.origin(name, offset)), record...)
	t.frames = append(t.frames, Frame{Received: t.Now().UnixNano(), Source: fileMark + name, Data: t.arena[from:len(t.arena):len(t.arena)]})
}

// origin names a place in a file: the XXH3-64 hash of the file's digest, the name within an archive and the offset.
func (t *tally) origin(name string, offset int64) uint64 {
	b := append(make([]byte, 0, 256), t.digest[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(offset))
	return xxh3.Hash(append(b, strings.TrimPrefix(name, t.name)...))
}

// flush hands the frames to the intake, and waits until all are durable where wanted.
func (t *tally) flush(ctx context.Context, durable bool) error {
	if len(t.frames) > 0 {
		left, group := t.Intake.Put(ctx, t.frames)
		if left > 0 {
			return fmt.Errorf("import ended early: %w", ctx.Err())
		}
		t.group = group
		t.accepted += uint64(len(t.frames))
		t.Metrics.Frames.WithLabelValues("file").Add(float64(len(t.frames)))
		t.Metrics.Bytes.WithLabelValues("file").Add(float64(len(t.arena)))
		t.frames, t.arena = t.frames[:0], t.arena[:0]
	}
	if !durable || t.group == nil {
		return nil
	}
	return t.group.Wait(ctx)
}
