package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// received is the part of event.Filter that lines have which were not understood.
const receivedInWindow = `
    received_at >= fromUnixTimestamp64Milli({from:Int64}) AND received_at < fromUnixTimestamp64Milli({to:Int64})`

func windowParameters(w event.Window) []any {
	from, to := milliseconds(w)
	return []any{clickhouse.Named("from", from), clickhouse.Named("to", to)}
}

const unparsedPage = `
SELECT received_at, id, source, error, position, raw
FROM unparsed FINAL
WHERE ` + receivedInWindow + `
  AND (received_at < fromUnixTimestamp64Milli({before:Int64})
       OR received_at = fromUnixTimestamp64Milli({before:Int64}) AND id < unhex({before_id:String}))
ORDER BY received_at DESC, id DESC
LIMIT {limit:UInt32}`

// Unparsed gives the lines received in f's window that were not understood, newest first, at most limit of them, and the
// cursor that continues the list, which is empty at its end. Nothing else of f narrows it.
func (s *Store) Unparsed(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Line, string, error) {
	before, id, err := readLine(cursor)
	if err != nil {
		return nil, "", err
	}
	parameters := append(windowParameters(f.Window), clickhouse.Named("before", before),
		clickhouse.Named("before_id", id.String()), clickhouse.Named("limit", limit))
	var list []event.Line
	err = s.each(ctx, answer, "read unparsed", unparsedPage, parameters, func(rows driver.Rows) error {
		var l event.Line
		var id string
		var position int64
		if err := rows.Scan(&l.Received, &id, &l.Source, &l.Reason, &position, &l.Raw); err != nil {
			return asked("read unparsed", err)
		}
		l.ID, l.Offset = event.ID([]byte(id)), int(position)
		list = append(list, l)
		return nil
	})
	if err != nil || len(list) < limit {
		return list, "", err
	}
	return list, writeLine(list[len(list)-1]), nil
}

func writeLine(l event.Line) string {
	b := binary.LittleEndian.AppendUint64(nil, uint64(l.Received.UnixMilli()))
	return writeCursor(unparsedKind, append(b, l.ID[:]...))
}

func readLine(cursor string) (ms int64, id event.ID, err error) {
	if cursor == "" {
		return latestTime.UnixMilli(), id, nil
	}
	b, err := readCursor(unparsedKind, cursor)
	if err == nil && len(b) != 8+len(id) {
		err = fmt.Errorf("%w: %q", event.ErrCursor, cursor)
	}
	if err != nil {
		return 0, id, err
	}
	return int64(binary.LittleEndian.Uint64(b)), event.ID(b[8:]), nil
}

// LineCount is how many lines were not understood for the same reason.
type LineCount struct {
	Reason      string
	Lines       uint64
	First, Last time.Time // receipt
}

const unparsedCounts = `
SELECT error, count() AS lines, min(received_at), max(received_at)
FROM unparsed FINAL
WHERE ` + receivedInWindow + `
GROUP BY error
ORDER BY lines DESC, error
LIMIT 1000`

// UnparsedCounts gives the reasons for which lines received in the window were not understood, the most frequent first.
func (s *Store) UnparsedCounts(ctx context.Context, w event.Window) ([]LineCount, error) {
	var list []LineCount
	err := s.each(ctx, answer, "count unparsed", unparsedCounts, windowParameters(w), func(rows driver.Rows) error {
		var c LineCount
		err := rows.Scan(&c.Reason, &c.Lines, &c.First, &c.Last)
		list = append(list, c)
		return err
	})
	return list, err
}

// ProgramCount is how many lines of a program were no CUCM alarms.
type ProgramCount struct {
	Program string
	Lines   uint64
	Last    time.Time // receipt
}

const otherCounts = `
SELECT program, count() AS lines, max(received_at)
FROM other FINAL
GROUP BY program
ORDER BY lines DESC, program
LIMIT 1000`

// Others counts the lines that were no CUCM alarms by program, the most frequent first, as long as they are kept.
func (s *Store) Others(ctx context.Context) ([]ProgramCount, error) {
	var list []ProgramCount
	err := s.each(ctx, answer, "count other lines", otherCounts, nil, func(rows driver.Rows) error {
		var c ProgramCount
		err := rows.Scan(&c.Program, &c.Lines, &c.Last)
		list = append(list, c)
		return err
	})
	return list, err
}
