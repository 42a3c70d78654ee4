// Package event holds the words that both wings of flapwatch share: what a sender said (Event),
// what is asked for (Window, Filter) and what is counted over time (Series, History).
//
// It is data with small pure methods: no clock, no input or output, no logger. Start with Event.
package event

import "time"

// Status says what a record turned out to be.
type Status uint8

const (
	Unparsed Status = iota // not understood; kept with the reason
	Alarm                  // a CUCM alarm (UC_ or CCM_ facility)
	Quoted                 // an alarm quoted inside an RTMT alert: kept as that alert, never counted as the quoted alarm
	Other                  // understood, but no CUCM alarm: operating system, sibling products, IOS
)

var statusNames = [...]string{Unparsed: "unparsed", Alarm: "event", Quoted: "quoted", Other: "other"}

// String gives the word used in JSON and in counters.
func (s Status) String() string { return statusNames[s] }

// TimeSource says where Event.Time comes from.
type TimeSource uint8

const (
	FromReceipt       TimeSource = iota // the message carried no usable time: Time is the receive time
	FromMessage                         // the message said it all
	FromMessageNoYear                   // the message said everything but the year; the year nearest to the receive time was taken
)

var timeSourceNames = [...]string{FromReceipt: "received", FromMessage: "message", FromMessageNoYear: "message_no_year"}

// String gives the word used in JSON and in the store.
func (s TimeSource) String() string { return timeSourceNames[s] }

// Tag is one [key=value] of a message, the key without padding and without the UNKNOWN_PARAMNAME: mark.
type Tag struct {
	Key, Value string
	Unknown    bool // the node's own catalogue did not know the parameter (UNKNOWN_PARAMNAME: or UNKNOWN_PARAMTYPE:)
}

// Event is what a sender said, cleaned but not interpreted. Its strings are parts of Raw wherever
// that is possible, so an Event keeps its record alive and costs no allocation to fill again.
//
// Optional numbers have a Has… beside them, because zero is a legal value of each.
type Event struct {
	ID ID

	Time       time.Time  // when it happened, UTC; the receive time where the message has none
	TimeSource TimeSource // where Time comes from
	Claimed    string     // the time as it was sent, with its zone: "Jul 02 2015 06:22:31.123 UTC"
	Clock      string     // "*" never synchronised, "." synchronisation lost, "" good
	Received   time.Time  // when the listening wing took it in, UTC

	Source  string // peer address, or file name
	Host    string // HOST of the CiscoLog header, or of the relay's header
	Process string // process or program named in the envelope ("ccm", "crond")

	PRI         uint8 // RFC 5424 section 6.2.1: facility*8+severity
	HasPRI      bool
	Seq         uint32 // the alarm's own sequence number, counted per process
	HasSeq      bool
	AgentSeq    uint32 // the Syslog Agent's sequence number (envelope B)
	HasAgentSeq bool

	Facility string // "UC_CALLMANAGER"
	Severity uint8  // from the -N- of the header, 0..7
	Alarm    string // "EndPointUnregistered"

	Tags []Tag // every tag in the order sent, the ones below included

	Device        string
	MAC           string
	IP            string // IPv4 address, as sent
	IPv6          string
	Protocol      string
	Description   string
	DeviceType    uint32
	HasDeviceType bool
	Reason        uint32 // Reason, ReasonCode, ReasonForOutOfService, …: the parameter that this alarm uses
	HasReason     bool
	Signal        string // LastSignalReceived
	State         string // StationState
	CallState     string
	AppID         string
	Cluster       string // ClusterID
	Node          string // NodeID, else Host
	Part          string // "16.1/3" of a message in several parts

	Text      string // the words behind the tags
	Truncated bool   // the message ends too early
	Raw       string // the bytes as they came, without framing
	Layout    Layout // how they lie around the values above

	Ending *Ending // shared with other events whose records end alike; nil if there is none
}

// Layout says how a record is written, if that is the way in which services write: where it is not 0, Raw is, byte for byte,
//
//	<PRI>Seq: Host: Claimed :  %Facility-Severity-Alarm: %[Key=Value]…[Key=Value]: Text
//
// with all of Tags, none of them unknown, no control characters, and Claimed as Time in the form "Jan 02 2006 15:04:05.000 UTC". Numbers have
// no zero before them, and a parameter with a field has the same text there. Records with the same Layout have the same keys in one order.
type Layout uint32

// OneSpace in a Layout says that Claimed has one space behind its colon, where others have two.
const OneSpace Layout = 1 << 31

// Reset empties e for the next record and keeps the capacity of Tags.
func (e *Event) Reset() {
	tags := e.Tags[:0]
	*e = Event{} // in place, where a literal with tags in it would be copied
	e.Tags = tags
}

// Tag gives the value of the first tag called key, and whether there is one.
func (e *Event) Tag(key string) (string, bool) {
	for i := range e.Tags {
		if e.Tags[i].Key == key {
			return e.Tags[i].Value, true
		}
	}
	return "", false
}

// Role is what an alarm means for the registration of its device.
type Role uint8

const (
	Info    Role = iota // side information
	Down                // a registration ended
	Up                  // a registration was completed
	Attempt             // a registration was tried and not completed
	Action              // a person or a schedule acted (reset, restart, log-in)
	Node                // about a whole node or link
)

var roleNames = [...]string{Info: "info", Down: "down", Up: "up", Attempt: "attempt", Action: "action", Node: "node"}

// String gives the word used in the store.
func (r Role) String() string { return roleNames[r] }

// Names are the decoded words that are stored beside the codes, for people who query by SQL. The code stays the truth.
type Names struct {
	Role     Role
	Expected bool   // a planned or normal unregistration
	Reason   string // "KeepAliveTimeout"
	Cause    string // id of the cause
	Model    string // "Cisco 3905"
}

// Row is an event as it is stored.
type Row struct {
	Event
	Names
	Parts int // messages that it was joined from; 0 is one
}
