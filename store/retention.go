package store

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// kept are the tables whose rows go when their time is over, with the moment from which it is counted: the receipt, not
// the claimed time, so that an import of old files is not deleted on arrival.
var kept = []struct{ table, from string }{
	{"events", "toDateTime(time + toIntervalMillisecond(lag))"},
	{"unparsed", "toDateTime(received_at)"},
	{"days", "toDateTime(last)"},
	{"day_senders", "toDateTime(last)"},
	{"day_numbers", "toDateTime(last)"},
}

const tableDefinition = `
SELECT engine_full
FROM system.tables
WHERE database = currentDatabase() AND name = {table:String}`

var ttlSeconds = regexp.MustCompile(`TTL .*toIntervalSecond\((\d+)\)`)

// keep changes how long rows are kept where it differs from retention.
func (s *Store) keep(ctx context.Context, retention time.Duration) error {
	want := strconv.FormatInt(int64(retention/time.Second), 10)
	for _, k := range kept {
		var definition string
		if err := s.conn.QueryRow(ctx, tableDefinition, clickhouse.Named("table", k.table)).Scan(&definition); err != nil {
			return asked("read retention of "+k.table, err)
		}
		if m := ttlSeconds.FindStringSubmatch(definition); m != nil && m[1] == want {
			continue
		}
		statement := fmt.Sprintf("ALTER TABLE %s MODIFY TTL %s + toIntervalSecond(%s)", k.table, k.from, want)
		if err := s.conn.Exec(ctx, statement); err != nil {
			return written("change retention of "+k.table, err)
		}
		s.log.Info("retention changed", "table", k.table, "retention", retention.String())
	}
	return nil
}
