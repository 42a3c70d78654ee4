package store

import (
	"context"
	"time"

	"flapwatch/event"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// heard needs no FINAL: copies of a row do not change when a node was heard. Files have names, peers have addresses.
const heard = `
SELECT cluster, node, count(), min(received_at), max(received_at)
FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}) AND node != ''
  AND (isIPv4String(source) OR isIPv6String(source))
GROUP BY cluster, node
ORDER BY cluster, node
LIMIT 10000`

// Heard gives every node whose messages were received from a peer since then, and when.
func (s *Store) Heard(ctx context.Context, since time.Time) ([]event.Heard, error) {
	var list []event.Heard
	err := s.each(ctx, answer, "read who was heard", heard, []any{clickhouse.Named("since", since.UnixMilli())}, func(rows driver.Rows) error {
		var h event.Heard
		err := rows.Scan(&h.Cluster, &h.Node, &h.Messages, &h.First, &h.Last)
		list = append(list, h)
		return err
	})
	return list, err
}
