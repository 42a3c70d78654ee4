package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// receivedThen is inWindow for the receive time: a sender whose clock is wrong is found by when it was heard, not by what it
// claims. The time is looked at before copies are put together (FINAL), which saves putting all others together; copies have the same.
const receivedThen = `
PREWHERE ` + receivedInWindow + `
WHERE true` + narrowing

const sources = `
SELECT source, cluster, node, count(), min(received_at), max(received_at),
       countIf(role IN ('down', 'up', 'attempt')), maxIf(received_at, role IN ('down', 'up', 'attempt')),
       countIf(role = 'up'), countIf(role = 'down'), countIf(clock IN ('*', '.')),
       arraySort(groupUniqArray(severity)), sumMap(map(alarm, toUInt64(1))),
       ifNotFinite(-quantileIf(0.5)(lag, time_source != 'received'), 0),
       arrayMap(x -> ifNotFinite(x, 0), quantilesIf(0.05, 0.95)(toUnixTimestamp64Milli(time), time_source != 'received')),
       arrayMap(x -> ifNotFinite(x, 0), quantilesIf(0.05, 0.95)(toUnixTimestamp64Milli(time) + lag, time_source != 'received'))
FROM events FINAL` + receivedThen + `
GROUP BY source, cluster, node
ORDER BY count() DESC, source, cluster, node
LIMIT {most:UInt32}`

// mostSources bounds the answer: whoever sends under ever new names must not hide the others.
const mostSources = 10_000

const countSources = `
SELECT count()
FROM (SELECT DISTINCT source, cluster, node FROM events` + receivedThen + `)`

// Sources gives what each sender sent of each node, received in the window and as far as f lets it through, ordered by source and
// node; of more than 10,000 those that sent most, and how many others there are. The sequence numbers of a node's processes are given
// with every source of the node; of more than 100,000 processes those of the first names, and how many others there are.
func (s *Store) Sources(ctx context.Context, f event.Filter) (event.Senders, error) {
	counted, uncounted, err := s.counters(ctx, f)
	if err != nil {
		return event.Senders{}, err
	}
	out := event.Senders{Uncounted: uncounted}
	parameters := append(filterParameters(f), clickhouse.Named("most", mostSources))
	err = s.each(ctx, survey, "read sources", sources, parameters, func(rows driver.Rows) error {
		var o event.Source
		var skew float64
		var made, came []float64 // Unix milliseconds: the outer twentieths end and begin here
		err := rows.Scan(&o.Source, &o.Cluster, &o.Node, &o.Messages, &o.First, &o.Last,
			&o.Endpoint, &o.LastEndpoint, &o.Up, &o.Down, &o.Unsynchronised, &o.Severities, &o.Alarms, &skew, &made, &came)
		if o.Endpoint == 0 {
			o.LastEndpoint = time.Time{}
		}
		o.Skew = time.Duration(skew) * time.Millisecond
		o.Made, o.Came = between(made), between(came)
		o.Counters = counted[nodeName{o.Cluster, o.Node}]
		out.List = append(out.List, o)
		return err
	})
	if err == nil && len(out.List) == mostSources {
		out.Others, err = s.otherSources(ctx, f)
	}
	slices.SortFunc(out.List, func(a, b event.Source) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Node, b.Node))
	})
	return out, err
}

// otherSources counts the senders beyond those that are given.
func (s *Store) otherSources(ctx context.Context, f event.Filter) (int, error) {
	ctx, _, cancel := s.limit(ctx, answer)
	defer cancel()
	var all uint64
	err := s.conn.QueryRow(ctx, countSources, filterParameters(f)...).Scan(&all)
	return max(0, int(all)-mostSources), asked("count sources", late(ctx, err))
}

// between is the distance of two moments in Unix milliseconds; 0 where there are none.
func between(two []float64) time.Duration {
	if len(two) < 2 {
		return 0
	}
	return time.Duration(two[1]-two[0]) * time.Millisecond
}
