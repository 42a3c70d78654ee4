package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(appendUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

// line is what a call manager sends, some 400 bytes.
func line(i int) string {
	return fmt.Sprintf("<189>%d: Nov 23 2025 14:17:%02d.123 UTC : %%UC_CALLMANAGER-3-EndPointUnregistered: %%[DeviceName=SEP%012X][IPAddress=10.1.%d.%d][Protocol=SCCP][DeviceType=119][Description=Somebody's phone][Reason=13][LastSignalReceived=SIPRegisterInd][AppID=Cisco CallManager][ClusterID=StandAloneCluster][NodeID=cucm1]: Endpoint unregistration occurred",
		i, i%60, i*2654435761%(1<<40), i>>8&255, i&255)
}

// frame is the frame that the tests append as number n; what is read back must be the same.
type frame struct {
	n        uint64
	received int64
	source   string
	data     string
}

func frameOf(n uint64) frame {
	return frame{n, 1763900000e9 + int64(n)*1234567 - int64(n%5)*5e6, fmt.Sprintf("10.0.0.%d", n/7%3), fmt.Sprintf("frame %d of many%s", n, strings.Repeat(".", int(n%50)))}
}

func (f frame) addTo(b *Batch) { b.Add(f.received, f.source, []byte(f.data)) }

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fill appends frames numbered from ≤ n < to, some at a time.
func fill(t tester, s *Spool, from, to, some uint64) {
	t.Helper()
	var b Batch
	for n := from; n < to; {
		b.Reset()
		first := n
		for ; n < to && n < first+some; n++ {
			frameOf(n).addTo(&b)
		}
		got, err := s.Append(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got != first {
			t.Fatalf("appended as %d, want %d", got, first)
		}
	}
}

// drain reads all that is there from frame from on.
func drain(t tester, s *Spool, from uint64) []frame {
	t.Helper()
	r, err := s.Reader(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []frame
	for r.next < s.Stats().Appended {
		rec, err := r.advance()
		if err == errEnd {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, frames(t, rec)...)
	}
	return got
}

func frames(t tester, rec *Record) (got []frame) {
	t.Helper()
	rec.Frames(func(n uint64, received int64, source string, data []byte) bool {
		got = append(got, frame{n, received, source, string(data)})
		return true
	})
	if len(got) != rec.Count || got[0].n != rec.First {
		t.Fatalf("record of %d frames from %d gave %d from %d", rec.Count, rec.First, len(got), got[0].n)
	}
	rec.Release()
	return got
}

// wantFrames checks that got are the frames with these numbers: pairs of from, to.
func wantFrames(t tester, got []frame, ranges ...uint64) {
	t.Helper()
	i := 0
	for ; len(ranges) > 0; ranges = ranges[2:] {
		for n := ranges[0]; n < ranges[1]; n++ {
			if i == len(got) {
				t.Fatalf("%d frames, then %d is missing", i, n)
			}
			if got[i] != frameOf(n) {
				t.Fatalf("frame %d of those read is %+v, want %+v", i, got[i], frameOf(n))
			}
			i++
		}
	}
	if i != len(got) {
		t.Fatalf("%d frames too many, the first is %+v", len(got)-i, got[i])
	}
}

func TestRoundTrip(t *testing.T) {
	for _, some := range []uint64{1, 7, 1000} {
		t.Run(fmt.Sprint(some), func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, Options{SegmentBytes: 4096, SyncEvery: time.Microsecond})
			fill(t, s, 0, 500, some)
			wantFrames(t, drain(t, s, 0), 0, 500)
			wantFrames(t, drain(t, s, 333), 333, 500)
			id := s.ID()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir, Options{SegmentBytes: 4096})
			if s.ID() != id || len(id) != 32 {
				t.Errorf("id %q, before it was %q", s.ID(), id)
			}
			fill(t, s, 500, 600, some)
			wantFrames(t, drain(t, s, 0), 0, 600)
			st := s.Stats()
			if st.Appended != 600 || st.Frames != 600 || st.Damaged+st.LostFrames+st.TornBytes != 0 {
				t.Errorf("%+v", st)
			}
			if want := time.Unix(0, frameOf(0).received); !st.Oldest.Equal(want) {
				t.Errorf("oldest %v, want %v", st.Oldest, want)
			}
		})
	}
}

func TestBatchInSeveralRecords(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var b Batch
	data := make([]byte, 40<<10)
	for i := range 10 {
		data[0] = byte(i)
		b.Add(int64(i), "a", data)
	}
	b.Add(10, "", nil)
	if b.Len() != 11 {
		t.Errorf("%d frames", b.Len())
	}
	if _, err := s.Append(&b); err != nil {
		t.Fatal(err)
	}
	r, err := s.Reader(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var counts []int
	for next := uint64(0); next < 11; {
		rec, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, rec.Count)
		rec.Frames(func(n uint64, received int64, source string, got []byte) bool {
			switch {
			case n != next, received != int64(n):
				t.Errorf("frame %d of %d ns, want %d", n, received, next)
			case n < 10 && (source != "a" || len(got) != len(data) || got[0] != byte(n)):
				t.Errorf("frame %d from %q has %d bytes", n, source, len(got))
			case n == 10 && (source != "" || len(got) != 0):
				t.Errorf("frame %d from %q has %d bytes", n, source, len(got))
			}
			next++
			return true
		})
	}
	if fmt.Sprint(counts) != "[4 4 3]" { // the fourth of 40 KiB reaches 128 KiB
		t.Errorf("records of %v frames", counts)
	}
}

func TestNextWaits(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	r, err := s.Reader(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("an empty spool gave %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { fill(t, s, 0, 3, 3) })
	rec, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantFrames(t, frames(t, rec), 0, 3)
	wg.Wait()
	wg.Go(func() {
		if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed spool gave %v", err)
		}
	})
	s.Close()
	wg.Wait()
}

func TestAck(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 4096, SyncEvery: time.Microsecond})
	fill(t, s, 0, 1000, 10)
	before := s.Stats()
	if err := s.Ack(1001); err == nil {
		t.Error("acknowledged what is not there")
	}
	for _, next := range []uint64{505, 400, 505} {
		if err := s.Ack(next); err != nil {
			t.Fatal(err)
		}
	}
	st := s.Stats()
	if st.Acked != 505 || st.Frames != 495 || st.Segments >= before.Segments || st.Bytes >= before.Bytes {
		t.Errorf("%+v after %+v", st, before)
	}
	if want := time.Unix(0, frameOf(500).received); !st.Oldest.Equal(want) {
		t.Errorf("oldest %v, want %v of the record of frame 505", st.Oldest, want)
	}
	segs, err := listSegments(dir)
	if err != nil || len(segs) != st.Segments || segs[0].first > 505 || segs[1].first <= 505 {
		t.Errorf("%d segments from %d on, counted %d, %v", len(segs), segs[0].first, st.Segments, err)
	}
	s.Close()
	s = open(t, dir, Options{})
	if again := s.Stats(); again.Acked != 505 || again.Bytes != st.Bytes || again.Segments != st.Segments {
		t.Errorf("%+v, before it was %+v", again, st)
	}
	wantFrames(t, drain(t, s, 505), 505, 1000)
	if err := s.Ack(1000); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Frames != 0 || !st.Oldest.IsZero() || st.Segments != 1 {
		t.Errorf("%+v with nothing left", st)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("opened twice: %v", err)
	}
	s.Close()
	open(t, dir, Options{})
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	fill(t, s, 0, 1, 1)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var b Batch
	frameOf(1).addTo(&b)
	if _, err := s.Append(&b); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if err := s.Ack(1); !errors.Is(err, ErrClosed) {
		t.Errorf("ack: %v", err)
	}
	if err := s.Room(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("room: %v", err)
	}
	if err := s.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("ready: %v", err)
	}
}

func TestEmptyBatch(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	fill(t, s, 0, 3, 3)
	if n, err := s.Append(new(Batch)); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if st := s.Stats(); st.Appended != 3 || st.Syncs != 1 {
		t.Errorf("%+v", st)
	}
}

// The ack position outlives the segments, and a reader of what is gone waits for what comes.
func TestNothingLeft(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	fill(t, s, 0, 50, 50)
	if err := s.Ack(50); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.Remove(segmentPath(dir, 0)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	r, err := s.Reader(7)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing there, and next says %v", err)
	}
	fill(t, s, 50, 60, 10)
	rec, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantFrames(t, frames(t, rec), 50, 60)
}

// The id can be had from the segments, and segments of another spool are not ours.
func TestIdentity(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	s := open(t, dir, Options{})
	fill(t, s, 0, 5, 5)
	s.Close()
	for _, content := range []string{"", "no id", strings.Repeat("x", 100)} {
		write(t, filepath.Join(dir, idName), []byte(content))
		again := open(t, dir, Options{})
		if again.ID() != s.ID() {
			t.Errorf("id file %q: id %s, want %s", content, again.ID(), s.ID())
		}
		again.Close()
	}
	s = open(t, other, Options{})
	s.Close()
	write(t, segmentPath(other, 0), read(t, segmentPath(dir, 0)))
	if _, err := Open(other, Options{}); err == nil || !strings.Contains(err.Error(), "belongs to spool") {
		t.Errorf("opened with a foreign segment: %v", err)
	}
	newer := segmentHeader(s.id, 0)[:32]
	newer[7] = version + 1
	write(t, segmentPath(other, 0), appendSum(newer))
	if _, err := Open(other, Options{}); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("opened a newer format: %v", err)
	}
}

func appendSum(b []byte) []byte {
	sum := checksum(b)
	return append(b, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
}

func TestConcurrent(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentBytes: 1 << 16, SyncEvery: 100 * time.Microsecond})
	const appenders, batches, some = 8, 50, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := map[uint64]string{} // first frame → appender and batch
	for a := range appenders {
		wg.Go(func() {
			var b Batch
			for i := range batches {
				b.Reset()
				for k := range some {
					b.Add(int64(k), fmt.Sprint(a), fmt.Appendf(nil, "%d/%d/%d", a, i, k))
				}
				first, err := s.Append(&b)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				accepted[first] = fmt.Sprintf("%d/%d/", a, i)
				mu.Unlock()
			}
		})
	}
	got := map[uint64]string{}
	wg.Go(func() {
		r, err := s.Reader(0)
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Close()
		next := uint64(0)
		for next < appenders*batches*some {
			rec, err := r.Next(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			rec.Frames(func(n uint64, received int64, source string, data []byte) bool {
				prefix := string(data[:bytes.LastIndexByte(data, '/')+1])
				if n != next || !strings.HasPrefix(prefix, source+"/") || !bytes.HasSuffix(data, fmt.Appendf(nil, "/%d", n%some)) {
					t.Errorf("frame %d is %s from %s, want %d", n, data, source, next)
				}
				got[n/some*some] = prefix
				next++
				return true
			})
			rec.Release()
			if err := s.Ack(next); err != nil {
				t.Error(err)
			}
			s.Stats()
		}
	})
	wg.Wait()
	for first, want := range accepted {
		if got[first] != want {
			t.Errorf("frames from %d are %q, want %q", first, got[first], want)
		}
	}
	st := s.Stats()
	if st.Appended != appenders*batches*some || st.Frames != 0 || st.Damaged != 0 {
		t.Errorf("%+v", st)
	}
	if st.Syncs >= appenders*batches {
		t.Errorf("%d syncs for %d appends: none was shared", st.Syncs, appenders*batches)
	}
}

func read(t tester, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t tester, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyDir copies a spool folder, so that one can be damaged many times.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
