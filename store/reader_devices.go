package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// devicePage takes what is known of a device from the last event that says it.
const devicePage = `
SELECT cluster, device,
       argMaxIf(model, time, model != ''), argMaxIf(description, time, description != ''),
       argMaxIf(ifNull(device_type, 0), time, isNotNull(device_type)),
       argMaxIf(ip, time, ip != ''), argMaxIf(protocol, time, protocol != ''),
       argMax(node, time), argMax(alarm, time), argMaxIf(role, time, role IN ('down', 'up', 'attempt')),
       min(time), max(time),
       countIf(role = 'down' AND NOT expected), countIf(role = 'down' AND expected),
       countIf(role = 'up'), countIf(role = 'attempt')
FROM events FINAL
WHERE ` + inWindow + ` AND device != ''
  AND (cluster > {after_cluster:String} OR cluster = {after_cluster:String} AND device > {after_device:String})
GROUP BY cluster, device
ORDER BY cluster, device
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1`

// Devices gives what is known of each device that has events that f lets through, ordered by cluster and name, at most
// limit of them, and the cursor that continues the list, which is empty at its end.
func (s *Store) Devices(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.DeviceSummary, string, error) {
	cluster, device, err := readDevice(cursor)
	if err != nil {
		return nil, "", err
	}
	parameters := append(filterParameters(f), clickhouse.Named("after_cluster", cluster),
		clickhouse.Named("after_device", device), clickhouse.Named("limit", limit))
	var list []event.DeviceSummary
	err = s.each(ctx, answer, "read devices", devicePage, parameters, func(rows driver.Rows) error {
		var d event.DeviceSummary
		var role string
		err := rows.Scan(&d.Cluster, &d.Device, &d.Model, &d.Description, &d.DeviceType, &d.IP, &d.Protocol, &d.Node,
			&d.Alarm, &role, &d.First, &d.Last, &d.Unregistrations, &d.Expected, &d.Registrations, &d.Attempts)
		d.Role = roleOf(role)
		list = append(list, d)
		return err
	})
	if err != nil || len(list) < limit {
		return list, "", err
	}
	last := list[len(list)-1]
	return list, writeDevice(last.Cluster, last.Device), nil
}

// Device gives what is known of one device in all the time that is stored, or event.ErrNotFound.
func (s *Store) Device(ctx context.Context, cluster, name string) (event.DeviceSummary, error) {
	const clusters = 1000 // that may have a device of the name
	list, _, err := s.Devices(ctx, event.Filter{Cluster: cluster, Device: name}, "", clusters)
	for _, d := range list {
		if d.Cluster == cluster {
			return d, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("device %q of cluster %q: %w", name, cluster, event.ErrNotFound)
	}
	return event.DeviceSummary{}, err
}

const clustersOfDevice = `SELECT DISTINCT cluster FROM events WHERE device = {device:String} ORDER BY cluster LIMIT 1000`

// Clusters gives the clusters that have a device of that name.
func (s *Store) Clusters(ctx context.Context, device string) ([]string, error) {
	var clusters []string
	parameters := []any{clickhouse.Named("device", device)}
	err := s.each(ctx, answer, "read clusters of a device", clustersOfDevice, parameters, func(rows driver.Rows) error {
		var cluster string
		err := rows.Scan(&cluster)
		clusters = append(clusters, cluster)
		return err
	})
	return clusters, err
}

func writeDevice(cluster, device string) string {
	b := binary.AppendUvarint(nil, uint64(len(cluster)))
	return writeCursor(devicesKind, append(append(b, cluster...), device...))
}

func readDevice(cursor string) (cluster, device string, err error) {
	if cursor == "" {
		return "", "", nil
	}
	b, err := readCursor(devicesKind, cursor)
	if err != nil {
		return "", "", err
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", "", fmt.Errorf("%w: %q", event.ErrCursor, cursor)
	}
	return string(b[n : n+int(size)]), string(b[n+int(size):]), nil
}

// deviceChanges reads few rows, those of one device, so that copies are left out here: FINAL would take longer.
const deviceChanges = `
SELECT cluster, device, time, number, origin, ip, given_id, said
FROM events
WHERE ` + inWindow + ` AND device = {device:String}`

// Changes gives what happened to the registration of the device that f names, in each cluster that has events of one of that name,
// ordered by cluster. Besides names a history holds changes alone.
func (s *Store) Changes(ctx context.Context, f event.Filter) ([]event.History, error) {
	found := map[string][]event.Change{}
	err := s.each(ctx, answer, "read changes of a device", deviceChanges, filterParameters(f), func(rows driver.Rows) error {
		var e event.Row
		var number int64
		var origin, given, said string
		err := rows.Scan(&e.Cluster, &e.Device, &e.Time, &number, &origin, &e.IP, &given, &said)
		if err != nil {
			return asked("read changes of a device", err)
		}
		unfoldKey(&e.Event, number, origin)
		unfoldSaid(&e, said)
		list := found[e.Cluster]
		switch e.Role {
		case event.Down, event.Up, event.Attempt, event.Action:
			list = append(list, event.Change{
				At: e.Time.UnixMilli(), Role: e.Role, Node: e.Node, Reason: e.Event.Reason, HasReason: e.HasReason,
				Expected: e.Expected, Signal: e.Signal, Key: uint32(tieOf(&e.Event, given)),
			})
		}
		found[e.Cluster] = list
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []event.History
	for _, cluster := range slices.Sorted(maps.Keys(found)) {
		list = append(list, event.History{Cluster: cluster, Device: f.Device, Changes: event.Settle(found[cluster])})
	}
	return list, nil
}
