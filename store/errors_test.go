package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
)

// TestErrorsAreBrief: what the driver says of a server that is not there names its address, and none of the settings sent along.
func TestErrorsAreBrief(t *testing.T) {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{"127.0.0.1:1"}, Protocol: clickhouse.HTTP, Settings: clickhouse.Settings{"max_query_size": 4711},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = asked("try", conn.Exec(t.Context(), "SELECT 1"))
	if !errors.Is(err, event.ErrUnavailable) {
		t.Fatal(err)
	}
	if text := err.Error(); strings.Contains(text, "4711") || !strings.Contains(text, "127.0.0.1:1") || !strings.Contains(text, "refused") {
		t.Error(text)
	}
}
