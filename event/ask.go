package event

import (
	"maps"
	"slices"
	"time"
)

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

// Admits says whether the filter lets an event through.
func (f *Filter) Admits(e *Event) bool {
	is := func(asked, v string) bool { return asked == "" || asked == v }
	return (f.From.IsZero() || !e.Time.Before(f.From)) && (f.To.IsZero() || e.Time.Before(f.To)) &&
		is(f.Cluster, e.Cluster) && is(f.Node, e.Node) && is(f.Device, e.Device) && is(f.Protocol, e.Protocol) && is(f.Alarm, e.Alarm) &&
		(f.Reason == nil || e.HasReason && e.Reason == *f.Reason)
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
	Key       uint32 // of the event: copies of one have equal keys and the same second; 0 where it is not known
}

// Mark is a moment in what was committed: of each spool the frame below which all is.
type Mark map[string]uint64

// Towards gives the Mark on the way to upto that is n frames behind m, or upto if that is nearer.
func (m Mark) Towards(upto Mark, n uint64) Mark {
	next := make(Mark, len(upto))
	for _, spool := range slices.Sorted(maps.Keys(upto)) {
		from := min(m[spool], upto[spool])
		step := min(upto[spool]-from, n)
		next[spool] = from + step
		n -= step
	}
	return next
}

// History is everything that happened to the registration of one device, oldest first.
type History struct {
	Cluster, Device      string
	IP, Protocol         string // as last seen
	Description, Model   string
	DeviceType           uint32
	NeighborID, Neighbor string // switch and port, from LastOutOfServiceInformation where it arrived
	Told                 Told
	Changes              []Change
}

// Told is when each property of a device was last said, in Unix milliseconds; 0 where it was not.
type Told struct {
	IP, Protocol, Description, Model, DeviceType, Neighbor int64
}

// Oldest of the properties that were said; 0 if none was.
func (t Told) Oldest() (oldest int64) {
	for _, at := range [...]int64{t.IP, t.Protocol, t.Description, t.Model, t.DeviceType, t.Neighbor} {
		if at != 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	return oldest
}
