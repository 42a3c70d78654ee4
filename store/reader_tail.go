package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// The order in which events came in is that of the stretches of a spool: they are committed one after the other, and each row
// carries the end of its own (range_end). So a place in it is a stretch, and within the stretch time and tie.

const lastCommitted = `
SELECT next
FROM counts
WHERE spool = {spool:String}
ORDER BY spool DESC, first DESC, next DESC
LIMIT 1`

// TailEnd gives the place behind everything that is committed of a spool.
func (s *Store) TailEnd(ctx context.Context, spool string) (string, error) {
	var end uint64
	parameters := []any{clickhouse.Named("spool", spool)}
	err := s.each(ctx, answer, "read the end of the tail", lastCommitted, parameters, func(rows driver.Rows) error {
		return asked("read the end of the tail", rows.Scan(&end))
	})
	return tailPlace{end, math.MaxInt64, math.MaxUint64}.write(spool), err
}

// tailPage skips what was written before the place by the index of range_end.
const tailPage = `
WITH ` + tie + ` AS tie
SELECT ` + eventColumns + `, range_end
FROM events FINAL
WHERE ` + inWindow + ` AND spool = {spool:String} AND range_end >= {after:UInt64} AND range_end <= {end:UInt64}
  AND (range_end > {after:UInt64} OR toUnixTimestamp64Milli(time) > {after_time:Int64}
       OR toUnixTimestamp64Milli(time) = {after_time:Int64} AND tie > {after_tie:UInt64})
ORDER BY range_end, time, tie
LIMIT {limit:UInt32}
SETTINGS use_skip_indexes_if_final = 1`

// Tail gives the events of a spool that f lets through, in the order in which they came in, those behind the place after and not
// behind the place end, at most limit of them; and the place of each. A place that is not of this spool is event.ErrCursor.
func (s *Store) Tail(ctx context.Context, f event.Filter, spool, after, end string, limit int) ([]event.Row, []string, error) {
	from, err := readTailPlace(spool, after)
	if err != nil {
		return nil, nil, err
	}
	to, err := readTailPlace(spool, end)
	if err != nil {
		return nil, nil, err
	}
	parameters := append(filterParameters(f), clickhouse.Named("spool", spool), clickhouse.Named("after", from.stretch),
		clickhouse.Named("after_time", from.time), clickhouse.Named("after_tie", from.tie),
		clickhouse.Named("end", to.stretch), clickhouse.Named("limit", limit))
	var list []event.Row
	var places []string
	err = s.each(ctx, answer, "read tail", tailPage, parameters, func(rows driver.Rows) (err error) {
		var p tailPlace
		list = append(list, event.Row{})
		e := &list[len(list)-1]
		p.tie, err = scanEvent(rows, e, &p.stretch)
		p.time = e.Time.UnixMilli()
		places = append(places, p.write(spool))
		return err
	})
	return list, places, err
}

// tailPlace is a place in the order in which events came in.
type tailPlace struct {
	stretch uint64 // its end
	time    int64  // Unix milliseconds
	tie     uint64
}

func (p tailPlace) write(spool string) string {
	b := binary.LittleEndian.AppendUint64(nil, p.stretch)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.time))
	b = binary.LittleEndian.AppendUint64(b, p.tie)
	return writeCursor(tailKind, append(b, spool...))
}

func readTailPlace(spool, cursor string) (p tailPlace, err error) {
	b, err := readCursor(tailKind, cursor)
	if err == nil && (len(b) < 24 || string(b[24:]) != spool) {
		err = fmt.Errorf("%w: %q", event.ErrCursor, cursor)
	}
	if err != nil {
		return p, err
	}
	return tailPlace{binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b[16:])}, nil
}
