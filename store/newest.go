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
//	Keep ──▶ read what is stored ──────────────────┐
//	Commit ── what was written ──▶ latest, packed ─┴▶ newest: everything later than floor ──▶ Events
//
// Rows are unpacked when somebody asks: under load most of them are not the newest any more by then. It must be the only process that
// writes. Whatever is not later than floor is for ClickHouse to tell.

const keptEvents = 1500 // of about a kilobyte each; a page is a thousand at most

// newest are the latest stored events.
type newest struct {
	most   int
	mu     sync.Mutex
	begun  bool      // rows takes in what is committed
	loaded bool      // and holds what was committed before
	floor  int64     // Unix milliseconds: rows holds all later events
	rows   []*listed // newest first; another list whenever it changes
	latest eventRows // those that are still packed
	last   int64     // time of the latest of them
}

// Keep lets the newest events be given from memory from now on. No other process may write to the database.
func (s *Store) Keep(ctx context.Context) error {
	n := &s.newest
	n.mu.Lock()
	n.begun, n.loaded, n.floor, n.rows = true, false, math.MinInt64, nil
	n.drop()
	n.mu.Unlock()
	stored, err := s.readEvents(ctx, sweep, event.Filter{}, start, n.most)
	if err != nil {
		n.mu.Lock()
		n.begun, n.rows = false, nil
		n.drop()
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
	n.mu.Lock()
	n.take(list, floor)
	n.loaded = true
	n.mu.Unlock()
	return nil
}

// learn takes in rows that were written. Those of a commit that is tried again come again.
func (n *newest) learn(e *eventRows, rows []int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.begun || len(rows) == 0 {
		return
	}
	n.floor = max(n.floor, floorOf(e.time.v, rows, n.most))
	switch {
	case n.last <= n.floor:
		n.drop()
	case len(n.latest.ids) > n.most:
		n.unpack()
	}
	var later []int32
	for _, row := range rows {
		if ms := e.time.v[row]; ms > n.floor {
			later = append(later, row)
			n.last = max(n.last, ms)
		}
	}
	n.latest.take(e, later)
}

// floorOf gives a time that at most that many rows are later than, and all later rows are as many where so many have times of their own.
// Mostly the rows at the end are the latest, so that only few have to be put in order.
func floorOf(times []int64, rows []int32, most int) int64 {
	if len(rows) <= most {
		return math.MinInt64
	}
	least := int64(math.MaxInt64) // of as many rows as are wanted
	for _, row := range rows[len(rows)-most:] {
		least = min(least, times[row])
	}
	var latest []int64
	for _, row := range rows {
		if times[row] >= least {
			latest = append(latest, times[row])
		}
	}
	if over := len(latest) - most; over > 0 {
		slices.Sort(latest)
		return latest[over-1]
	}
	return least - 1
}

// drop forgets the rows that are still packed.
func (n *newest) drop() {
	n.latest.columns().reset()
	n.latest.forget()
	n.last = math.MinInt64
}

// unpack moves the packed rows to the others.
func (n *newest) unpack() {
	if len(n.latest.ids) == 0 {
		return
	}
	list := make([]*listed, len(n.latest.ids))
	for i := range list {
		r := n.latest.row(int32(i))
		list[i] = &listed{r, point{n.latest.time.v[i], tieOf(&r.Event, n.latest.givenID.string(int32(i)))}}
	}
	n.drop()
	n.take(list, n.floor)
}

// take adds events, which are all that came in later than floor.
func (n *newest) take(list []*listed, floor int64) {
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
	n.mu.Lock()
	n.unpack()
	loaded, floor, rows := n.loaded, n.floor, n.rows
	n.mu.Unlock()
	if !loaded {
		return nil, false
	}
	from, to := milliseconds(f.Window)
	for _, k := range rows {
		if k.ms < from || len(list) == limit {
			break
		}
		if k.ms < to && k.compare(after) < 0 && f.Admits(&k.Event) {
			list = append(list, *k)
		}
	}
	return list, len(list) == limit || from > floor
}
