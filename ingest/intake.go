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

const maxGroup = 4 << 20

// grace is how long the last messages may take to reach the disk when the service stops.
const grace = 5 * time.Second

// Spool is what the intake needs of the spool: Append returns after fsync, Room waits until there is room again.
type Spool interface {
	Append(*spool.Batch) (first uint64, err error)
	Room(context.Context) error
}

// Intake collects the messages of all receivers and writes them to the spool group by group: while one group is being
// fsynced, the next is being filled. A full intake holds TCP back and drops datagrams.
type Intake struct {
	spool   Spool
	log     *slog.Logger
	metrics *Metrics
	limit   int // bytes in a group before receivers are held back

	mu    sync.Mutex
	batch *spool.Batch
	group *Group
	lost  map[string]uint64 // by reason, since TakeLost

	wake    chan struct{} // a group has something in it
	trouble atomic.Pointer[string]
}

// Group is a number of messages that become durable together.
type Group struct {
	taken chan struct{} // closed when the group is full or on its way to the spool
	done  chan struct{} // closed when it is durable
	next  uint64        // frame after its last one, once it is durable
}

// NewIntake makes an intake whose groups hold about limit bytes, 4 MiB at the most and if 0. The spool must take four times as much at once.
func NewIntake(s Spool, limit int, m *Metrics, log *slog.Logger) *Intake {
	if limit <= 0 {
		limit = maxGroup
	}
	limit = min(limit, maxGroup)
	return &Intake{
		spool: s, log: log, metrics: m, limit: limit,
		batch: new(spool.Batch), group: newGroup(), lost: map[string]uint64{}, wake: make(chan struct{}, 1),
	}
}

func newGroup() *Group { return &Group{taken: make(chan struct{}), done: make(chan struct{})} }

// Offer adds as many of the frames as there is room for and says how many that were. It never waits, and has three times the room of
// those who can.
func (in *Intake) Offer(frames []Frame) (accepted int, g *Group) { return in.offer(frames, 3*in.limit) }

// offer fills the group up to limit bytes.
func (in *Intake) offer(frames []Frame, limit int) (accepted int, g *Group) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for accepted < len(frames) && in.batch.Bytes() < limit {
		f := &frames[accepted]
		in.batch.Add(f.Received, f.Source, f.Data)
		accepted++
	}
	if accepted > 0 {
		select {
		case in.wake <- struct{}{}:
		default:
		}
	}
	return accepted, in.group
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
		n, g := in.offer(frames, limit)
		if frames = frames[n:]; len(frames) == 0 {
			return 0, g
		}
		select {
		case <-g.taken:
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

// Run writes groups until ctx ends; what was added before that is written first, as far as the spool takes it within a grace period.
func (in *Intake) Run(ctx context.Context) error {
	late, cancel := graceful(ctx)
	defer cancel()
	spare := new(spool.Batch)
	for {
		select {
		case <-in.wake:
			in.flush(late, in.swap(&spare), spare)
		case <-ctx.Done():
			in.flush(late, in.swap(&spare), spare)
			return nil
		}
	}
}

// swap takes the group being filled and begins another in spare.
func (in *Intake) swap(spare **spool.Batch) *Group {
	in.mu.Lock()
	defer in.mu.Unlock()
	g := in.group
	in.batch, *spare = *spare, in.batch
	in.group = newGroup()
	close(g.taken)
	return g
}

// flush makes a group durable. It goes on trying: a spool that is full or a disk that fails holds the senders back and loses nothing,
// until ctx ends.
func (in *Intake) flush(ctx context.Context, g *Group, b *spool.Batch) {
	defer b.Reset()
	for b.Len() > 0 {
		first, err := in.spool.Append(b)
		if err == nil {
			g.next = first + uint64(b.Len())
			in.trouble.Store(nil)
			break
		}
		if why := err.Error(); in.trouble.Swap(&why) == nil {
			in.log.Error("spool refuses messages", "error", err)
		}
		if in.pause(ctx, err) != nil {
			in.Lost("stopped", uint64(b.Len()))
			return
		}
	}
	close(g.done)
}

// pause waits until another try makes sense.
func (in *Intake) pause(ctx context.Context, err error) error {
	if errors.Is(err, spool.ErrFull) {
		return in.spool.Room(ctx)
	}
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
