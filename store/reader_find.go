package store

import (
	"context"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// devicesNamed reads the names alone of nearly all rows. Copies change nothing of what it tells, so that FINAL is not needed, and
// without it ClickHouse reads the rest of the rows only where the name fits.
const devicesNamed = `
SELECT cluster, device, argMaxIf(model, time, model != ''), argMaxIf(description, time, description != ''),
       argMaxIf(ip, time, ip != ''), min(time), max(time)
FROM events
WHERE ` + inWindow + ` AND device != ''
  AND arrayExists(part -> positionCaseInsensitiveUTF8(device, part) > 0, {parts:Array(String)})
GROUP BY cluster, device
ORDER BY device, cluster
LIMIT {limit:UInt32}`

// Find gives the devices whose name has one of parts in it, in capitals or not, by name, at most limit of them: names, model,
// description, address, and when they were first and last heard of.
func (s *Store) Find(ctx context.Context, f event.Filter, parts []string, limit int) ([]event.DeviceSummary, error) {
	parameters := append(filterParameters(f), clickhouse.Named("parts", slices.Clone(parts)), clickhouse.Named("limit", limit))
	var list []event.DeviceSummary
	err := s.each(ctx, answer, "find devices", devicesNamed, parameters, func(rows driver.Rows) error {
		var d event.DeviceSummary
		err := rows.Scan(&d.Cluster, &d.Device, &d.Model, &d.Description, &d.IP, &d.First, &d.Last)
		list = append(list, d)
		return err
	})
	return list, err
}
