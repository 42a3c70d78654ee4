package store

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"flapwatch/event"
)

// Whose fault it is that ClickHouse refuses a block.
//
// Some codes say that it is a value (refused, in errors.go) and some that it is the server (passing, tooMuch): then all waits.
// Most of the hundreds of codes say neither, so they are judged by what happens:
//
//	a batch is refused doubtful times ─▶ by halves ─▶ rows that are refused alone: suspects
//	the table takes a row that it has taken before, and refuses a suspect again ─▶ that row is set aside
//	the table refuses that row as well ─▶ it takes nothing: all waits
//
// A row that was taken before is taken again without a trace: it has the same sorting key.

const (
	doubtful = 5  // tries: some seconds, as the pipeline waits between them
	unproven = 64 // suspects of a table that has taken nothing yet, after which it is believed to take nothing
)

// proof is a row that a table has taken.
type proof struct {
	mu sync.Mutex
	block
	holds atomic.Bool
}

// keep copies a row.
func (p *proof) keep(from block, row int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset()
	p.take(from, []int32{row})
	p.holds.Store(true)
}

// trial looks for the rows for which ClickHouse refuses a block.
type trial struct {
	*Store
	target
	suspects map[int32]error
}

// blames says whether an error may be the rows' fault.
func (t *trial) blames(err error) bool {
	return isException(err, refused) || t.doubted && sort(err) == nil
}

// write writes the rows, those that are refused in halves. What is left are suspects.
func (t *trial) write(ctx context.Context, rows []int32) error {
	err := t.send(ctx, t.target, rows)
	switch {
	case err == nil:
		t.proof.keep(t.block, rows[0])
		return nil
	case !t.blames(err):
		return err
	case len(rows) > 1:
		half := len(rows) / 2
		if err := t.write(ctx, rows[:half]); err != nil {
			return err
		}
		return t.write(ctx, rows[half:])
	}
	return t.suspect(ctx, rows[0], err)
}

// suspect notes a row that was refused alone. That the table takes nothing at all is found out before each row was tried alone.
func (t *trial) suspect(ctx context.Context, row int32, err error) error {
	t.suspects[row] = err
	switch n := len(t.suspects); {
	case n == 1 && t.proof.holds.Load():
		return t.prove(ctx)
	case n == unproven && !t.proof.holds.Load() && !isException(err, refused):
		return err
	}
	return nil
}

// prove says whether the table takes a row that it has taken before.
func (t *trial) prove(ctx context.Context) error {
	t.proof.mu.Lock()
	defer t.proof.mu.Unlock()
	again := target{table: t.table, block: t.proof.block, ids: make([]event.ID, 1), attempt: fmt.Sprintf("proof/%016x", rand.Uint64())}
	return t.send(ctx, again, []int32{0})
}

// judge leaves those suspects that are refused although the table takes others.
func (t *trial) judge(ctx context.Context) error {
	if len(t.suspects) == 0 {
		return nil
	}
	if t.proof.holds.Load() {
		if err := t.prove(ctx); err != nil {
			return err
		}
	}
	for row := range maps.Clone(t.suspects) {
		err := t.send(ctx, t.target, []int32{row})
		switch {
		case err == nil:
			delete(t.suspects, row)
		case !t.blames(err), !t.proof.holds.Load() && !isException(err, refused):
			return err
		}
	}
	return nil
}

// doubt notes why a commit failed.
func (b *Batch) doubt(err error) {
	if sort(err) != nil {
		b.doubts = 0
		return
	}
	b.doubts++
}

// recall makes a stored event the proof, as one of an earlier stretch: this process may have written none yet.
func (b *Batch) recall(ctx context.Context, p *proof) error {
	stored, _, err := b.store.Events(ctx, event.Filter{}, "", 1)
	if err != nil || len(stored) == 0 {
		return err
	}
	var r eventRows
	r.add(&stored[0], b.spool, true)
	r.close(b.first)
	p.keep(r.columns(), 0)
	return nil
}
