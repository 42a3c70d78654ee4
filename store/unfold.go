package store

import (
	"strings"

	"flapwatch/event"
)

// The columns origin, sender, phone, said and rest hold several values each, see packed. Here an event gets them back.

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

// unfoldKey takes what tells one event of a device from another, see alikeTo.
func unfoldKey(e *event.Event, number int64, origin string) {
	if number >= 0 {
		e.Seq, e.HasSeq = uint32(number), true
	}
	v := values{origin}
	e.Alarm, e.Node, e.AppID = v.next(), v.next(), v.next()
	reason, has := v.number(32)
	e.Reason, e.HasReason = uint32(reason), has
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
	form = v.next()
	e.Part = v.next()
	return form
}

// unfoldRest takes what is nearly always empty, and gives the record back. It comes last: it is made of all the others.
func unfoldRest(e *event.Event, word, form string) {
	v := values{word}
	claimed := v.next()
	agent, has := v.number(32)
	e.AgentSeq, e.HasAgentSeq = uint32(agent), has
	e.Raw = v.next()
	for more := strings.Count(word, string(rune(separator))) - 2; more > 0; more -= 2 {
		key, unknown := strings.CutPrefix(v.next(), unknownTag)
		e.Tags = append(e.Tags, event.Tag{Key: key, Value: v.next(), Unknown: unknown})
	}
	e.Claimed = claimedOf(claimed, e)
	if form != "" {
		e.Raw = fill(form, e)
	}
}
