package diagnose

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"flapwatch/event"
	"flapwatch/keepalive"
	"flapwatch/pattern"
)

// Case is what is known about a device, or about an outage. Everything may be empty: what is not known says nothing.
type Case struct {
	Cluster, Device, IP string
	Switch              string // the neighbour that the phone named
	Protocol            string // SIP, SCCP
	DeviceType          uint32
	Alarm               string  // what the events are; NewCase: EndPointUnregistered or EndPointTransientConnection
	Reason              *uint32 // the typical code, in the table of Alarm
	Signal              string  // the typical LastSignalReceived

	Finding     *pattern.Finding // nil: no period was found
	Spacing     *Spacing         // of failed attempts, which come too fast for a Finding
	Flap        *pattern.Flapping
	Failover    *pattern.FailoverSummary
	Outage      *pattern.Outage // the case is an outage, not a device
	Registered  *float64        // seconds registered before the loss, median
	AfterAction float64         // share of the losses that follow a reset, restart or log-in within a minute
	Timers      *keepalive.SIP  // nil: those of a cluster that nobody changed
	Fleet       *Neighbourhood  // what other devices do; filled in by Fleet
}

// Spacing is the distances in seconds of events that repeat: quartiles.
type Spacing struct {
	Count             int
	Low, Median, High float64
}

const (
	unregistered = "EndPointUnregistered"
	transient    = "EndPointTransientConnection"
)

// NewCase puts together what the history of a device tells in w. finding may be nil.
func NewCase(h event.History, w event.Window, finding *pattern.Finding) Case {
	return CaseOf(h, pattern.Sessions(h, w), w, finding)
}

// CaseOf is NewCase where the sessions of h in w are known already.
func CaseOf(h event.History, sessions []pattern.Session, w event.Window, finding *pattern.Finding) Case {
	flap := pattern.FlapSessions(sessions, w, pattern.FlapOptions{})
	c := Case{
		Cluster: h.Cluster, Device: h.Device, IP: h.IP, Switch: h.NeighborID, Protocol: h.Protocol, DeviceType: h.DeviceType,
		Finding: finding, Flap: &flap, Failover: pattern.Summarize(pattern.Failovers(sessions)), Registered: flap.MedianRegistered,
	}
	if c.Failover != nil && c.Failover.RegisteredSeconds != nil {
		c.Registered = c.Failover.RegisteredSeconds
	}
	inside := slices.DeleteFunc(slices.Clone(h.Changes), func(x event.Change) bool {
		return w != event.Window{} && (x.At < w.From.UnixMilli() || x.At >= w.To.UnixMilli())
	})
	slices.SortStableFunc(inside, func(a, b event.Change) int { return cmp.Compare(a.At, b.At) })
	c.read(inside)
	return c
}

// read takes alarm, reason and signal from the losses or from the failed attempts: those that the finding is about,
// else those that there are more of.
func (c *Case) read(changes []event.Change) {
	lost, tried := only(changes, event.Down), only(changes, event.Attempt)
	told := lost
	c.Alarm = unregistered
	if c.aboutAttempts(lost, tried) {
		told, c.Alarm, c.Spacing = tried, transient, spacing(tried)
	}
	if len(told) == 0 {
		c.Alarm = ""
		return
	}
	c.Reason, c.Signal = typical(told)
	if c.Alarm == unregistered {
		c.AfterAction = afterAction(lost, only(changes, event.Action))
	}
}

func (c *Case) aboutAttempts(lost, tried []event.Change) bool {
	if c.Finding != nil && len(lost) > 0 && len(tried) > 0 {
		return holds(tried, c.Finding.Last) && !(holds(lost, c.Finding.Last) && holds(lost, c.Finding.First))
	}
	return len(tried) > 2*len(lost)
}

// holds: one of the changes, in the order of time, happened at.
func holds(changes []event.Change, at int64) bool {
	_, ok := slices.BinarySearchFunc(changes, at, func(c event.Change, at int64) int { return cmp.Compare(c.At, at) })
	return ok
}

func only(changes []event.Change, role event.Role) []event.Change {
	var out []event.Change
	for _, c := range changes {
		if c.Role == role {
			out = append(out, c)
		}
	}
	return out
}

// typical is the most frequent reason, and the most frequent signal that comes with it. What was not meant goes before what
// was, unless there is five times as much of the latter: the way home from the secondary is part of every fail-over.
func typical(changes []event.Change) (*uint32, string) {
	type coded struct {
		reason uint32
		has    bool
	}
	count := map[coded]int{}
	for _, c := range changes {
		n := 5
		if c.Expected {
			n = 1
		}
		count[coded{c.Reason, c.HasReason}] += n
	}
	top := mostOf(count, func(a, b coded) int { return cmp.Compare(a.reason, b.reason) })
	signals := map[string]int{}
	for _, c := range changes {
		if c.Reason == top.reason && c.Signal != "" {
			signals[c.Signal]++
		}
	}
	var reason *uint32
	if top.has {
		reason = &top.reason
	}
	if len(signals) == 0 {
		return reason, ""
	}
	return reason, mostOf(signals, cmp.Compare[string])
}

// mostOf is the key with the highest count, the first in order of equals; count is not empty.
func mostOf[K comparable](count map[K]int, order func(a, b K) int) K {
	return slices.MaxFunc(slices.SortedFunc(maps.Keys(count), order), func(a, b K) int { return cmp.Compare(count[a], count[b]) })
}

// spacing of sorted events, nil for fewer than four; copies within a second do not count.
func spacing(sorted []event.Change) *Spacing {
	var gaps []float64
	for i := 1; i < len(sorted); i++ {
		if g := float64(sorted[i].At-sorted[i-1].At) / 1000; g >= 1 {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) < 3 {
		return nil
	}
	slices.Sort(gaps)
	n := len(gaps)
	return &Spacing{Count: n, Low: gaps[n/4], Median: gaps[n/2], High: gaps[3*n/4]}
}

// afterAction is the share of losses with an action in the minute before.
func afterAction(lost, actions []event.Change) float64 {
	if len(lost) == 0 {
		return 0
	}
	after := 0
	for _, l := range lost {
		i, _ := slices.BinarySearchFunc(actions, l.At+1, func(a event.Change, at int64) int { return cmp.Compare(a.At, at) })
		if i > 0 && l.At-actions[i-1].At <= 60_000 {
			after++
		}
	}
	return float64(after) / float64(len(lost))
}

// OutageCase puts an outage before Explain.
func OutageCase(o pattern.Outage) Case {
	c := Case{Cluster: o.Cluster, Alarm: unregistered, Outage: &o}
	code, count := "", 0
	for _, r := range slices.Sorted(maps.Keys(o.ByReason)) {
		if r != "" && o.ByReason[r] > count {
			code, count = r, o.ByReason[r]
		}
	}
	if n, err := strconv.ParseUint(code, 10, 32); err == nil && n <= math.MaxUint32 {
		reason := uint32(n)
		c.Reason = &reason
	}
	return c
}
