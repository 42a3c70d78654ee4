package simulate

import (
	"math"
	"time"
)

// Truth is what really happened in a play, whether its messages arrived or not.
type Truth struct {
	Devices []DeviceTruth
	Sources []SourceTruth
	Outages []Outage // of one habit in the order of time
	Lines   uint64   // that arrived; every line is of one source
	Lost    uint64   // sent and lost on the way
}

// DeviceTruth is what happened to one device. Means are exact, to the millisecond of the alarms.
type DeviceTruth struct {
	Device, Cluster   string
	Node              string  // its home, the primary
	Protocol          string  // SIP or SCCP
	Cause             string  // id of the periodic cause, "" for none
	Periodic          bool    // the cause makes a clean period; proxy-arp does not
	Alarms            int     // unregistrations at home
	PeriodSeconds     float64 // mean from alarm to alarm at home, 0 below two
	RegisteredSeconds float64 // mean time registered at home, 0 without Cycles
	Cycles            int     // registrations at home that both began and ended in the play
	Lines, Lost       uint64  // messages about it
}

// SourceTruth is what one process of a node sent. Its sequence numbers run from First without a gap
// over all that was sent, the lost ones included.
type SourceTruth struct {
	Node, Process string
	First         uint32
	Lines, Lost   uint64
}

// Outage is a failure that hit many devices at once.
type Outage struct {
	Start, End time.Time
	Subnet     string
	Devices    int // that were unregistered by it
}

// tally is what a phone counts while it plays.
type tally struct {
	up, down    time.Duration // last registration and last alarm at home; unknown before the first
	alarms      int
	cycles      int
	registered  time.Duration // sum over cycles
	apart       time.Duration // sum over alarms but the first
	lines, lost uint64
}

// unknown marks an instant before the play.
const unknown = time.Duration(math.MinInt64)

func newTally() tally { return tally{up: unknown, down: unknown} }

// fell counts an alarm at home.
func (t *tally) fell(at time.Duration) {
	t.alarms++
	if t.down != unknown {
		t.apart += at - t.down
	}
	if t.up != unknown {
		t.cycles++
		t.registered += at - t.up
	}
	t.down, t.up = at, unknown
}

// truth sums up a phone.
func (p *phone) truth() DeviceTruth {
	d := DeviceTruth{
		Device: p.name, Cluster: clusterID, Node: p.home.node, Protocol: p.model.protocol,
		Cause: p.cause, Periodic: p.cause == firstPacketLoss,
		Alarms: p.alarms, Cycles: p.cycles, Lines: p.lines, Lost: p.lost,
	}
	if p.alarms > 1 {
		d.PeriodSeconds = p.apart.Seconds() / float64(p.alarms-1)
	}
	if p.cycles > 0 {
		d.RegisteredSeconds = p.registered.Seconds() / float64(p.cycles)
	}
	return d
}
