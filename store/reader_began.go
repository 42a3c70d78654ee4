package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const firstEvents = `
SELECT cluster, min(time)
FROM events
GROUP BY cluster`

// Began gives the time of the first event of each cluster. Of what was before nothing is known.
func (s *Store) Began(ctx context.Context) (map[string]time.Time, error) {
	began := map[string]time.Time{}
	err := s.each(ctx, answer, "look for the first events", firstEvents, nil, func(rows driver.Rows) error {
		var cluster string
		var first time.Time
		err := rows.Scan(&cluster, &first)
		began[cluster] = first
		return err
	})
	return began, err
}
