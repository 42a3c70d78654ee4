package ingest

import (
	"strings"

	"flapwatch/event"
	"flapwatch/reasons"
)

// namer gives Words.Names and remembers what it gave lately: senders say the same few things again and again. It is for one
// goroutine. What it holds is bounded, whatever is sent.
type namer struct {
	words  Words
	recent [1 << 8]named
}

// named is what an event said, as far as its names depend on it, and the names.
type named struct {
	alarm, signal, protocol, state string
	kind                           *reasons.NamePattern // of the device's name
	code, deviceType               uint32
	hasCode, hasType               bool
	known                          bool
	names                          event.Names
}

// longest is how many bytes an event that is remembered says at the most.
const longest = 256

// of gives the names of e.
func (n *namer) of(e *event.Event) event.Names {
	kind := n.words.Kind(e.Device)
	slot := &n.recent[(e.Reason*31+e.DeviceType*7+uint32(len(e.Signal)*3+len(e.Alarm)))%uint32(len(n.recent))]
	if slot.fits(e, kind) {
		return slot.names
	}
	names := n.words.Names(e)
	if len(e.Alarm)+len(e.Signal)+len(e.Protocol)+len(e.State) <= longest {
		*slot = named{
			alarm: strings.Clone(e.Alarm), signal: strings.Clone(e.Signal), protocol: strings.Clone(e.Protocol), state: strings.Clone(e.State),
			kind: kind, code: e.Reason, deviceType: e.DeviceType, hasCode: e.HasReason, hasType: e.HasDeviceType, known: true, names: names,
		}
	}
	return names
}

// fits says whether e, whose device is of that kind, says what is remembered.
func (d *named) fits(e *event.Event, kind *reasons.NamePattern) bool {
	return d.known && d.code == e.Reason && d.deviceType == e.DeviceType && d.hasCode == e.HasReason && d.hasType == e.HasDeviceType &&
		d.kind == kind && d.alarm == e.Alarm && d.signal == e.Signal && d.protocol == e.Protocol && d.state == e.State
}
