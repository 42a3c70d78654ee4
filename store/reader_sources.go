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

// counters looks at the numbers of a process in the order of time. They begin at 0 when the process does, and again after 4,294,967,295;
// none is left out (CiscoLog, sequence number), and a message in parts takes one for each. A step back is a restart, unless it is
// a small one within two seconds: then messages have overtaken each other. So is a step forward that no process can have made,
// of more than 10,000 messages a second. What is missing in a run is what its numbers span without what is there.
// A process that does not give its name goes by its facility.
const counters = `
SELECT cluster, node, app_id, argMin(first, began), argMax(last, ended), toUInt64(sum(missing)), toUInt64(sum(gaps)), toUInt64(max(run) - min(run))
FROM
(
    SELECT cluster, node, app_id, run, argMin(seq, at) AS first, argMax(seq, at) AS last, min(at) AS began, max(at) AS ended,
           greatest(0, max(number + width) - min(number) - sumIf(width, step != 0)) AS missing,
           if(missing = 0, 0, greatest(1, countIf(step > 1) - 2 * countIf(step < 0))) AS gaps
    FROM
    (
        SELECT cluster, node, app_id, seq, at, width, if(restarted, 1, step) AS step,
               sum(restarted) OVER process AS run, toInt64(seq) + 4294967296 * sum(wrapped) OVER process AS number
        FROM
        (
            SELECT cluster, node, if(events.app_id = '', facility, events.app_id) AS app_id, assumeNotNull(seq) AS seq, (toDateTime(time), seq) AS at,
                   toInt64(greatest(1, toUInt8OrZero(substringIndex(part, '/', -1)))) AS width,
                   row_number() OVER process = 1 AS begins,
                   if(begins, 0, dateDiff('second', lagInFrame(toDateTime(time)) OVER process, toDateTime(time))) AS later,
                   not begins AND lagInFrame(toInt64(seq)) OVER process >= 4294967296 - 65536 AND seq < 65536 AS wrapped,
                   if(begins, 1, toInt64(seq) + if(wrapped, 4294967296, 0) - lagInFrame(toInt64(seq) + width - 1) OVER process) AS step,
                   step > 10000 * (later + 10) OR step < -1000 OR (step < 0 AND later > 2) AS restarted
            FROM events FINAL` + receivedThen + ` AND isNotNull(seq)
            WINDOW process AS (PARTITION BY cluster, node, app_id ORDER BY toDateTime(time), seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        )
        WINDOW process AS (PARTITION BY cluster, node, app_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    GROUP BY cluster, node, app_id, run
)
GROUP BY cluster, node, app_id
ORDER BY cluster, node, app_id
LIMIT 100000`

// Sources gives what each sender sent of each node, received in the window and as far as f lets it through, ordered by source and
// node; of more than 10,000 those that sent most. The sequence numbers of a node's processes are given with every source of
// the node.
func (s *Store) Sources(ctx context.Context, f event.Filter) ([]event.Source, error) {
	type place struct{ cluster, node string }
	counted := map[place][]event.Counter{}
	err := s.each(ctx, answer, "read sequence numbers", counters, filterParameters(f), func(rows driver.Rows) error {
		var p place
		var c event.Counter
		err := rows.Scan(&p.cluster, &p.node, &c.AppID, &c.First, &c.Last, &c.Missing, &c.Gaps, &c.Restarts)
		counted[p] = append(counted[p], c)
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []event.Source
	err = s.each(ctx, answer, "read sources", sources, append(filterParameters(f), clickhouse.Named("most", mostSources)), func(rows driver.Rows) error {
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
	slices.SortFunc(list, func(a, b event.Source) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Node, b.Node))
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
