package store

import (
	"errors"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// TestPatience asks what has no end: a question that may take no time is too much, one whose rows come in time goes on until its reader
// has enough.
func TestPatience(t *testing.T) {
	s := open(t)
	const endless = "SELECT number FROM system.numbers"
	enough := errors.New("enough")
	ask := func(l limits) error {
		read := 0
		return s.each(t.Context(), l, "count", endless, nil, func(driver.Rows) error {
			if read++; read == 1_000_000 {
				return enough
			}
			return nil
		})
	}
	if err := ask(limits{seconds: 60, each: true, memory: 1 << 30}); !errors.Is(err, enough) {
		t.Errorf("rows that come in time: %v", err)
	}
	if err := ask(limits{seconds: 0, each: true, memory: 1 << 30}); !errors.Is(err, event.ErrTooMuch) {
		t.Errorf("no time for a row: %v, want %v", err, event.ErrTooMuch)
	}
}
