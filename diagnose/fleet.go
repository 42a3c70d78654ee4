package diagnose

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"flapwatch/reasons"
)

// Neighbourhood is what other devices do at the same time as the one of a case.
type Neighbourhood struct {
	SamePeriod int    // others of the cluster whose period is within 2 %
	SameSecond int    // of these, last lost within two seconds of this one
	SameClock  int    // of these, last lost within ten to twenty minutes of the same time of day
	SamePlace  int    // of these, in Place
	Place      string // switch of this device, its subnet (/24) where the switch is not known
	Restless   int    // others in Place that flap with the same reason and without a period
}

// convincing: a finding with a larger p-value is no company for others.
const convincing = 1e-2

// Fleet gives the cases of all devices back with what they have in common. It does not change cases.
func Fleet(cases []Case) []Case {
	out := slices.Clone(cases)
	all := make([]*Case, len(out))
	for i := range out {
		all[i] = &out[i]
	}
	for i, n := range neighbourhoods(all) {
		out[i].Fleet = &n
	}
	return out
}

// neighbourhoods compares the cases of all devices, and changes none.
func neighbourhoods(cases []*Case) []Neighbourhood {
	out := make([]Neighbourhood, len(cases))
	circles := make([]circle, len(cases))
	byCluster := map[string][]int{}
	restless := map[circle]int{}
	for i, c := range cases {
		circles[i] = c.circle()
		out[i].Place = circles[i].place
		if c.restless() {
			restless[circles[i]]++
		}
		if f := c.Finding; f != nil && f.Period > 0 && f.PValue <= convincing {
			byCluster[c.Cluster] = append(byCluster[c.Cluster], i)
		}
	}
	for i, c := range cases {
		if n := restless[circles[i]]; n > 0 && c.restless() && out[i].Place != "" {
			out[i].Restless = n - 1
		}
	}
	for _, members := range byCluster {
		compare(cases, out, members)
	}
	return out
}

// circle is devices that could share a cause.
type circle struct {
	cluster, place string
	reason         uint32
}

func (c *Case) circle() circle {
	k := circle{cluster: c.Cluster, place: placeOf(c)}
	if c.Reason != nil {
		k.reason = *c.Reason
	}
	return k
}

// restless: flaps, and no period was found.
func (c *Case) restless() bool {
	return c.Finding == nil && c.Reason != nil && c.Flap != nil && c.Flap.Unregistrations >= enough
}

func placeOf(c *Case) string {
	if c.Switch != "" {
		return c.Switch
	}
	a, err := netip.ParseAddr(c.IP)
	if err != nil || !a.Unmap().Is4() {
		return ""
	}
	p, err := a.Unmap().Prefix(24)
	if err != nil {
		return ""
	}
	return p.String()
}

// compare slides a window of ±2 % over the members in the order of their periods.
func compare(cases []*Case, out []Neighbourhood, members []int) {
	slices.SortFunc(members, func(a, b int) int {
		return cmp.Or(cmp.Compare(cases[a].Finding.Period, cases[b].Finding.Period), cmp.Compare(a, b))
	})
	seen := tally{map[string]int{}, map[int64]int{}, map[int64]int{}}
	begin, end := 0, 0
	for _, i := range members {
		period := cases[i].Finding.Period
		for ; end < len(members) && cases[members[end]].Finding.Period <= 1.02*period; end++ {
			seen.add(cases[members[end]], 1)
		}
		for ; cases[members[begin]].Finding.Period < period/1.02; begin++ {
			seen.add(cases[members[begin]], -1)
		}
		seen.tell(cases[i], &out[i], end-begin-1)
	}
}

// tally counts the devices in the window by place, by second and by part of the day.
type tally struct {
	place         map[string]int
	second, clock map[int64]int
}

const partOfDayMS = 600_000

func partOfDay(ms int64) int64 { return ms % 86_400_000 / partOfDayMS }

func (t tally) add(c *Case, n int) {
	t.place[placeOf(c)] += n
	t.second[c.Finding.Last/1000] += n
	t.clock[partOfDay(c.Finding.Last)] += n
}

// tell fills in the neighbourhood n of c, itself left out.
func (t tally) tell(c *Case, n *Neighbourhood, others int) {
	second, part := c.Finding.Last/1000, partOfDay(c.Finding.Last)
	n.SamePeriod, n.SameSecond, n.SameClock = others, -1, -1
	for s := second - 2; s <= second+2; s++ {
		n.SameSecond += t.second[s]
	}
	const parts = 86_400_000 / partOfDayMS
	for p := part + parts - 1; p <= part+parts+1; p++ {
		n.SameClock += t.clock[p%parts]
	}
	if n.Place != "" {
		n.SamePlace = t.place[n.Place] - 1
	}
}

// company is how many others it takes before they say something.
const company = 3

// peers: the same period and the same second is a path, the same period and an own phase a setting, the same clock time
// a job.
func (f *facts) peers(p *reasons.PeriodicCause) factor {
	n := f.Fleet
	if n == nil || n.SamePeriod < company {
		return nothing
	}
	others := f.say("%d other devices have the same period", n.SamePeriod)
	switch {
	case 2*n.SameSecond >= n.SamePeriod:
		return simultaneous(p, f.say("%s, %d of them in the same second", others, n.SameSecond))
	case f.beat.seconds > 86000 && 2*n.SameClock >= n.SamePeriod:
		return sameClock(p, f.say("%s, %d of them at the same clock time", others, n.SameClock))
	case 5*n.SameSecond < n.SamePeriod:
		return ownPhase(p, others+", each with its own phase", n)
	}
	return nothing
}

func simultaneous(p *reasons.PeriodicCause, text string) factor {
	if together(p) {
		return factor{5, "fleet", text + ": a path or node they share"}
	}
	if mayBeOnClock(p) {
		return nothing
	}
	return factor{0.2, "fleet", text + "; with this cause each would have its own phase"}
}

func sameClock(p *reasons.PeriodicCause, text string) factor {
	if mayBeOnClock(p) {
		return factor{3, "fleet", text + ": a job"}
	}
	return factor{0.4, "fleet", text + ", which speaks for a job"}
}

func ownPhase(p *reasons.PeriodicCause, text string, n *Neighbourhood) factor {
	if together(p) {
		return factor{0.15, "fleet", text + "; this cause would take them in the same second"}
	}
	if 2*n.SamePlace >= n.SamePeriod {
		return factor{2.5, "fleet", fmt.Sprintf("%s, %d of them in %s: a setting there", text, n.SamePlace, n.Place)}
	}
	return factor{1.5, "fleet", text + ": a setting they share"}
}

// neighbours: several restless devices in one place share something there, which is no single device's cable or radio.
func (f *facts) neighbours(p *reasons.PeriodicCause) factor {
	if f.Fleet == nil || f.Fleet.Restless < company {
		return nothing
	}
	text := f.say("%d other devices in %s flap with the same reason and without a period", f.Fleet.Restless, f.Fleet.Place)
	switch p.ID {
	case "proxy-arp", "arp-mac-mismatch":
		return factor{3, "neighbours", text + ": something they share"}
	case "poe-lldp", "wlan-roam-sleep", "csf-sleep", "duplicate-registration":
		return factor{0.7, "neighbours", text + ", which this cause would not bring about"}
	}
	return nothing
}
