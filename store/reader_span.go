package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// timeSpan prefers times that the senders said. One that lies in the future is a clock gone wrong.
const timeSpan = `
SELECT time_source != 'received' AND time < fromUnixTimestamp64Milli({future:Int64}) AS said, min(time), max(time)
FROM events
GROUP BY said
ORDER BY said DESC
LIMIT 1`

// Span gives the window from the first event to the last, as far as their senders said the time and it is not more than a
// day after now. It is empty if there is no event.
func (s *Store) Span(ctx context.Context, now time.Time) (w event.Window, err error) {
	parameters := []any{clickhouse.Named("future", now.Add(24*time.Hour).UnixMilli())}
	err = s.each(ctx, sweep, "read the span of the events", timeSpan, parameters, func(rows driver.Rows) error {
		var said uint8
		err := rows.Scan(&said, &w.From, &w.To)
		w.To = w.To.Add(time.Millisecond)
		return err
	})
	return w, err
}
