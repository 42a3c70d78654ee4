package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"flapwatch/parse"

	"github.com/zeebo/xxh3"
)

// Importer reads exported logs into the intake. It can read several at the same time.
type Importer struct {
	Intake  *Intake
	Imports *Imports // shared with the pipeline
	Metrics *Metrics
	Now     func() time.Time
	Temp    string      // folder for what has to lie on disk while it is read; made if missing
	Crowded func() bool // imports wait while it is true, and leave the room that is left to the receivers
}

// ErrTooLarge says that more was sent than an import takes.
var ErrTooLarge = errors.New("larger than an import may be")

// Reader imports what r holds, at most limit bytes. It is copied to disk first, so that nothing is accepted of what breaks off:
// then, and when r is too large (ErrTooLarge), Accepted is 0.
func (i *Importer) Reader(ctx context.Context, r io.Reader, name string, limit int64) (*Import, error) {
	if err := os.MkdirAll(i.Temp, 0o750); err != nil {
		return i.Imports.none(), fmt.Errorf("import %s: %w", name, err)
	}
	f, err := os.CreateTemp(i.Temp, "import-*")
	if err != nil {
		return i.Imports.none(), fmt.Errorf("import %s: %w", name, err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }()
	n, err := io.Copy(f, io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return i.Imports.none(), fmt.Errorf("import %s: broke off after %d bytes, nothing of it was accepted: %w", name, n, err)
	case n > limit:
		return i.Imports.none(), fmt.Errorf("import %s: more than %d bytes: %w", name, limit, ErrTooLarge)
	}
	return i.opened(ctx, f, name, new(atomic.Int64))
}

// File imports one file, packed or not, under the name that its events will carry. read follows the packed bytes that are done.
//
// When it returns, what Accepted says is durable, also where an error ended it: a damaged archive is read up to the damage. A file
// is read twice, first for the digests of the texts in it.
func (i *Importer) File(ctx context.Context, path, name string, read *atomic.Int64) (*Import, error) {
	f, err := os.Open(path)
	if err != nil {
		return i.Imports.none(), fmt.Errorf("import: %w", err)
	}
	defer func() { _ = f.Close() }()
	return i.opened(ctx, f, name, read)
}

func (i *Importer) opened(ctx context.Context, f *os.File, name string, read *atomic.Int64) (*Import, error) {
	info, err := f.Stat()
	if err != nil {
		return i.Imports.none(), fmt.Errorf("import %s: %w", name, err)
	}
	digests, err := i.digests(ctx, f, info.Size(), name)
	if errors.Is(err, ErrRefused) || ctx.Err() != nil {
		return i.Imports.none(), err
	}
	t := &tally{Importer: i, Import: i.Imports.begin(), name: name, digests: digests}
	err = i.unpack(ctx, f, info.Size(), name, read, t.text)
	return t.Import, errors.Join(err, t.finish(ctx))
}

// digests gives the XXH3-128 digest of each text in a file. A text is known by its digest, however it is packed.
func (i *Importer) digests(ctx context.Context, f *os.File, size int64, name string) (list [][16]byte, err error) {
	h := xxh3.New128()
	err = i.unpack(ctx, f, size, name, new(atomic.Int64), func(_ context.Context, _ string, r io.Reader) error {
		h.Reset()
		_, err := io.Copy(h, r)
		list = append(list, h.Sum128().Bytes())
		return err
	})
	return list, err
}

// unpack calls each for the texts in the first size bytes of f: what is written to a log meanwhile is left for the next time.
func (i *Importer) unpack(ctx context.Context, f *os.File, size int64, name string, read *atomic.Int64, each func(context.Context, string, io.Reader) error) error {
	u := unpacker{file: f, size: size, packed: read.Load, temp: i.Temp, each: func(name string, r io.Reader) error { return each(ctx, name, r) }}
	return u.walk(name, &follower{ctx, io.NewSectionReader(f, 0, size), read}, 0)
}

// follower counts the bytes read from a file, until ctx ends.
type follower struct {
	ctx context.Context
	io.Reader
	read *atomic.Int64
}

func (f *follower) Read(b []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := f.Reader.Read(b)
	f.read.Add(int64(n))
	return n, err
}

// tally is an import under way.
type tally struct {
	*Importer
	*Import
	name    string
	digests [][16]byte // of the texts to come
	arena   []byte     // what frames stand on until they are in the intake
	frames  []Frame
	group   *Group // of the newest frames handed over
	handed  uint64
}

// chunk is how many bytes of records go to the intake together.
const chunk = 512 << 10

// text puts the records of one text into the intake. Where the text breaks off, its last record is not whole and left out.
func (t *tally) text(ctx context.Context, name string, r io.Reader) error {
	var digest [16]byte
	if len(t.digests) > 0 {
		digest, t.digests = t.digests[0], t.digests[1:]
	}
	in := bufio.NewReader(r)
	if head, _ := in.Peek(len(exportedHead)); string(head) == exportedHead {
		return t.exported(ctx, name, digest, in)
	}
	source := fileMark + t.id + ":" + sourceName(name)
	records := parse.NewRecords(in, MaxFrame)
	for records.Next() {
		t.add(t.Now().UnixNano(), source, origin(digest, records.Offset()), records.Text())
		if records.Cut() {
			t.Metrics.Overlong.Inc()
		}
		if err := t.drain(ctx); err != nil {
			return err
		}
	}
	if err := records.Err(); err != nil {
		if n := len(t.frames); n > 0 && t.frames[n-1].Source == source {
			t.frames = t.frames[:n-1]
		}
		return reading(name, err)
	}
	return nil
}

// add puts a record into the next chunk. place names it where its own content does not.
func (t *tally) add(received int64, source string, place uint64, record []byte) {
	if len(bytes.TrimSpace(record)) == 0 {
		return
	}
	if cap(t.arena)-len(t.arena) < originSize+len(record) {
		t.arena = make([]byte, 0, chunk+2*(originSize+MaxFrame))
	}
	from := len(t.arena)
	t.arena = append(binary.LittleEndian.AppendUint64(t.arena, place), record...)
	t.frames = append(t.frames, Frame{Received: received, Source: source, Data: t.arena[from:len(t.arena):len(t.arena)]})
}

// origin names a place in a text: the XXH3-64 hash of its digest and the offset.
func origin(digest [16]byte, offset int64) uint64 {
	return xxh3.Hash(binary.LittleEndian.AppendUint64(digest[:], uint64(offset)))
}

// drain hands a full chunk to the intake. It holds eight records or more.
func (t *tally) drain(ctx context.Context) error {
	if len(t.arena) < chunk {
		return nil
	}
	return t.flush(ctx, t.frames[:len(t.frames)-2])
}

// flush hands the first frames to the intake. Two are kept back until the end: the last one may turn out not to be whole, and the last
// that is gets another mark.
func (t *tally) flush(ctx context.Context, frames []Frame) error {
	if err := t.waitForRoom(ctx); err != nil {
		return fmt.Errorf("import ended early: %w", err)
	}
	left, group := t.Intake.PutLast(ctx, frames)
	if n := len(frames) - left; n > 0 {
		t.group = group
		t.handed += uint64(n)
		t.Metrics.Frames.WithLabelValues("file").Add(float64(n))
	}
	if left > 0 {
		return fmt.Errorf("import ended early: %w", ctx.Err())
	}
	t.Metrics.Bytes.WithLabelValues("file").Add(float64(len(t.arena)))
	rest := t.frames[len(frames):]
	t.arena = t.arena[:0]
	for i := range rest {
		from := len(t.arena)
		t.arena = append(t.arena, rest[i].Data...)
		rest[i].Data = t.arena[from:]
	}
	t.frames = append(t.frames[:0], rest...)
	return nil
}

// waitForRoom waits while the spool is crowded.
func (t *tally) waitForRoom(ctx context.Context) error {
	for t.Crowded != nil && t.Crowded() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// finish hands over the rest, marks its last record, and waits until all is durable.
func (t *tally) finish(ctx context.Context) (err error) {
	if n := len(t.frames); n > 0 && ctx.Err() == nil {
		last := &t.frames[n-1]
		last.Source = lastMark + last.Source[markSize:]
		err = t.flush(ctx, t.frames)
	}
	end := uint64(0)
	if t.group != nil {
		if err := t.group.Wait(ctx); err != nil {
			t.forget()
			return fmt.Errorf("import ended before its records were safe on disk: %w", err)
		}
		end = t.group.next
	}
	t.close(t.handed, end)
	return err
}

// maxName is how many bytes of a source's name are kept.
const maxName = 1024

// sourceName makes a name fit to be kept and shown: file names may hold anything.
func sourceName(name string) string {
	name = plainName(name)
	if len(name) <= maxName {
		return name
	}
	cut := len(name) - maxName
	for cut < len(name) && !utf8.RuneStart(name[cut]) {
		cut++
	}
	return name[cut:]
}

// plainName replaces what a terminal would obey.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(filepath.ToSlash(name), "�"))
}
