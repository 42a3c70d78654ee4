package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"flapwatch/internal/smalldisk"
)

// smallDisk is a tmpfs of some bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	smalldisk.Mount(t, dir, size)
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

// A spool leaves as much of the disk to others as it is told, and goes on when they give some back.
func TestLeavesRoom(t *testing.T) {
	disk := smallDisk(t, "2m")
	ballast := filepath.Join(disk, "ballast")
	write(t, ballast, make([]byte, 512<<10))
	const leave = 1 << 20
	s := open(t, filepath.Join(disk, "spool"), Options{SegmentBytes: 100 << 10, SyncEvery: time.Nanosecond, Leave: leave})
	free := func() int64 {
		var st syscall.Statfs_t
		if err := syscall.Statfs(disk, &st); err != nil {
			t.Fatal(err)
		}
		return int64(st.Bavail) * st.Bsize
	}
	next := fillUp(t, s, 0)
	if err := s.Ready(); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, ErrFull) {
		t.Errorf("ready says %v", err)
	}
	if left := free(); next == 0 || left < leave || left > leave+100<<10 {
		t.Errorf("%d frames were taken, and %d bytes left: want %d and a little", next, left, leave)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Room(t.Context()); err != nil {
		t.Error(err)
	}
	more := fillUp(t, s, next)
	if left := free(); more == next || left < leave {
		t.Errorf("%d frames more, %d bytes left", more-next, left)
	}
	wantFrames(t, drain(t, s, 0), 0, more)
}

// Where all that fills the disk lies in one segment, that one goes too when its frames are done. Their numbers are not used again.
func TestFullOfOneSegment(t *testing.T) {
	dir := filepath.Join(smallDisk(t, "2m"), "spool")
	o := Options{SyncEvery: time.Nanosecond, Leave: 256 << 10}
	s := open(t, dir, o)
	r, err := s.Reader(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	next := fillUp(t, s, 0)
	for at := uint64(0); at < next; {
		rec, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at = rec.First + uint64(rec.Count)
		rec.Release()
	}
	if err := s.Ack(next); err != nil {
		t.Error(err)
	}
	waiting := make(chan error)
	go func() { // for more, as a consumer does: it lets go of the file
		_, err := r.Next(context.Background())
		waiting <- err
	}()
	if err := s.Room(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	s = open(t, dir, o) // nothing but the beginning of a segment is there
	more := fillUp(t, s, next)
	if st := s.Stats(); more < 2*next*9/10 || st.Acked != next || st.Appended != more || st.Damaged != 0 {
		t.Errorf("%d frames fitted first, then %d: %+v", next, more-next, st)
	}
	wantFrames(t, drain(t, s, next), next, more)
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
