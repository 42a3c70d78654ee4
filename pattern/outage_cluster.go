package pattern

import (
	"cmp"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"flapwatch/event"
)

// place is a device and where it stands.
type place struct {
	name, subnet, model, neighbor string
	nodes                         []string // each one it was on
}

// loss is one registration that ended and was not meant to. There are millions of them: it is kept small, without a pointer.
type loss struct {
	at        int64
	away      uint32 // milliseconds until it was registered again, and one; 0 if that was not seen
	device    int32  // position among the devices of the cluster
	reason    uint32
	place     uint16 // of the node among those of the device
	hasReason bool
}

// back is when the device was registered again; false if that was not seen.
func (l loss) back() (int64, bool) { return l.at + int64(l.away) - 1, l.away > 0 }

func (c *cluster) node(l loss) string { return c.devices[l.device].nodes[l.place] }

// code of the reason in decimal, empty where there is none.
func (l loss) code() string {
	if !l.hasReason {
		return ""
	}
	return strconv.FormatUint(uint64(l.reason), 10)
}

// cluster is the losses of all its devices, by time, and the devices themselves.
type cluster struct {
	devices []*place
	losses  []loss
	known   int
	usual   background
	places  map[OutageKind]map[string]int // known devices by what they have in common
}

// lastOfDevice is the last loss of each device that apart kept. It belongs to one goroutine.
type lastOfDevice struct {
	kept []kept
	turn int32
}

// kept is a loss that apart kept in its turn.
type kept struct {
	at   int64
	turn int32
}

// group is the losses (positions) of devices that share a node, subnet, model, switch or cluster.
type group struct {
	losses  []int32
	devices int
}

// keyOf says what a loss has in common with others, by the kind of outage that it would be.
var keyOf = map[OutageKind]func(*cluster, loss) string{
	SwitchOutage: func(c *cluster, l loss) string { return c.devices[l.device].neighbor },
	SubnetOutage: func(c *cluster, l loss) string { return c.devices[l.device].subnet },
	ModelOutage:  func(c *cluster, l loss) string { return c.devices[l.device].model },
	NodeOutage:   (*cluster).node,
}

// narrowFirst: of two things that explain an outage equally well the narrower one is named.
var narrowFirst = [...]OutageKind{SwitchOutage, SubnetOutage, ModelOutage, NodeOutage}

func readClusters(histories iter.Seq[event.History], w event.Window) map[string]*cluster {
	clusters := map[string]*cluster{}
	for h := range histories {
		c := clusters[h.Cluster]
		if c == nil {
			c = &cluster{}
			clusters[h.Cluster] = c
		}
		c.add(h, w)
	}
	for _, c := range clusters {
		slices.SortFunc(c.losses, func(a, b loss) int {
			if a.at != b.at {
				return cmp.Compare(a.at, b.at)
			}
			return cmp.Or(cmp.Compare(c.devices[a.device].name, c.devices[b.device].name), cmp.Compare(c.node(a), c.node(b)))
		})
	}
	return clusters
}

func (c *cluster) add(h event.History, w event.Window) {
	sessions := Sessions(h, w)
	arrivals := slices.DeleteFunc(slices.Clone(sessions), func(s Session) bool { return s.OpenStart })
	d := &place{name: h.Device, subnet: subnet(h.IP), model: h.Model, neighbor: h.NeighborID}
	if d.model == "" && h.DeviceType != 0 {
		d.model = "type " + strconv.FormatUint(uint64(h.DeviceType), 10)
	}
	number := int32(len(c.devices))
	c.devices = append(c.devices, d)
	for _, s := range sessions {
		node := slices.Index(d.nodes, s.Node)
		if node < 0 {
			if len(d.nodes) > math.MaxUint16 {
				continue // nobody has so many nodes
			}
			node = len(d.nodes)
			d.nodes = append(d.nodes, s.Node)
		}
		if !s.Broke() && !vanished(s, arrivals) {
			continue
		}
		l := loss{at: s.Until, device: number, reason: s.EndReason, hasReason: s.HasEndReason, place: uint16(node)}
		if away := back(s, arrivals) - s.Until; away >= 0 && away < math.MaxUint32 {
			l.away = uint32(away) + 1
		}
		c.losses = append(c.losses, l)
	}
}

// vanished: no end was seen, and the device turned up on another node. arrivals are the sessions that were seen to
// begin, in that order.
func vanished(s Session, arrivals []Session) bool {
	if !s.OpenEnd {
		return false
	}
	for i := firstFrom(arrivals, s.Until); i < len(arrivals) && arrivals[i].From == s.Until; i++ {
		if arrivals[i].Node != s.Node {
			return true
		}
	}
	return false
}

// back is the moment, after the end of s, from which the device was registered somewhere; 0 if that was not seen.
func back(s Session, arrivals []Session) int64 {
	for i := firstFrom(arrivals, s.From+1); i < len(arrivals); i++ {
		if arrivals[i].Until > s.Until {
			return max(arrivals[i].From, s.Until)
		}
	}
	return 0
}

// firstFrom is the first position at which a session begins at or after ms.
func firstFrom(sessions []Session, ms int64) int {
	i, _ := slices.BinarySearchFunc(sessions, ms, func(s Session, ms int64) int { return cmp.Compare(s.From, ms) })
	return i
}

// subnet is the /24 of an IPv4 address, the /64 of an IPv6 address, empty for anything else.
func subnet(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	bits := 64
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// all is the group of the whole cluster.
func (c *cluster) all() group {
	g := group{devices: c.known, losses: make([]int32, len(c.losses))}
	for i := range c.losses {
		g.losses[i] = int32(i)
	}
	return g
}

// groupsOf a kind, with at least so many losses: parts of the cluster, not all of it.
func (c *cluster) groupsOf(kind OutageKind, least int) []group {
	first, number, keys := c.number(kind)
	ends := make([]int, len(keys)+1) // of the group before, then of the group
	for _, l := range c.losses {
		ends[number[first[l.device]+int(l.place)]+1]++
	}
	for i := range keys {
		ends[i+1] += ends[i]
	}
	sorted := make([]int32, len(c.losses))
	for i, l := range c.losses {
		g := number[first[l.device]+int(l.place)]
		sorted[ends[g]] = int32(i)
		ends[g]++
	}
	members, begin := map[string][]int32{}, 0
	for g, key := range keys {
		members[key], begin = sorted[begin:ends[g]], ends[g]
	}
	var out []group
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if devices := c.places[kind][key]; key != "" && len(members[key]) >= least && devices < c.known {
			out = append(out, group{members[key], devices})
		}
	}
	return out
}

// number gives each key of a kind a number: that of the nodes of a device begins at its first. So the key of a loss is looked up once.
func (c *cluster) number(kind OutageKind) (first []int, number []int32, keys []string) {
	known := map[string]int32{}
	for i, d := range c.devices {
		first = append(first, len(number))
		for place := range d.nodes {
			key := keyOf[kind](c, loss{device: int32(i), place: uint16(place)})
			n, ok := known[key]
			if !ok {
				n = int32(len(keys))
				known[key], keys = n, append(keys, key)
			}
			number = append(number, n)
		}
	}
	return first, number, keys
}

// sortOut counts the known devices by what they have in common.
func (c *cluster) sortOut() {
	c.places = map[OutageKind]map[string]int{}
	for _, kind := range narrowFirst {
		count := map[string]int{}
		for i, d := range c.devices {
			if kind != NodeOutage {
				count[keyOf[kind](c, loss{device: int32(i)})]++
				continue
			}
			for _, n := range d.nodes {
				count[n]++
			}
		}
		c.places[kind] = count
	}
}

// apart leaves out a loss of a device that comes less than ms after one of the same device that was kept, so that the
// losses in a window of that width are as many devices.
func (c *cluster) apart(losses []int32, before *lastOfDevice, ms int64) []int32 {
	before.turn++
	out := make([]int32, 0, len(losses))
	for _, i := range losses {
		l := &c.losses[i]
		last := &before.kept[l.device]
		if last.turn == before.turn && l.at-last.at < ms {
			continue
		}
		*last = kept{l.at, before.turn}
		out = append(out, i)
	}
	return out
}

// background of these losses of a group with so many devices.
func (c *cluster) background(losses []int32, devices int, w event.Window) background {
	times := make([]int64, len(losses))
	for i, k := range losses {
		times[i] = c.losses[k].at
	}
	return newBackground(times, devices, w)
}

// common is what at least four in five of the losses share and the fleet at large does not: the kind with the largest
// Kullback-Leibler divergence from the known devices, if chance would give it less than once in a hundred times.
func (c *cluster) common(members []int32) (OutageKind, string) {
	kind, place, best := MixedOutage, "", 0.0
	for _, k := range narrowFirst {
		count := map[string]int{}
		for _, m := range members {
			count[keyOf[k](c, c.losses[m])]++
		}
		top := mostOf(count)
		share := float64(count[top]) / float64(len(members))
		usual := float64(c.places[k][top]) / float64(c.known)
		if d := divergence(share, usual); top != "" && share >= 0.8 && d > best && d*float64(len(members)) >= math.Log(100) {
			kind, place, best = k, top, d
		}
	}
	return kind, place
}

// divergence of two shares, in nats; 0 where the first is not the larger one.
func divergence(share, usual float64) float64 {
	if share <= usual || usual <= 0 {
		return 0
	}
	d := share * math.Log(share/usual)
	if share < 1 {
		d += (1 - share) * math.Log((1-share)/(1-usual))
	}
	return d
}
