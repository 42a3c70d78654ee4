package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"flapwatch/event"
	"flapwatch/parse"
	"flapwatch/spool"

	"golang.org/x/sync/errgroup"
)

// Sink is where understood messages go.
type Sink interface {
	// Begin starts the draft of the range that begins at frame first.
	Begin(spool string, first uint64) Draft
	// Committed gives the ranges at or after from that were committed before, in order.
	Committed(ctx context.Context, spool string, from uint64) ([]event.Range, error)
	// RecordDrops keeps the number of messages that were lost before the spool; the same token counts once.
	RecordDrops(ctx context.Context, spool, token, reason string, n uint64) error
}

// Draft is one range of the spool on its way to the store. Rows are copied where the caller reuses them. When all are added it takes three
// steps. Each may be called again after an error, until it succeeds; however often, the range counts once.
type Draft interface {
	Add(*event.Row) // identifies a row without an id by what it says
	AddUnparsed(e *event.Event, offset int, reason string)
	AddOther(*event.Event)
	// Decide ends the range before frame next and tells duplicates from new messages. leftover counts messages of the range that leave no
	// row of their own. Ranges are decided in order.
	Decide(ctx context.Context, next uint64, leftover event.Counts) error
	// Write writes the messages. Ranges that are decided are written at the same time.
	Write(ctx context.Context) error
	// Mark commits the range and says what became of the messages. Ranges are committed in order.
	Mark(ctx context.Context) (event.Counts, error)
	// Import says that what is added from now on comes from a file: a line that is stored already is a duplicate even where only its
	// place identifies it. What becomes of the messages is added to c by the Mark that succeeds. nil ends it.
	Import(c *event.Counts)
}

// Options are the settings of the pipeline.
type Options struct {
	Spool   *spool.Spool
	Sink    Sink
	Imports *Imports // told what became of the records of files (may be nil)
	Keys    []string // tag keys known to the parser
	Words   Words
	Workers int           // ranges on their way at the same time (default 2)
	Frames  int           // messages in a range at the most (default 65,536)
	Bytes   int           // bytes in a range at the most (default 32 MiB)
	Age     time.Duration // a range waits so long for more, one with many messages four times as long (default 250 ms)
	Parts   time.Duration // how long the parts of one message are waited for (default 30 s)
	Zones   func(source string) *time.Location
	Calm    func(context.Context)    // waits while receivers need all there is (may be nil)
	Lost    func() map[string]uint64 // messages lost before the spool since the last call, by reason
	Log     *slog.Logger
	Metrics *Metrics
	Now     func() time.Time
}

// Pipeline takes ranges of frames from the spool, understands and writes several at the same time, and commits them one after the other:
//
//	understand N ─▶ join, decide N ─▶ write N ─────────────▶ mark, acknowledge N
//	  understand N+1 ────┴─▶ join, decide N+1 ─▶ write N+1 ─────┴─▶ mark, acknowledge N+1
//
// A range is acknowledged when it and all before it are committed.
type Pipeline struct {
	Options
	id        string // of the spool
	parts     *parse.Joiner
	acked     uint64 // first frame not acknowledged when the pipeline started
	committed uint64 // first frame not committed when the pipeline started
	version   atomic.Uint64
	waiting   atomic.Int64 // receive time of the part that waits longest for others, Unix nanoseconds; 0 while none does
	refused   atomic.Pointer[error]
	told      atomic.Int64 // when the log was told that the store is away, Unix nanoseconds; 0 when it is not
}

// Version grows with every range that is committed.
func (p *Pipeline) Version() uint64 { return p.version.Load() }

// Ready gives nil, or why nothing has been committed since something could not be: a store that answers may yet take nothing, because its
// disk is full.
func (p *Pipeline) Ready() error {
	if err := p.refused.Load(); err != nil {
		return *err
	}
	return nil
}

// NewPipeline makes a pipeline; Run works.
func NewPipeline(o Options) *Pipeline {
	if o.Imports == nil {
		o.Imports = NewImports()
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
	if o.Frames <= 0 {
		o.Frames = 65_536
	}
	if o.Bytes <= 0 {
		o.Bytes = 32 << 20
	}
	if o.Age <= 0 {
		o.Age = 250 * time.Millisecond
	}
	if o.Parts <= 0 {
		o.Parts = 30 * time.Second
	}
	return &Pipeline{Options: o, id: o.Spool.ID(), parts: parse.NewJoiner(o.Parts, maxParts)}
}

// maxParts bounds the messages whose parts are waited for.
const maxParts = 10_000

// Run works until ctx ends. A range that is being committed then has a few seconds to finish; what is not committed is
// delivered again at the next start.
func (p *Pipeline) Run(ctx context.Context) error {
	if err := p.resume(ctx); err != nil {
		return ignoreEnd(ctx, err)
	}
	reader, err := p.Spool.Reader(p.acked)
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	defer func() { _ = reader.Close() }()
	late, cancel := graceful(ctx)
	defer cancel()
	spans := make(chan *span)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(spans)
		c := cutter{Pipeline: p, reader: reader, spans: spans, at: p.acked, last: done()}
		return ignoreEnd(ctx, c.run(ctx))
	})
	g.Go(func() error { return p.recordLost(ctx, late) })
	g.Go(func() error { return p.markTime(ctx) })
	for range p.Workers {
		g.Go(func() error {
			standBack()
			w := newWorker(p)
			for s := range spans {
				if err := w.work(ctx, late, s); err != nil {
					return ignoreEnd(ctx, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// resume asks the store what was committed after the last acknowledgement that reached the disk, so that nothing counts twice.
func (p *Pipeline) resume(ctx context.Context) error {
	p.acked = p.Spool.Stats().Acked
	var ranges []event.Range
	err := p.retry(ctx, "read committed ranges", func(ctx context.Context) (err error) {
		ranges, err = p.Sink.Committed(ctx, p.id, p.acked)
		return err
	})
	p.committed = p.acked
	for _, r := range ranges {
		if r.First <= p.committed {
			p.committed = max(p.committed, r.Next)
		}
	}
	return err
}

// retry calls try until it succeeds or ctx ends, waiting longer each time, up to some seconds. Once a minute one of those who try tells
// of it.
func (p *Pipeline) retry(ctx context.Context, what string, try func(context.Context) error) error {
	began := time.Now()
	told := false
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 4*time.Second) {
		err := try(ctx)
		if err == nil {
			if told {
				p.told.Store(0)
				p.Log.Info("store available again", "while", what, "after", time.Since(began).Round(time.Second))
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		p.Metrics.Retries.Inc()
		last, now := p.told.Load(), time.Now().UnixNano()
		if pause >= time.Second && now-last >= int64(time.Minute) && p.told.CompareAndSwap(last, now) { // a start takes some tries
			told = true
			p.Log.Warn("store not available; trying again every few seconds", "while", what, "error", err)
		}
		wait(ctx, pause/2+rand.N(pause))
	}
}

// recordLost keeps the numbers of what was lost before the spool in the store, every few seconds and at the end.
func (p *Pipeline) recordLost(ctx, late context.Context) error {
	for ctx.Err() == nil {
		wait(ctx, 2*time.Second)
		for reason, n := range p.Lost() {
			token := strconv.FormatUint(rand.Uint64(), 36)
			err := p.retry(late, "record drops", func(ctx context.Context) error {
				return p.Sink.RecordDrops(ctx, p.id, token, reason, n)
			})
			if err != nil {
				return ignoreEnd(ctx, err)
			}
		}
	}
	return nil
}
