package spool

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden folder anew")

// TestGolden keeps the format: a spool of version 2 is written today byte for byte as it was, but for the segment with a packed body,
// which another release of S2 may write otherwise.
func TestGolden(t *testing.T) {
	const golden = "testdata/v2"
	dir := t.TempDir()
	write(t, filepath.Join(dir, idName), []byte("000102030405060708090a0b0c0d0e0f\n"))
	s := open(t, dir, Options{SegmentBytes: 2000, SyncEvery: time.Nanosecond})
	fill(t, s, 0, 80, 10)
	fill(t, s, 80, 280, 200) // as many are packed
	if err := s.Ack(25); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if *update {
		if err := os.CopyFS(golden, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	want, got := files(t, golden), files(t, dir)
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("files %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	for name, content := range want {
		if got[name] != content && name != filepath.Base(segmentPath("", 80)) {
			t.Errorf("%s is %q, want %q", name, got[name], content)
		}
	}
}

// Spools that were written by this program or one before it open, give all they have, and take more.
func TestOlder(t *testing.T) {
	for golden, end := range map[string]uint64{"testdata/v1": 80, "testdata/v2": 280} {
		s := open(t, copyDir(t, golden), Options{})
		if st := s.Stats(); s.ID() != "000102030405060708090a0b0c0d0e0f" || st.Acked != 25 || st.Appended != end {
			t.Errorf("spool %s: %+v", s.ID(), st)
		}
		wantFrames(t, drain(t, s, 25), 25, end)
		fill(t, s, end, end+200, 200)
		wantFrames(t, drain(t, s, 25), 25, end+200)
		s.Close()
		for _, seg := range s.segs { // what an older program knows it goes on to read
			_, written, err := readSegmentHeader(seg.path)
			packed := slices.ContainsFunc(records(t, s.id, seg.path), func(p place) bool { return p.packed })
			if err != nil || packed && written != version {
				t.Errorf("segment %s of version %d has packed records: %v, %v", seg.path, written, packed, err)
			}
		}
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[path] = string(read(t, filepath.Join(dir, path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
