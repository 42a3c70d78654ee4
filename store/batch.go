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

	next     uint64       // frame behind the stretch; from here on known to the batch that is decided
	leftover event.Counts // messages without a row of their own
	fresh    []int32      // rows of events to insert
	known    knownLines
	writing  *writing          // nil until the batch is decided
	aside    []int32           // rows of events that ClickHouse refused
	kept     map[event.ID]bool // lines that ClickHouse refused and Settings.Refused has
	lost     lostLines         // those that it has no room for
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

// Begin starts the batch of the stretch of spool that begins at frame first. Several batches may be filled, and written, at the same
// time; those of one spool are decided in order, and marked in order.
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
	b.next, b.leftover, b.fresh, b.writing = 0, event.Counts{}, b.fresh[:0], nil
	b.aside, b.lost, b.doubts = b.aside[:0], lostLines{}, 0
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
	return b.events.rest.bytes() + b.unparsed.raw.bytes() + b.other.raw.bytes() + eventOverhead*len(b.events.ids)
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

// Commit decides, writes and marks, for who has one batch at a time.
func (b *Batch) Commit(ctx context.Context, next uint64, leftover event.Counts) (event.Counts, error) {
	if err := b.Decide(ctx, next, leftover); err != nil {
		return event.Counts{}, err
	}
	if err := b.Write(ctx); err != nil {
		return event.Counts{}, err
	}
	return b.Mark(ctx)
}

// Decide ends the batch as the stretch up to frame next, and decides which of its messages are duplicates. leftover counts messages of
// the stretch that have no row of their own, such as the parts that an added event was joined from. All batches decided before must
// have been written, or will be: what is a copy of a row of theirs is a duplicate.
//
// It and the two steps after it may each be called again after an error, until it succeeds, and are done once then.
func (b *Batch) Decide(ctx context.Context, next uint64, leftover event.Counts) error {
	if b.writing != nil {
		return nil
	}
	s := b.store
	s.deciding.Lock()
	defer s.deciding.Unlock()
	b.next, b.leftover = next, leftover
	if err := b.decide(ctx); err != nil {
		return fmt.Errorf("find duplicates: %w", err)
	}
	if err := b.decideLines(ctx); err != nil {
		return fmt.Errorf("find duplicate lines: %w", err)
	}
	b.writing = s.memory.learn(b, b.fresh)
	return nil
}

// Write writes the rows of a batch that is decided, beside others that are written. However often, and whether or not a call that failed
// has reached ClickHouse, they count once. Rows that ClickHouse refuses while it takes others (refusal.go) are moved to the lines that
// were not understood, with its reason.
func (b *Batch) Write(ctx context.Context) error {
	if b.writing.isDone() {
		return nil
	}
	if err := b.write(ctx); err != nil {
		b.doubt(err)
		return fmt.Errorf("write frames %d to %d of spool %s: %w", b.first, b.next, b.spool, err)
	}
	refused := make([]event.ID, len(b.aside))
	for i, row := range b.aside {
		refused[i] = b.events.ids[row]
	}
	b.writing.end(refused)
	return nil
}

// Mark commits a batch that is written, and says what became of its messages. All batches decided before must be marked. Whoever sees a
// message counted finds its event, in memory as in ClickHouse.
func (b *Batch) Mark(ctx context.Context) (event.Counts, error) {
	counts := b.counts()
	if err := b.store.mark(ctx, b, counts); err != nil {
		return event.Counts{}, fmt.Errorf("commit frames %d to %d of spool %s: %w", b.first, b.next, b.spool, err)
	}
	b.tell(b.lost)
	b.release()
	return counts, nil
}

// counts says what became of the messages of a batch that is written.
func (b *Batch) counts() event.Counts {
	copies := len(b.events.ids) - len(b.fresh) - len(b.aside) + len(b.known.unparsed) + len(b.known.other)
	c := event.Counts{
		Stored:    uint64(len(b.fresh)) + b.leftover.Stored,
		Duplicate: uint64(copies) + b.leftover.Duplicate,
		Unparsed:  uint64(len(b.unparsed.id.v)-len(b.known.unparsed)-len(b.lost.unparsed)) + b.leftover.Unparsed,
		Other:     uint64(len(b.other.id.v)-len(b.known.other)-len(b.lost.other)) + b.leftover.Other,
		Dropped:   uint64(len(b.lost.unparsed)+len(b.lost.other)) + b.leftover.Dropped,
	}
	if len(b.joined) > 0 {
		countJoined(b.joined, fatesOf(len(b.events.ids), b.fresh, b.aside), &c)
	}
	c.Received = c.Stored + c.Duplicate + c.Unparsed + c.Other + c.Dropped
	return c
}

func (b *Batch) write(ctx context.Context) (err error) {
	if err := b.writeEvents(ctx); err != nil {
		return err
	}
	b.lost, err = b.writeLines(ctx)
	return err
}

func (b *Batch) writeEvents(ctx context.Context) error {
	b.events.close(b.next)
	into := b.into(events)
	if into.doubted && !into.proof.holds.Load() {
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
func (b *Batch) writeLines(ctx context.Context) (lost lostLines, err error) {
	b.unparsed.close(b.spool, b.next, len(b.unparsed.id.v))
	b.other.close(b.spool, b.next, len(b.other.id.v))
	lost.unparsed, err = b.writeAll(ctx, unparsed, b.known.unparsed)
	if err != nil {
		return lost, err
	}
	lost.other, err = b.writeAll(ctx, other, b.known.other)
	return lost, err
}

// lostLines are rows of unparsed and other that ClickHouse refused and nobody kept.
type lostLines struct{ unparsed, other []int32 }

// writeAll writes the rows that are not known.
func (b *Batch) writeAll(ctx context.Context, table int, known map[int32]bool) (lost []int32, err error) {
	into := b.into(table)
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
func (b *Batch) into(table int) target {
	return target{
		table:   [...]string{events: "events", unparsed: "unparsed", other: "other"}[table],
		ids:     [...][]event.ID{events: b.events.ids, unparsed: b.unparsed.id.v, other: b.other.id.v}[table],
		block:   b.blocks[table],
		attempt: b.attempt(),
		proof:   &b.store.proofs[table],
		doubted: b.doubts >= doubtful,
	}
}

// attempt names what this batch writes for a stretch. Another batch of the same stretch has another name: its rows must
// come after whatever attempts lie between, so that they are the ones that stay.
func (b *Batch) attempt() string {
	return fmt.Sprintf("%s/%d-%d/%016x", b.spool, b.first, b.next, b.nonce)
}
