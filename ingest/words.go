package ingest

import (
	"flapwatch/event"
	"flapwatch/reasons"
)

// Words puts events to the catalogue.
type Words struct{ *reasons.Catalogue }

// Explain says what the codes of an event mean.
func (w Words) Explain(e *event.Event) reasons.Answer {
	return w.Decode(reasons.Question{
		Alarm: e.Alarm, Code: e.Reason, HasCode: e.HasReason, Signal: e.Signal, Protocol: e.Protocol, State: e.State,
		Device: e.Device, DeviceType: e.DeviceType, HasDeviceType: e.HasDeviceType,
	})
}

// Names gives the decoded words that are stored beside an event's codes.
func (w Words) Names(e *event.Event) event.Names {
	a := w.Explain(e)
	n := event.Names{Model: a.Model}
	if a.Alarm != nil {
		n.Role = roles[a.Alarm.Role]
	}
	if a.Reason != nil {
		n.Reason, n.Expected = a.Reason.Name, a.Reason.Expected
	}
	if a.Cause != nil {
		n.Cause = a.Cause.ID
	}
	return n
}

// roles are the catalogue's words for what an alarm means to a registration.
var roles = map[string]event.Role{
	"down": event.Down, "up": event.Up, "attempt-failed": event.Attempt, "action": event.Action, "node": event.Node,
}
