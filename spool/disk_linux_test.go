package spool

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a tmpfs of some bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small disk cannot be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk refuses what does not fit and keeps what was accepted; appending goes on when there is space again,
// whoever frees it, and in another process too.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t, "1m")
	ballast := filepath.Join(disk, "ballast")
	write(t, ballast, make([]byte, 512<<10))
	dir := filepath.Join(disk, "spool")
	o := Options{SegmentBytes: 100 << 10, SyncEvery: time.Nanosecond}
	s := open(t, dir, o)
	next := fillUp(t, s, 0)
	if err := s.Ready(); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, ErrFull) {
		t.Errorf("the disk is full, and ready says %v", err)
	}
	wantFrames(t, drain(t, s, 0), 0, next)

	if err := os.Remove(ballast); err != nil { // somebody makes space
		t.Fatal(err)
	}
	if err := s.Room(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	next = fillUp(t, s, next)
	wantFrames(t, drain(t, s, 0), 0, next)

	s.Close() // a new process finds the disk full
	s = open(t, dir, o)
	if st := s.Stats(); st.Appended != next || st.TornBytes != 0 {
		t.Errorf("%+v, want %d frames", st, next)
	}
	next = fillUp(t, s, next)

	if err := s.Ack(next); err != nil { // the consumer makes space
		t.Error(err)
	}
	if err := s.Room(t.Context()); err != nil {
		t.Error(err)
	}
	more := fillUp(t, s, next)
	if more == next {
		t.Error("nothing fits after everything was acknowledged")
	}
	wantFrames(t, drain(t, s, next), next, more)
	if st := s.Stats(); st.Damaged != 0 || st.Appended != more || st.Frames != more-next {
		t.Errorf("%+v", st)
	}
}

// A process killed on a full disk leaves nothing that the next one stumbles over.
func TestFullDiskKilled(t *testing.T) {
	dir := filepath.Join(smallDisk(t, "600k"), "spool")
	accepted, counts := map[uint64]string{}, map[uint64]int{}
	killChild(t, dir, accepted, counts)
	s := open(t, dir, Options{})
	defer s.Close()
	got := drain(t, s, 0)
	for first, n := range counts {
		if first >= s.Stats().Acked && first+uint64(n) > got[len(got)-1].n+1 {
			t.Errorf("%d accepted frames from %d on, the last is %d", n, first, got[len(got)-1].n)
		}
	}
	if st := s.Stats(); st.Damaged != 0 {
		t.Errorf("%+v", st)
	}
}
