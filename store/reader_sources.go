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

// receivedThen is inWindow for the receive time, and for the events of some days: a sender whose clock is wrong is found by when it was
// heard, not by what it claims. Both are looked at before copies are put together (FINAL), which saves putting all others together; copies
// have the same.
const receivedThen = `
PREWHERE ` + receivedInWindow + `
  AND time >= fromUnixTimestamp64Milli({since:Int64}) AND time < fromUnixTimestamp64Milli({before:Int64})
  AND toInt32(toDate(time)) IN (%events)
WHERE true` + narrowing

// summedUp is the condition of sums, as far as a question about them can be narrowed.
const summedUp = `
WHERE toInt32(day) IN (%sums) AND ({cluster:String} = '' OR cluster = {cluster:String}) AND ({node:String} = '' OR node = {node:String})`

// twentieths are the middles of twenty equal parts.
const twentieths = `0.025, 0.075, 0.125, 0.175, 0.225, 0.275, 0.325, 0.375, 0.425, 0.475, 0.525, 0.575, 0.625, 0.675, 0.725, 0.775, 0.825, 0.875, 0.925, 0.975`

// sendersOfDays sums up what each sender sent of each node on a day. Up to twenty values tell how times are spread.
const sendersOfDays = `
SELECT toDate(time) AS day, source, cluster, node, count() AS messages, min(received_at) AS first, max(received_at) AS last,
       countIf(role IN ('down', 'up', 'attempt')) AS endpoint, maxIf(received_at, role IN ('down', 'up', 'attempt')) AS last_endpoint,
       countIf(role = 'up') AS up, countIf(role = 'down') AS down, countIf(clock IN ('*', '.')) AS unsynchronised,
       groupUniqArray(severity) AS severities, sumMap(map(toString(alarm), toUInt64(1))) AS alarms, countIf(time_source != 'received') AS timed,
       if(timed <= 20, groupArrayIf(20)(toFloat64(lag), time_source != 'received'),
                       quantilesIf(` + twentieths + `)(lag, time_source != 'received')) AS lags,
       if(timed <= 20, groupArrayIf(20)(toFloat64(toUnixTimestamp64Milli(time)), time_source != 'received'),
                       quantilesIf(` + twentieths + `)(toUnixTimestamp64Milli(time), time_source != 'received')) AS made,
       if(timed <= 20, groupArrayIf(20)(toFloat64(toUnixTimestamp64Milli(time) + lag), time_source != 'received'),
                       quantilesIf(` + twentieths + `)(toUnixTimestamp64Milli(time) + lag, time_source != 'received')) AS came
FROM events FINAL` + receivedThen + `
GROUP BY day, source, cluster, node`

const sources = `
SELECT source, cluster, node, sum(messages), min(first), max(last), sum(endpoint), max(last_endpoint), sum(up), sum(down), sum(unsynchronised),
       arraySort(groupUniqArrayArray(severities)), sumMap(alarms),
       ifNotFinite(-quantileExactWeightedInterpolatedArray(0.5)(lags, weights), 0),
       arrayMap(x -> ifNotFinite(x, 0), quantilesExactWeightedInterpolatedArray(0.05, 0.95)(made, weights)),
       arrayMap(x -> ifNotFinite(x, 0), quantilesExactWeightedInterpolatedArray(0.05, 0.95)(came, weights))
FROM
(
    SELECT *, arrayMap(x -> greatest(1, intDiv(timed, length(lags))), lags) AS weights
    FROM
    (
        SELECT * EXCEPT (at) FROM day_senders FINAL` + summedUp + `
        UNION ALL` + sendersOfDays + `
    )
)
GROUP BY source, cluster, node
ORDER BY sum(messages) DESC, source, cluster, node
LIMIT {most:UInt32}`

// mostSources bounds the answer: whoever sends under ever new names must not hide the others.
const mostSources = 10_000

const countSources = `
SELECT count()
FROM
(
    SELECT source, cluster, node FROM day_senders` + summedUp + `
    UNION DISTINCT
    SELECT source, cluster, node FROM events` + receivedThen + `
)`

// Sources gives what each sender sent of each node, received in the window and as far as f lets it through, ordered by source and
// node; of more than 10,000 those that sent most, and how many others there are. The sequence numbers of a node's processes are given
// with every source of the node; of more than 100,000 processes those of the first names, and how many others there are.
func (s *Store) Sources(ctx context.Context, f event.Filter) (event.Senders, error) {
	days, err := s.daysOf(ctx, f)
	if err != nil {
		return event.Senders{}, err
	}
	counted, uncounted, err := s.counters(ctx, f, days)
	if err != nil {
		return event.Senders{}, err
	}
	out := event.Senders{Uncounted: uncounted}
	parameters := append(days.parameters(f), clickhouse.Named("most", mostSources))
	err = s.each(ctx, survey, "read sources", days.in(sources), parameters, func(rows driver.Rows) error {
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
		out.Others, err = s.otherSources(ctx, f, days)
	}
	slices.SortFunc(out.List, func(a, b event.Source) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Node, b.Node))
	})
	return out, err
}

// otherSources counts the senders beyond those that are given.
func (s *Store) otherSources(ctx context.Context, f event.Filter, days askedDays) (int, error) {
	ctx, _, cancel := s.limit(ctx, answer)
	defer cancel()
	var all uint64
	err := s.conn.QueryRow(ctx, days.in(countSources), days.parameters(f)...).Scan(&all)
	return max(0, int(all)-mostSources), asked("count sources", late(ctx, err))
}

// between is the distance of two moments in Unix milliseconds; 0 where there are none.
func between(two []float64) time.Duration {
	if len(two) < 2 {
		return 0
	}
	return time.Duration(two[1]-two[0]) * time.Millisecond
}
