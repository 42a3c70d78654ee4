package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flapwatch/spool"
)

// span is a range of frames on its way: understood by one worker while it is still being read, decided when the one before it is, and
// committed when the one before it is. Only a few of its records are in memory at a time.
type span struct {
	first, next uint64             // next is final when records is closed
	replay      bool               // committed before; only its parts of messages are wanted again
	records     chan *spool.Record // closed at the end of the span
	bytes       int
	since       time.Time // when its first record was read
	before, own steps     // of the span before, and of this one
}

// steps are closed when a span has come so far.
type steps struct {
	decided   chan struct{} // its parts are joined, its duplicates known
	committed chan struct{} // and acknowledged
}

func newSteps() steps { return steps{make(chan struct{}), make(chan struct{})} }

// done gives the steps of what is committed.
func done() steps {
	s := newSteps()
	close(s.decided)
	close(s.committed)
	return s
}

// reached waits for a step.
func reached(ctx context.Context, step <-chan struct{}) error {
	select {
	case <-step:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cutter reads the spool and makes spans of it: large ones under load, small ones soon when little arrives. Each becomes a part of a
// table, and parts cost merges: so a span that has many messages waits longer for more, and one behind which more lie ready is filled.
// Spans follow each other without a gap, so that frames lost in a damaged record are counted too.
type cutter struct {
	*Pipeline
	reader *spool.Reader
	spans  chan<- *span
	at     uint64 // where the next span begins
	last   steps  // of the span before that
	open   *span
}

// run cuts until ctx ends or the spool is closed. A span that is open then is not finished, and not committed.
func (c *cutter) run(ctx context.Context) error {
	for {
		if c.Calm != nil {
			c.Calm(ctx)
		}
		record, err := c.read(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, spool.ErrClosed):
			return fmt.Errorf("read spool: %w", err)
		case err != nil:
			c.Log.Error("spool cannot be read; trying again", "error", err)
			wait(ctx, time.Second)
		case record == nil:
			c.finish()
		default:
			err = c.add(ctx, record)
			if err != nil {
				return err
			}
		}
	}
}

// read gives the next record, or nil when the open span has waited long enough and nothing more lies ready.
func (c *cutter) read(ctx context.Context) (*spool.Record, error) {
	if c.open == nil || c.reader.Ready() {
		return c.reader.Next(ctx)
	}
	ctx, cancel := context.WithDeadline(ctx, c.open.since.Add(c.patience()))
	defer cancel()
	record, err := c.reader.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, nil
	}
	return record, err
}

// patience is how long the open span waits for more.
func (c *cutter) patience() time.Duration {
	const many, longer = 4_096, 4
	if c.open.next-c.open.first >= many {
		return longer * c.Age
	}
	return c.Age
}

// add puts a record into the open span, or into a new one, which goes to the next worker that is free, where that has no room for it.
func (c *cutter) add(ctx context.Context, r *spool.Record) error {
	if c.open != nil && r.First+uint64(r.Count)-c.open.first > uint64(c.Frames) {
		c.finish()
	}
	if c.open == nil {
		s := &span{
			first: c.at, since: time.Now(), replay: r.First < c.committed,
			records: make(chan *spool.Record, 2), before: c.last, own: newSteps(),
		}
		select {
		case c.spans <- s:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.open, c.last = s, s.own
	}
	s := c.open
	s.next = r.First + uint64(r.Count)
	s.bytes += r.Size()
	select {
	case s.records <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.next-s.first >= uint64(c.Frames) || s.bytes >= c.Bytes || (s.replay && s.next >= c.committed) {
		c.finish()
	}
	return nil
}

// finish ends the open span.
func (c *cutter) finish() {
	close(c.open.records)
	c.at, c.open = c.open.next, nil
}
