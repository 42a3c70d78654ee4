package store

import (
	"context"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// limits bound what one question may take. A question that needs more fails with event.ErrTooMuch.
type limits struct {
	seconds int  // of run time
	each    bool // seconds are those from one row to the next: the answer is read as fast as devices are judged
	memory  int  // bytes
}

var (
	lookup = limits{seconds: 60, memory: 1 << 30}              // of the writing side, for which waiting is better than failing
	answer = limits{seconds: 20, memory: 1 << 30}              // for somebody who waits
	survey = limits{seconds: 40, memory: 2 << 30}              // for somebody who waits, over all that was received
	sweep  = limits{seconds: 300, each: true, memory: 2 << 30} // over the whole fleet
)

// limit makes ctx one for a question with limits. What is sorted or grouped beyond half of its memory goes to disk. A row that has come
// is told by goesOn.
func (s *Store) limit(ctx context.Context, l limits) (_ context.Context, goesOn func(), cancel context.CancelFunc) {
	patience := time.Duration(l.seconds) * time.Second
	goesOn = func() {}
	if l.each {
		patient, end := context.WithCancelCause(ctx)
		timer := time.AfterFunc(patience, func() { end(context.DeadlineExceeded) })
		ctx, goesOn, cancel = patient, func() { timer.Reset(patience) }, func() { timer.Stop(); end(nil) }
	} else {
		ctx, cancel = context.WithTimeout(ctx, patience)
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"max_memory_usage":                            l.memory,
		"max_bytes_before_external_group_by":          l.memory / 2,
		"max_bytes_before_external_sort":              l.memory / 2,
		"do_not_merge_across_partitions_select_final": 1, // copies have the same second, so the same partition
		"max_query_size":                              8 << 20,
		"max_ast_elements":                            1_000_000,
		"max_expanded_ast_elements":                   1_000_000,
	})), goesOn, cancel
}

// inWindow is the condition of event.Filter. The parameters are those of filterParameters.
const inWindow = `
    time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})` + narrowing

// narrowing is the part of inWindow that is not about time.
const narrowing = `
    AND ({cluster:String} = '' OR cluster = {cluster:String})
    AND ({node:String} = '' OR node = {node:String})
    AND ({device:String} = '' OR device = {device:String})
    AND ({protocol:String} = '' OR protocol = {protocol:String})
    AND ({alarm:String} = '' OR alarm = {alarm:String})
    AND ({any_reason:Bool} OR reason = {reason:UInt32})`

func filterParameters(f event.Filter) []any {
	from, to := milliseconds(f.Window)
	p := []any{
		clickhouse.Named("from", from), clickhouse.Named("to", to),
		clickhouse.Named("cluster", f.Cluster), clickhouse.Named("node", f.Node), clickhouse.Named("device", f.Device),
		clickhouse.Named("protocol", f.Protocol), clickhouse.Named("alarm", f.Alarm),
		clickhouse.Named("any_reason", f.Reason == nil),
	}
	var reason uint32
	if f.Reason != nil {
		reason = *f.Reason
	}
	return append(p, clickhouse.Named("reason", reason))
}

// milliseconds gives the window as the milliseconds from ≤ t < to. A missing end is one that no row lies beyond.
func milliseconds(w event.Window) (from, to int64) {
	from, to = earliestTime.UnixMilli(), latestTime.UnixMilli()
	if !w.From.IsZero() {
		from = max(from, ceil(w.From))
	}
	if !w.To.IsZero() {
		to = max(from, min(to, ceil(w.To)))
	}
	return from, to
}

// ceil gives the first millisecond that is not before t.
func ceil(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// each asks and calls row for every row of the answer.
func (s *Store) each(ctx context.Context, l limits, what, query string, parameters []any, row func(driver.Rows) error) error {
	ctx, goesOn, cancel := s.limit(ctx, l)
	defer cancel()
	rows, err := s.conn.Query(ctx, query, parameters...)
	if err != nil {
		return asked(what, late(ctx, err))
	}
	defer func() {
		cancel() // first: Close reads what is left of the answer
		rows.Close()
	}()
	for rows.Next() {
		goesOn()
		if err := row(rows); err != nil {
			return err
		}
	}
	return asked(what, late(ctx, rows.Err()))
}

// late gives the reason for which ctx ended a question, if it was too much time.
func late(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return err
}
