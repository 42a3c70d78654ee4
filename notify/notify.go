// Package notify tells people what was found, without being asked: the weekly report by mail, and alerts by webhook,
// Alertmanager, Slack and mail.
//
// An alert is one cause, however many devices it has. Alerter.Look compares what the findings say now with what was told before
// (look.go, merge.go), Alerter.Deliver hands what is new to the channels, again and again until they take it (deliver.go), and a
// file remembers both over a restart (state.go). Nothing here judges devices: findings come from the same survey as the API's
// answers. Nothing reads the clock either.
//
// Start with NewAlerter, or with ParseServer and Server.SendReport for the report.
package notify

import (
	"context"
	"time"
)

// Kind of an alert.
type Kind string

const (
	Flapping Kind = "flapping" // devices that lose their registration again and again
	Period   Kind = "period"   // devices that do so in a period
	Outage   Kind = "outage"   // many devices at once
	Silence  Kind = "silence"  // nodes that are not heard any more
	Lag      Kind = "lag"      // messages wait too long for the store
	Test     Kind = "test"     // somebody tries the channels
)

// Kinds are those that can be chosen.
func Kinds() []Kind { return []Kind{Flapping, Period, Outage, Silence, Lag} }

// State of an alert when it is told.
type State string

const (
	New     State = "new"     // there was no such alert
	More    State = "more"    // devices have joined one that was told
	Settled State = "settled" // it is over
)

// Alert is one cause and the devices that suffer from it.
type Alert struct {
	ID      string    `json:"id"` // the same from new to settled
	Kind    Kind      `json:"kind"`
	Cluster string    `json:"cluster"`
	Place   string    `json:"place"` // of an outage: "node cucm-2", "subnet 10.1.2.0/24"
	Cause   Cause     `json:"cause"`
	Title   string    `json:"title"` // one line
	Count   int       `json:"device_count"`
	Devices []Device  `json:"devices"` // at most 50, worst first; of a silence, nodes
	Since   time.Time `json:"since"`
	Ended   time.Time `json:"ended,omitzero"` // only where it is settled
}

// Cause is what is behind an alert. ID is empty where none of the catalogue fits.
type Cause struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Score  float64  `json:"score"` // 0 to 1
	Why    string   `json:"why"`
	Checks []string `json:"checks"` // what to look at next
	Fix    string   `json:"fix"`
	Source string   `json:"source"`
}

// Device is one that an alert is about.
type Device struct {
	Name            string  `json:"device"`
	Model           string  `json:"model"`
	Description     string  `json:"description"`
	IP              string  `json:"ip"`
	Unregistrations int     `json:"unregistrations"` // unplanned, in the window that is looked at
	Period          float64 `json:"period_seconds"`  // 0: none
}

// Notice is an alert as it is told: once when it is new, again when it has grown, and when it is over.
type Notice struct {
	ID    string    `json:"id"` // of this notice: the same when it is sent again
	State State     `json:"state"`
	At    time.Time `json:"at"`
	New   []string  `json:"new_devices"` // told for the first time, at most 50
	Alert Alert     `json:"alert"`
}

// Channel hands notices to people. Send returns nil once the other side has taken the notice.
type Channel interface {
	Name() string // webhook, alertmanager, slack, mail
	Send(context.Context, Notice) error
}

// refresher is a channel that forgets what it is not told again.
type refresher interface {
	Refresh(ctx context.Context, open []Alert, now time.Time) error
}

// TestNotice is what an engineer sends to see whether it arrives.
func TestNotice(now time.Time) Notice {
	id := "test-" + now.UTC().Format("20060102T150405Z")
	now = now.Truncate(time.Millisecond)
	return Notice{ID: id, State: New, At: now, New: []string{}, Alert: Alert{
		ID: id, Kind: Test, Title: "flapwatch can reach you here", Since: now, Devices: []Device{},
		Cause: Cause{Title: "somebody ran flapwatch alert test", Checks: []string{}},
	}}
}
