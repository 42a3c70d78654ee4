package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/zeebo/xxh3"

	"flapwatch/event"
)

// What is a duplicate, and why a kill changes nothing.
//
// A stretch of a spool is committed when its row in counts is there, which is written last. Stretches of a spool are
// committed in order, so at any moment there is a frame P below which all is committed and above which nothing is. Each
// row of events, unparsed and other carries the end of the stretch that wrote it (range_end): a row of our own spool is committed if
// range_end ≤ P, and left over from an interrupted commit if range_end > P.
//
// Stretches are decided in order too, and between decision and commit several are written at the same time:
//
//	decide N ─▶ write N ─────────▶ mark N
//	    └─▶ decide N+1 ─▶ write N+1 ─┴─▶ mark N+1
//
//	An id is a duplicate if it is in a stretch of our spool that is committed or decided before, or in any row of another spool, or in
//	an earlier row of the batch. Every other id counts as stored and is inserted, over what an interrupted commit left of it.
//
// So each id counts as stored once, by the first stretch that is committed with it: before its commit the stretch has
// left nothing that counts, and after it every later copy finds it. What was decided of N+1 holds because it is not committed before
// N is: a kill between leaves rows of N, of N+1 or of both, all with range_end > P, and both stretches are decided anew, be it that N
// was not written and N+1 was. A batch that begins at F takes rows with range_end ≤ F for stored: whoever wrote them, they say what is in
// frames before F, all of which are committed before the batch is, or it never is. Inserting over a left-over row makes a second
// copy with an equal sorting key, of which ReplacingMergeTree keeps the younger, the committed one; until they merge
// readers use FINAL. For lines of files, which have ids too, the same holds (share.go).
//
// Of an event that ClickHouse refuses, copies in batches that were decided before that was known are duplicates; later ones are tried.
//
// ClickHouse is asked only about what memory (memory.go) cannot know. Memory does not know what another process writes:
// an event that two receivers with one database have both got is counted by both, and read once.

const atOnce = 32 // ids that are looked for together

// decide fills b.fresh with the rows of events that are no duplicates.
func (b *Batch) decide(ctx context.Context) error {
	e, m := &b.events, &b.store.memory
	m.begin(b)
	if err := b.store.loadDays(ctx, e.time.v); err != nil {
		return err
	}
	b.fresh = b.fresh[:0]
	var byTime, byID []int32 // rows to ask about
	last, old := int64(math.MinInt64), false
	for i, id := range e.ids {
		row := int32(i)
		if second := e.second(row); second != last {
			last, old = second, m.old(second)
		}
		if i%atOnce == 0 {
			m.approach(e.ids[i:min(i+atOnce, len(e.ids))], old)
		}
		if !m.enter(id, old || e.placed[i]) {
			continue
		}
		switch {
		case e.placed[i]:
			byID = append(byID, row)
		case m.complete(last): // and without it
		case m.stored(last):
			byTime = append(byTime, row)
		}
		b.fresh = append(b.fresh, row)
	}
	return b.ask(ctx, byTime, byID)
}

// ask removes from b.fresh the rows that ClickHouse has already.
func (b *Batch) ask(ctx context.Context, byTime, byID []int32) error {
	if len(byTime)+len(byID) == 0 {
		return nil
	}
	if err := b.store.memory.written(ctx); err != nil {
		return err
	}
	known := map[event.ID]bool{}
	found := func(id event.ID, spool string, rangeEnd uint64) {
		if b.committed(spool, rangeEnd) {
			known[id] = true
		}
	}
	for rows := range slices.Chunk(byTime, 20_000) {
		if err := b.store.findByTime(ctx, &b.events, rows, found); err != nil {
			return err
		}
	}
	for rows := range slices.Chunk(byID, 5_000) {
		if err := b.store.findByID(ctx, &b.events, rows, found); err != nil {
			return err
		}
	}
	b.fresh = slices.DeleteFunc(b.fresh, func(row int32) bool { return known[b.events.ids[row]] })
	return nil
}

// committed says whether a row of the stretch of spool that ends at rangeEnd is, or will be before b is: or a left-over of an interrupted
// commit.
func (b *Batch) committed(spool string, rangeEnd uint64) bool {
	return spool != b.spool || rangeEnd <= b.first
}

// finding takes in a stored event and who wrote it.
type finding func(id event.ID, spool string, rangeEnd uint64)

// findEventsByTime gets what the ids of the events of some devices in some seconds are made of. The pairs are numbers
// of ours, up to 20,000 of them: too many for parameters, which travel in the address.
const findEventsByTime = `
SELECT cluster, device, time, number, origin, ip, given_id, spool, range_end
FROM events
WHERE time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})
  AND (intDiv(toUnixTimestamp64Milli(time), 1000), xxh3(device)) IN (%s)`

func (s *Store) findByTime(ctx context.Context, e *eventRows, rows []int32, found finding) error {
	from, to := e.second(rows[0]), e.second(rows[0])
	pairs := make([]string, len(rows))
	for i, row := range rows {
		from, to = min(from, e.second(row)), max(to, e.second(row))
		pairs[i] = "(" + strconv.FormatInt(e.second(row), 10) + "," + strconv.FormatUint(hashDevice(e.device.string(row)), 10) + ")"
	}
	query := fmt.Sprintf(findEventsByTime, strings.Join(pairs, ","))
	parameters := []any{clickhouse.Named("from", from*1000), clickhouse.Named("to", to*1000+1000)}
	return s.each(ctx, lookup, "look for copies", query, parameters, func(list driver.Rows) error {
		id, spool, rangeEnd, err := scanIdentity(list)
		found(id, spool, rangeEnd)
		return err
	})
}

// scanIdentity reads a row of findEventsByTime.
func scanIdentity(list driver.Rows) (id event.ID, spool string, rangeEnd uint64, err error) {
	e := event.Event{TimeSource: event.FromMessage}
	var number int64
	var origin, given string
	err = list.Scan(&e.Cluster, &e.Device, &e.Time, &number, &origin, &e.IP, &given, &spool, &rangeEnd)
	if err != nil {
		return id, "", 0, fmt.Errorf("read a copy: %w", err)
	}
	unfoldKey(&e, number, origin)
	return idOf(&e, given), spool, rangeEnd, nil
}

// findEventsByID gets events that are known by their place only: the time of a file read again is another each time.
const findEventsByID = `
SELECT given_id, spool, range_end
FROM events
WHERE given_id IN (%s)`

func (s *Store) findByID(ctx context.Context, e *eventRows, rows []int32, found finding) error {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = "unhex('" + hex.EncodeToString(e.ids[row][:]) + "')"
	}
	query := fmt.Sprintf(findEventsByID, strings.Join(ids, ","))
	return s.each(ctx, lookup, "look for copies by id", query, nil, func(list driver.Rows) error {
		var given, spool string
		var rangeEnd uint64
		if err := list.Scan(&given, &spool, &rangeEnd); err != nil {
			return fmt.Errorf("read a copy: %w", err)
		}
		found(event.ID([]byte(given)), spool, rangeEnd)
		return nil
	})
}

// identified says whether the columns of the sorting key give the event's id back. Where it was given, that is tried, not assumed,
// so that an id of any other making survives too.
func identified(e *event.Event, given bool) bool {
	if e.TimeSource == event.FromReceipt || !e.HasSeq {
		return false
	}
	if !given {
		return true
	}
	id := e.ID
	e.Identify(event.Alarm, "")
	same := e.ID == id
	e.ID = id
	return same
}

// idOf gives the id of a stored event.
func idOf(e *event.Event, given string) event.ID {
	if len(given) == len(e.ID) {
		return event.ID([]byte(given))
	}
	e.Identify(event.Alarm, "")
	return e.ID
}

func hashDevice(device string) uint64 { return xxh3.HashString(device) }
