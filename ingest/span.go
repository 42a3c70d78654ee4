package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flapwatch/spool"
)

// span is a range of frames on its way: understood by one worker, committed when the one before it is.
type span struct {
	first, next uint64
	replay      bool // committed before; only its parts of messages are wanted again
	records     []*spool.Record
	bytes       int
	since       time.Time     // when its first record was read
	turn, done  chan struct{} // closed when the span before, and this one, is committed
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// cutter reads the spool and makes spans of it: large ones under load, small ones soon when little arrives.
// Spans follow each other without a gap, so that frames lost in a damaged record are counted too.
type cutter struct {
	*Pipeline
	reader *spool.Reader
	spans  chan<- *span
	at     uint64 // where the next span begins
	turn   chan struct{}
	open   *span
}

func (c *cutter) run(ctx context.Context) error {
	for {
		record, err := c.read(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case record != nil:
			c.add(record)
		}
		if record == nil || c.full() {
			if err := c.hand(ctx); err != nil {
				return err
			}
		}
	}
}

// read gives the next record, or nil when the open span has waited long enough.
func (c *cutter) read(ctx context.Context) (*spool.Record, error) {
	if c.open != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.open.since.Add(c.Age))
		defer cancel()
	}
	record, err := c.reader.Next(ctx)
	if err == nil {
		return record, nil
	}
	if c.open != nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, nil
	}
	return nil, fmt.Errorf("read spool: %w", err)
}

func (c *cutter) add(r *spool.Record) {
	if c.open == nil {
		c.open = &span{first: c.at, since: time.Now(), replay: r.First < c.committed}
	}
	s := c.open
	s.records = append(s.records, r)
	s.next = r.First + uint64(r.Count)
	s.bytes += r.Size()
}

func (c *cutter) full() bool {
	s := c.open
	return s.next-s.first >= uint64(c.Frames) || s.bytes >= c.Bytes || (s.replay && s.next >= c.committed)
}

func (c *cutter) hand(ctx context.Context) error {
	s := c.open
	s.turn, s.done = c.turn, make(chan struct{})
	select {
	case c.spans <- s:
		c.open, c.at, c.turn = nil, s.next, s.done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
