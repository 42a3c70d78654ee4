package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// Questions about all that was ever stored do not read it. What they need of each day (UTC, by the time of its events) is remembered, and
// carried on by what was committed since the last question, whoever committed it and however old its events are:
//
//	all events, once a start ─▶ days ◀─ what was committed after the last Mark
//	                             │
//	    a day is over, and nothing came for it lately ─▶ summed up in day_senders and day_numbers ─▶ Sources
//
// A sum is made after the Mark that it is kept with (table days), so that nothing committed up to it is missing; what is committed later is
// found by the next question, which sums the day up again. Rows that an interrupted commit left over are committed later.

// days are what is remembered of the days of which there are events.
type days struct {
	summing sync.Mutex // held while days are summed up, which takes long

	mu    sync.Mutex // held while what was committed is read: who comes meanwhile needs the same answer
	read  time.Time  // when everything was read
	mark  event.Mark // what is in
	list  map[int32]*eventDay
	began map[string]time.Time // of each cluster
}

// eventDay is a day, by its number since 1970.
type eventDay struct {
	first, last int64 // receipt of its events, Unix milliseconds
	summed      bool
}

const (
	mostClusters = 10_000           // are remembered: names are up to the senders
	forgotten    = 24 * time.Hour   // then everything is read again: events go when their time is over
	quiet        = 10 * time.Minute // without an event of a day that is over, it is summed up
	dayLength    = 86_400_000       // milliseconds
)

// eventDays gives of each day, cluster and spool since when the cluster is known by its events, when they were received and the end of
// their last stretch. An event tells by its time since when, but not where that comes from a clock that is wrong: a node whose battery is
// empty says 1970. A clock is taken for wrong where what a peer sent of a node on a day came a day late or more, and at the pace at which
// it was made; then the receipt tells. Records that are played, and what a relay had held back, come faster than they were made, and their
// times are right, as in event.Source.Replayed; so are those of files, which are no peers.
const eventDays = `
SELECT day, cluster, spool, min(if(peer AND late >= 86400000 AND made_last - made <= came_last - came + greatest(600000, came_last - came), came, made)),
       min(came), max(came_last), max(upto)
FROM
(
    SELECT toInt32(toDate(time)) AS day, cluster, node, spool, isIPv4String(source) OR isIPv6String(source) AS peer, min(lag) AS late,
           toUnixTimestamp64Milli(min(time)) AS made, toUnixTimestamp64Milli(max(time)) AS made_last,
           min(toUnixTimestamp64Milli(time) + lag) AS came, max(toUnixTimestamp64Milli(time) + lag) AS came_last, max(range_end) AS upto
    FROM events
    WHERE ` + inWindow + `%s
    GROUP BY day, cluster, node, spool, peer
)
GROUP BY day, cluster, spool`

// Began gives the time since when events of each cluster are known. Of what was before nothing is known.
func (s *Store) Began(ctx context.Context) (map[string]time.Time, error) {
	d := &s.days
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.follow(ctx, s); err != nil {
		return nil, err
	}
	return maps.Clone(d.began), nil
}

// follow takes in what was committed since the last time.
func (d *days) follow(ctx context.Context, s *Store) error {
	mark, err := s.Mark(ctx)
	if err != nil {
		return err
	}
	next := days{read: d.read, mark: mark, list: maps.Clone(d.list), began: maps.Clone(d.began)}
	summed, condition, parameters, limit := map[int32]event.Mark{}, betweenMarks, []any(nil), answer
	switch {
	case time.Since(d.read) > forgotten:
		next.read, next.list, next.began = time.Now(), map[int32]*eventDay{}, map[string]time.Time{}
		condition, parameters, limit = "", filterParameters(event.Filter{}), sweep
		if summed, err = s.summedDays(ctx); err != nil {
			return err
		}
	case maps.Equal(d.mark, mark):
		return nil
	default:
		parameters = markParameters(event.Filter{}, d.mark, mark)
	}
	err = s.each(ctx, limit, "look at the days", fmt.Sprintf(eventDays, condition), parameters, func(rows driver.Rows) error {
		var n int32
		var cluster, spool string
		var began, first, last int64
		var upto uint64
		if err := rows.Scan(&n, &cluster, &spool, &began, &first, &last, &upto); err != nil {
			return asked("look at the days", err)
		}
		sum, is := summed[n]
		next.take(n, first, last, is && upto <= sum[spool])
		next.begin(cluster, time.UnixMilli(began).UTC())
		return nil
	})
	if err == nil {
		d.read, d.mark, d.list, d.began = next.read, next.mark, next.list, next.began
	}
	return err
}

// take adds events of a day; summed says that they are in the sum that is kept of it.
func (d *days) take(n int32, first, last int64, summed bool) {
	is := eventDay{first, last, summed}
	if was := d.list[n]; was != nil {
		is = eventDay{min(first, was.first), max(last, was.last), summed && was.summed}
	}
	d.list[n] = &is
}

func (d *days) begin(cluster string, at time.Time) {
	was, known := d.began[cluster]
	if known && at.Before(was) || !known && len(d.began) < mostClusters {
		d.began[cluster] = at
	}
}

// askedDays are those with events that were received in a window: those whose sums tell it, and those whose events must be read.
type askedDays struct{ sums, events dayList }

// daysOf gives the days that f asks about. Sums that are missing are made, if that is possible.
func (s *Store) daysOf(ctx context.Context, f event.Filter) (askedDays, error) {
	d := &s.days
	asked, missing, err := d.split(ctx, s, f)
	if err != nil {
		return asked, err
	}
	for _, month := range missing.months() {
		if err := d.sum(ctx, s, month); err != nil {
			s.log.Warn("days are not summed up: their events are read for each question about the senders", "error", err)
			asked.events = append(asked.events, month...)
			continue
		}
		asked.sums = append(asked.sums, month...)
	}
	return asked, ctx.Err()
}

// split gives the days that f asks about, those apart whose sums are missing.
func (d *days) split(ctx context.Context, s *Store, f event.Filter) (asked askedDays, missing dayList, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.follow(ctx, s); err != nil {
		return asked, nil, err
	}
	from, to := milliseconds(f.Window)
	narrow := f.Device != "" || f.Protocol != "" || f.Alarm != "" || f.Reason != nil // sums do not tell them apart
	over, still := time.Now().UnixMilli()-dayLength, time.Now().Add(-quiet).UnixMilli()
	for n, day := range d.list {
		switch {
		case day.last < from || day.first >= to:
		case day.first < from || day.last >= to || narrow:
			asked.events = append(asked.events, n)
		case day.summed:
			asked.sums = append(asked.sums, n)
		case int64(n)*dayLength < over && day.last < still:
			missing = append(missing, n)
		default:
			asked.events = append(asked.events, n)
		}
	}
	return asked, missing, nil
}

// in puts the days into a statement. They are too many for parameters, which travel in the address.
func (a askedDays) in(statement string) string {
	return strings.NewReplacer("%sums", a.sums.list(), "%events", a.events.list()).Replace(statement)
}

// parameters are those of f, and of the times between which the days lie whose events are read: parts of other months are not.
func (a askedDays) parameters(f event.Filter) []any {
	since, before := int64(0), int64(0)
	if len(a.events) > 0 {
		since, before = int64(slices.Min(a.events))*dayLength, (int64(slices.Max(a.events))+1)*dayLength
	}
	return append(filterParameters(f), clickhouse.Named("since", since), clickhouse.Named("before", before))
}

const (
	insertSenders = `
INSERT INTO day_senders (day, source, cluster, node, messages, first, last, endpoint, last_endpoint, up, down, unsynchronised,
                         severities, alarms, timed, lags, made, came)`
	insertNumbers = `
INSERT INTO day_numbers (day, cluster, node, process, runs, first_run, last_run, missing, gaps, last)`
	insertDays = `
INSERT INTO days (day, last, upto)
SELECT one.1, fromUnixTimestamp64Milli(one.2), mapFromArrays({spools:Array(String)}, {upto:Array(UInt64)})
FROM (SELECT arrayJoin(arrayZip({days:Array(Int32)}, {last:Array(Int64)})) AS one)`
)

// sum sums up days, as they are at d.mark or later. One month at a time: the sums of a second question are those of the first.
func (d *days) sum(ctx context.Context, s *Store, month dayList) error {
	d.summing.Lock()
	defer d.summing.Unlock()
	d.mu.Lock()
	mark, are := d.mark, map[int32]*eventDay{}
	for _, n := range month {
		if day := d.list[n]; day != nil && !day.summed {
			are[n] = day
		}
	}
	d.mu.Unlock()
	if len(are) == 0 {
		return nil
	}
	ctx, _, cancel := s.limit(ctx, survey)
	defer cancel()
	of := askedDays{events: slices.Sorted(maps.Keys(are))}
	for _, statement := range []string{insertSenders + sendersOfDays, insertNumbers + numbersOfDays} {
		if err := s.conn.Exec(ctx, of.in(statement), of.parameters(event.Filter{})...); err != nil {
			return written("sum up days", late(ctx, err))
		}
	}
	spools, upto, last := slices.Sorted(maps.Keys(mark)), []uint64{}, []int64{}
	for _, spool := range spools {
		upto = append(upto, mark[spool])
	}
	for _, n := range of.events {
		last = append(last, are[n].last)
	}
	err := s.conn.Exec(ctx, insertDays, clickhouse.Named("days", []int32(of.events)), clickhouse.Named("last", last),
		clickhouse.Named("spools", spools), clickhouse.Named("upto", upto))
	if err != nil {
		return written("sum up days", late(ctx, err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, day := range are { // one that has changed meanwhile is another now
		day.summed = true
	}
	return nil
}

const readDays = `SELECT toInt32(day), upto FROM days FINAL`

// summedDays gives the sums that are kept, and up to what they hold.
func (s *Store) summedDays(ctx context.Context) (map[int32]event.Mark, error) {
	summed := map[int32]event.Mark{}
	err := s.each(ctx, answer, "read which days are summed up", readDays, nil, func(rows driver.Rows) error {
		var n int32
		var upto map[string]uint64
		err := rows.Scan(&n, &upto)
		summed[n] = upto
		return asked("read which days are summed up", err)
	})
	return summed, err
}

// dayList are numbers of days.
type dayList []int32

// list writes the days for IN.
func (l dayList) list() string {
	b := []byte("-1") // no day: a list must not be empty
	for _, n := range l {
		b = strconv.AppendInt(append(b, ','), int64(n), 10)
	}
	return string(b)
}

// months parts the days by month, in order.
func (l dayList) months() (list []dayList) {
	slices.Sort(l)
	last := ""
	for _, n := range l {
		month := time.UnixMilli(int64(n) * dayLength).UTC().Format("2006-01")
		if month != last {
			list = append(list, nil)
		}
		last, list[len(list)-1] = month, append(list[len(list)-1], n)
	}
	return list
}
