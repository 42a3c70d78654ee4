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

// TestGolden keeps format version 1: a spool of it opens, and is written today byte for byte as it was.
func TestGolden(t *testing.T) {
	const golden = "testdata/v1"
	dir := t.TempDir()
	write(t, filepath.Join(dir, idName), []byte("000102030405060708090a0b0c0d0e0f\n"))
	s := open(t, dir, Options{SegmentBytes: 2000, SyncEvery: time.Nanosecond})
	fill(t, s, 0, 80, 10)
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
		if got[name] != content {
			t.Errorf("%s is %q, want %q", name, got[name], content)
		}
	}
	s = open(t, copyDir(t, golden), Options{})
	if st := s.Stats(); s.ID() != "000102030405060708090a0b0c0d0e0f" || st.Acked != 25 || st.Appended != 80 {
		t.Errorf("spool %s: %+v", s.ID(), st)
	}
	wantFrames(t, drain(t, s, 25), 25, 80)
	fill(t, s, 80, 90, 10)
	wantFrames(t, drain(t, s, 25), 25, 90)
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
