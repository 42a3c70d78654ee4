package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/zeebo/xxh3"

	"flapwatch/event"
)

// beforeCursor is the condition of a page, newest first.
const beforeCursor = `
    (time < fromUnixTimestamp64Milli({before:Int64})
     OR time = fromUnixTimestamp64Milli({before:Int64}) AND tie < {before_tie:UInt64})`

// tie orders events of the same millisecond: a hash of what makes them different. tieOf gives the same.
const tie = `xxh3(concat(cluster, '\x1f', device, '\x1f', alarm, '\x1f', node, '\x1f', app_id, '\x1f', ip, '\x1f',
        ifNull(toString(reason), ''), '\x1f', ifNull(toString(seq), ''), '\x1f', given_id))`

func tieOf(e *event.Event, given string) uint64 {
	var space [256]byte
	b := space[:0]
	for _, s := range [...]string{e.Cluster, e.Device, e.Alarm, e.Node, e.AppID, e.IP} {
		b = append(append(b, s...), separator)
	}
	if e.HasReason {
		b = strconv.AppendUint(b, uint64(e.Reason), 10)
	}
	b = append(b, separator)
	if e.HasSeq {
		b = strconv.AppendUint(b, uint64(e.Seq), 10)
	}
	return xxh3.Hash(append(append(b, separator), given...))
}

// eventColumns are what scanEvent reads: as they are stored, because the names that stand for parts of them take ClickHouse longer
// than all the rest.
const eventColumns = `cluster, device, time, number, origin, ip, given_id, sender, phone, said, lag, rest`

// eventPage first finds the time at which the page ends, from few columns, then reads all columns of its rows.
const eventPage = `
WITH
    ` + tie + ` AS tie,
    (
        SELECT min(time) FROM
        (
            SELECT time FROM events %[1]s
            WHERE ` + inWindow + ` %[2]s
            ORDER BY time DESC
            LIMIT {limit:UInt32}
        )
    ) AS oldest
SELECT ` + eventColumns + `
FROM events %[1]s
WHERE ` + inWindow + ` %[2]s AND time >= oldest
ORDER BY time DESC, tie DESC
LIMIT 1 BY cluster, device, toDateTime(time), number, origin, ip, given_id
LIMIT {limit:UInt32}`

// Events gives the events that f lets through, newest first, at most limit of them, and the cursor that continues the
// list, which is empty at its end. The first page has the empty cursor; another that was not given before is
// event.ErrCursor. Of the tags of a row those are given that no other field holds.
func (s *Store) Events(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Row, string, error) {
	before, err := readPoint(eventsKind, cursor)
	if err != nil {
		return nil, "", err
	}
	list, known := s.newest.page(f, before, limit)
	if !known {
		list, err = s.readEvents(ctx, answer, f, before, limit)
	}
	rows := make([]event.Row, len(list))
	for i := range list {
		rows[i] = list[i].Row
	}
	if err != nil || len(list) < limit {
		return rows, "", err
	}
	return rows, writePoint(eventsKind, list[len(list)-1].point), nil
}

// listed is an event and its place in the list of all.
type listed struct {
	event.Row
	point
}

// readEvents asks ClickHouse for a page.
func (s *Store) readEvents(ctx context.Context, l limits, f event.Filter, before point, limit int) (list []listed, err error) {
	further := ""
	if before != start {
		further = "AND " + beforeCursor
		if _, to := milliseconds(f.Window); before.ms < to {
			f.To = time.UnixMilli(before.ms + 1)
		}
	}
	for _, try := range tries(f.Window) {
		list, f.Window = list[:0], try.Window
		parameters := append(filterParameters(f), clickhouse.Named("before", before.ms),
			clickhouse.Named("before_tie", before.tie), clickhouse.Named("limit", limit))
		err = s.each(ctx, l, "read events", fmt.Sprintf(eventPage, try.final, further), parameters, func(rows driver.Rows) (err error) {
			var k listed
			k.tie, err = scanEvent(rows, &k.Row)
			k.ms = k.Time.UnixMilli()
			list = append(list, k)
			return err
		})
		if err != nil || len(list) == limit {
			break
		}
	}
	return list, err
}

// try is a part of a window that may fill a page, and how its copies are left out.
type try struct {
	event.Window
	final string
}

// tries are the parts of w in which a page is looked for until it is full: a full page of the last minute is the page of w. What came
// lately lies in small parts of the table, and those that end before a window are not read at all, while the times of the large
// ones have to be read whole. FINAL takes most of the time; without it copies that are not merged yet leave a page too short,
// so it comes last.
func tries(w event.Window) []try {
	var list []try
	for _, length := range []time.Duration{time.Minute, time.Hour} {
		if from := w.To.Add(-length); !w.To.IsZero() && from.After(w.From) {
			list = append(list, try{Window: event.Window{From: from, To: w.To}})
		}
	}
	return append(list, try{Window: w}, try{w, "FINAL"})
}

// scanEvent reads eventColumns, and into more what follows them.
func scanEvent(rows driver.Rows, e *event.Row, more ...any) (tie uint64, err error) {
	var (
		number, lag                              int64
		origin, given, sender, phone, said, rest string
	)
	err = rows.Scan(append([]any{&e.Cluster, &e.Device, &e.Time, &number, &origin, &e.IP, &given,
		&sender, &phone, &said, &lag, &rest}, more...)...)
	if err != nil {
		return 0, asked("read events", err)
	}
	unfoldKey(&e.Event, number, origin)
	unfoldSender(e, sender)
	unfoldPhone(e, phone)
	form := unfoldSaid(e, said)
	e.Received = e.Time.Add(time.Duration(lag) * time.Millisecond)
	unfoldRest(&e.Event, rest, form)
	e.ID = idOf(&e.Event, given)
	return tieOf(&e.Event, given), nil
}

func timeSourceOf(word string) event.TimeSource {
	for t := event.FromReceipt; t <= event.FromMessageNoYear; t++ {
		if t.String() == word {
			return t
		}
	}
	return event.FromReceipt
}

func roleOf(word string) event.Role {
	for r := event.Info; r <= event.Node; r++ {
		if r.String() == word {
			return r
		}
	}
	return event.Info
}
