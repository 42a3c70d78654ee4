package spool

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// all reads a view from its oldest frame to the end.
func all(t *testing.T, v *View) (got []frame) {
	t.Helper()
	r, err := v.Reader(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, frames(t, rec)...)
	}
}

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 1200, SyncEvery: time.Nanosecond})
	fill(t, s, 0, 100, 10)
	if err := s.Ack(35); err != nil {
		t.Fatal(err)
	}
	in, err := Inspect(t.Context(), dir) // while it is in use
	if err != nil {
		t.Fatal(err)
	}
	if in.ID != s.ID() || in.Version != version || in.Acked != 35 || in.Next != 100 || in.TornBytes != 0 || len(in.Segments) != s.Stats().Segments {
		t.Errorf("%+v", in)
	}
	next, bytes := in.Segments[0].First, int64(0)
	for _, seg := range in.Segments {
		last := frameOf(seg.Next - 10).received
		if seg.First != next || seg.Records != seg.Frames/10 || uint64(seg.Frames) != seg.Next-seg.First ||
			seg.Oldest.UnixNano() != frameOf(seg.First).received || seg.Newest.UnixNano() != last {
			t.Errorf("%+v after frame %d", seg, next)
		}
		next = seg.Next
		bytes += seg.Bytes
	}
	if next != 100 || bytes != s.Stats().Bytes {
		t.Errorf("segments to frame %d, %d bytes", next, bytes)
	}
}

// A view changes nothing, be the tail torn or records damaged.
func TestViewIsReadOnly(t *testing.T) {
	dir, id := filled(t, 1200, few)
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	last := segs[len(segs)-1]
	if err := os.Truncate(last.path, last.size-1); err != nil {
		t.Fatal(err)
	}
	flip(t, segs[0].path, records(t, id, segs[0].path)[0].end-1)
	before := files(t, dir)
	in, err := Inspect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if in.TornBytes == 0 || in.Damaged != 1 || in.LostFrames != 10 || in.Next != 90 {
		t.Errorf("%+v", in)
	}
	v, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFrames(t, all(t, v), 10, 90)
	after := files(t, dir)
	if len(after) != len(before) {
		t.Errorf("%d files, before there were %d", len(after), len(before))
	}
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s has changed", name)
		}
	}
}

// A view outlives what its owner deletes.
func TestViewOfSpoolInUse(t *testing.T) {
	dir := t.TempDir()
	o := Options{SegmentBytes: 1200, SyncEvery: time.Nanosecond}
	s := open(t, dir, o)
	fill(t, s, 0, 100, 10)
	v, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(50); err != nil {
		t.Fatal(err)
	}
	oldest, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFrames(t, all(t, v), oldest[0].first, 100)
	fill(t, s, 100, 300, 10)
	if err := s.Ack(300); err != nil {
		t.Fatal(err)
	}
	wantFrames(t, all(t, v))
	if st := v.Stats(); st.Damaged != 0 || st.Appended != 100 {
		t.Errorf("%+v", st)
	}
}

func TestOpenReadOnlyNothing(t *testing.T) {
	if _, err := OpenReadOnly(t.TempDir() + "/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := OpenReadOnly(t.TempDir()); !errors.Is(err, errNoID) {
		t.Errorf("empty folder: %v", err)
	}
	dir := t.TempDir()
	s := open(t, dir, Options{})
	v, err := OpenReadOnly(dir)
	if err != nil || v.ID() != s.ID() {
		t.Fatalf("%v", err)
	}
	wantFrames(t, all(t, v))
}
