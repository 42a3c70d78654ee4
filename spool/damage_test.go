package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// place is where a record lies.
type place struct {
	off, end int64
	header
}

// records finds the records of a segment.
func records(t testing.TB, id spoolID, path string) (all []place) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c := cursor{file: f, salt: id.salt(), off: segmentHeaderSize}
	for {
		h, err := c.header(info.Size())
		if err == errEnd {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, place{c.off, c.off + h.size(), h})
		c.off += h.size()
	}
}

// many frames make a record that is packed, as few do not.
const (
	few  = 10
	many = 200
)

// filled is a closed spool of ten records of some frames each, in segments of some size.
func filled(t testing.TB, segmentBytes int64, some uint64) (dir string, id spoolID) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Options{SegmentBytes: segmentBytes, SyncEvery: time.Microsecond})
	fill(t, s, 0, 10*some, some)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, s.id
}

func flip(t testing.TB, path string, off int64) {
	t.Helper()
	b := read(t, path)
	b[off] ^= 1 << (off % 8)
	write(t, path, b)
}

func damagedCopies(t testing.TB, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, damagedDir))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return len(entries)
}

// A record that was not written to its end is cut off, wherever it breaks, and appending goes on in its place.
func TestTornTail(t *testing.T) {
	for _, some := range []uint64{2, many} {
		whole, id := filled(t, 1<<20, few)
		s := open(t, whole, Options{})
		fill(t, s, 100, 100+some, some)
		s.Close()
		recs := records(t, id, segmentPath(whole, 0))
		last := recs[len(recs)-1]
		if last.packed != (some == many) {
			t.Fatalf("record of %d frames: packed %v", some, last.packed)
		}
		tear := func(name string, torn uint64, sizes ...int64) {
			dir := copyDir(t, whole)
			for _, size := range sizes {
				if err := os.Truncate(segmentPath(dir, 0), size); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, dir, Options{})
			fill(t, s, 100, 105, 5)
			wantFrames(t, drain(t, s, 0), 0, 105)
			s.Close()
			s = open(t, dir, Options{})
			if st := s.Stats(); st.TornBytes != torn || st.Damaged != 0 || st.Appended != 105 {
				t.Errorf("%d frames, %s: %+v, want %d torn bytes", some, name, st, torn)
			}
			s.Close()
		}
		step := (last.end - last.off) / 50
		for cut := last.off; cut < last.end; cut += max(step, 1) {
			tear(fmt.Sprint("cut at ", cut-last.off), uint64(cut-last.off), cut)
		}
		tear("zeros", 5000, last.off, last.off+5000)
	}
}

// A flipped bit costs the frames of its record and no others, and they are counted once.
func TestFlip(t *testing.T) {
	for _, some := range []uint64{few, many} {
		whole, id := filled(t, 1<<20, some)
		hit := records(t, id, segmentPath(whole, 0))[4]
		if hit.packed != (some == many) {
			t.Fatalf("record of %d frames: packed %v", some, hit.packed)
		}
		for _, off := range places(hit) {
			flipped(t, copyDir(t, whole), off, some)
		}
	}
}

// places are bytes of a record in which a bit is flipped: of its header each, of its body some.
func places(hit place) (all []int64) {
	body := hit.off + headerSize
	step := max(11, int64(hit.length)/15)
	for off := hit.off; off < hit.end; off++ {
		if off <= body+8 || off%step == 0 {
			all = append(all, off)
		}
	}
	return all
}

// flipped damages the fifth of ten records at an offset of the only segment.
func flipped(t *testing.T, dir string, off int64, some uint64) {
	flip(t, segmentPath(dir, 0), off)
	s := open(t, dir, Options{})
	for range 2 { // a second reader does not count again
		wantFrames(t, drain(t, s, 0), 0, 4*some, 5*some, 10*some)
	}
	check := func(s *Spool, frames uint64) {
		t.Helper()
		st := s.Stats()
		if st.Damaged != 1 || st.LostFrames != some || st.Frames != frames || st.TornBytes != 0 || st.Appended != 10*some {
			t.Errorf("byte %d: %+v", off, st)
		}
	}
	check(s, 9*some)
	if n := damagedCopies(t, dir); n != 1 {
		t.Errorf("byte %d: %d copies set aside", off, n)
	}
	if err := s.Ack(6 * some); err != nil {
		t.Fatal(err)
	}
	check(s, 4*some)
	s.Close()
	s = open(t, dir, Options{})
	wantFrames(t, drain(t, s, 6*some), 6*some, 10*some)
	check(s, 4*some)
	s.Close()
}

// The last record may have been accepted before it was damaged: it is not cut, and its numbers are not used again.
func TestFlipInLastRecord(t *testing.T) {
	for _, some := range []uint64{few, many} {
		whole, id := filled(t, 1<<20, some)
		recs := records(t, id, segmentPath(whole, 0))
		hit, all := recs[len(recs)-1], 10*some
		for _, off := range places(hit) {
			dir := copyDir(t, whole)
			flip(t, segmentPath(dir, 0), off)
			s := open(t, dir, Options{})
			next := s.Stats().Appended
			if inHeader := off < hit.off+headerSize; !inHeader && next != all || next < all || next > all+uint64(hit.end-hit.off) {
				t.Errorf("byte %d: appending goes on at %d", off-hit.off, next)
			}
			s.Close()
			s = open(t, dir, Options{})
			fill(t, s, next, next+10, 10)
			wantFrames(t, drain(t, s, 0), 0, all-some, next, next+10)
			st := s.Stats()
			if st.Damaged != 1 || st.LostFrames != next-(all-some) || st.TornBytes != 0 || st.Frames != all-some+10 {
				t.Errorf("byte %d: %+v", off-hit.off, st)
			}
			s.Close()
		}
	}
}

// A record within the data of another does not become one when the outer one is damaged.
func TestRecordInData(t *testing.T) {
	var inner Batch
	inner.Add(1, "liar", []byte("you have been promoted"))
	inner.seal()
	inner.number(50, spoolID{}.salt())
	dir := t.TempDir()
	s := open(t, dir, Options{})
	var b Batch
	for range 10 {
		b.Add(0, "honest", inner.buf)
	}
	if _, err := s.Append(&b); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 10, 20, 10)
	s.Close()
	flip(t, segmentPath(dir, 0), segmentHeaderSize)
	s = open(t, dir, Options{})
	wantFrames(t, drain(t, s, 0), 10, 20)
}

func TestDamage(t *testing.T) {
	whole, id := filled(t, 1200, few) // segments of two records or one, ten frames each
	segs, err := listSegments(whole)
	if err != nil {
		t.Fatal(err)
	}
	end := segs[len(segs)-1].first
	first := func(seg uint64) string { return fmt.Sprintf("%020d.seg", seg) }
	recs := records(t, id, filepath.Join(whole, first(20)))
	if len(recs) != 2 {
		t.Fatalf("%d records a segment", len(recs))
	}
	tests := []struct {
		name          string
		harm          func(dir string) error
		want          []uint64
		damaged, lost uint64
		copies        int
	}{
		{"none", func(dir string) error { return nil }, []uint64{0, 100}, 0, 0, 0},
		{"segment header", func(dir string) error { flip(t, filepath.Join(dir, first(20)), 10); return nil }, []uint64{0, 100}, 0, 0, 0},
		{"segment gone", func(dir string) error { return os.Remove(filepath.Join(dir, first(20))) }, []uint64{0, 20, 40, 100}, 1, 20, 0},
		{"first segment gone", func(dir string) error { return os.Remove(filepath.Join(dir, first(0))) }, []uint64{20, 100}, 0, 0, 0},
		{"segment empty", func(dir string) error { return os.Truncate(filepath.Join(dir, first(20)), 0) }, []uint64{0, 20, 40, 100}, 1, 20, 0},
		{"segment cut in a header", func(dir string) error { return os.Truncate(filepath.Join(dir, first(20)), recs[1].off+5) }, []uint64{0, 30, 40, 100}, 1, 10, 1},
		{"segment cut in a body", func(dir string) error { return os.Truncate(filepath.Join(dir, first(20)), recs[1].end-5) }, []uint64{0, 30, 40, 100}, 1, 10, 1},
		{"segment of zeros", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, first(20)), make([]byte, 3<<20), 0o600)
		}, []uint64{0, 20, 40, 100}, 1, 20, 1},
		{"two neighbours", func(dir string) error {
			flip(t, filepath.Join(dir, first(20)), recs[0].end-1)
			flip(t, filepath.Join(dir, first(20)), recs[1].end-1)
			return nil
		}, []uint64{0, 20, 40, 100}, 2, 20, 2},
		{"last segment not begun", func(dir string) error { return os.Truncate(filepath.Join(dir, first(end)), 7) }, []uint64{0, end}, 0, 0, 0},
		{"all segments gone", func(dir string) error {
			for _, seg := range segs {
				if err := os.Remove(filepath.Join(dir, filepath.Base(seg.path))); err != nil {
					return err
				}
			}
			return nil
		}, []uint64{0, 0}, 0, 0, 0},
		{"ack file", func(dir string) error { return os.WriteFile(filepath.Join(dir, ackName), []byte("nonsense"), 0o600) }, []uint64{0, 100}, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := copyDir(t, whole)
			if err := tt.harm(dir); err != nil {
				t.Fatal(err)
			}
			in, err := Inspect(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, dir, Options{})
			wantFrames(t, drain(t, s, 0), tt.want...)
			st := s.Stats()
			if st.Damaged != tt.damaged || st.LostFrames != tt.lost {
				t.Errorf("%+v", st)
			}
			if in.Damaged != tt.damaged || in.LostFrames != tt.lost {
				t.Errorf("%+v", in)
			}
			if n := damagedCopies(t, dir); n != tt.copies {
				t.Errorf("%d copies set aside, want %d", n, tt.copies)
			}
			next := tt.want[len(tt.want)-1]
			fill(t, s, next, next+10, 10)
			wantFrames(t, drain(t, s, next), next, next+10)
		})
	}
}

// What is set aside is bounded, in files.
func TestManyDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SyncEvery: time.Nanosecond})
	var b Batch
	const n = damagedFiles + 20
	for i := range uint64(n) {
		b.Reset()
		frameOf(i).addTo(&b)
		if _, err := s.Append(&b); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	path := segmentPath(dir, 0)
	content := read(t, path)
	for _, rec := range records(t, s.id, path)[:n-1] {
		content[rec.end-1] ^= 1
	}
	write(t, path, content)
	s = open(t, dir, Options{})
	wantFrames(t, drain(t, s, 0), n-1, n)
	if st := s.Stats(); st.Damaged != n-1 || st.LostFrames != n-1 {
		t.Errorf("%+v", st)
	}
	if got := damagedCopies(t, dir); got != damagedFiles {
		t.Errorf("%d copies set aside, want %d", got, damagedFiles)
	}
}

// A segment that somebody cuts while it is in use costs what was cut.
func TestCutInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SyncEvery: time.Nanosecond})
	fill(t, s, 0, 100, 10)
	recs := records(t, s.id, segmentPath(dir, 0))
	if err := os.Truncate(segmentPath(dir, 0), recs[7].off+50); err != nil {
		t.Fatal(err)
	}
	wantFrames(t, drain(t, s, 0), 0, 70)
	fill(t, s, 100, 120, 10)
	wantFrames(t, drain(t, s, 0), 0, 70, 100, 120)
	if st := s.Stats(); st.Damaged != 2 || st.LostFrames != 30 {
		t.Errorf("%+v", st)
	}
}
