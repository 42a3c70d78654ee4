package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

const added = `SELECT 1 FROM events WHERE ` + inWindow + told + betweenMarks + ` LIMIT 1`

// Added says whether anything that a history of the window is made of was committed after one Mark and not after another.
func (s *Store) Added(ctx context.Context, w event.Window, after, upto event.Mark) (found bool, err error) {
	err = s.each(ctx, answer, "look for what came in late", added, markParameters(event.Filter{Window: w}, after, upto), func(driver.Rows) error {
		found = true
		return nil
	})
	return found, err
}
