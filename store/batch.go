package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"flapwatch/event"
)

// Batch is what becomes of one stretch of a spool: rows for the tables events, unparsed and other, and the counts. It
// belongs to one goroutine. Everything given to it is copied; after a successful Commit it must not be used again.
type Batch struct {
	store *Store
	spool string
	first uint64
	nonce uint64 // tells batches of the same stretch apart

	events   eventRows
	unparsed lineRows
	other    otherRows
	blocks   [3]block // of the three above

	fresh    []int32 // rows of events to insert
	aside    []int32 // rows of events that ClickHouse refused
	known    knownLines
	decided  bool              // fresh and known are
	kept     map[event.ID]bool // lines that ClickHouse refused and Settings.Refused has
	doubts   int               // refusals in a row whose code does not say whose fault they are
	shares   []share
	sharing  bool      // the last share is open
	joined   []joined  // by row
	earliest time.Time // receipt of the messages
	latest   time.Time
}

// lineRows are rows of the table unparsed.
type lineRows struct {
	received moment
	id       identity
	source   word
	reason   word
	position number[int64]
	raw      text
	writer
}

func (r *lineRows) columns() block {
	return block{
		{"received_at", &r.received}, {"id", &r.id}, {"source", &r.source}, {"error", &r.reason},
		{"position", &r.position}, {"raw", &r.raw}, {"spool", &r.spool}, {"range_end", &r.rangeEnd},
	}
}

// otherRows are rows of the table other.
type otherRows struct {
	received moment
	id       identity
	source   word
	host     word
	program  word
	raw      text
	writer
}

func (r *otherRows) columns() block {
	return block{
		{"received_at", &r.received}, {"id", &r.id}, {"source", &r.source}, {"host", &r.host},
		{"program", &r.program}, {"raw", &r.raw}, {"spool", &r.spool}, {"range_end", &r.rangeEnd},
	}
}

// writer says of each line which stretch of which spool wrote it.
type writer struct {
	spool    word
	rangeEnd number[uint64]
}

// close gives n lines their stretch.
func (w *writer) close(spool string, next uint64, n int) {
	w.spool.reset()
	w.rangeEnd.reset()
	for range n {
		w.spool.add(spool)
		w.rangeEnd.add(next)
	}
}

func newBatch() *Batch {
	b := &Batch{kept: map[event.ID]bool{}}
	b.blocks = [3]block{b.events.columns(), b.unparsed.columns(), b.other.columns()}
	return b
}

// Begin starts the batch of the stretch of spool that begins at frame first. Several batches may be filled at the same
// time; those of one spool are committed in order.
func (s *Store) Begin(spool string, first uint64) *Batch {
	var b *Batch
	select {
	case b = <-s.spare:
	default:
		b = newBatch()
	}
	b.store, b.spool, b.first, b.nonce = s, spool, first, rand.Uint64()
	return b
}

// release empties b and keeps its memory for another stretch.
func (b *Batch) release() {
	for _, columns := range b.blocks {
		columns.reset()
	}
	b.events.forget()
	b.fresh, b.aside, b.decided, b.doubts = b.fresh[:0], b.aside[:0], false, 0
	clear(b.kept)
	b.shares, b.sharing, b.joined = b.shares[:0], false, b.joined[:0]
	b.earliest, b.latest = time.Time{}, time.Time{}
	select {
	case b.store.spare <- b:
	default:
	}
}

// Len is the number of rows added.
func (b *Batch) Len() int { return len(b.events.ids) + len(b.unparsed.id.v) + len(b.other.id.v) }

// Bytes is about the memory the rows take.
func (b *Batch) Bytes() int {
	const eventOverhead = 200
	return len(b.events.rest.wire) + len(b.unparsed.raw.wire) + len(b.other.raw.wire) + eventOverhead*len(b.events.ids)
}

// Times that a row can have: those that a ClickHouse DateTime holds, with room for the retention.
var (
	earliestTime = time.Unix(0, 0)
	latestTime   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

func storable(t time.Time) bool { return !t.Before(earliestTime) && t.Before(latestTime) }

// Add adds an event. One that has no id yet is identified by what it says. One whose time ClickHouse cannot hold is kept as a line
// that was not understood.
func (b *Batch) Add(row *event.Row) {
	given := row.ID != event.ID{}
	if !given {
		row.Identify(event.Alarm, "")
	}
	if !storable(row.Time) {
		b.AddUnparsed(&row.Event, 0, "the time "+row.Time.UTC().Format(time.RFC3339)+" lies outside of 1970 to 2099")
		return
	}
	b.see(&row.Event)
	if row.Parts > 1 {
		b.joined = append(b.joined, joined{int32(len(b.events.ids)), uint64(row.Parts - 1)})
	}
	b.events.add(row, b.spool, given)
}

// AddUnparsed adds a record that was not understood from the byte at offset on, with the reason.
func (b *Batch) AddUnparsed(e *event.Event, offset int, reason string) {
	b.see(e)
	r := &b.unparsed
	r.received.add(e.Received.UnixMilli())
	r.id.add(e.ID)
	r.source.add(e.Source)
	r.reason.add(reason)
	r.position.add(int64(offset))
	r.raw.add(e.Raw)
}

// AddOther adds a record that was understood and is no CUCM alarm.
func (b *Batch) AddOther(e *event.Event) {
	b.see(e)
	r := &b.other
	r.received.add(e.Received.UnixMilli())
	r.id.add(e.ID)
	r.source.add(e.Source)
	r.host.add(e.Host)
	r.program.add(e.Process)
	r.raw.add(e.Raw)
}

// see notes when the messages of the batch were received.
func (b *Batch) see(e *event.Event) {
	if b.earliest.IsZero() || e.Received.Before(b.earliest) {
		b.earliest = e.Received
	}
	if e.Received.After(b.latest) {
		b.latest = e.Received
	}
}

// Commit writes the batch as the stretch up to frame next, and says what became of its messages. leftover counts
// messages of the stretch that have no row of their own, such as the parts that an added event was joined from.
//
// After an error Commit may be called again until it succeeds; however often, and whether or not a failed call has reached
// ClickHouse, the batch counts once. Rows that ClickHouse refuses while it takes others (refusal.go) are moved to the lines
// that were not understood, with its reason.
func (b *Batch) Commit(ctx context.Context, next uint64, leftover event.Counts) (event.Counts, error) {
	s := b.store
	s.commit.Lock()
	defer s.commit.Unlock()
	if !b.decided {
		if err := b.decide(ctx); err != nil {
			return event.Counts{}, fmt.Errorf("find duplicates: %w", err)
		}
		if err := b.decideLines(ctx); err != nil {
			return event.Counts{}, fmt.Errorf("find duplicate lines: %w", err)
		}
		b.decided = true
	}
	counts, lost, err := b.write(ctx, next, leftover)
	if err != nil {
		b.doubt(err)
		return event.Counts{}, fmt.Errorf("commit frames %d to %d of spool %s: %w", b.first, next, b.spool, err)
	}
	b.tell(lost)
	s.memory.learn(b, b.fresh, next)
	b.release()
	return counts, nil
}

// write writes the rows and, last, the counts. Whoever sees a message counted finds its event, in memory as in ClickHouse.
func (b *Batch) write(ctx context.Context, next uint64, leftover event.Counts) (event.Counts, lostLines, error) {
	if err := b.writeEvents(ctx, next); err != nil {
		return event.Counts{}, lostLines{}, err
	}
	lost, err := b.writeLines(ctx, next)
	if err != nil {
		return event.Counts{}, lostLines{}, err
	}
	copies := len(b.events.ids) - len(b.fresh) - len(b.aside) + len(b.known.unparsed) + len(b.known.other)
	c := event.Counts{
		Stored:    uint64(len(b.fresh)) + leftover.Stored,
		Duplicate: uint64(copies) + leftover.Duplicate,
		Unparsed:  uint64(len(b.unparsed.id.v)-len(b.known.unparsed)-len(lost.unparsed)) + leftover.Unparsed,
		Other:     uint64(len(b.other.id.v)-len(b.known.other)-len(lost.other)) + leftover.Other,
		Dropped:   uint64(len(lost.unparsed)+len(lost.other)) + leftover.Dropped,
	}
	if len(b.joined) > 0 {
		countJoined(b.joined, fatesOf(len(b.events.ids), b.fresh, b.aside), &c)
	}
	c.Received = c.Stored + c.Duplicate + c.Unparsed + c.Other + c.Dropped
	return c, lost, b.mark(ctx, next, c)
}

func (b *Batch) writeEvents(ctx context.Context, next uint64) error {
	b.events.close(next)
	into := b.into(events, next)
	if into.doubted && !into.proof.holds {
		if err := b.recall(ctx, into.proof); err != nil {
			return err
		}
	}
	bad, err := b.store.insert(ctx, into, b.fresh)
	if err != nil {
		return err
	}
	b.setAside(bad)
	b.store.newest.learn(&b.events, b.fresh)
	return nil
}

// setAside moves rows of events that ClickHouse refused to the lines that were not understood.
func (b *Batch) setAside(bad map[int32]error) {
	b.fresh = slices.DeleteFunc(b.fresh, func(row int32) bool { return bad[row] != nil })
	for row, why := range bad {
		b.aside = append(b.aside, row)
		e := b.events.row(row)
		b.AddUnparsed(&e.Event, 0, "refused by clickhouse: "+reasonOf(why))
		b.store.log.Warn("row refused by clickhouse", "id", e.ID.String(), "error", why)
	}
}

// writeLines writes the rows of unparsed and other. Those that ClickHouse refused are kept elsewhere (refused.go), or lost.
func (b *Batch) writeLines(ctx context.Context, next uint64) (lost lostLines, err error) {
	b.unparsed.close(b.spool, next, len(b.unparsed.id.v))
	b.other.close(b.spool, next, len(b.other.id.v))
	lost.unparsed, err = b.writeAll(ctx, next, unparsed, b.known.unparsed)
	if err != nil {
		return lost, err
	}
	lost.other, err = b.writeAll(ctx, next, other, b.known.other)
	return lost, err
}

// lostLines are rows of unparsed and other that ClickHouse refused and nobody kept.
type lostLines struct{ unparsed, other []int32 }

// writeAll writes the rows that are not known.
func (b *Batch) writeAll(ctx context.Context, next uint64, table int, known map[int32]bool) (lost []int32, err error) {
	into := b.into(table, next)
	bad, err := b.store.insert(ctx, into, unknown(known, len(into.ids)))
	if err != nil {
		return nil, err
	}
	return b.keepRefused(table, bad)
}

// The tables of a batch.
const (
	events = iota
	unparsed
	other
)

// into is where the rows for a table go.
func (b *Batch) into(table int, next uint64) target {
	return target{
		table:   [...]string{events: "events", unparsed: "unparsed", other: "other"}[table],
		ids:     [...][]event.ID{events: b.events.ids, unparsed: b.unparsed.id.v, other: b.other.id.v}[table],
		block:   b.blocks[table],
		attempt: b.attempt(next),
		proof:   &b.store.proofs[table],
		doubted: b.doubts >= doubtful,
	}
}

// attempt names what this batch writes for a stretch. Another batch of the same stretch has another name: its rows must
// come after whatever attempts lie between, so that they are the ones that stay.
func (b *Batch) attempt(next uint64) string {
	return fmt.Sprintf("%s/%d-%d/%016x", b.spool, b.first, next, b.nonce)
}
