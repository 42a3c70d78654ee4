package spool

import (
	"fmt"
	"testing"
	"time"
	"os"
)

func TestPace(t *testing.T) {
	lines := make([][]byte, 1000)
	for i := range lines {
		lines[i] = []byte(line(i))
	}
	run := func(name string, every time.Duration, sync func(*os.File) error, reading bool) {
			s, err := Open(t.TempDir(), Options{SyncEvery: every})
			if err != nil {
				t.Fatal(err)
			}
			s.writer.fdatasync = sync
			done := make(chan struct{})
			go func() {
				defer close(done)
				if !reading { return }
				r, _ := s.Reader(0)
				defer r.Close()
				k := 0
				for {
					rec, err := r.Next(t.Context())
					if err != nil {
						return
					}
					rec.Frames(func(n uint64, received int64, source string, data []byte) bool { return true })
					next := rec.First + uint64(rec.Count)
					rec.Release()
					if k++; k%20 == 0 {
						s.Ack(next)
					}
				}
			}()
			var b Batch
			cpu, start, n := cpuTime(), time.Now(), 0
			for time.Since(start) < 3*time.Second {
				want := int(time.Since(start).Microseconds()) / 5
				for ; n < want; n++ {
					b.Add(int64(n), "10.0.0.1:514", lines[n%1000])
				}
				if _, err := s.Append(&b); err != nil {
					t.Fatal(err)
				}
				b.Reset()
			}
			fmt.Printf("pace %s %v: %.3f cpu µs/frame, %d frames, %d syncs\n", name, every, float64((cpuTime()-cpu).Nanoseconds())/1000/float64(n), n, s.Stats().Syncs)
			s.Close()
			<-done
	}
	none := func(*os.File) error { return nil }
	for range 3 {
		run("append, sync", 5*time.Millisecond, fdatasync, false)
		run("append, sync", 10*time.Millisecond, fdatasync, false)
		run("append+read, sync", 10*time.Millisecond, fdatasync, true)
		run("append, nosync", 10*time.Millisecond, none, false)
		run("append+read, nosync", 10*time.Millisecond, none, true)
	}
}
