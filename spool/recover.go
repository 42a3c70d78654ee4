package spool

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

const idName = "id"

// recover brings a folder, in whatever state the last process or the power left it, to one that can be appended to.
func (s *Spool) recover(dir string) error {
	fo, err := readFolder(dir, s.opt.Log)
	if errors.Is(err, errNoID) {
		rand.Read(fo.id[:])
		fo.salt = fo.id.salt()
		err = nil
	}
	if err != nil {
		return err
	}
	if err := keepID(dir, fo.id); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, probeName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fo.live = true
	s.folder = fo
	if s.acks, err = openAckFile(filepath.Join(dir, ackName), fo.turn); err != nil {
		return err
	}
	if err := s.reopenLast(); err != nil {
		return errors.Join(err, s.acks.close())
	}
	return s.letGo()
}

// keepID writes the id file if it does not say id.
func keepID(dir string, id spoolID) error {
	path := filepath.Join(dir, idName)
	if b, err := os.ReadFile(path); err == nil {
		if have, ok := parseID(b); ok && have == id {
			return nil
		}
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.WriteString(id.String() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func parseID(b []byte) (id spoolID, ok bool) {
	n, err := hex.Decode(id[:], bytes.TrimSpace(b[:min(len(b), 64)]))
	return id, err == nil && n == len(id)
}

// reopenLast makes the last segment the one that is appended to, cutting a torn tail. If accepted frames may be
// damaged at its end it is left as it is, for the reader to count, and a new segment will be begun.
func (s *Spool) reopenLast() error {
	if len(s.segs) == 0 {
		return nil
	}
	last := s.segs[len(s.segs)-1]
	if last.size < segmentHeaderSize { // the power went while it was begun
		s.segs = s.segs[:len(s.segs)-1]
		s.bytes -= last.size
		return os.Remove(last.path)
	}
	f, err := os.OpenFile(last.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	t, err := readTail(f, s.salt, last)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if t.torn > 0 {
		s.log.Warn("spool tail torn: cut", "segment", last.path, "offset", t.end, "bytes", t.torn)
		err = f.Truncate(t.end)
		s.bytes += t.end - last.size
		last.size = t.end
		s.losses.past.torn += uint64(t.torn)
	}
	// What survived in the page cache alone is made durable before a reader sees it.
	if err := errors.Join(err, s.writer.fdatasync(f), syncDir(s.dir)); err != nil {
		return errors.Join(err, f.Close())
	}
	reuse := last.current && !t.suspect && t.next >= s.next
	s.next = max(s.next, t.next)
	if !reuse {
		return f.Close()
	}
	s.writer.active, s.writer.file, s.writer.listed = last, f, true
	return nil
}

// tail is the end of the last segment.
type tail struct {
	end     int64  // of the last good record
	next    uint64 // number that the next frame gets
	torn    int64  // bytes behind end that were never accepted
	suspect bool   // bytes behind end that may have been accepted
}

// readTail reads the last segment to the end. Behind the last good record there may be a record that was not written
// whole, or nothing but zeros, as file systems leave after a power cut: torn, for an fsync would have completed it.
// Anything else may have been accepted and damaged later: suspect. Its numbers are not used again; where the damage
// hides how many they were, as many are skipped as could have been.
func readTail(f io.ReaderAt, salt uint32, seg *segment) (tail, error) {
	c := cursor{file: f, salt: salt, off: segmentHeaderSize}
	t := tail{end: segmentHeaderSize, next: seg.first}
	var buf []byte
	for {
		h, err := c.header(seg.size)
		if err == nil {
			if buf, err = c.body(h, buf); err == nil {
				c.off += h.size()
				t = tail{end: c.off, next: h.next()}
				continue
			}
		}
		switch err {
		case errEnd:
			return t, nil
		case errShort, errHeader:
			at, e := c.resync(seg.size, t.next)
			if e != nil {
				return t, e
			}
			if at == seg.size {
				return t.finish(f, err, c.off, seg.size)
			}
			c.off = at
		case errBody:
			c.off += h.size()
			t.suspect, t.next = true, h.next()
		default:
			return t, err
		}
	}
}

// finish judges what lies between off and size, where no record was found.
func (t tail) finish(f io.ReaderAt, why error, off, size int64) (tail, error) {
	unwritten := why == errShort
	if !unwritten {
		var err error
		if unwritten, err = allZero(io.NewSectionReader(f, off, size-off)); err != nil {
			return t, err
		}
	}
	switch {
	case !unwritten:
		t.suspect = true
		t.next += uint64(size-off) / minFrame
	case !t.suspect:
		t.torn = size - t.end
	}
	return t, nil
}

func allZero(r io.Reader) (bool, error) {
	buf := make([]byte, 1<<16)
	for {
		n, err := r.Read(buf)
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return false, nil
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}
