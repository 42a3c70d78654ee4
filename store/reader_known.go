package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// knownDevices takes three months: what was silent for longer may be gone.
const knownDevices = `
SELECT cluster, uniqExact(device)
FROM events
WHERE time >= now() - INTERVAL 90 DAY AND device != ''
GROUP BY cluster`

// Known counts the devices of each cluster that had any event in the last three months.
func (s *Store) Known(ctx context.Context) (map[string]int, error) {
	known := map[string]int{}
	err := s.each(ctx, answer, "count devices", knownDevices, nil, func(rows driver.Rows) error {
		var cluster string
		var n uint64
		err := rows.Scan(&cluster, &n)
		known[cluster] = int(n)
		return err
	})
	return known, err
}
