package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// receivedThen is inWindow for the receive time: a sender whose clock is wrong is found by when it was heard, not by what it
// claims.
const receivedThen = receivedInWindow + narrowing

const sources = `
SELECT source, cluster, node, count(), min(received_at), max(received_at),
       countIf(role IN ('down', 'up', 'attempt')), maxIf(received_at, role IN ('down', 'up', 'attempt')),
       countIf(role = 'up'), countIf(role = 'down'), countIf(clock IN ('*', '.')),
       arraySort(groupUniqArray(severity)), sumMap(map(alarm, toUInt64(1))),
       ifNotFinite(-quantileIf(0.5)(lag, time_source != 'received'), 0),
       arrayMap(x -> ifNotFinite(x, 0), quantilesIf(0.05, 0.95)(toUnixTimestamp64Milli(time), time_source != 'received')),
       arrayMap(x -> ifNotFinite(x, 0), quantilesIf(0.05, 0.95)(toUnixTimestamp64Milli(time) + lag, time_source != 'received'))
FROM events FINAL
WHERE ` + receivedThen + `
GROUP BY source, cluster, node
ORDER BY source, cluster, node
LIMIT 10000`

// counters looks at consecutive numbers of a process. A step back is a restart, unless it is small: then messages have
// overtaken each other within a second, which the order by number inside the second undoes.
const counters = `
SELECT cluster, node, app_id, argMin(seq, at), argMax(seq, at),
       sumIf(step - 1, step > 1), countIf(step > 1), countIf(step < 0)
FROM
(
    SELECT cluster, node, app_id, assumeNotNull(seq) AS seq, (toDateTime(time), seq) AS at,
           if(row_number() OVER process = 1, 1, toInt64(seq) - lagInFrame(toInt64(seq)) OVER process) AS step
    FROM events FINAL
    WHERE ` + receivedThen + ` AND isNotNull(seq)
    WINDOW process AS (PARTITION BY cluster, node, app_id ORDER BY toDateTime(time), seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
GROUP BY cluster, node, app_id
ORDER BY cluster, node, app_id
LIMIT 100000`

// Sources gives what each sender sent of each node, received in the window and as far as f lets it through, ordered by source and node. The
// sequence numbers of a node's processes are given with every source of the node.
func (s *Store) Sources(ctx context.Context, f event.Filter) ([]event.Source, error) {
	type place struct{ cluster, node string }
	counted := map[place][]event.Counter{}
	err := s.each(ctx, answer, "read sequence numbers", counters, filterParameters(f), func(rows driver.Rows) error {
		var p place
		var c event.Counter
		var missing int64
		err := rows.Scan(&p.cluster, &p.node, &c.AppID, &c.First, &c.Last, &missing, &c.Gaps, &c.Restarts)
		c.Missing = uint64(missing)
		counted[p] = append(counted[p], c)
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []event.Source
	err = s.each(ctx, answer, "read sources", sources, filterParameters(f), func(rows driver.Rows) error {
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
		o.Counters = counted[place{o.Cluster, o.Node}]
		list = append(list, o)
		return err
	})
	return list, err
}

// between is the distance of two moments in Unix milliseconds; 0 where there are none.
func between(two []float64) time.Duration {
	if len(two) < 2 {
		return 0
	}
	return time.Duration(two[1]-two[0]) * time.Millisecond
}
