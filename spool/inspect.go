package spool

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"
)

// View is a spool folder opened for reading beside, or without, the process that owns it: no lock is taken and nothing
// is changed. It shows what was there when it was opened; segments that the owner deletes meanwhile are passed over.
type View struct {
	fo   *folder
	tail tail
}

// OpenReadOnly looks at the spool in dir.
func OpenReadOnly(dir string) (*View, error) {
	fo, err := readFolder(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	v := &View{fo: fo}
	if len(fo.segs) == 0 {
		return v, nil
	}
	last := fo.segs[len(fo.segs)-1]
	f, err := os.Open(last.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if v.tail, err = readTail(f, fo.salt, last); err != nil {
		return nil, err
	}
	fo.next = max(fo.next, v.tail.next)
	last.size -= v.tail.torn
	return v, nil
}

// ID is the spool's random name.
func (v *View) ID() string { return v.fo.id.String() }

// Stats counts, as Spool.Stats does; damage that no reader of this View has met is not in it.
func (v *View) Stats() Stats { return v.fo.stats() }

// Reader begins at frame from, or at the oldest frame on disk, acknowledged or not, if that is later.
// Its Next gives io.EOF at the end.
func (v *View) Reader(from uint64) (*Reader, error) { return v.fo.reader(from) }

// Inspection is what lies in a spool folder, every record read and checked.
type Inspection struct {
	ID         string              `json:"id"`
	Version    int                 `json:"version"`
	Acked      uint64              `json:"acked"`      // frames below are done
	Next       uint64              `json:"next"`       // number of the next frame
	TornBytes  int64               `json:"torn_bytes"` // at the end now; of a spool in use it may be an append under way
	Segments   []SegmentInspection `json:"segments"`
	Damaged    uint64              `json:"damaged"`     // stretches of frames that could not be read, ever
	LostFrames uint64              `json:"lost_frames"` // frames in them
}

// SegmentInspection is what lies in one segment.
type SegmentInspection struct {
	Path    string    `json:"path"`
	First   uint64    `json:"first"` // frames First ≤ n < Next
	Next    uint64    `json:"next"`
	Bytes   int64     `json:"bytes"`
	Records int       `json:"records"`
	Frames  int       `json:"frames"` // readable
	Oldest  time.Time `json:"oldest"` // receive times of the first and of the last record
	Newest  time.Time `json:"newest"`
}

// Inspect reads all that lies in dir; damage among frames that are already acknowledged is passed over.
func Inspect(ctx context.Context, dir string) (*Inspection, error) {
	v, err := OpenReadOnly(dir)
	if err != nil {
		return nil, err
	}
	in := &Inspection{ID: v.ID(), Version: version, Acked: v.fo.acked, Next: v.fo.next, TornBytes: v.tail.torn}
	for _, seg := range v.fo.segs {
		_, end, _ := v.fo.extent(seg)
		in.Segments = append(in.Segments, SegmentInspection{Path: seg.path, First: seg.first, Next: end, Bytes: seg.size})
	}
	if err := v.inspect(ctx, in.Segments); err != nil {
		return nil, err
	}
	st := v.Stats()
	in.Damaged, in.LostFrames = st.Damaged, st.LostFrames
	return in, nil
}

// inspect fills in what only reading tells.
func (v *View) inspect(ctx context.Context, segs []SegmentInspection) error {
	r, err := v.Reader(0)
	if err != nil {
		return err
	}
	defer r.Close()
	for i := 0; ; {
		rec, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for rec.First >= segs[i].Next {
			i++
		}
		segs[i].add(rec)
		rec.Release()
	}
}

func (s *SegmentInspection) add(rec *Record) {
	at := time.Unix(0, rec.head.oldest).UTC()
	if s.Records == 0 {
		s.Oldest = at
	}
	s.Newest = at
	s.Records++
	s.Frames += rec.Count
}
