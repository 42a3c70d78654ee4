package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// losses counts keys instead of rows, for copies that have not been merged yet: FINAL would take seven times as long.
const losses = `
SELECT part, uniqExactIf(one, NOT planned), uniqExactIf(one, planned)
FROM (
    SELECT intDiv(toUnixTimestamp64Milli(time) - {start:Int64}, {step:Int64}) AS part, expected AS planned,
           cityHash64(cluster, device, toDateTime(time), number, origin, ip, given_id) AS one
    FROM events
    WHERE ` + inWindow + ` AND device != '' AND role = 'down'
)
GROUP BY part
ORDER BY part`

// Losses counts the unregistrations that f lets through in stretches of time of one length, ≥ 1 ms, that begin where Time.Truncate has
// them: those of a week on Monday, 00:00 UTC. Stretches without any are left out.
func (s *Store) Losses(ctx context.Context, f event.Filter, length time.Duration) ([]event.Losses, error) {
	start := f.From.Truncate(length).UnixMilli()
	parameters := append(filterParameters(f), clickhouse.Named("start", start), clickhouse.Named("step", length.Milliseconds()))
	var list []event.Losses
	err := s.each(ctx, answer, "count unregistrations", losses, parameters, func(rows driver.Rows) error {
		var part int64
		var l event.Losses
		err := rows.Scan(&part, &l.Unplanned, &l.Planned)
		l.From = time.UnixMilli(start + part*length.Milliseconds()).UTC()
		list = append(list, l)
		return err
	})
	return list, err
}
