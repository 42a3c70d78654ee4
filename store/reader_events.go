package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// beforeCursor is the condition of a page, newest first. Events of the same millisecond are ordered by a hash of what
// makes them different.
const beforeCursor = `
    (time < fromUnixTimestamp64Milli({before:Int64})
     OR time = fromUnixTimestamp64Milli({before:Int64}) AND tie < {before_tie:UInt64})`

// tie orders events of the same millisecond.
const tie = `cityHash64(cluster, device, alarm, node, app_id, ip, ifNull(toInt64(reason), -1), ifNull(toInt64(seq), -1), given_id)`

// eventColumns are what scanEvent reads.
const eventColumns = `cluster, device, time, alarm, node, app_id, ip, reason, seq, given_id,
       time_source, claimed, clock, lag, source, host, process, pri, agent_seq, facility, severity,
       mac, ipv6, protocol, description, device_type, model, signal, state, call_state, part, text, truncated, tags, raw, form,
       role, expected, reason_name, cause, tie`

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
LIMIT 1 BY cluster, device, toDateTime(time), alarm, node, app_id, ip, reason, seq, given_id
LIMIT {limit:UInt32}`

// Events gives the events that f lets through, newest first, at most limit of them, and the cursor that continues the
// list, which is empty at its end. The first page has the empty cursor; another that was not given before is
// event.ErrCursor. Of the tags of a row those are given that no other field holds.
func (s *Store) Events(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Row, string, error) {
	before, beforeTie, err := readMoment(eventsKind, cursor)
	if err != nil {
		return nil, "", err
	}
	further := ""
	if cursor != "" {
		further = "AND " + beforeCursor
		if _, to := milliseconds(f.Window); before < to {
			f.To = time.UnixMilli(before + 1)
		}
	}
	var list []event.Row
	var tie uint64
	for _, try := range tries(f.Window) {
		list = list[:0]
		f.Window = try.Window
		parameters := append(filterParameters(f), clickhouse.Named("before", before),
			clickhouse.Named("before_tie", beforeTie), clickhouse.Named("limit", limit))
		err = s.each(ctx, answer, "read events", fmt.Sprintf(eventPage, try.final, further), parameters, func(rows driver.Rows) (err error) {
			list = append(list, event.Row{})
			tie, err = scanEvent(rows, &list[len(list)-1])
			return err
		})
		if err != nil || len(list) == limit {
			break
		}
	}
	if err != nil || len(list) < limit {
		return list, "", err
	}
	return list, writeMoment(eventsKind, list[len(list)-1].Time.UnixMilli(), tie), nil
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
		reason, seq, agentSeq, deviceType  *uint32
		pri                                *uint8
		given, timeSource, role, raw, form string
		lag                                int64
		tags                               pairList
	)
	err = rows.Scan(append([]any{&e.Cluster, &e.Device, &e.Time, &e.Alarm, &e.Node, &e.AppID, &e.IP, &reason, &seq, &given,
		&timeSource, &e.Claimed, &e.Clock, &lag, &e.Source, &e.Host, &e.Process, &pri, &agentSeq, &e.Facility, &e.Severity,
		&e.MAC, &e.IPv6, &e.Protocol, &e.Description, &deviceType, &e.Model, &e.Signal, &e.State, &e.CallState, &e.Part,
		&e.Text, &e.Truncated, &tags, &raw, &form, &role, &e.Expected, &e.Names.Reason, &e.Cause, &tie}, more...)...)
	if err != nil {
		return 0, asked("read events", err)
	}
	e.Event.Reason, e.HasReason = value(reason)
	e.Seq, e.HasSeq = value(seq)
	e.AgentSeq, e.HasAgentSeq = value(agentSeq)
	e.DeviceType, e.HasDeviceType = value(deviceType)
	e.PRI, e.HasPRI = value(pri)
	e.Received = e.Time.Add(time.Duration(lag) * time.Millisecond)
	e.TimeSource = timeSourceOf(timeSource)
	e.Role = roleOf(role)
	e.Tags = tagsOf(tags)
	e.Claimed = claimedOf(e.Claimed, &e.Event)
	e.Raw = rawOf(raw, form, &e.Event)
	e.ID = idOf(&e.Event, given)
	return tie, nil
}

func tagsOf(list pairList) []event.Tag {
	var tags []event.Tag
	for i, key := range list.keys {
		key, unknown := strings.CutPrefix(key, unknownTag)
		tags = append(tags, event.Tag{Key: key, Value: list.texts[i], Unknown: unknown})
	}
	return tags
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
