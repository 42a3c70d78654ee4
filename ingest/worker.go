package ingest

import (
	"context"
	"errors"
	"slices"
	"time"
	"unsafe"

	"flapwatch/event"
	"flapwatch/parse"
	"flapwatch/spool"
)

// worker understands spans. It owns a parser and the event that it fills again and again.
type worker struct {
	*Pipeline
	parser *parse.Parser
	names  namer
	row    event.Row
}

// part is one part of a message in several, kept until the spans before have had their turn.
type part struct {
	frame uint64
	event event.Event
}

func newWorker(p *Pipeline) *worker {
	return &worker{Pipeline: p, parser: parse.New(p.Keys), names: namer{words: p.Words}}
}

// content is what was found in a span besides what is in its draft.
type content struct {
	parts  []part
	frames uint64
	newest int64 // receive time of the last frame, Unix nanoseconds
}

// work understands a span while it is read, and takes it to the store: decided behind the span before, written beside it, committed
// behind it. late outlives ctx by a grace period.
func (w *worker) work(ctx, late context.Context, s *span) error {
	draft := w.Sink.Begin(w.id, s.first)
	imports := &shares{draft: draft}
	c, err := w.read(ctx, s, imports)
	if err != nil {
		return err
	}
	if err := reached(ctx, s.before.decided); err != nil {
		return err
	}
	var leftover event.Counts
	leftover.Dropped = s.next - s.first - c.frames // in damaged records
	w.join(imports, c.parts, c.newest, &leftover)
	whole := w.whole(s.next)
	if s.replay {
		close(s.own.decided)
		err = reached(late, s.before.committed)
	} else {
		err = w.store(late, s, draft, leftover, c.newest)
	}
	if err != nil {
		return err
	}
	w.acknowledge(whole, imports)
	close(s.own.committed)
	return nil
}

// store takes the draft of a span to the store.
func (w *worker) store(ctx context.Context, s *span, d Draft, leftover event.Counts, newest int64) error {
	decide := func(ctx context.Context) error { return d.Decide(ctx, s.next, leftover) }
	if err := w.step(ctx, "look for duplicates", decide); err != nil {
		return err
	}
	close(s.own.decided)
	if err := w.step(ctx, "write", d.Write); err != nil {
		return err
	}
	if err := reached(ctx, s.before.committed); err != nil {
		return err
	}
	var c event.Counts
	mark := func(ctx context.Context) (err error) { c, err = d.Mark(ctx); return err }
	if err := w.step(ctx, "commit", mark); err != nil {
		return err
	}
	w.tell(c, newest)
	return nil
}

// step takes a step of a draft, however often that has to be tried.
func (w *worker) step(ctx context.Context, what string, try func(context.Context) error) error {
	return w.retry(ctx, what, func(ctx context.Context) error {
		err := try(ctx)
		if err != nil {
			w.refused.Store(&err)
		}
		return err
	})
}

// read understands the records of a span as they come, and lets each go.
func (w *worker) read(ctx context.Context, s *span, imports *shares) (c content, err error) {
	for {
		select {
		case r, more := <-s.records:
			if !more {
				return c, nil
			}
			held := len(c.parts)
			w.record(r, s.replay, imports, &c)
			if len(c.parts) == held { // parts are pieces of the record
				r.Release()
			}
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
}

func (w *worker) record(r *spool.Record, replay bool, imports *shares, c *content) {
	r.Frames(func(n uint64, received int64, source string, data []byte) bool {
		c.frames++
		c.newest = received
		f := frameOf(n, received, source, unsafe.String(unsafe.SliceData(data), len(data)))
		imports.count(f)
		if p := w.understand(imports.draft, f, replay); p != nil {
			c.parts = append(c.parts, *p)
		}
		return true
	})
}

// understand parses a frame and puts it into the draft. A part of a message is given back instead.
func (w *worker) understand(d Draft, f framed, replay bool) *part {
	at := parse.Context{Received: time.Unix(0, f.received).UTC(), Source: f.source}
	if w.Zones != nil {
		at.Zone = w.Zones(f.source)
	}
	e := &w.row.Event
	status, err := w.parser.Parse(f.raw, at, e)
	if e.Part != "" && status == event.Alarm {
		held := *e
		held.Tags = slices.Clone(e.Tags)
		held.Source = f.place()
		return &part{f.number, held}
	}
	if !replay {
		w.put(d, status, err, f)
	}
	return nil
}

// join puts parts together. A message counts when it is whole, or when its missing parts were waited for long enough, or when the
// file it came from has ended: until then its parts stay in the spool.
func (w *worker) join(s *shares, parts []part, newest int64, leftover *event.Counts) {
	for i := range parts {
		p := &parts[i]
		ready, repeated := w.parts.Add(&p.event, p.frame, p.event.Received)
		if repeated {
			s.add(frameAt(p.frame, p.event.Source), leftover, event.Counts{Duplicate: 1})
		}
		w.putJoined(s, ready, leftover)
	}
	w.putJoined(s, w.parts.Expire(time.Unix(0, newest)), leftover)
	if len(s.ended) > 0 {
		w.putJoined(s, w.parts.Take(func(place string) bool { return s.ended[frameAt(0, place).imported] }), leftover)
	}
}

// putJoined puts joined messages into the draft. Each counts as many times as it has parts.
func (w *worker) putJoined(s *shares, ready []parse.Joined, leftover *event.Counts) {
	for _, j := range ready {
		e := &w.row.Event
		f := frameAt(j.Position, j.Source)
		status, err := w.parser.Parse(j.Raw, parse.Context{Received: j.Received, Source: f.source}, e)
		e.Truncated = e.Truncated || !j.Complete
		s.count(f)
		w.row.Parts = j.Parts
		w.put(s.draft, status, err, f)
		w.row.Parts = 0
		switch others := uint64(j.Parts - 1); status {
		case event.Unparsed:
			s.add(f, leftover, event.Counts{Unparsed: others})
		case event.Other:
			s.add(f, leftover, event.Counts{Other: others})
		}
	}
}

// whole is the frame below which no message has parts that wait for others, of those before next. It stays so when later spans are joined.
func (w *worker) whole(next uint64) uint64 {
	oldest, began, waiting := w.parts.Oldest()
	if !waiting {
		w.waiting.Store(0)
		return next
	}
	w.waiting.Store(began.UnixNano())
	return min(next, oldest)
}

// tell counts what became of a span that is committed.
func (w *worker) tell(c event.Counts, newest int64) {
	w.refused.Store(nil)
	w.version.Add(1)
	w.Metrics.Batches.Inc()
	w.Metrics.CommitLag.Set(w.Now().Sub(time.Unix(0, newest)).Seconds())
	for status, n := range map[string]uint64{
		"stored": c.Stored, "duplicate": c.Duplicate, "unparsed": c.Unparsed, "other": c.Other, "damaged": c.Dropped,
	} {
		w.Metrics.Decided.WithLabelValues(status).Add(float64(n))
	}
}

// acknowledge lets the spool forget what is committed, but for parts that wait for others. Where the disk refuses to note it, the
// same frames come again after a restart, and the store knows that they are committed.
func (w *worker) acknowledge(next uint64, s *shares) {
	w.Imports.settle(s.of, next)
	if err := w.Spool.Ack(next); err != nil {
		w.Log.Warn("spool does not note what is stored", "error", err)
	}
}

// put hands the worker's event to the draft, by what it is.
func (w *worker) put(d Draft, status event.Status, err error, f framed) {
	e := &w.row.Event
	if e.TimeSource == event.FromReceipt || (status != event.Alarm && status != event.Quoted) {
		e.Identify(status, f.position(w.id)) // an alarm with a time of its own is known by what it says
	}
	switch status {
	case event.Alarm, event.Quoted:
		w.row.Names = w.names.of(e)
		d.Add(&w.row)
	case event.Other:
		d.AddOther(e)
	default:
		d.AddUnparsed(e, offset(err), err.Error())
	}
}

func offset(err error) int {
	if e, ok := errors.AsType[*parse.Error](err); ok {
		return e.Offset
	}
	return 0
}
