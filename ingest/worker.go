package ingest

import (
	"context"
	"errors"
	"slices"
	"time"
	"unsafe"

	"flapwatch/event"
	"flapwatch/parse"
)

// worker understands spans. It owns a parser and the event that it fills again and again.
type worker struct {
	*Pipeline
	parser *parse.Parser
	row    event.Row
}

// part is one part of a message in several, kept until the spans before have had their turn.
type part struct {
	frame uint64
	event event.Event
}

func newWorker(p *Pipeline) *worker { return &worker{Pipeline: p, parser: parse.New(p.Keys)} }

// work understands a span at once and commits it in its turn. late outlives ctx by a grace period.
func (w *worker) work(ctx, late context.Context, s *span) error {
	draft := w.Sink.Begin(w.Spool.ID(), s.first)
	var parts []part
	frames, newest := uint64(0), int64(0)
	for _, r := range s.records {
		r.Frames(func(n uint64, received int64, source string, data []byte) bool {
			frames++
			newest = received
			f := frameOf(n, received, source, unsafe.String(unsafe.SliceData(data), len(data)))
			if p, ok := w.understand(draft, f, s.replay); ok {
				parts = append(parts, p)
			}
			return true
		})
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	var leftover event.Counts
	leftover.Dropped = s.next - s.first - frames // in damaged records
	w.join(draft, parts, newest, &leftover)
	if !s.replay {
		if err := w.commit(late, draft, s.next, leftover, newest); err != nil {
			return err
		}
	}
	close(s.done)
	return w.acknowledge(s.next)
}

// understand parses a frame and puts it into the draft. A part of a message is given back instead.
func (w *worker) understand(d Draft, f framed, replay bool) (part, bool) {
	at := parse.Context{Received: time.Unix(0, f.received).UTC(), Source: f.source}
	if w.Zones != nil {
		at.Zone = w.Zones(f.source)
	}
	e := &w.row.Event
	status, err := w.parser.Parse(f.raw, at, e)
	if e.Part != "" && status == event.Alarm {
		held := *e
		held.Tags = slices.Clone(e.Tags)
		return part{f.number, held}, true
	}
	if !replay {
		w.put(d, status, err, f.position(w.Spool.ID()))
	}
	return part{}, false
}

// join puts parts together. A message counts when it is whole, or when its missing parts were waited for long enough: until then its
// parts stay in the spool.
func (w *worker) join(d Draft, parts []part, newest int64, leftover *event.Counts) {
	for i := range parts {
		ready, repeated := w.parts.Add(&parts[i].event, parts[i].frame, parts[i].event.Received)
		if repeated {
			leftover.Duplicate++
		}
		w.putJoined(d, ready, leftover)
	}
	w.putJoined(d, w.parts.Expire(time.Unix(0, newest)), leftover)
}

func (w *worker) putJoined(d Draft, ready []parse.Joined, leftover *event.Counts) {
	for _, j := range ready {
		e := &w.row.Event
		status, err := w.parser.Parse(j.Raw, parse.Context{Received: j.Received, Source: j.Source}, e)
		e.Truncated = e.Truncated || !j.Complete
		w.put(d, status, err, framed{number: j.Position}.position(w.Spool.ID()))
		leftover.Stored += uint64(j.Parts - 1) // the row itself counts one
	}
}

// commit writes the draft, however often that has to be tried.
func (w *worker) commit(ctx context.Context, d Draft, next uint64, leftover event.Counts, newest int64) error {
	var c event.Counts
	err := w.retry(ctx, "commit", func(ctx context.Context) (err error) {
		c, err = d.Commit(ctx, next, leftover)
		return err
	})
	if err != nil {
		return err
	}
	w.Metrics.Batches.Inc()
	w.Metrics.CommitLag.Set(w.Now().Sub(time.Unix(0, newest)).Seconds())
	for status, n := range map[string]uint64{
		"stored": c.Stored, "duplicate": c.Duplicate, "unparsed": c.Unparsed, "other": c.Other, "damaged": c.Dropped,
	} {
		w.Metrics.Decided.WithLabelValues(status).Add(float64(n))
	}
	return nil
}

// acknowledge lets the spool forget what is committed, but for parts that wait for others.
func (w *worker) acknowledge(next uint64) error {
	if oldest, waiting := w.parts.Oldest(); waiting {
		next = min(next, oldest)
	}
	return w.Spool.Ack(next)
}

// put hands the worker's event to the draft, by what it is.
func (w *worker) put(d Draft, status event.Status, err error, position string) {
	e := &w.row.Event
	e.Identify(status, position)
	switch status {
	case event.Alarm, event.Quoted:
		w.row.Names = w.Words.Names(e)
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
