package spool

import (
	"os"
	"sync"
	"time"
)

// Stats are counts since the spool was made, but for Syncs, and sizes now.
type Stats struct {
	Appended   uint64 // frames accepted
	Acked      uint64 // frames below this number are done
	Frames     uint64 // accepted, not acknowledged, not lost
	Bytes      int64  // of segments
	Segments   int
	Oldest     time.Time // when the record that is next to be acknowledged was received; zero if there is none
	Damaged    uint64    // stretches of frames that could not be read
	LostFrames uint64    // frames in them, known from the numbers around; at the very end of a spool, at most so many
	TornBytes  uint64    // cut from the end at start-up: never accepted
	Syncs      uint64    // fsyncs of frames by this process
}

// Stats counts; it reads a few record headers to find the oldest frame.
func (s *Spool) Stats() Stats {
	st := s.folder.stats()
	s.mu.Lock()
	st.Syncs = s.syncs
	s.mu.Unlock()
	return st
}

func (fo *folder) stats() Stats {
	fo.mu.Lock()
	lost := fo.losses.total()
	st := Stats{
		Appended:   fo.next,
		Acked:      fo.acked,
		Frames:     fo.next - fo.acked - fo.losses.above(fo.acked),
		Bytes:      fo.bytes,
		Segments:   len(fo.segs),
		Damaged:    lost.damaged,
		LostFrames: lost.lost,
		TornBytes:  lost.torn,
	}
	fo.mu.Unlock()
	if st.Frames > 0 {
		st.Oldest = fo.ageing.oldest(fo)
	}
	return st
}

// ageing remembers where the oldest record was, and looks for the next from there.
type ageing struct {
	mu  sync.Mutex
	seg *segment
	off int64
}

func (a *ageing) oldest(fo *folder) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	fo.mu.Lock()
	acked, seg := fo.acked, fo.holding(fo.acked)
	fo.mu.Unlock()
	if seg == nil {
		return time.Time{}
	}
	if seg != a.seg {
		a.seg, a.off = seg, segmentHeaderSize
	}
	f, err := os.Open(seg.path)
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	limit, _, _ := fo.extent(seg)
	c := cursor{file: f, salt: fo.salt, off: a.off}
	for {
		h, err := c.header(limit)
		switch {
		case err == errHeader || err == errShort:
			if c.off, err = c.resync(limit, acked); err != nil {
				return time.Time{}
			}
			continue
		case err != nil:
			return time.Time{}
		case h.next() > acked:
			a.off = c.off
			return time.Unix(0, h.oldest)
		}
		c.off += h.size()
	}
}
