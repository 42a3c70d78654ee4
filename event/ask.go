package event

import "time"

// Window is a half-open stretch of time: From ≤ t < To.
type Window struct {
	From, To time.Time
}

// Length of the window.
func (w Window) Length() time.Duration { return w.To.Sub(w.From) }

// Filter narrows a question. Empty fields do not narrow.
type Filter struct {
	Window
	Cluster, Node, Device, Protocol, Alarm string
	Reason                                 *uint32
}

// Series is the event times of one device, for the period finder.
type Series struct {
	Cluster, Device string
	Times           []int64 // Unix milliseconds, ascending
}

// Change is one alarm about the registration of a device, reduced to what state machines need.
type Change struct {
	At        int64 // Unix milliseconds
	Role      Role  // Down, Up, Attempt or Action
	Node      string
	Reason    uint32
	HasReason bool
	Expected  bool // planned or normal
	Signal    string
}

// History is everything that happened to the registration of one device, oldest first.
type History struct {
	Cluster, Device      string
	IP, Protocol         string // as last seen
	Description, Model   string
	DeviceType           uint32
	NeighborID, Neighbor string // switch and port, from LastOutOfServiceInformation where it arrived
	Changes              []Change
}
