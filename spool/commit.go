package spool

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// writer is the end of the spool that grows. It belongs to the committer.
type writer struct {
	active    *segment // nil: the next batch begins a segment
	file      *os.File
	listed    bool // active is in folder.segs
	lastSync  time.Time
	fdatasync func(*os.File) error
}

func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	f := w.file
	w.active, w.file, w.listed = nil, nil, false
	return f.Close()
}

// commitLoop writes what appenders have left for it, in groups that share an fsync. A group is begun at once if the
// last fsync is SyncEvery ago; otherwise it gathers until then, or until it has SyncBytes.
func (s *Spool) commitLoop() {
	defer close(s.committed)
	goFirst()
	for {
		select {
		case <-s.kick:
			s.gather()
			s.commit(s.take())
		case <-s.probeTime():
			s.probe()
		case <-s.stop:
			s.commit(s.take())
			return
		}
	}
}

// goFirst gives the committer a thread of its own that goes before all others, if it may (CAP_SYS_NICE, RLIMIT_NICE): what it does not
// write in time is lost where senders do not wait.
func goFirst() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -10)
}

// gather waits until the group is worth an fsync.
func (s *Spool) gather() {
	wait := s.opt.SyncEvery - time.Since(s.writer.lastSync)
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for s.waiting() < int64(s.opt.SyncBytes) {
		select {
		case <-s.kick:
		case <-timer.C:
			return
		case <-s.stop:
			return
		}
	}
}

func (s *Spool) waiting() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pendingBytes
}

func (s *Spool) take() []*Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	group := s.pending
	s.pending = nil
	return group
}

// commit makes a group durable, part by part if it crosses the end of a segment, and tells the appenders.
func (s *Spool) commit(group []*Batch) {
	for len(group) > 0 {
		n := s.fitting(group)
		err := s.write(group[:n])
		if errors.Is(err, errSync) {
			err = s.write(group[:n]) // from memory, into a new segment
		}
		s.settle(group[:n], err)
		group = group[n:]
	}
}

// fitting counts the batches that go into one segment together, the active one if it takes any.
func (s *Spool) fitting(group []*Batch) int {
	room := s.opt.SegmentBytes - segmentHeaderSize
	if s.writer.active != nil {
		room = s.opt.SegmentBytes - s.writer.active.size
		if room < int64(len(group[0].buf)) {
			if err := s.writer.close(); err != nil {
				s.log.Warn("spool segment closed with an error", "error", err)
			}
			room = s.opt.SegmentBytes - segmentHeaderSize
		}
	}
	n := 1
	for room -= int64(len(group[0].buf)); n < len(group) && room >= int64(len(group[n].buf)); n++ {
		room -= int64(len(group[n].buf))
	}
	return n
}

// errSync says that fsync refused what write had taken.
var errSync = errors.New("sync failed")

// write puts the batches into the active segment and syncs it. If it cannot, nothing of them is left behind.
//
// After a failed fsync the kernel may take the pages for clean, and the next fsync may succeed without having written
// them (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020; PostgreSQL, since 2018,
// stops there: commit "PANIC on fsync() failure"). So a segment is never written to again after that: it is cut back
// to what earlier fsyncs have covered, and the frames, which are still in memory, go to a new file.
func (s *Spool) write(batches []*Batch) error {
	w := &s.writer
	if err := s.leave(bytesOf(batches)); err != nil {
		return err
	}
	if w.file == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	off, n := w.active.size, s.next
	for _, b := range batches {
		n = b.number(n, s.salt)
		if _, err := w.file.WriteAt(b.buf, off); err != nil {
			if cut := w.file.Truncate(w.active.size); cut != nil {
				s.abandon()
			}
			return err
		}
		off += int64(len(b.buf))
	}
	w.lastSync = time.Now()
	if err := w.fdatasync(w.file); err != nil {
		s.log.Error("spool sync failed: segment abandoned", "segment", w.active.path, "error", err)
		s.abandon()
		return fmt.Errorf("%w: %w", errSync, err)
	}
	s.publish(off, n)
	return nil
}

// begin makes a new active segment. It is listed with its first frames.
func (s *Spool) begin() error {
	path := segmentPath(s.dir, s.next)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // left over from an attempt that failed: no frame of it was accepted
	}
	f, err := createSegment(s.dir, s.id, s.next)
	if err != nil {
		return err
	}
	s.writer.active = &segment{first: s.next, size: segmentHeaderSize, path: path, current: true}
	s.writer.file, s.writer.listed = f, false
	return nil
}

// abandon closes the active segment for good. Should it keep bytes behind its size, they carry numbers that the next
// segment has too, and no reader takes them.
func (s *Spool) abandon() {
	w := &s.writer
	path, size, listed := w.active.path, w.active.size, w.listed
	err := errors.Join(w.file.Truncate(size), w.close())
	if !listed {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		s.log.Warn("spool segment abandoned with leftovers", "segment", path, "error", err)
	}
}

// publish lets readers see what is durable: the active segment up to off, the frames below n.
func (s *Spool) publish(off int64, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.writer
	if !w.listed {
		s.segs = append(s.segs, w.active)
		s.bytes += segmentHeaderSize
		w.listed = true
	}
	s.bytes += off - w.active.size
	w.active.size = off
	s.next = n
	s.syncs++
	s.wake()
}
