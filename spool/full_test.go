package spool

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// fillUp appends until the spool refuses, and returns the number after the last accepted frame.
func fillUp(t *testing.T, s *Spool, from uint64) uint64 {
	t.Helper()
	var b Batch
	for n := from; ; {
		b.Reset()
		for range 50 {
			frameOf(n + uint64(b.Len())).addTo(&b)
		}
		first, err := s.Append(&b)
		if errors.Is(err, ErrFull) {
			return n
		}
		if err != nil || first != n {
			t.Fatal(first, err)
		}
		n += uint64(b.Len())
	}
}

func TestCap(t *testing.T) {
	const size = 64 << 10
	s := open(t, t.TempDir(), Options{Cap: size, SyncEvery: time.Nanosecond})
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	next := uint64(0)
	for range 3 { // it is full, recovers, and is full again
		next = fillUp(t, s, next)
		if st := s.Stats(); st.Bytes > size || st.Bytes < size*7/8 {
			t.Errorf("full with %d bytes of %d", st.Bytes, size)
		}
		if err := s.Ready(); !errors.Is(err, ErrFull) {
			t.Errorf("full, and ready says %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := s.Room(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("full, and room says %v", err)
		}
		cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Room(t.Context()); err != nil {
				t.Error(err)
			}
		})
		acked := s.Stats().Acked
		wantFrames(t, drain(t, s, acked), acked, next)
		if err := s.Ack(next); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	s := open(t, t.TempDir(), Options{Cap: 1 << 20})
	var b Batch
	noise := make([]byte, 1<<18) // that no packing makes smaller
	rand.NewChaCha8([32]byte{}).Read(noise)
	b.Add(0, "a", noise)
	if _, err := s.Append(&b); !errors.Is(err, ErrTooLarge) {
		t.Errorf("more than a quarter of the cap: %v", err)
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

// An fsync that fails leaves a segment that is not trusted; the frames go to another.
func TestSyncFails(t *testing.T) {
	broken := errors.New("input/output error")
	tests := []struct {
		name  string
		fails int // in a row
		want  error
	}{
		{"once", 1, nil},
		{"twice", 2, broken},
	}
	for _, tt := range tests {
		for _, before := range []uint64{0, 30} { // frames in the segment that fails
			t.Run(tt.name, func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, dir, Options{SyncEvery: time.Nanosecond})
				fill(t, s, 0, before, 10)
				fails := tt.fails
				s.writer.fdatasync = func(f *os.File) error {
					if fails > 0 {
						fails--
						return broken
					}
					return fdatasync(f)
				}
				var b Batch
				for n := range uint64(10) {
					frameOf(before + n).addTo(&b)
				}
				first, err := s.Append(&b)
				if !errors.Is(err, tt.want) {
					t.Fatalf("append: %v, want %v", err, tt.want)
				}
				if ready := s.Ready(); !errors.Is(ready, tt.want) {
					t.Errorf("ready says %v, want %v", ready, tt.want)
				}
				if err != nil { // as after every refusal, the batch may be tried again
					wantFrames(t, drain(t, s, 0), 0, before)
					if first, err = s.Append(&b); err != nil {
						t.Fatal(err)
					}
				}
				if first != before {
					t.Errorf("appended as %d, want %d", first, before)
				}
				fill(t, s, before+10, before+20, 5)
				wantFrames(t, drain(t, s, 0), 0, before+20)
				if err := s.Ready(); err != nil {
					t.Error(err)
				}
				s.Close()
				s = open(t, dir, Options{})
				wantFrames(t, drain(t, s, 0), 0, before+20)
				if st := s.Stats(); st.Damaged != 0 || st.TornBytes != 0 {
					t.Errorf("%+v", st)
				}
			})
		}
	}
}

// Leftovers that could not be cut from an abandoned segment carry numbers that were given out again, and are not read.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SyncEvery: time.Nanosecond})
	fill(t, s, 0, 30, 10)
	var b Batch
	for range 7 {
		b.Add(0, "nobody", []byte("not accepted"))
	}
	b.seal()
	b.number(30, s.salt)
	if err := s.writer.close(); err != nil {
		t.Fatal(err)
	}
	write(t, segmentPath(dir, 0), append(read(t, segmentPath(dir, 0)), b.buf...))
	fill(t, s, 30, 50, 10)
	wantFrames(t, drain(t, s, 0), 0, 50)
	s.Close()
	s = open(t, dir, Options{})
	wantFrames(t, drain(t, s, 0), 0, 50)
	if st := s.Stats(); st.Damaged != 0 {
		t.Errorf("%+v", st)
	}
}
