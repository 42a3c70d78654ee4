// Package spool is a durable queue of frames on disk: bytes that were received, with the time and the source of
// each. It does not know what the bytes mean. A frame is accepted when Append has returned, which is after fsync;
// an accepted frame is delivered by a Reader until Ack says that it is done, over kill -9, a power cut and a full
// disk. After a crash frames may be delivered again; their numbers, consecutive from 0 in one spool, stay the same.
//
// The folder:
//
//	id                        the spool's random name
//	lock                      held by the process that writes
//	ack                       how far the consumer is, and the counts of what was lost (ack.go)
//	00000000000000000000.seg  segments, named by the number of their first frame (segment.go)
//	damaged/                  stretches of segments that did not pass their checks, kept for people (damage.go)
//
// The segment files are our own, rather than those of a write-ahead log such as hashicorp/raft-wal, for three
// reasons: concurrent appenders share one fsync (commit.go); each record carries checksums that are verified when it
// is read, so that a flipped bit is noticed (record.go); and the start reads no more than the last segment, whatever
// lies before it (recover.go).
//
// Start with Open, fill a Batch, Append it; a Reader gives it back; Ack lets go of it.
package spool

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"
)

var (
	// ErrFull says that the cap or the disk is reached; nothing of the batch was taken. Room waits for the end of it.
	ErrFull = errors.New("spool is full")
	// ErrTooLarge says that a batch is larger than a quarter of the cap, or than 1 GiB: Room does not help.
	ErrTooLarge = errors.New("batch too large for the spool")
	// ErrLocked says that another process has the folder open.
	ErrLocked = errors.New("in use by another process")
	// ErrClosed is what callers get after Close.
	ErrClosed = errors.New("spool is closed")
)

const maxBatch = 1 << 30

// Options are the settings of a spool. A zero field means its default. An fsync costs some 0.2 ms of processor time
// however little there is to write, so that SyncEvery is what most of the load at high rates depends on; an append that
// comes later than that after the last fsync does not wait.
type Options struct {
	Cap          int64         // bytes of segments on disk; 8 GiB
	SegmentBytes int64         // size at which a new segment is begun; 64 MiB, and never more than a quarter of Cap
	Leave        int64         // bytes of the disk that are left to others, above all to who empties the spool; 0
	SyncEvery    time.Duration // least time between two fsyncs, unless SyncBytes wait; 10 ms
	SyncBytes    int           // waiting bytes that are synced without regard to SyncEvery; 1 MiB
	Log          *slog.Logger  // damage and trouble with the disk; silent if nil
}

func (o Options) withDefaults() Options {
	if o.Cap <= 0 {
		o.Cap = 8 << 30
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	o.SegmentBytes = min(o.SegmentBytes, o.Cap/4)
	if o.SyncEvery <= 0 {
		o.SyncEvery = 10 * time.Millisecond
	}
	if o.SyncBytes <= 0 {
		o.SyncBytes = 1 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Spool is an open spool folder. Its methods may be called from many goroutines at once.
type Spool struct {
	*folder
	opt  Options
	lock *os.File

	// Below is guarded by folder.mu.
	pending      []*Batch // waiting for the committer, in the order of their numbers
	pendingBytes int64
	trouble      trouble
	syncs        uint64

	kick      chan struct{} // something is pending
	stop      chan struct{}
	stopOnce  sync.Once
	committed chan struct{} // closed when the committer has gone

	writer writer
	acks   *ackFile
}

// Open opens the spool in dir, and makes it if there is none. The folder belongs to one process at a time (ErrLocked).
func Open(dir string, o Options) (*Spool, error) {
	o = o.withDefaults()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		opt:       o,
		lock:      lock,
		kick:      make(chan struct{}, 1),
		stop:      make(chan struct{}),
		committed: make(chan struct{}),
		writer:    writer{fdatasync: fdatasync},
	}
	if err := s.recover(dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	go s.commitLoop()
	return s, nil
}

// ID is the spool's random name, 32 hexadecimal digits, made with the folder.
func (s *Spool) ID() string { return s.id.String() }

// Append makes the frames of b durable and returns the number of the first; the others follow it. It returns after
// fsync, or with nothing taken: ErrFull (wrapped, with the reason), ErrTooLarge, ErrClosed, or what the disk said.
// Concurrent callers share one fsync. The batch stays the caller's, to be Reset or appended again.
func (s *Spool) Append(b *Batch) (first uint64, err error) {
	b.seal()
	size := int64(len(b.buf))
	if size > min(s.opt.Cap/4, maxBatch) {
		return 0, ErrTooLarge
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return 0, ErrClosed
	}
	if b.Len() == 0 {
		defer s.mu.Unlock()
		return s.next, nil
	}
	if !s.fits(size) {
		defer s.mu.Unlock()
		return 0, s.refuse(size)
	}
	s.pending = append(s.pending, b)
	s.pendingBytes += size
	s.mu.Unlock()
	select {
	case s.kick <- struct{}{}:
	default:
	}
	err = <-b.done
	return b.first, err
}

// Close lets the appends under way finish, writes down the ack position and gives up the folder. Readers get ErrClosed.
func (s *Spool) Close() error {
	var err error
	s.stopOnce.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.wake()
		s.mu.Unlock()
		close(s.stop)
		<-s.committed
		err = errors.Join(s.writer.close(), s.acks.close(), s.lock.Close())
	})
	return err
}

// Room waits until an append that was refused with ErrFull would fit: after Ack has freed a segment, or when the disk
// takes bytes again. It returns at once while nothing is wrong.
func (s *Spool) Room(ctx context.Context) error {
	for {
		changed, err := s.watch()
		if err != nil || s.Ready() == nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
