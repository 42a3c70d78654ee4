package report

import (
	"encoding/json"
	"fmt"
	"time"
)

// Moment is a point in time in Unix milliseconds; 0 is one that is not known. In JSON it is RFC 3339 in UTC, or null.
type Moment int64

func moment(t time.Time) Moment { return Moment(t.UnixMilli()) }

// In gives the moment in a zone.
func (m Moment) In(zone *time.Location) time.Time { return time.UnixMilli(int64(m)).In(zone) }

// MarshalJSON implements json.Marshaler.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return m.In(time.UTC).AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Moment) UnmarshalJSON(b []byte) error {
	var t *time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	*m = 0
	if t != nil {
		*m = moment(*t)
	}
	return nil
}

// Report is what happened in a week. Lengths of time are seconds.
type Report struct {
	Week    string `json:"week"`
	Zone    string `json:"time_zone"`
	From    Moment `json:"from"`
	To      Moment `json:"to"`
	Partial bool   `json:"partial"` // the week has not ended
	Made    Moment `json:"made"`

	Headline string  `json:"headline"`
	Before   *Totals `json:"before"`              // the same days of the week before; nil if it is not compared:
	Silent   Moment  `json:"before_silent_until"` // the week before was heard from here on only; else nothing is known of it
	First    []Task  `json:"do_first"`
	Change   Change  `json:"change"`
	Content
}

// Content is what a week tells by itself, with no look at another one.
type Content struct {
	Totals Totals  `json:"totals"`
	Causes []Cause `json:"causes"` // what repeats or flaps, by cause, most drops first

	Pulse        []Beat   `json:"pulse"`
	Devices      []Device `json:"devices"` // that dropped, most drops first
	DevicesInAll int      `json:"devices_in_all"`
	Outages      []Outage `json:"outages"`

	ByReason []Share `json:"by_reason"`
	ByNode   []Share `json:"by_node"`
	BySubnet []Share `json:"by_subnet"`
	ByModel  []Share `json:"by_model"`

	Retrying       []Retrying `json:"retrying"` // that try to register and never succeed
	Senders        []Sender   `json:"senders"`
	SendersTrouble string     `json:"senders_trouble,omitempty"`
}

// Totals of a week.
type Totals struct {
	Devices         int      `json:"devices"` // that changed their registration
	Unregistrations int      `json:"unregistrations"`
	Planned         int      `json:"expected_unregistrations"`
	Dropping        int      `json:"dropping"` // devices with an unplanned unregistration
	Periodic        int      `json:"periodic"` // devices that drop in a period
	Outages         int      `json:"outages"`
	Availability    *float64 `json:"availability"` // mean of the devices for which the log tells
}

// Task is something to check, the most worthwhile first.
type Task struct {
	Title  string   `json:"title"`
	Why    string   `json:"why"`
	Checks []string `json:"checks"`
	Fix    string   `json:"fix,omitempty"`
	Cause  string   `json:"cause,omitempty"` // id of the diagnosis
}

// Cause is a diagnosis with the devices it was made for. An empty ID gathers those for which no known cause fits.
type Cause struct {
	ID              string   `json:"id"`
	Title           string   `json:"title"`
	Score           float64  `json:"score"` // median over its devices
	Planned         bool     `json:"planned"`
	Unregistrations int      `json:"unregistrations"`
	Periodic        int      `json:"periodic"` // devices with a period
	Period          *float64 `json:"period_seconds"`
	PeriodLow       *float64 `json:"period_low_seconds"` // of the devices' periods
	PeriodHigh      *float64 `json:"period_high_seconds"`
	Why             string   `json:"why"` // of the device with the highest score
	Mechanism       string   `json:"mechanism"`
	Evidence        []string `json:"evidence"`
	Against         []string `json:"against"`
	Checks          []string `json:"checks"`
	Fix             string   `json:"fix"`
	Source          string   `json:"source"`
	Phase           *Phase   `json:"phase"`
	Devices         []Member `json:"devices"` // most drops first
	DevicesInAll    int      `json:"devices_in_all"`
}

// Member is a device of a cause.
type Member struct {
	Name
	Unregistrations int      `json:"unregistrations"`
	Period          *float64 `json:"period_seconds"`
	Registered      *float64 `json:"registered_seconds"` // in each cycle
	Score           float64  `json:"score"`
	First           Moment   `json:"first"`
	Last            Moment   `json:"last"`
	Next            Moment   `json:"next_expected"`
}

// Name says which device it is.
type Name struct {
	Device      string `json:"device"`
	Cluster     string `json:"cluster"`
	Model       string `json:"model"`
	IP          string `json:"ip"`
	Description string `json:"description"`
}

// Phase shows a period: where in the cycle each unregistration of a device came, 0 to 1. What keeps its time is a line.
type Phase struct {
	Device string  `json:"device"`
	Period float64 `json:"period_seconds"`
	Points []Point `json:"points"`
}

// Point is one unregistration in a Phase.
type Point struct {
	At    Moment  `json:"at"`
	Place float64 `json:"place"`
}

// Beat is what happened in a part of the week.
type Beat struct {
	From    Moment `json:"from"`
	Dropped int    `json:"unregistrations"`
	Planned int    `json:"expected_unregistrations"`
}

// Device is a line of the list that people know from CUCM, and what they miss in it.
type Device struct {
	Name
	Unregistrations int      `json:"unregistrations"`
	Before          *int     `json:"before"` // the week before; nil if nothing is known of it
	Planned         int      `json:"expected_unregistrations"`
	Reason          *Reason  `json:"reason"` // most frequent
	Node            string   `json:"node"`   // that lost it most often
	Signal          string   `json:"signal"` // LastSignalReceived, most frequent
	First           Moment   `json:"first"`
	Last            Moment   `json:"last"`
	MedianGap       *float64 `json:"median_gap_seconds"` // from one drop to the next
	State           string   `json:"state"`              // at the end of the window
	Availability    *float64 `json:"availability"`
	Period          *float64 `json:"period_seconds"`
	Cause           string   `json:"cause"`
	CauseTitle      string   `json:"cause_title"`
	Check           string   `json:"check"` // the first one
}

// Reason is a code with its name in the table of its alarm.
type Reason struct {
	Code uint32 `json:"code"`
	Name string `json:"name"`
}

// Change is what is different from the week before.
type Change struct {
	Known  bool    `json:"known"` // false: nothing is known of the week before
	New    []Moved `json:"new"`
	Worse  []Moved `json:"worse"`
	Solved []Moved `json:"solved"`
}

// Moved is a device that changed.
type Moved struct {
	Name
	Now    int    `json:"unregistrations"`
	Before int    `json:"before"`
	What   string `json:"what"` // "every 18 min 9 s", "no event at all"
}

// Outage is many devices at once.
type Outage struct {
	Cluster  string         `json:"cluster"`
	Start    Moment         `json:"start"`
	End      Moment         `json:"end"`
	EndSeen  bool           `json:"end_seen"`
	Kind     string         `json:"kind"`
	Place    string         `json:"place"`
	Devices  int            `json:"devices"`
	Share    float64        `json:"share_of_known"`
	ByReason map[string]int `json:"by_reason"`
	Title    string         `json:"title"` // of the cause
	Score    float64        `json:"score"`
	Checks   []string       `json:"checks"`
	Fix      string         `json:"fix"`
}

// Share is a part of all unplanned unregistrations.
type Share struct {
	Key             string `json:"key"`
	Words           string `json:"words,omitempty"`
	Unregistrations int    `json:"unregistrations"`
	Devices         int    `json:"devices"`
}

// Retrying is a device that tries to register and is not let in.
type Retrying struct {
	Name
	Attempts int      `json:"attempts"`
	Every    *float64 `json:"every_seconds"` // median
	Reason   *Reason  `json:"reason"`
	Title    string   `json:"title"` // of the cause
	Check    string   `json:"check"`
}

// Sender is how a node sends.
type Sender struct {
	Node       string   `json:"node"`
	Cluster    string   `json:"cluster"`
	Messages   uint64   `json:"messages"`
	Missing    uint64   `json:"missing"` // numbers that were passed over: messages lost before us
	Last       Moment   `json:"last"`
	Severities []uint8  `json:"-"`
	Endpoint   uint64   `json:"endpoint_alarms"`
	Warnings   []string `json:"warnings"`
}
