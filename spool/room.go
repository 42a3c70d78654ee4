package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// trouble is why appends are refused at the moment.
type trouble struct {
	err    error
	wanted int64 // bytes of the append that was refused
	disk   bool  // the disk refused it, not the cap
}

const (
	probeEvery = 250 * time.Millisecond
	probeName  = "probe"
)

// Ready is nil, or the reason why appends are refused: the cap, the full disk, or another error of the disk. It turns
// nil again by itself, as Room does.
func (s *Spool) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.trouble.err
}

// fits says whether size more bytes, in a segment of their own, stay below the cap. The caller holds mu.
func (s *Spool) fits(size int64) bool {
	return s.bytes+s.pendingBytes+size+segmentHeaderSize <= s.opt.Cap
}

// refuse notes that size bytes do not fit below the cap. The caller holds mu.
func (s *Spool) refuse(size int64) error {
	err := fmt.Errorf("%w: %d of %d bytes are in use", ErrFull, s.bytes+s.pendingBytes, s.opt.Cap)
	if !s.trouble.disk {
		s.trouble = trouble{err: err, wanted: max(size, s.trouble.wanted)}
	}
	return err
}

func bytesOf(batches []*Batch) (size int64) {
	for _, b := range batches {
		size += int64(len(b.buf))
	}
	return size
}

// leave gives ENOSPC where size more bytes would take what is left to others. A spool that took the whole disk would keep whoever
// empties it from doing so.
func (s *Spool) leave(size int64) error {
	if s.opt.Leave <= 0 {
		return nil
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(s.dir, &disk); err != nil {
		return nil // the write will tell
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free-size < s.opt.Leave {
		return fmt.Errorf("%d bytes of the disk are free, %d of them are left to others: %w", free, s.opt.Leave, syscall.ENOSPC)
	}
	return nil
}

// settle tells the appenders what became of their batches.
func (s *Spool) settle(batches []*Batch, err error) {
	size := bytesOf(batches)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.mu.Lock()
	s.pendingBytes -= size
	switch {
	case err != nil:
		s.trouble = trouble{err: err, wanted: size, disk: true}
	case s.trouble.disk:
		s.trouble = trouble{}
		s.wake()
	}
	s.relent()
	s.mu.Unlock()
	for _, b := range batches {
		b.done <- err
	}
}

// relent ends the trouble with the cap if what was refused fits now. The caller holds mu.
func (s *Spool) relent() {
	t := &s.trouble
	if t.err != nil && !t.disk && s.fits(t.wanted) {
		*t = trouble{}
		s.wake()
	}
}

// probeTime fires when it is time to ask the disk again, never without trouble.
func (s *Spool) probeTime() <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.trouble.disk {
		return nil
	}
	return time.After(probeEvery)
}

// probe writes as many bytes as were refused, to a file that is removed again. Asking the disk is the only way to know:
// what statfs says leaves out quotas, reserved blocks and broken disks.
func (s *Spool) probe() {
	s.turn()
	s.mu.Lock()
	wanted := s.trouble.wanted
	s.mu.Unlock()
	if s.leave(wanted) != nil || tryWrite(filepath.Join(s.dir, probeName), wanted+segmentHeaderSize) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = trouble{}
	s.wake()
}

// turn begins a segment when all frames are done, so that the one in which the last of them lie can be deleted too.
func (s *Spool) turn() {
	s.mu.Lock()
	n := len(s.segs)
	done := n > 0 && s.acked == s.next && s.segs[n-1].size > segmentHeaderSize
	s.mu.Unlock()
	if !done {
		return
	}
	w := &s.writer
	var err error
	if w.listed {
		err = w.close()
	}
	if err == nil && w.file == nil {
		err = s.begin()
	}
	if err != nil {
		return // the next probe tries again
	}
	s.publish(segmentHeaderSize, s.next)
	s.acks.mu.Lock()
	defer s.acks.mu.Unlock()
	if err := s.letGo(); err != nil {
		s.log.Warn("spool segment not deleted", "error", err)
	}
}

func tryWrite(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<16)
	for ; size > 0 && err == nil; size -= int64(len(block)) {
		_, err = f.Write(block[:min(size, int64(len(block)))])
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}
