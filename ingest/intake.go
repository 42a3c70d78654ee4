package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"flapwatch/spool"
)

const (
	maxGroup = 1 << 20
	ahead    = 24 // full groups that may wait for the disk before datagrams are dropped
)

// grace is how long the last messages may take to reach the disk when the service stops.
const grace = 5 * time.Second

// Spool is what the intake needs of the spool: Append returns after fsync, Room waits until there is room again.
type Spool interface {
	Append(*spool.Batch) (first uint64, err error)
	Room(context.Context) error
}

// Intake collects the messages of all receivers and writes them to the spool group by group: while one group is being
// fsynced, the next ones are being filled. As long as the disk does not keep up TCP is held back; datagrams, whose senders cannot be,
// have the room of some more groups and are dropped then.
type Intake struct {
	spool   Spool
	log     *slog.Logger
	metrics *Metrics
	limit   int // bytes in a group

	mu    sync.Mutex
	open  *Group        // being filled
	full  []*Group      // those before it that wait to be written, oldest first
	room  chan struct{} // closed when those who wait may try again
	spare []*spool.Batch
	lost  map[string]uint64 // by reason, since TakeLost

	wake    chan struct{} // a group has something in it
	trouble atomic.Pointer[string]
	behind  atomic.Int32 // receivers that have more to read than they can
}

// Group is a number of messages that become durable together.
type Group struct {
	batch *spool.Batch  // until it is durable
	done  chan struct{} // closed when it is
	next  uint64        // frame after its last one, once it is durable
}

// NewIntake makes an intake whose groups hold about limit bytes on disk, 1 MiB at the most and if 0. The spool must take two of them at once.
func NewIntake(s Spool, limit int, m *Metrics, log *slog.Logger) *Intake {
	if limit <= 0 {
		limit = maxGroup
	}
	in := &Intake{
		spool: s, log: log, metrics: m, limit: min(limit, maxGroup),
		room: make(chan struct{}), lost: map[string]uint64{}, wake: make(chan struct{}, 1),
	}
	in.begin()
	return in
}

// begin begins another group. The caller holds mu.
func (in *Intake) begin() {
	in.open = &Group{done: make(chan struct{})}
	if last := len(in.spare) - 1; last >= 0 {
		in.open.batch, in.spare = in.spare[last], in.spare[:last]
	} else {
		in.open.batch = new(spool.Batch)
	}
}

// Offer adds as many of the frames as there is room for and says how many that were. It never waits.
func (in *Intake) Offer(frames []Frame) (accepted int) {
	accepted, _, _ = in.offer(frames, in.limit, ahead)
	return accepted
}

// offer fills the group up to limit bytes, and more groups while fewer than that many wait to be written.
func (in *Intake) offer(frames []Frame, limit, ahead int) (accepted int, g *Group, room <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for accepted < len(frames) && len(in.full) <= ahead {
		if in.open.batch.Bytes() >= limit {
			if len(in.full) == ahead {
				break
			}
			in.full = append(in.full, in.open)
			in.begin()
		}
		f := &frames[accepted]
		in.open.batch.Add(f.Received, f.Source, f.Data)
		accepted++
	}
	if accepted > 0 {
		select {
		case in.wake <- struct{}{}:
		default:
		}
	}
	return accepted, in.open, in.room
}

// Put adds the frames and waits for room as long as ctx allows; left is how many were not accepted when it ended.
// The group is the one that holds the last of those accepted.
func (in *Intake) Put(ctx context.Context, frames []Frame) (left int, g *Group) {
	return in.put(ctx, frames, in.limit)
}

// PutLast is Put for those whose messages can wait elsewhere: half of each group is left to the others.
func (in *Intake) PutLast(ctx context.Context, frames []Frame) (left int, g *Group) {
	return in.put(ctx, frames, in.limit/2)
}

func (in *Intake) put(ctx context.Context, frames []Frame, limit int) (left int, g *Group) {
	for {
		n, g, room := in.offer(frames, limit, 0)
		if frames = frames[n:]; len(frames) == 0 {
			return 0, g
		}
		select {
		case <-room:
		case <-ctx.Done():
			return len(frames), g
		}
	}
}

// Lost counts messages that were received and cannot be kept.
func (in *Intake) Lost(reason string, n uint64) {
	in.metrics.Dropped.WithLabelValues(reason).Add(float64(n))
	in.mu.Lock()
	in.lost[reason] += n
	in.mu.Unlock()
}

// TakeLost gives what was lost since the last call, by reason.
func (in *Intake) TakeLost() map[string]uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	lost := in.lost
	in.lost = map[string]uint64{}
	return lost
}

// Wait returns when everything in the group is durable.
func (g *Group) Wait(ctx context.Context) error {
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ready gives nil, or why messages cannot be accepted at the moment.
func (in *Intake) Ready() error {
	if t := in.trouble.Load(); t != nil {
		return errors.New(*t)
	}
	return nil
}

// Behind says that one more receiver, or one less, has more to read than it can.
func (in *Intake) Behind(more int32) { in.behind.Add(more) }

// Calm waits while receivers are behind, or the disk is: what is in the spool can wait, and what is in the kernel's buffer cannot. It
// does not wait while the spool is crowded, which would end in dropping as well.
func (in *Intake) Calm(ctx context.Context, crowded func() bool) {
	const ask = 100 // ms between two questions for the spool
	for turn := 0; (in.behind.Load() > 0 || in.piled()) && ctx.Err() == nil; turn++ {
		if turn%ask == 0 && crowded() {
			return
		}
		wait(ctx, time.Millisecond)
	}
}

// piled says that groups wait for a disk that takes them: where it is full, who empties the spool must go on.
func (in *Intake) piled() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.full) > ahead/4 && in.trouble.Load() == nil
}

// Run writes groups until ctx ends; what was added before that is written first, as far as the spool takes it within a grace period.
func (in *Intake) Run(ctx context.Context) error {
	goFirst()
	late, cancel := graceful(ctx)
	defer cancel()
	for {
		select {
		case <-in.wake:
			in.flushAll(late)
		case <-ctx.Done():
			in.flushAll(late)
			return nil
		}
	}
}

func (in *Intake) flushAll(ctx context.Context) {
	for g := in.take(); g != nil; g = in.take() {
		in.flush(ctx, g)
		in.keep(g)
	}
}

// take gives the next group to be written, nil if there is none.
func (in *Intake) take() *Group {
	in.mu.Lock()
	defer in.mu.Unlock()
	g := in.open
	switch {
	case len(in.full) > 0:
		g, in.full = in.full[0], in.full[1:]
	case g.batch.Len() > 0:
		in.begin()
	default:
		return nil
	}
	if len(in.full) == 0 {
		close(in.room)
		in.room = make(chan struct{})
	}
	return g
}

// keep lets the memory of a written group be used again, while as much is needed.
func (in *Intake) keep(g *Group) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if g.batch.Bytes() < in.limit/2 {
		in.spare = nil
	}
	g.batch.Reset()
	in.spare = append(in.spare, g.batch)
	g.batch = nil
}

// flush makes a group durable. It goes on trying: a spool that is full or a disk that fails holds the senders back and loses nothing,
// until ctx ends.
func (in *Intake) flush(ctx context.Context, g *Group) {
	for ctx.Err() == nil {
		first, err := in.spool.Append(g.batch)
		if err == nil {
			g.next = first + uint64(g.batch.Len())
			in.trouble.Store(nil)
			close(g.done)
			return
		}
		if why := err.Error(); in.trouble.Swap(&why) == nil {
			in.log.Error("spool refuses messages", "error", err)
		}
		in.pause(ctx, err)
	}
	in.Lost("stopped", uint64(g.batch.Len()))
}

// pause waits until another try makes sense, or ctx ends.
func (in *Intake) pause(ctx context.Context, err error) {
	if errors.Is(err, spool.ErrFull) {
		_ = in.spool.Room(ctx)
		return
	}
	wait(ctx, time.Second)
}
