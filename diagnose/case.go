package diagnose

import (
	"cmp"
	"iter"
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
	c := CaseOf(h, pattern.Sessions(h, w), w)
	if finding != nil {
		c = c.About(finding, h, w)
	}
	return c
}

// CaseOf is NewCase without a finding, where the sessions of h in w are known already.
func CaseOf(h event.History, sessions []pattern.Session, w event.Window) Case {
	flap := pattern.FlapSessions(sessions, w, pattern.FlapOptions{})
	c := Case{
		Cluster: h.Cluster, Device: h.Device, IP: h.IP, Switch: h.NeighborID, Protocol: h.Protocol, DeviceType: h.DeviceType,
		Flap: &flap, Failover: pattern.Summarize(pattern.Failovers(sessions)), Registered: flap.MedianRegistered,
	}
	if c.Failover != nil && c.Failover.RegisteredSeconds != nil {
		c.Registered = c.Failover.RegisteredSeconds
	}
	c.read(inside(h.Changes, w))
	return c
}

// About gives the case of h in w for a finding.
func (c Case) About(finding *pattern.Finding, h event.History, w event.Window) Case {
	c.Finding = finding
	c.read(inside(h.Changes, w))
	return c
}

// inside gives the changes within w in the order of time, which they mostly are already.
func inside(changes []event.Change, w event.Window) []event.Change {
	out := func(c event.Change) bool {
		return w != event.Window{} && (c.At < w.From.UnixMilli() || c.At >= w.To.UnixMilli())
	}
	order := func(a, b event.Change) int { return cmp.Compare(a.At, b.At) }
	n := len(changes)
	if slices.IsSortedFunc(changes, order) && (n == 0 || !out(changes[0]) && !out(changes[n-1])) {
		return changes
	}
	changes = slices.DeleteFunc(slices.Clone(changes), out)
	slices.SortStableFunc(changes, order)
	return changes
}

// read takes alarm, reason and signal from the losses or from the failed attempts: those that the finding is about,
// else those that there are more of.
func (c *Case) read(changes []event.Change) {
	c.Alarm, c.Reason, c.Signal, c.Spacing, c.AfterAction = "", nil, "", nil, 0
	role := event.Down
	if c.aboutAttempts(changes) {
		role = event.Attempt
	}
	if count(changes, role) == 0 {
		return
	}
	c.Reason, c.Signal = typical(changes, role)
	if role == event.Attempt {
		c.Alarm, c.Spacing = transient, spacing(changes, role)
		return
	}
	c.Alarm, c.AfterAction = unregistered, afterAction(changes)
}

func (c *Case) aboutAttempts(changes []event.Change) bool {
	lost, tried := count(changes, event.Down), count(changes, event.Attempt)
	if f := c.Finding; f != nil && lost > 0 && tried > 0 {
		return holds(changes, event.Attempt, f.Last) && !(holds(changes, event.Down, f.Last) && holds(changes, event.Down, f.First))
	}
	return tried > 2*lost
}

// holds: one of the changes of a role, in the order of time, happened at.
func holds(changes []event.Change, role event.Role, at int64) bool {
	i, _ := slices.BinarySearchFunc(changes, at, func(c event.Change, at int64) int { return cmp.Compare(c.At, at) })
	for ; i < len(changes) && changes[i].At == at; i++ {
		if changes[i].Role == role {
			return true
		}
	}
	return false
}

func count(changes []event.Change, role event.Role) int {
	n := 0
	for range of(changes, role) {
		n++
	}
	return n
}

// of gives the changes of a role.
func of(changes []event.Change, role event.Role) iter.Seq[*event.Change] {
	return func(yield func(*event.Change) bool) {
		for i := range changes {
			if changes[i].Role == role && !yield(&changes[i]) {
				return
			}
		}
	}
}

// typical is the most frequent reason, and the most frequent signal that comes with it. What was not meant goes before what
// was, unless there is five times as much of the latter: the way home from the secondary is part of every fail-over.
func typical(changes []event.Change, role event.Role) (*uint32, string) {
	type coded struct {
		reason uint32
		has    bool
	}
	count := map[coded]int{}
	for c := range of(changes, role) {
		n := 5
		if c.Expected {
			n = 1
		}
		count[coded{c.Reason, c.HasReason}] += n
	}
	top := mostOf(count, func(a, b coded) int { return cmp.Compare(a.reason, b.reason) })
	signals := map[string]int{}
	for c := range of(changes, role) {
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

// spacing of the sorted changes of a role, nil for fewer than four; copies within a second do not count.
func spacing(changes []event.Change, role event.Role) *Spacing {
	var gaps []float64
	var last *event.Change
	for c := range of(changes, role) {
		if last != nil {
			if g := float64(c.At-last.At) / 1000; g >= 1 {
				gaps = append(gaps, g)
			}
		}
		last = c
	}
	if len(gaps) < 3 {
		return nil
	}
	slices.Sort(gaps)
	n := len(gaps)
	return &Spacing{Count: n, Low: gaps[n/4], Median: gaps[n/2], High: gaps[3*n/4]}
}

// afterAction is the share of losses with an action in the minute before.
func afterAction(changes []event.Change) float64 {
	lost, after, action, next := 0, 0, int64(math.MinInt64), 0 // the last action before next
	for l := range of(changes, event.Down) {
		for ; next < len(changes) && changes[next].At <= l.At; next++ {
			if changes[next].Role == event.Action {
				action = changes[next].At
			}
		}
		if lost++; action >= l.At-60_000 {
			after++
		}
	}
	return float64(after) / float64(max(1, lost))
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
