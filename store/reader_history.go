package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// changes are the events of devices in the order of the sorting key, which ClickHouse reads without sorting. The switch
// and its port come with the phone's own view of its last outage.
const changes = `
SELECT cluster, device, time, role, node, reason, expected, signal, ip, protocol, description, model, device_type,
       tags['NeighborDeviceID'], tags['NeighborPortID']
FROM events FINAL
WHERE ` + inWindow + ` AND device != ''
  AND (role IN ('down', 'up', 'attempt', 'action') OR alarm = 'LastOutOfServiceInformation')
ORDER BY cluster, device, toDateTime(time), time`

// Histories calls yield with the history of each device in turn, ordered by cluster and name. It holds one device's
// changes at a time; yield owns what it gets. An error of yield ends it and is returned.
func (s *Store) Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error {
	var h event.History
	var c change
	err := s.each(ctx, sweep, "read histories", changes, filterParameters(f), func(rows driver.Rows) error {
		if err := c.scan(rows); err != nil {
			return err
		}
		if c.cluster != h.Cluster || c.device != h.Device {
			if err := finish(h, yield); err != nil {
				return err
			}
			h = event.History{Cluster: c.cluster, Device: c.device}
		}
		c.apply(&h)
		return nil
	})
	if err != nil {
		return err
	}
	return finish(h, yield)
}

// finish hands a history on, unless nothing happened to the registration.
func finish(h event.History, yield func(event.History) error) error {
	if len(h.Changes) == 0 {
		return nil
	}
	return yield(h)
}

// change is a row of changes.
type change struct {
	cluster, device                  string
	at                               time.Time
	role                             string
	node                             string
	reason                           *uint32
	expected                         bool
	signal                           string
	ip, protocol, description, model string
	deviceType                       *uint32
	neighborID, neighbor             string
}

func (c *change) scan(rows driver.Rows) error {
	err := rows.Scan(&c.cluster, &c.device, &c.at, &c.role, &c.node, &c.reason, &c.expected, &c.signal,
		&c.ip, &c.protocol, &c.description, &c.model, &c.deviceType, &c.neighborID, &c.neighbor)
	return asked("read histories", err)
}

func (c *change) apply(h *event.History) {
	keep(&h.IP, c.ip)
	keep(&h.Protocol, c.protocol)
	keep(&h.Description, c.description)
	keep(&h.Model, c.model)
	keep(&h.NeighborID, c.neighborID)
	keep(&h.Neighbor, c.neighbor)
	if c.deviceType != nil {
		h.DeviceType = *c.deviceType
	}
	role := roleOf(c.role)
	if role == event.Info {
		return
	}
	reason, has := value(c.reason)
	h.Changes = append(h.Changes, event.Change{
		At: c.at.UnixMilli(), Role: role, Node: c.node, Reason: reason, HasReason: has, Expected: c.expected, Signal: c.signal,
	})
}

// keep replaces what was known if there is something newer.
func keep(known *string, newer string) {
	if newer != "" {
		*known = newer
	}
}

const unregistrations = `
SELECT cluster, device, arraySort(groupArray(toUnixTimestamp64Milli(time)))
FROM events FINAL
WHERE ` + inWindow + ` AND device != '' AND role = 'down' AND ({with_expected:Bool} OR NOT expected)
GROUP BY cluster, device
ORDER BY cluster, device
SETTINGS optimize_aggregation_in_order = 1`

// Series calls yield with the times at which each device was unregistered, ordered by cluster and name. Planned
// unregistrations are left out unless withExpected is set. An error of yield ends it and is returned.
func (s *Store) Series(ctx context.Context, f event.Filter, withExpected bool, yield func(event.Series) error) error {
	parameters := append(filterParameters(f), clickhouse.Named("with_expected", withExpected))
	return s.each(ctx, sweep, "read unregistrations", unregistrations, parameters, func(rows driver.Rows) error {
		var one event.Series
		if err := rows.Scan(&one.Cluster, &one.Device, &one.Times); err != nil {
			return asked("read unregistrations", err)
		}
		return yield(one)
	})
}
