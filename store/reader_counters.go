package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// numbersOfDays sums up the sequence numbers of each process of a node day by day: how many runs there are in the order of time (within a
// second in that of the numbers), the first and the last of them, and what is missing in those between, which the days before and after
// cannot change. A run ends where restarted says so, which is the rule of counter.follows. Of a run these are given: the second of its
// first message and its number, the second of its last message and its number, the lowest number and the one behind the highest, how many
// are there, and how many steps passed over numbers and went back. A message in parts takes a number for each. After the largest number
// they begin again (turns). A process that does not give its name goes by its facility.
//
// The part of a message is read as what it is, the last of said: the column counts from the beginning, which takes as long as all that is
// read here where words differ much. Copies of a message need not be put together (FINAL): their steps are 0, and count for nothing.
//
// A day of a process is held as arrays; what is computed at a time are four of them (max_block_size), or memory would not do.
const numbersOfDays = `
SELECT day, cluster, node, process, length(runs) AS runs_of_day, runs[1] AS first_run, runs[-1] AS last_run,
       arraySum(arrayMap(r -> toUInt64(greatest(0, r[6] - r[5] - r[7])), arraySlice(runs, 2, length(runs) - 2))) AS missing,
       arraySum(arrayMap(r -> toUInt64(if(r[6] - r[5] > r[7], greatest(1, r[8] - 2 * r[9]), 0)), arraySlice(runs, 2, length(runs) - 2))) AS gaps, last
FROM
(
    SELECT cluster, node, process, day, last,
           arrayMap(r -> [r[1].1, r[1].2, r[-1].1, r[-1].2, arrayMin(r.2), arrayMax(r.2) + 1, toInt64(arrayCount(step -> step != 0, r.3)),
                          toInt64(arrayCount(step -> step > 1, r.3)), toInt64(arrayCount(step -> step < 0, r.3))],
                    arraySplit((m, begins) -> begins,
                               arrayZip(second, arrayMap((n, t) -> n + t, number, turns), arrayMap((s, begins) -> if(begins, 1, s), step, restarted)),
                               restarted)) AS runs
    FROM
    (
        SELECT cluster, node, process, day, last,
               arrayMap(m -> toInt64(bitShiftRight(m, 32)), messages) AS second, arrayMap(m -> toInt64(bitAnd(m, 4294967295)), messages) AS number,
               arrayPushFront(arrayPopBack(second), second[1]) AS earlier, arrayPushFront(arrayPopBack(number), number[1] - 1) AS former,
               arrayMap((n, f) -> f >= 4294967296 - 65536 AND n < 65536, number, former) AS wrapped,
               arrayMap(t -> toInt64(4294967296 * t), arrayCumSum(wrapped)) AS turns,
               arrayMap((n, f, w) -> n - f + toInt64(4294967296 * w), number, former, wrapped) AS step,
               arrayMap((s, later) -> s > 10000 * (later + 10) OR s < -1000 OR s < 0 AND later > 2,
                        step, arrayMap((t, e) -> t - e, second, earlier)) AS restarted
        FROM
        (
            SELECT cluster, node, process, day, arraySort(groupArray(message)) AS messages, max(received) AS last
            FROM
            (
                SELECT cluster, node, received_at AS received, if(events.app_id = '', facility, events.app_id) AS process, toDate(time) AS day,
                       bitShiftLeft(toUInt64(toDateTime(time)), 32) + assumeNotNull(seq)
                           + arrayJoin(range(greatest(1, toUInt8OrZero(substringIndex(substringIndex(said, '\x1f', -1), '/', -1))))) AS message
                FROM events` + receivedThen + ` AND isNotNull(seq)
                SETTINGS max_block_size = 65409
            )
            GROUP BY cluster, node, process, day
            SETTINGS max_block_size = 4
        )
    )
)`

const sentNumbers = `
SELECT cluster, node, process, runs, first_run, last_run, missing, gaps
FROM
(
    SELECT * EXCEPT (at) FROM day_numbers FINAL` + summedUp + `
    UNION ALL` + numbersOfDays + `
)
ORDER BY cluster, node, process, day`

// nodeName is a node of a cluster.
type nodeName struct{ cluster, node string }

const mostCounters = 100_000 // are given, of which most can only be invented

// counters follows the numbers of every process, but for others beyond the most that are given.
func (s *Store) counters(ctx context.Context, f event.Filter, days askedDays) (all map[nodeName][]event.Counter, others int, err error) {
	all = map[nodeName][]event.Counter{}
	n := 0
	var at nodeName
	var c counter
	begin := func(node nodeName, process string) {
		switch {
		case c.runs > 0 && n < mostCounters:
			all[at] = append(all[at], c.end())
			n++
		case c.runs > 0:
			others++
		}
		at, c = node, counter{Counter: event.Counter{AppID: process}}
	}
	err = s.each(ctx, survey, "read sequence numbers", days.in(sentNumbers), days.parameters(f), func(rows driver.Rows) error {
		var node nodeName
		var process string
		var d numbersOfDay
		var first, last []int64
		if err := rows.Scan(&node.cluster, &node.node, &process, &d.runs, &first, &last, &d.missing, &d.gaps); err != nil {
			return asked("read sequence numbers", err)
		}
		if node != at || process != c.AppID {
			begin(node, process)
		}
		d.first, d.last = runOf(first), runOf(last)
		c.add(d)
		return nil
	})
	begin(nodeName{}, "")
	return all, others, err
}

// run is a stretch of numbers without a restart.
type run struct {
	begun, ended int64 // seconds of its first and last message
	first, last  int64 // their numbers
	low, high    int64 // lowest number, and the one behind the highest
	have         int64 // numbers that are there
	ahead, back  int64 // steps that passed over numbers, and that went back
}

func runOf(n []int64) run {
	return run{begun: n[0], first: n[1], ended: n[2], last: n[3], low: n[4], high: n[5], have: n[6], ahead: n[7], back: n[8]}
}

// shift gives the run as it is after so many numbers.
func (r run) shift(by int64) run {
	r.first, r.last, r.low, r.high = r.first+by, r.last+by, r.low+by, r.high+by
	return r
}

// numbersOfDay are the numbers of a process on a day.
type numbersOfDay struct {
	runs          uint64
	first, last   run
	missing, gaps uint64 // in the runs between
}

// counter follows the numbers of one process in the order of time. They begin at 0 when the process does, and again after 4,294,967,295;
// none is left out (CiscoLog, sequence number). What is missing in a run is what its numbers span without what is there.
type counter struct {
	event.Counter
	runs  uint64
	run   run   // the newest, on a line on which numbers do not begin again
	turns int64 // where they are 0 now, on that line
}

// turn is how many numbers there are.
const turn = 1 << 32

// add takes in the next day.
func (c *counter) add(d numbersOfDay) {
	if c.runs > 0 && c.run.last-c.turns >= turn-65_536 && d.first.first < 65_536 {
		c.turns += turn
	}
	first := d.first.shift(c.turns)
	switch {
	case c.runs == 0:
		c.First, c.runs, c.run = uint32(d.first.first), 1, first
	case c.follows(first):
		c.join(first)
	default:
		c.close(1, first)
	}
	if d.runs > 1 {
		c.Missing, c.Gaps = c.Missing+d.missing, c.Gaps+d.gaps
		c.close(d.runs-1, d.last.shift(c.turns))
	}
	c.turns = c.run.last / turn * turn
}

// follows says whether a run goes on with the newest. A step back is a restart, unless it is a small one within two seconds: then
// messages have overtaken each other. So is a step forward that no process can have made, of more than 10,000 messages a second.
func (c *counter) follows(r run) bool {
	step, later := r.first-c.run.last, r.begun-c.run.ended
	return step <= 10_000*(later+10) && step >= -1000 && (step >= 0 || later <= 2)
}

// join makes one run of the newest and the one that goes on with it.
func (c *counter) join(r run) {
	switch step := r.first - c.run.last; {
	case step > 1:
		c.run.ahead++
	case step < 0:
		c.run.back++
	case step == 0: // the same message again
		c.run.have--
	}
	c.run.ended, c.run.last = r.ended, r.last
	c.run.low, c.run.high = min(c.run.low, r.low), max(c.run.high, r.high)
	c.run.have, c.run.ahead, c.run.back = c.run.have+r.have, c.run.ahead+r.ahead, c.run.back+r.back
}

// close sums up the newest run; r is the newest now, so many runs later.
func (c *counter) close(later uint64, r run) {
	if missing := c.run.high - c.run.low - c.run.have; missing > 0 {
		c.Missing += uint64(missing)
		c.Gaps += uint64(max(1, c.run.ahead-2*c.run.back))
	}
	c.runs, c.run = c.runs+later, r
}

// end gives what all runs come to.
func (c *counter) end() event.Counter {
	c.Last, c.Restarts = uint32(c.run.last), c.runs-1
	c.close(0, run{})
	return c.Counter
}
