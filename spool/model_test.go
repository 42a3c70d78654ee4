package spool

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestModel does random things to a spool and to a simple model of it, and wants the same from both.
func TestModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir := t.TempDir()
		o := Options{SegmentBytes: 2000, SyncEvery: time.Nanosecond}
		s := open(t, dir, o)
		reader, err := s.Reader(0)
		if err != nil {
			r.Fatal(err)
		}
		var next, acked, position uint64
		r.Repeat(map[string]func(*rapid.T){
			"append": func(r *rapid.T) {
				some := rapid.Uint64Range(1, 30).Draw(r, "frames")
				fill(r, s, next, next+some, some)
				next += some
			},
			"read": func(r *rapid.T) {
				if position == next {
					r.Skip("nothing there")
				}
				rec, err := reader.Next(t.Context())
				if err != nil {
					r.Fatal(err)
				}
				got := frames(r, rec)
				wantFrames(r, got, position, position+uint64(len(got)))
				position += uint64(len(got))
			},
			"ack": func(r *rapid.T) {
				acked = rapid.Uint64Range(acked, position).Draw(r, "next")
				if err := s.Ack(acked); err != nil {
					r.Fatal(err)
				}
			},
			"reopen": func(r *rapid.T) {
				reader.Close()
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = open(t, dir, o)
				if reader, err = s.Reader(acked); err != nil {
					r.Fatal(err)
				}
				position = acked
			},
			"tear": func(r *rapid.T) { // a process dies while it appends
				if next == 0 {
					r.Skip("no segment")
				}
				reader.Close()
				s.Close()
				tearTail(r, s, dir, next)
				s = open(t, dir, o)
				if reader, err = s.Reader(acked); err != nil {
					r.Fatal(err)
				}
				position = acked
			},
			"": func(r *rapid.T) {
				st := s.Stats()
				if st.Appended != next || st.Acked != acked || st.Frames != next-acked || st.Damaged != 0 {
					r.Fatalf("%+v, want %d appended, %d acknowledged", st, next, acked)
				}
				if st.Frames == 0 != st.Oldest.IsZero() {
					r.Fatalf("%d frames, the oldest of %v", st.Frames, st.Oldest)
				}
			},
		})
		wantFrames(r, drain(r, s, acked), acked, next)
		reader.Close()
		s.Close()
	})
}

// tearTail leaves the beginning of a record at the end of the last segment.
func tearTail(r *rapid.T, s *Spool, dir string, next uint64) {
	segs, err := listSegments(dir)
	if err != nil {
		r.Fatal(err)
	}
	var b Batch
	for n := range rapid.Uint64Range(1, 5).Draw(r, "frames") {
		frameOf(next + n).addTo(&b)
	}
	b.seal()
	b.number(next, s.salt)
	path := segs[len(segs)-1].path
	keep := rapid.IntRange(0, len(b.buf)-1).Draw(r, "bytes")
	write(r, path, append(read(r, path), b.buf[:keep]...))
}
