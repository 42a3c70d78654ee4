package simulate

import (
	"math"
	"time"
)

// Scenario is a story that Run can play.
type Scenario struct {
	Name, Summary string
}

// script is a scenario with what is needed to play it. Without groups it is the flood.
type script struct {
	Scenario
	phones int     // unless Options says otherwise
	loss   float64 // unless Options says otherwise
	clerk  bool    // an administrator works, and the audit log says so
	groups []group
}

// group is a share of the phones with the same trouble, placed side by side. Share 0 is the rest.
type group struct {
	share float64
	makes []model
	cause string // id of the periodic cause, "" for none
	habit func(*play) habit
}

// usualLoss is what UDP loses on a busy network; every scenario but the flood has it.
const usualLoss = 0.02

// scripts is made anew for each call, so that nobody can change it.
func scripts() []script {
	cycle := func(share, retry float64) group {
		return group{share, deskSIP, firstPacketLoss, func(*play) habit { return newSixteen(retry) }}
	}
	arp := func(share float64) group {
		return group{share, deskSCCP, proxyARP, func(*play) habit { return arpRace{20 * time.Minute} }}
	}
	calm := func(share float64) group {
		return group{share, allMakes, "", func(p *play) habit { return quiet{p.zone} }}
	}
	cuts := func(share float64) group {
		return group{share, allMakes, "", func(p *play) habit { return outages{quiet{p.zone}, p.newSchedule()} }}
	}
	return []script{
		{Scenario{"sixteen-minute", "SIP phones that lose the first packet of every refresh: 16 minutes registered, 2 on the secondary, and again"},
			20, usualLoss, false, []group{cycle(0, 0.21875)}},
		{Scenario{"proxy-arp", "SCCP phones whose packets a firewall draws to itself at irregular times"},
			20, usualLoss, false, []group{arp(0)}},
		{Scenario{"quiet", "background only: rare resets, log-ins and losses, nothing periodic"},
			200, usualLoss, true, []group{calm(0)}},
		{Scenario{"office", "500 phones: 10 of sixteen-minute, 5 of proxy-arp, 485 quiet, with the rhythm of office hours"},
			500, usualLoss, true, []group{cycle(0.02, 0.21875), calm(0), arp(0.01)}},
		{Scenario{"outage", "every other subnet loses its switch now and then, and all its phones at once"},
			200, usualLoss, true, []group{cuts(0)}},
		{Scenario{"mixed", "some of everything, and the sixteen minutes with other first retries too"},
			300, usualLoss, true, []group{cycle(0.04, 0.21875), cycle(0.03, 0.25), cycle(0.03, 0.5), arp(0.05), calm(0), cuts(0.35)}},
		{Scenario{"flood", "numbered unregistrations at one a millisecond, for load tests"},
			10_000, 0, false, nil},
	}
}

// Scenarios lists what Run can play.
func Scenarios() []Scenario {
	var all []Scenario
	for _, s := range scripts() {
		all = append(all, s.Scenario)
	}
	return all
}

func names() []string {
	var all []string
	for _, s := range scripts() {
		all = append(all, s.Name)
	}
	return all
}

func find(name string) (script, bool) {
	for _, s := range scripts() {
		if s.Name == name {
			return s, true
		}
	}
	return script{}, false
}

// split divides phones among groups: each share rounded, but one phone at least as long as there
// are any; the group without a share takes the rest.
func split(phones int, groups []group) []int {
	counts := make([]int, len(groups))
	left, rest := phones, 0
	for i, g := range groups {
		if g.share == 0 {
			rest = i
			continue
		}
		counts[i] = min(left, max(1, int(math.Round(g.share*float64(phones)))))
		left -= counts[i]
	}
	counts[rest] = left
	return counts
}
