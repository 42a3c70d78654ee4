package pattern

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"flapwatch/event"
)

// OutageKind says what the devices of an outage have in common.
type OutageKind string

const (
	NodeOutage    OutageKind = "node"
	SubnetOutage  OutageKind = "subnet"
	ModelOutage   OutageKind = "model"
	SwitchOutage  OutageKind = "switch"
	ClusterOutage OutageKind = "cluster" // at least half of the cluster's devices, nothing narrower in common
	MixedOutage   OutageKind = "mixed"
)

// OutageOptions are the knobs of Outages. Zero fields take the defaults.
type OutageOptions struct {
	// MinDevices: fewer devices are never an outage; 5.
	MinDevices int
	// FalseAlarms: outages found by chance in a week of one cluster; 0.01. The tests share it.
	FalseAlarms float64
	// Known devices of each cluster. Where it is smaller than the number of histories, that number counts.
	Known map[string]int
}

func (o OutageOptions) withDefaults() OutageOptions {
	if o.MinDevices <= 0 {
		o.MinDevices = 5
	}
	if o.FalseAlarms <= 0 {
		o.FalseAlarms = 0.01
	}
	return o
}

// Outage is many devices that lost their registration at the same time. Times are Unix milliseconds.
type Outage struct {
	Cluster      string
	Start        int64    // first loss
	LastLoss     int64    // last loss
	End          int64    // when nine in ten were registered again; LastLoss if EndSeen is false
	EndSeen      bool     // false: not so many are back, or the log shows no registrations
	Devices      []string // sorted
	ShareOfKnown float64
	Kind         OutageKind
	Place        string // the node, subnet, model or switch; empty for cluster and mixed
	// Devices by what they have in common; the key of what is not known is empty.
	ByNode, BySubnet, ByModel, BySwitch, ByReason map[string]int
	MedianOutage                                  *float64 // seconds, of the devices that came back
	PValue                                        float64  // of the most surprising window in it
}

// Outages finds stretches of w in which more devices lost their registration than is usual for their node, subnet (/24,
// IPv6 /64), model, switch or cluster, oldest first. w may not be zero. Ends that were meant do not count; a device that
// turns up on another node without an end on the last one does, because a node that dies says nothing.
//
// It is a scan statistic (Naus 1982; Kulldorff 1997): windows of 15 s, 1 min and 5 min start at every loss of every group.
// The number of devices in one is compared with what the group does half an hour and four hours around it, in all of w and
// at this time of the other days, whichever expects most (see background), and with the minutes before it, for an outage
// begins all of a sudden. Windows that pass and lie within two minutes of each other are one outage.
//
// The histories should hold all devices, or Known their number: what an outage has in common is judged against the rest
// of the fleet.
func Outages(histories iter.Seq[event.History], w event.Window, o OutageOptions) []Outage {
	o = o.withDefaults()
	var out []Outage
	clusters := readClusters(histories, w)
	for _, name := range slices.Sorted(maps.Keys(clusters)) {
		c := clusters[name]
		c.known = max(o.Known[name], len(c.devices))
		c.sortOut()
		for _, burst := range bursts(c, w, o) {
			out = append(out, c.describe(name, burst))
		}
	}
	slices.SortStableFunc(out, func(a, b Outage) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// scanWidths of the windows. A dead path shows within 130 s (SIP) or 90 s (SCCP), a dead switch or node that resets
// connections at once.
var scanWidths = [...]time.Duration{15 * time.Second, time.Minute, 5 * time.Minute}

const (
	week         = 7 * 24 * time.Hour
	sameOutageMS = 120_000
	// clumping: windows that start at every event give more chances than windows side by side. Three is on the safe
	// side at the few events of a window that matter here.
	clumping = 3
)

// burst is a stretch with its losses (positions in cluster.losses) and the smallest p among its windows.
type burst struct {
	from, to int64
	members  map[int32]bool
	p        float64
}

// bursts of one cluster, the windows of all groups merged. The groups of one kind are held at a time.
func bursts(c *cluster, w event.Window, o OutageOptions) []burst {
	all := c.all()
	c.usual = c.background(all.losses, c.known, w)
	number := 1
	for _, kind := range narrowFirst {
		number += len(c.groupsOf(kind, o.MinDevices))
	}
	found := c.look([]group{all}, number, w, o)
	for _, kind := range narrowFirst {
		found = append(found, c.look(c.groupsOf(kind, o.MinDevices), number, w, o)...)
	}
	slices.SortStableFunc(found, func(a, b burst) int { return cmp.Compare(a.from, b.from) })
	return mergeBursts(found)
}

// look scans some of so many groups in all widths, on all processors.
func (c *cluster) look(groups []group, number int, w event.Window, o OutageOptions) []burst {
	found := make([][]burst, len(groups)*len(scanWidths))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(found), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			last := &lastOfDevice{kept: make([]kept, len(c.devices))}
			for i := int(next.Add(1) - 1); i < len(found); i = int(next.Add(1) - 1) {
				g, width := groups[i/len(scanWidths)], scanWidths[i%len(scanWidths)]
				limit := o.FalseAlarms * width.Seconds() / week.Seconds() / float64(number*len(scanWidths)*clumping)
				found[i] = c.scan(g, last, width, w, o.MinDevices, limit)
			}
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

func mergeBursts(sorted []burst) []burst {
	var out []burst
	for _, b := range sorted {
		n := len(out)
		if n == 0 || b.from > out[n-1].to+sameOutageMS {
			out = append(out, b)
			continue
		}
		last := &out[n-1]
		last.to, last.p = max(last.to, b.to), min(last.p, b.p)
		maps.Copy(last.members, b.members)
	}
	return out
}

// scan slides a window of the given width over the losses of a group.
func (c *cluster) scan(g group, last *lastOfDevice, width time.Duration, w event.Window, least int, limit float64) []burst {
	kept := c.apart(g.losses, last, width.Milliseconds())
	b := c.background(kept, g.devices, w)
	var out []burst
	for _, s := range b.stretches(width, least, limit) {
		out = append(out, burst{from: b.times[s.begin], to: b.times[s.end-1], p: s.p, members: set(kept[s.begin:s.end])})
	}
	return out
}

func set(members []int32) map[int32]bool {
	s := make(map[int32]bool, len(members))
	for _, m := range members {
		s[m] = true
	}
	return s
}

// describe names what the devices of a burst have in common, and leaves out those that do not share it.
func (c *cluster) describe(name string, b burst) Outage {
	members := c.core(slices.Sorted(maps.Keys(b.members)), c.usual.rate(b.from, b.to))
	o := Outage{Cluster: name, PValue: b.p}
	o.Kind, o.Place = c.common(members)
	if key, ok := keyOf[o.Kind]; ok {
		members = slices.DeleteFunc(members, func(m int32) bool { return key(c, c.losses[m]) != o.Place })
	}
	c.count(&o, members)
	o.ShareOfKnown = float64(len(o.Devices)) / float64(c.known)
	if o.Kind == MixedOutage && o.ShareOfKnown >= 0.5 {
		o.Kind = ClusterOutage
	}
	return o
}

// rim is how many losses at each end of a burst may be the fleet's usual noise.
const rim = 100

// core cuts the noise off both ends: the stretch with the highest likelihood ratio against the usual rate (Kulldorff 1997,
// the Poisson model). members are in the order of time.
func (c *cluster) core(members []int32, rate float64) []int32 {
	best, from, to := math.Inf(-1), 0, len(members)
	for i := range min(rim, len(members)) {
		for j := len(members); j > max(i, len(members)-rim); j-- {
			length := max(1, seconds(c.losses[members[j-1]].at-c.losses[members[i]].at))
			k, usual := float64(j-i), rate*length
			if ratio := k*math.Log(k/usual) - (k - usual); ratio > best && k > usual {
				best, from, to = ratio, i, j
			}
		}
	}
	return members[from:to]
}

// count fills in what is counted by device: each one once, with its first loss.
func (c *cluster) count(o *Outage, members []int32) {
	o.ByNode, o.BySubnet, o.ByModel, o.BySwitch, o.ByReason = map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	o.Start, o.LastLoss = math.MaxInt64, math.MinInt64
	seen := map[string]bool{}
	var back []int64
	var away []float64
	for _, m := range members {
		l := c.losses[m]
		o.Start, o.LastLoss = min(o.Start, l.at), max(o.LastLoss, l.at)
		d := c.devices[l.device]
		if seen[d.name] {
			continue
		}
		seen[d.name] = true
		o.ByNode[c.node(l)]++
		o.BySubnet[d.subnet]++
		o.ByModel[d.model]++
		o.BySwitch[d.neighbor]++
		o.ByReason[l.code()]++
		if at, ok := l.back(); ok {
			back, away = append(back, at), append(away, seconds(at-l.at))
		}
	}
	o.Devices = slices.Sorted(maps.Keys(seen))
	o.MedianOutage, o.End = middle(away), o.LastLoss
	if need := (9*len(seen) + 9) / 10; len(back) >= need {
		slices.Sort(back)
		o.End, o.EndSeen = max(o.LastLoss, back[need-1]), true
	}
}
