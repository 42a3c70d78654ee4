package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

const insertCounts = `
INSERT INTO counts (spool, first, next, received, stored, duplicate, unparsed, other, dropped, received_min, received_max)
SELECT {spool:String}, {first:UInt64}, {next:UInt64}, {received:UInt64}, {stored:UInt64}, {duplicate:UInt64},
       {unparsed:UInt64}, {other:UInt64}, {dropped:UInt64},
       fromUnixTimestamp64Milli({received_min:Int64}), fromUnixTimestamp64Milli({received_max:Int64})`

// mark writes the counts of the stretch, which commits it.
func (s *Store) mark(ctx context.Context, b *Batch, c event.Counts) error {
	ctx, cancel := context.WithTimeout(ctx, insertDeadline)
	defer cancel()
	err := s.conn.Exec(ctx, insertCounts,
		clickhouse.Named("spool", b.spool), clickhouse.Named("first", b.first), clickhouse.Named("next", b.next),
		clickhouse.Named("received", c.Received), clickhouse.Named("stored", c.Stored),
		clickhouse.Named("duplicate", c.Duplicate), clickhouse.Named("unparsed", c.Unparsed),
		clickhouse.Named("other", c.Other), clickhouse.Named("dropped", c.Dropped),
		clickhouse.Named("received_min", max(0, b.earliest.UnixMilli())),
		clickhouse.Named("received_max", max(0, b.latest.UnixMilli())))
	return written("insert into counts", err)
}

const committedRanges = `
SELECT first, next
FROM counts FINAL
WHERE spool = {spool:String} AND next > {from:UInt64}
ORDER BY first`

// Committed gives the stretches of a spool that are committed and do not end before frame from, in order.
func (s *Store) Committed(ctx context.Context, spool string, from uint64) ([]event.Range, error) {
	var ranges []event.Range
	parameters := []any{clickhouse.Named("spool", spool), clickhouse.Named("from", from)}
	err := s.each(ctx, lookup, "read committed ranges", committedRanges, parameters, func(list driver.Rows) error {
		var r event.Range
		err := list.Scan(&r.First, &r.Next)
		ranges = append(ranges, r)
		return err
	})
	return ranges, err
}

const totals = `
WITH (SELECT max(first) FROM counts WHERE {spool:String} IN ('', spool) AND first >= {from:UInt64}) AS newest
SELECT newest, sumForEach(decided), sumForEachIf(decided, first < newest), (SELECT sum(n) FROM drops FINAL WHERE {spool:String} IN ('', spool))
FROM
(
    SELECT first, [received, stored, duplicate, unparsed, other, dropped] AS decided
    FROM counts FINAL
    WHERE {spool:String} IN ('', spool) AND first >= {from:UInt64}
)`

// totalled is what the counts of a spool come to below a frame. Stretches there are not written again by this process, so that they
// need not be added up for each question.
type totalled struct {
	spool string
	upto  uint64
	sum   event.Counts
}

// Totals sums the counts of a spool, or of all when spool is empty. Received are the frames of committed ranges. What
// RecordDrops was told never was in a range: it is in Dropped only. InSpool is not known here.
func (s *Store) Totals(ctx context.Context, spool string) (event.Counts, error) {
	ctx, _, cancel := s.limit(ctx, lookup)
	defer cancel()
	known := s.totalled.Load()
	if known == nil || spool == "" || spool != known.spool {
		known = &totalled{spool: spool}
	}
	var newest, lost uint64
	var rest, settled []uint64
	err := s.conn.QueryRow(ctx, totals, clickhouse.Named("spool", spool), clickhouse.Named("from", known.upto)).Scan(&newest, &rest, &settled, &lost)
	if err != nil {
		return event.Counts{}, asked("sum counts", err)
	}
	all := known.sum.Add(countsOf(rest))
	all.Dropped += lost
	if newest > known.upto {
		s.totalled.Store(&totalled{spool, newest, known.sum.Add(countsOf(settled))})
	}
	return all, nil
}

// countsOf reads what totals sums; nothing where there was nothing to sum.
func countsOf(n []uint64) event.Counts {
	if len(n) != 6 {
		return event.Counts{}
	}
	return event.Counts{Received: n[0], Stored: n[1], Duplicate: n[2], Unparsed: n[3], Other: n[4], Dropped: n[5]}
}

const insertDrops = `
INSERT INTO drops (spool, token, reason, n)
SELECT {spool:String}, {token:String}, {reason:String}, {n:UInt64}`

// RecordDrops keeps the number of messages that were taken in and lost before they had a place in the spool. A report
// that is made again, with the same token and reason, counts once.
func (s *Store) RecordDrops(ctx context.Context, spool, token, reason string, n uint64) error {
	ctx, cancel := context.WithTimeout(ctx, insertDeadline)
	defer cancel()
	err := s.conn.Exec(ctx, insertDrops, clickhouse.Named("spool", spool), clickhouse.Named("token", token),
		clickhouse.Named("reason", reason), clickhouse.Named("n", n))
	return written("insert into drops", err)
}

const dropsByReason = `
SELECT reason, sum(n)
FROM drops FINAL
WHERE {spool:String} IN ('', spool)
GROUP BY reason`

// Drops sums what RecordDrops was told, by reason.
func (s *Store) Drops(ctx context.Context, spool string) (map[string]uint64, error) {
	drops := map[string]uint64{}
	parameters := []any{clickhouse.Named("spool", spool)}
	err := s.each(ctx, lookup, "sum drops", dropsByReason, parameters, func(list driver.Rows) error {
		var reason string
		var n uint64
		err := list.Scan(&reason, &n)
		drops[reason] = n
		return err
	})
	return drops, err
}
