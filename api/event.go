package api

import (
	"flapwatch/event"
	"flapwatch/reasons"
)

// Event is an event as programs see it: what the sender said, and what the codes mean.
type Event struct {
	ID          string            `json:"id"`
	Time        Time              `json:"time"`
	ReceivedAt  Time              `json:"received_at"`
	TimeSource  string            `json:"time_source" enum:"message,message_no_year,received"`
	Cluster     string            `json:"cluster"`
	Node        string            `json:"node"`
	Source      string            `json:"source" doc:"Peer address or file name."`
	Facility    string            `json:"facility"`
	Alarm       string            `json:"alarm"`
	Severity    int               `json:"severity"`
	Device      string            `json:"device"`
	DeviceType  *uint32           `json:"device_type"`
	Model       string            `json:"model"`
	Description string            `json:"description"`
	IP          string            `json:"ip"`
	IPv6        string            `json:"ipv6,omitempty"`
	MAC         string            `json:"mac,omitempty"`
	Protocol    string            `json:"protocol"`
	Reason      *Reason           `json:"reason"`
	Signal      *Signal           `json:"signal"`
	State       string            `json:"state,omitempty" doc:"StationState."`
	Cause       *Cause            `json:"cause"`
	PRI         *uint8            `json:"pri"`
	Host        string            `json:"host"`
	Seq         *uint32           `json:"seq"`
	AgentSeq    *uint32           `json:"agent_seq"`
	Clock       string            `json:"clock" doc:"* never synchronised, . synchronisation lost."`
	Process     string            `json:"process,omitempty"`
	Part        string            `json:"part"`
	Truncated   bool              `json:"truncated"`
	Tags        map[string]string `json:"tags,omitempty" doc:"Parameters that have no key of their own here."`
	Text        string            `json:"text"`
	Raw         string            `json:"raw"`
}

// Reason is a reason code with its meaning in the table of its alarm.
type Reason struct {
	Code     uint32 `json:"code"`
	Name     string `json:"name"`
	Meaning  string `json:"meaning"`
	Expected bool   `json:"expected" doc:"Planned or normal: no fault."`
}

// Signal is the last signal that the node received from the device.
type Signal struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// Cause is what the codes together mean.
type Cause struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Text       string   `json:"text,omitempty"`
	Checks     []string `json:"checks,omitempty"`
	Fix        string   `json:"fix,omitempty"`
	Source     string   `json:"source,omitempty"`
	Confidence string   `json:"confidence,omitempty"`
}

// Words are what an event's codes mean.
type Words interface {
	Explain(*event.Event) reasons.Answer
	ReasonName(alarm string, code uint32) string
}

// ViewEvent shows an event with its codes in words.
func ViewEvent(w Words, e *event.Event) Event {
	a := w.Explain(e)
	v := Event{
		ID: e.ID.String(), Time: Time{e.Time}, ReceivedAt: Time{e.Received}, TimeSource: e.TimeSource.String(),
		Cluster: e.Cluster, Node: e.Node, Source: e.Source, Facility: e.Facility, Alarm: e.Alarm, Severity: int(e.Severity),
		Device: e.Device, DeviceType: when(e.HasDeviceType, e.DeviceType), Model: a.Model, Description: e.Description,
		IP: e.IP, IPv6: e.IPv6, MAC: e.MAC, Protocol: e.Protocol, State: e.State,
		PRI: when(e.HasPRI, e.PRI), Host: e.Host, Seq: when(e.HasSeq, e.Seq), AgentSeq: when(e.HasAgentSeq, e.AgentSeq),
		Clock: e.Clock, Process: e.Process, Part: e.Part, Truncated: e.Truncated, Text: e.Text, Raw: e.Raw,
	}
	if e.HasReason {
		v.Reason = &Reason{Code: e.Reason, Name: "unknown", Meaning: w.ReasonName(e.Alarm, e.Reason)}
		if r := a.Reason; r != nil {
			v.Reason.Name, v.Reason.Meaning, v.Reason.Expected = r.Name, r.Meaning, r.Expected
		}
	}
	if e.Signal != "" {
		v.Signal = &Signal{Name: e.Signal}
		if a.Signal != nil {
			v.Signal.Meaning = a.Signal.Meaning
		}
	}
	if a.Cause != nil {
		v.Cause = &Cause{ID: a.Cause.ID, Title: a.Cause.Title}
	}
	return v
}

// when gives a pointer to v where there is one.
func when[T any](has bool, v T) *T {
	if !has {
		return nil
	}
	return &v
}
