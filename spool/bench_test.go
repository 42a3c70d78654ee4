package spool

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has used, of user and system time.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func benchLines() [][]byte {
	lines := make([][]byte, 1000)
	for i := range lines {
		lines[i] = []byte(line(i))
	}
	return lines
}

func BenchmarkAdd(b *testing.B) {
	lines := benchLines()
	var batch Batch
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		batch.Add(int64(n)*5000, "10.0.0.1:514", lines[n%1000])
		if n++; n%1000 == 0 {
			batch.Reset()
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	lines := benchLines()
	var batch Batch
	for n := range lines {
		batch.Add(int64(n)*5000, "10.0.0.1:514", lines[n%1000])
	}
	for b.Loop() {
		batch.count = 1000
		batch.seal()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/frame")
}

func BenchmarkDecode(b *testing.B) {
	lines := benchLines()
	var batch Batch
	for n := range lines {
		batch.Add(int64(n)*5000, "10.0.0.1:514", lines[n%1000])
	}
	r := Record{reader: &Reader{}, Count: 1000, head: header{count: 1000}, stored: batch.body}
	for b.Loop() {
		r.Frames(func(n uint64, received int64, source string, data []byte) bool { return true })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/frame")
}

// BenchmarkAppend appends 500 frames a record, with an fsync each and without.
func BenchmarkAppend(b *testing.B) {
	for _, bm := range []struct {
		name string
		sync func(*os.File) error
	}{{"sync", fdatasync}, {"nosync", func(*os.File) error { return nil }}} {
		b.Run(bm.name, func(b *testing.B) {
			s := open(b, b.TempDir(), Options{SyncEvery: time.Nanosecond})
			s.writer.fdatasync = bm.sync
			benchmarkFrames(b, s, 500, func(first uint64) error { return s.Ack(first) })
		})
	}
}

// BenchmarkThrough takes frames all the way, 2,000 a record: Add, Append, Next, Frames, Ack.
func BenchmarkThrough(b *testing.B) {
	s := open(b, b.TempDir(), Options{SyncEvery: time.Nanosecond})
	r, err := s.Reader(0)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	benchmarkFrames(b, s, 2000, func(uint64) error {
		rec, err := r.Next(b.Context())
		if err != nil {
			return err
		}
		rec.Frames(func(uint64, int64, string, []byte) bool { return true })
		rec.Release()
		return s.Ack(rec.First + uint64(rec.Count))
	})
}

// benchmarkFrames appends some frames at a time, and does what then says; an operation is a frame.
func benchmarkFrames(b *testing.B, s *Spool, some int, then func(first uint64) error) {
	lines := benchLines()
	var batch Batch
	b.ReportAllocs()
	b.SetBytes(int64(len(lines[0])))
	before := cpuTime()
	for n := 0; b.Loop(); n++ {
		batch.Add(int64(n)*5000, "10.0.0.1:514", lines[n%len(lines)])
		if batch.Len() < some {
			continue
		}
		first, err := s.Append(&batch)
		if err != nil {
			b.Fatal(err)
		}
		batch.Reset()
		if err := then(first); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// BenchmarkOpen opens a spool whose last segment is half full, behind more and more of 64 MiB each.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{0, 20, 200} {
		b.Run(fmt.Sprint(n, "_segments"), func(b *testing.B) {
			dir := b.TempDir()
			s := open(b, dir, Options{})
			s.next = uint64(n) * 1e6
			fillLines(b, s, 32<<20)
			s.Close()
			for i := range n {
				path := segmentPath(dir, uint64(i)*1e6)
				write(b, path, segmentHeader(s.id, uint64(i)*1e6))
				if err := os.Truncate(path, 64<<20); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				s, err := Open(dir, Options{Cap: 1 << 40})
				if err != nil {
					b.Fatal(err)
				}
				if st := s.Stats(); st.Segments != n+1 {
					b.Fatalf("%+v", st)
				}
				s.Close()
			}
		})
	}
}

func fillLines(b *testing.B, s *Spool, size int) {
	b.Helper()
	lines := benchLines()
	var batch Batch
	for s.Stats().Bytes < int64(size) {
		batch.Reset()
		for _, l := range lines {
			batch.Add(0, "10.0.0.1:514", l)
		}
		if _, err := s.Append(&batch); err != nil {
			b.Fatal(err)
		}
	}
}
