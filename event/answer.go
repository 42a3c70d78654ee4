package event

import (
	"errors"
	"time"
)

// What may go wrong with a question to the store.
var (
	ErrCursor      = errors.New("cursor not known")        // the cursor was not given by an earlier answer
	ErrNotFound    = errors.New("not found")               // there is nothing of that name
	ErrUnavailable = errors.New("store not available")     // try again later
	ErrTooMuch     = errors.New("question takes too much") // deadline or memory limit of a query
)

// DeviceSummary is what is known of one device in a window.
type DeviceSummary struct {
	Cluster, Device         string
	Model, Description      string
	DeviceType              uint32
	IP, Protocol            string
	Node, Alarm             string // of the last event
	Role                    Role   // of the last event that says whether it is registered
	First, Last             time.Time
	Unregistrations         uint64 // unplanned
	Expected                uint64 // planned unregistrations
	Registrations, Attempts uint64
}

// Losses are the unregistrations in a stretch of time that begins at From.
type Losses struct {
	From               time.Time
	Unplanned, Planned uint64
}

// Line is a record that was not understood.
type Line struct {
	ID       ID
	Received time.Time
	Source   string
	Offset   int // byte at which the parser gave up
	Reason   string
	Raw      string
}
