package store

import "flapwatch/event"

// The columns sender, phone and said hold several values each, see packed. Here an event gets them back.

// unfoldSender takes what the envelope says, see alikeTo.
func unfoldSender(e *event.Row, word string) {
	v := values{word}
	e.TimeSource = timeSourceOf(v.next())
	e.Clock, e.Source, e.Host, e.Process = v.next(), v.next(), v.next(), v.next()
	pri, has := v.number(8)
	e.PRI, e.HasPRI = uint8(pri), has
	e.Truncated = v.next() == "1"
}

// unfoldPhone takes what changes with the device, see addPhone.
func unfoldPhone(e *event.Row, word string) {
	v := values{word}
	e.MAC, e.IPv6, e.Protocol, e.Description = v.next(), v.next(), v.next(), v.next()
	n, has := v.number(32)
	e.DeviceType, e.HasDeviceType = uint32(n), has
	e.Model = v.next()
}

// unfoldSaid takes what the alarm says and means, and gives the form of the record, see alikeTo.
func unfoldSaid(e *event.Row, word string) (form string) {
	v := values{word}
	e.Facility = v.next()
	severity, _ := v.number(8)
	e.Severity = uint8(severity)
	e.Signal, e.State, e.CallState, e.Text = v.next(), v.next(), v.next(), v.next()
	e.Role = roleOf(v.next())
	e.Expected = v.next() == "1"
	e.Names.Reason, e.Cause = v.next(), v.next()
	return v.next()
}
