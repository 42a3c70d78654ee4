package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// changeBytes is what a change is made of, as bytes in one string: one string for a device comes out of ClickHouse many times faster
// than a row for each change. readChanges reads it. The key is a hash of what makes an event, beside device and second.
const changeBytes = `concat(
    reinterpretAsFixedString(toUnixTimestamp64Milli(time)),
    reinterpretAsFixedString(toUInt32(cityHash64(number, origin, ip, given_id))),
    reinterpretAsFixedString(ifNull(reason, 0)),
    reinterpretAsFixedString(toUInt8(multiIf(role = 'down', 1, role = 'up', 2, role = 'attempt', 3, 4) + 8 * expected + 16 * isNotNull(reason))),
    reinterpretAsFixedString(toUInt16(length(node))), node, reinterpretAsFixedString(toUInt16(length(signal))), signal)`

// told is the condition of rows that a history is made of.
const told = ` AND device != '' AND (role IN ('down', 'up', 'attempt', 'action') OR alarm = 'LastOutOfServiceInformation')`

// changes are the changes of each device and what was last said about it. Copies that have not been merged yet are left out where
// the strings are read: FINAL would take longer than all the rest.
const changes = `
SELECT cluster, device, arrayStringConcat(groupArrayIf(` + changeBytes + `, role IN ('down', 'up', 'attempt', 'action'))),
       argMaxIf(ip, time, ip != ''), argMaxIf(protocol, time, protocol != ''), argMaxIf(description, time, description != ''),
       argMaxIf(model, time, model != ''), argMaxIf(ifNull(device_type, 0), time, isNotNull(device_type)),
       toUnixTimestamp64Milli(maxIf(time, ip != '')), toUnixTimestamp64Milli(maxIf(time, protocol != '')),
       toUnixTimestamp64Milli(maxIf(time, description != '')), toUnixTimestamp64Milli(maxIf(time, model != '')),
       toUnixTimestamp64Milli(maxIf(time, isNotNull(device_type)))
FROM events
WHERE ` + inWindow + told + `%s
GROUP BY cluster, device`

// inOrder lets a query hold the changes of a few devices at a time, whatever it reads. Where parts wait to be merged that takes several
// times as long as holding all.
const inOrder = ` SETTINGS optimize_aggregation_in_order = 1, aggregation_in_order_max_block_bytes = 4000000`

// stretch is how many frames a query may read whose changes are all held.
const stretch = 1 << 18

// neighbors are the switch and its port that come with a phone's own view of its last outage, under either of the keys with which nodes
// send them.
const neighbors = `
WITH tags['NeighborDeviceID'] || tags['` + unknownTag + `NeighborDeviceID'] AS switch, tags['NeighborPortID'] || tags['` + unknownTag + `NeighborPortID'] AS port,
     argMax((switch, port), time) AS newest
SELECT cluster, device, newest.1, newest.2, toUnixTimestamp64Milli(max(time))
FROM events
PREWHERE alarm = 'LastOutOfServiceInformation'
WHERE ` + inWindow + ` AND device != '' AND switch != ''%s
GROUP BY cluster, device`

// betweenMarks is the condition of rows that were committed after one Mark and not after another. low and high are for the index: parts
// that were written before or since are not read.
const betweenMarks = `
  AND range_end > {low:UInt64} AND range_end <= {high:UInt64} AND has({spools:Array(String)}, spool)
  AND range_end > {after:Array(UInt64)}[indexOf({spools:Array(String)}, spool)]
  AND range_end <= {upto:Array(UInt64)}[indexOf({spools:Array(String)}, spool)]`

// Histories calls yield with the history of each device in turn, in no order. It holds some devices' changes at a time; yield
// owns what it gets. An error of yield ends it and is returned.
func (s *Store) Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error {
	return s.histories(ctx, f, "", inOrder, filterParameters(f), yield)
}

// HistoriesBetween is Histories for what was committed after one Mark and not after another. A device of which only a property was
// told has no changes. If there is much to read after a Mark that is not empty, a device may come several times.
func (s *Store) HistoriesBetween(ctx context.Context, f event.Filter, after, upto event.Mark, yield func(event.History) error) error {
	if len(after) == 0 && len(upto) > 0 {
		return s.histories(ctx, f, betweenMarks, inOrder, markParameters(f, after, upto), yield)
	}
	for !maps.Equal(after, upto) {
		next := after.Towards(upto, stretch)
		if err := s.histories(ctx, f, betweenMarks, "", markParameters(f, after, next), yield); err != nil {
			return err
		}
		after = next
	}
	return nil
}

// markParameters are those of f and betweenMarks.
func markParameters(f event.Filter, after, upto event.Mark) []any {
	spools := slices.Sorted(maps.Keys(upto))
	from, to := make([]uint64, len(spools)), make([]uint64, len(spools))
	low, high := uint64(math.MaxUint64), uint64(0)
	for i, spool := range spools {
		from[i], to[i] = after[spool], upto[spool]
		low, high = min(low, from[i]), max(high, to[i])
	}
	return append(filterParameters(f), clickhouse.Named("spools", spools), clickhouse.Named("after", from), clickhouse.Named("upto", to),
		clickhouse.Named("low", low), clickhouse.Named("high", high))
}

const marks = `SELECT spool, max(next) FROM counts GROUP BY spool`

// Mark says what is committed now.
func (s *Store) Mark(ctx context.Context) (event.Mark, error) {
	m := event.Mark{}
	err := s.each(ctx, answer, "read what is committed", marks, nil, func(rows driver.Rows) error {
		var spool string
		var next uint64
		err := rows.Scan(&spool, &next)
		m[spool] = next
		return asked("read what is committed", err)
	})
	return m, err
}

// device names one.
type device struct{ cluster, name string }

// neighbor is what a phone said it is plugged into.
type neighbor struct {
	id, port string
	told     int64
}

func (s *Store) histories(ctx context.Context, f event.Filter, condition, settings string, parameters []any, yield func(event.History) error) error {
	plugged := map[device]neighbor{}
	err := s.each(ctx, sweep, "read neighbours", fmt.Sprintf(neighbors, condition), parameters, func(rows driver.Rows) error {
		var d device
		var n neighbor
		err := rows.Scan(&d.cluster, &d.name, &n.id, &n.port, &n.told)
		plugged[d] = n
		return asked("read neighbours", err)
	})
	if err != nil {
		return err
	}
	words := map[string]string{}
	return s.each(ctx, sweep, "read histories", fmt.Sprintf(changes, condition)+settings, parameters, func(rows driver.Rows) error {
		var h event.History
		var bytes string
		t := &h.Told
		err := rows.Scan(&h.Cluster, &h.Device, &bytes, &h.IP, &h.Protocol, &h.Description, &h.Model, &h.DeviceType,
			&t.IP, &t.Protocol, &t.Description, &t.Model, &t.DeviceType)
		if err != nil {
			return asked("read histories", err)
		}
		if h.Changes, err = readChanges(bytes, words); err != nil {
			return fmt.Errorf("read history of %s: %w", h.Device, err)
		}
		n := plugged[device{h.Cluster, h.Device}]
		h.NeighborID, h.Neighbor, t.Neighbor = n.id, n.port, n.told
		for _, word := range []*string{&h.Cluster, &h.Protocol, &h.Model} {
			*word = intern(words, *word)
		}
		if len(h.Changes) == 0 && condition == "" {
			return nil
		}
		return yield(h)
	})
}

var errChanges = errors.New("changes end too early")

// readChanges reads what changeBytes wrote.
func readChanges(b string, words map[string]string) ([]event.Change, error) {
	const fixed = 8 + 4 + 4 + 1
	var list []event.Change
	if len(b) > 0 {
		list = make([]event.Change, 0, len(b)/(fixed+20))
	}
	for len(b) > 0 {
		if len(b) < fixed {
			return nil, errChanges
		}
		flags := b[16]
		c := event.Change{
			At: int64(little(b, 8)), Key: uint32(little(b[8:], 4)), Reason: uint32(little(b[12:], 4)),
			Role:     [...]event.Role{event.Info, event.Down, event.Up, event.Attempt, event.Action, event.Info, event.Info, event.Info}[flags&7],
			Expected: flags&8 != 0, HasReason: flags&16 != 0,
		}
		b = b[fixed:]
		for _, word := range []*string{&c.Node, &c.Signal} {
			if len(b) < 2 || len(b)-2 < int(little(b, 2)) {
				return nil, errChanges
			}
			end := 2 + int(little(b, 2))
			*word, b = intern(words, b[2:end]), b[end:]
		}
		list = append(list, c)
	}
	return event.Settle(list), nil
}

// little reads n bytes, the lowest first.
func little(b string, n int) (v uint64) {
	for i := range n {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

// intern keeps one string of each kind, and no more than fit a fleet with a sender that makes names up.
func intern(words map[string]string, s string) string {
	const most = 10_000
	if word, ok := words[s]; ok {
		return word
	}
	s = strings.Clone(s)
	if len(words) < most {
		words[s] = s
	}
	return s
}

const unregistrations = `
SELECT cluster, device, arraySort(groupArray(toUnixTimestamp64Milli(time)))
FROM events FINAL
WHERE ` + inWindow + ` AND device != '' AND role = 'down' AND ({with_expected:Bool} OR NOT expected)
GROUP BY cluster, device
ORDER BY cluster, device
SETTINGS optimize_aggregation_in_order = 1`

// Series calls yield with the times at which each device was unregistered, ordered by cluster and name. Planned
// unregistrations are left out unless withExpected is set. An error of yield ends it and is returned.
func (s *Store) Series(ctx context.Context, f event.Filter, withExpected bool, yield func(event.Series) error) error {
	parameters := append(filterParameters(f), clickhouse.Named("with_expected", withExpected))
	return s.each(ctx, sweep, "read unregistrations", unregistrations, parameters, func(rows driver.Rows) error {
		var one event.Series
		if err := rows.Scan(&one.Cluster, &one.Device, &one.Times); err != nil {
			return asked("read unregistrations", err)
		}
		return yield(one)
	})
}
