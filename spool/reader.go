package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Reader delivers records in the order of their numbers. It is for one goroutine; a spool may have several.
type Reader struct {
	folder *folder
	seg    *segment // nil: between segments
	file   *os.File
	cur    cursor
	next   uint64 // number of the next frame to deliver
	names  names
	pool   sync.Pool
}

// Reader begins at frame from, or at the oldest frame on disk if that is later. The consumer begins where it left off
// with Stats().Acked.
func (s *Spool) Reader(from uint64) (*Reader, error) { return s.folder.reader(from) }

func (fo *folder) reader(from uint64) (*Reader, error) {
	fo.mu.Lock()
	defer fo.mu.Unlock()
	if from > fo.next {
		return nil, fmt.Errorf("read from frame %d: the spool has none from %d on", from, fo.next)
	}
	oldest := fo.next
	if len(fo.segs) > 0 {
		oldest = fo.segs[0].first
	}
	r := &Reader{folder: fo, next: max(from, oldest), cur: cursor{salt: fo.salt}}
	r.pool.New = func() any { return &Record{reader: r} }
	return r, nil
}

// Next gives the next record, and waits until there is one; only what is fsynced is given out. Damaged records are
// set aside, counted and passed over: then First is greater than the number that would have followed. Errors are those
// of ctx, ErrClosed, io.EOF from the reader of a View, and errors of the disk, after which Next may be called again.
func (r *Reader) Next(ctx context.Context) (*Record, error) {
	for {
		changed, err := r.folder.watch()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		rec, err := r.advance()
		if err != errEnd {
			return rec, err
		}
		if changed == nil {
			return nil, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// Ready says that Next has something to give, or to report, without waiting.
func (r *Reader) Ready() bool {
	r.folder.mu.Lock()
	defer r.folder.mu.Unlock()
	return r.next < r.folder.next || r.folder.closed
}

// Close closes the file that is being read. Records that were delivered stay.
func (r *Reader) Close() error {
	if r.seg == nil {
		return nil
	}
	r.seg = nil
	return r.file.Close()
}

// advance reads on to the next good record, over the ends of segments; errEnd if there is none yet.
func (r *Reader) advance() (*Record, error) {
	for {
		if err := r.enter(); err != nil {
			return nil, err
		}
		limit, end, final := r.folder.extent(r.seg)
		rec, err := r.record(limit, end)
		if err != errEnd {
			return rec, err
		}
		r.lose(end, r.seg)
		if !final {
			return nil, errEnd
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
}

// enter opens the segment that has the next frame, unless one is open.
func (r *Reader) enter() error {
	for r.seg == nil {
		fo := r.folder
		fo.mu.Lock()
		seg := fo.holding(r.next)
		fo.mu.Unlock()
		if seg == nil {
			return errEnd
		}
		f, err := os.Open(seg.path)
		if errors.Is(err, os.ErrNotExist) {
			if err := r.pass(seg, err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		r.seg, r.file = seg, f
		r.cur.file, r.cur.off = f, segmentHeaderSize
	}
	return nil
}

// pass goes beyond a segment whose file is gone: acknowledged meanwhile, or taken away by somebody.
func (r *Reader) pass(seg *segment, gone error) error {
	_, end, final := r.folder.extent(seg)
	switch {
	case r.folder.live && final:
		r.lose(end, seg)
	case r.folder.live:
		return gone
	default: // the owner of the folder has deleted it
		r.next = end
	}
	if !final {
		return errEnd
	}
	return nil
}

// lose passes over the frames below to, which seg should have had.
func (r *Reader) lose(to uint64, seg *segment) {
	if to > r.next {
		r.folder.lose(r.next, to, seg.path)
		r.next = to
	}
}

// record reads on to the next good record of the segment, which ends at limit and before frame end.
func (r *Reader) record(limit int64, end uint64) (*Record, error) {
	for {
		h, err := r.cur.header(limit)
		switch {
		case err == errHeader || err == errShort:
			if err := r.resync(limit); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		case h.next() > end:
			return nil, errEnd // left behind by abandon
		case h.next() <= r.next:
			r.cur.off += h.size()
			continue
		}
		r.lose(h.first, r.seg)
		rec, err := r.load(h)
		if err == nil {
			return rec, nil
		}
		if err != errBody {
			return nil, err
		}
		r.folder.setAside(r.seg, r.file, r.cur.off, r.cur.off+h.size())
		r.cur.off += h.size()
		r.lose(h.next(), r.seg)
	}
}

// resync goes to the next place where a record begins.
func (r *Reader) resync(limit int64) error {
	at, err := r.cur.resync(limit, r.next)
	if err != nil {
		return err
	}
	r.folder.setAside(r.seg, r.file, r.cur.off, at)
	r.cur.off = at
	return nil
}

// load reads the body that belongs to h.
func (r *Reader) load(h header) (*Record, error) {
	rec := r.pool.Get().(*Record)
	var err error
	if rec.stored, err = r.cur.body(h, rec.stored); err != nil {
		rec.Release()
		return nil, err
	}
	r.cur.off += h.size()
	rec.head = h
	rec.First = r.next
	rec.Count = int(h.next() - r.next)
	r.next = h.next()
	return rec, nil
}
