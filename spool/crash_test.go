package spool

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

const childDir = "FLAPWATCH_TEST_SPOOL"

// appendUntilKilled is the child of TestKill: three goroutines append frames that carry their number's place in the
// appender's own sequence, and print what was accepted.
func appendUntilKilled(dir string) int {
	s, err := Open(dir, Options{SegmentBytes: 64 << 10, SyncEvery: 200 * time.Microsecond})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("open")
	var mu sync.Mutex
	var wg sync.WaitGroup
	for a := range 3 {
		wg.Go(func() {
			var b Batch
			for i := 0; ; i++ {
				b.Reset()
				for k := range 1 + i%40 {
					b.Add(int64(k), fmt.Sprint(a), fmt.Appendf(nil, "%d %d %d %s", os.Getpid(), a, i, line(k)))
				}
				first, err := s.Append(&b)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				mu.Lock()
				fmt.Println(first, b.Len(), a, i)
				mu.Unlock()
				if i%10 == 9 && a == 0 && first > 500 {
					if err := s.Ack(first - 500); err != nil {
						fmt.Fprintln(os.Stderr, err)
					}
				}
			}
		})
	}
	wg.Wait()
	return 1
}

// TestKill kills the appending process at random moments. Whatever it had been told is accepted is there afterwards,
// once and in its place.
func TestKill(t *testing.T) {
	rounds := 50
	if n, err := strconv.Atoi(os.Getenv("FLAPWATCH_TEST_KILLS")); err == nil {
		rounds = n
	}
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	accepted := map[uint64]string{} // first frame → how each of the frames begins
	counts := map[uint64]int{}
	for range rounds {
		killChild(t, dir, accepted, counts)
		s := open(t, dir, Options{})
		st := s.Stats()
		if st.Damaged != 0 || st.LostFrames != 0 {
			t.Fatalf("%+v", st)
		}
		have := map[uint64]string{}
		next := uint64(0)
		for _, f := range drain(t, s, st.Acked) {
			if next != 0 && f.n != next {
				t.Fatalf("frame %d follows %d", f.n, next-1)
			}
			have[f.n] = f.data
			next = f.n + 1
		}
		for first, begin := range accepted {
			for n := first; n < first+uint64(counts[first]); n++ {
				if n < st.Acked {
					continue
				}
				if len(have[n]) < len(begin) || have[n][:len(begin)] != begin {
					t.Fatalf("accepted frame %d is %.40q, want %.40q", n, have[n], begin)
				}
			}
			if first+uint64(counts[first]) <= st.Acked {
				delete(accepted, first)
			}
		}
		s.Close()
	}
}

// killChild lets a child append for some milliseconds, kills it and notes what it printed.
func killChild(t *testing.T, dir string, accepted map[uint64]string, counts map[uint64]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("child says %q", lines.Text())
	}
	kill := time.AfterFunc(time.Duration(rand.IntN(40000))*time.Microsecond, func() { cmd.Process.Kill() })
	defer kill.Stop()
	for lines.Scan() {
		var first uint64
		var count, a, i int
		if n, _ := fmt.Sscan(lines.Text(), &first, &count, &a, &i); n == 4 {
			accepted[first], counts[first] = fmt.Sprintf("%d %d %d ", cmd.Process.Pid, a, i), count
		}
	}
	cmd.Wait()
}

// TestPowerCut looks at what the disk may hold at the moment of each fsync, when nothing written since the last one is
// sure: it may be there, missing, cut or zeros in each sector. Whatever was accepted by then is delivered.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 8000, SyncEvery: time.Nanosecond})
	var image string
	s.writer.fdatasync = func(f *os.File) error {
		return errors.Join(os.CopyFS(image, os.DirFS(dir)), spoil(s.writer.active, image), fdatasync(f))
	}
	for n := uint64(0); n < 2000; {
		image = t.TempDir()
		some := 1 + rand.Uint64N(40)
		fill(t, s, n, n+some, some)
		checkImage(t, image, n)
		n += some
	}
}

// spoil makes of the bytes that no fsync has covered what a power cut may make of them.
func spoil(seg *segment, image string) error {
	path := segmentPath(image, seg.first)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b = b[:seg.size+rand.Int64N(int64(len(b))-seg.size+1)]
	for at := seg.size; at < int64(len(b)); at = (at/512 + 1) * 512 {
		if rand.IntN(3) == 0 {
			clear(b[at:min(int64(len(b)), (at/512+1)*512)])
		}
	}
	return os.WriteFile(path, b, 0o600)
}

// checkImage opens a spool of which the frames below accepted are sure, and appends to it.
func checkImage(t *testing.T, image string, accepted uint64) {
	t.Helper()
	s := open(t, image, Options{})
	defer s.Close()
	var sure []frame
	for _, f := range drain(t, s, 0) {
		if f.n < accepted {
			sure = append(sure, f)
		} else if f != frameOf(f.n) {
			t.Fatalf("frame %+v was never appended", f)
		}
	}
	wantFrames(t, sure, 0, accepted)
	next := s.Stats().Appended
	fill(t, s, next, next+3, 3)
	wantFrames(t, drain(t, s, next), next, next+3)
}
