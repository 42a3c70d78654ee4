package store

import (
	"context"
	"math"
	"slices"
	"sync"

	"flapwatch/event"
)

// The newest events are asked for most often, and finding them is dear in a table that is sorted by device. So the process that writes
// them keeps them in memory as well:
//
//	Keep ──▶ read what is stored ─┐
//	Commit ── what was written ───┴▶ newest: everything later than floor ──▶ Events
//
// It must be the only process that writes. Whatever is not later than floor is for ClickHouse to tell.

const keptEvents = 1500 // of about a kilobyte each; a page is a thousand at most

// newest are the latest stored events.
type newest struct {
	most   int
	mu     sync.RWMutex
	begun  bool      // rows takes in what is committed
	loaded bool      // and holds what was committed before
	floor  int64     // Unix milliseconds: rows holds all later events
	rows   []*listed // newest first
}

// Keep lets the newest events be given from memory from now on. No other process may write to the database.
func (s *Store) Keep(ctx context.Context) error {
	n := &s.newest
	n.mu.Lock()
	n.begun, n.loaded, n.floor, n.rows = true, false, math.MinInt64, nil
	n.mu.Unlock()
	stored, err := s.readEvents(ctx, sweep, event.Filter{}, start, n.most)
	if err != nil {
		n.mu.Lock()
		n.begun, n.rows = false, nil
		n.mu.Unlock()
		return err
	}
	list := make([]*listed, len(stored))
	for i := range stored {
		list[i] = &stored[i]
	}
	floor := int64(math.MinInt64)
	if len(list) == n.most { // there may be more of the last millisecond
		floor = list[len(list)-1].ms
	}
	n.take(list, floor)
	n.mu.Lock()
	n.loaded = true
	n.mu.Unlock()
	return nil
}

// learn takes in rows that were written. Those of a commit that is tried again come again.
func (n *newest) learn(e *eventRows, rows []int32) {
	n.mu.RLock()
	begun, floor := n.begun, n.floor
	n.mu.RUnlock()
	if !begun {
		return
	}
	times := make([]int64, len(rows))
	for i, row := range rows {
		times[i] = e.time.v[row]
	}
	slices.Sort(times)
	if over := len(times) - n.most; over > 0 {
		floor = max(floor, times[over-1])
	}
	var list []*listed
	for _, row := range rows {
		if ms := e.time.v[row]; ms > floor {
			r := e.row(row)
			list = append(list, &listed{r, point{ms, tieOf(&r.Event, e.givenID.string(row))}})
		}
	}
	n.take(list, floor)
}

// take adds events, which are all that came in later than floor.
func (n *newest) take(list []*listed, floor int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list = append(list, n.rows...)
	slices.SortStableFunc(list, func(a, b *listed) int { return b.compare(a.point) })
	list = slices.CompactFunc(list, func(a, b *listed) bool { return a.ID == b.ID }) // read, and committed meanwhile
	n.floor = max(n.floor, floor)
	if len(list) > n.most {
		n.floor = max(n.floor, list[n.most].ms)
	}
	n.rows = slices.DeleteFunc(list, func(k *listed) bool { return k.ms <= n.floor })
}

// page gives what Events gives, unless that is not known here.
func (n *newest) page(f event.Filter, after point, limit int) (list []listed, known bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if !n.loaded {
		return nil, false
	}
	from, to := milliseconds(f.Window)
	for _, k := range n.rows {
		if k.ms < from || len(list) == limit {
			break
		}
		if k.ms < to && k.compare(after) < 0 && f.Admits(&k.Event) {
			list = append(list, *k)
		}
	}
	return list, len(list) == limit || from > n.floor
}
