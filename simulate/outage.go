package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"flapwatch/keepalive"
)

// outages is the habit of phones behind a switch that fails now and then; between the failures
// they are quiet.
type outages struct {
	quiet    quiet
	schedule *schedule
}

// Waits after the current is back: the phone boots, asks for its address and its file, registers.
const (
	bootLow  = 60 * time.Second
	bootHigh = 150 * time.Second
)

func (o outages) lead() time.Duration { return 0 }

func (o outages) next(p *phone, up time.Duration) trouble {
	calm := o.quiet.next(p, up)
	cut := o.schedule.after(p.subnet, up)
	if cut == nil || calm.end() < cut.start {
		return calm
	}
	at := max(cut.start+lost(p), up+settle)
	return trouble{at: at, reason: 13, home: cut.end - at + p.between(bootLow, bootHigh), outage: cut.told}
}

// lost is how long the node takes to notice: its timer began with the last keepalive before.
func lost(p *phone) time.Duration {
	if p.model.protocol == "SIP" {
		s := keepalive.DefaultSIP()
		return seconds(s.Expires+s.Grace) - p.between(0, seconds(s.Expires-s.Delta))
	}
	s := keepalive.DefaultSCCP()
	return seconds(s.Interval*float64(s.Missed)) - p.between(0, seconds(s.Interval))
}

// cut is one failure of a switch.
type cut struct {
	start, end time.Duration
	told       *Outage // what Truth says about it
}

// schedule is when the switches fail: one for each subnet with an even number, drawn as far ahead as
// somebody asked.
type schedule struct {
	from     time.Time
	length   time.Duration
	seed     uint64
	switches map[int]*failures
}

// failures of one switch so far, in the order of time.
type failures struct {
	rng  *rand.Rand
	cuts []*cut
}

// betweenCuts is the mean time from one failure of a switch to the next.
const betweenCuts = 36 * time.Hour

func (p *play) newSchedule() *schedule {
	s := &schedule{from: p.from, length: p.until, seed: p.seed, switches: map[int]*failures{}}
	p.schedules = append(p.schedules, s)
	return s
}

// told is what the failures did to phones, in the order of time.
func (s *schedule) told() []Outage {
	var all []Outage
	for _, f := range s.switches {
		for _, c := range f.cuts {
			if c.told.Devices > 0 {
				all = append(all, *c.told)
			}
		}
	}
	slices.SortFunc(all, func(a, b Outage) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Subnet, b.Subnet))
	})
	return all
}

// after gives the first failure that starts at or after up, nil for a switch that never fails.
func (s *schedule) after(subnet int, up time.Duration) *cut {
	if subnet%2 != 0 {
		return nil
	}
	f := s.switches[subnet]
	if f == nil {
		f = &failures{rng: stream(s.seed, ^uint64(subnet))}
		s.switches[subnet] = f
	}
	for i := 0; ; i++ {
		if i == len(f.cuts) {
			f.cuts = append(f.cuts, s.draw(f, subnet))
		}
		if f.cuts[i].start >= up {
			return f.cuts[i]
		}
	}
}

// draw makes the next failure of a switch. The first comes in the first half of the play, so that
// there is one; each is longer than any node's patience.
func (s *schedule) draw(f *failures, subnet int) *cut {
	start := time.Duration((0.05 + 0.45*f.rng.Float64()) * float64(s.length))
	if n := len(f.cuts); n > 0 {
		start = f.cuts[n-1].end + time.Hour + time.Duration(f.rng.ExpFloat64()*float64(betweenCuts))
	}
	end := start + 3*time.Minute + time.Duration(f.rng.ExpFloat64()*float64(4*time.Minute))
	return &cut{start, end, &Outage{
		Start:  s.from.Add(start),
		End:    s.from.Add(end),
		Subnet: subnetName(subnet),
	}}
}

// subnetName is the subnet as people write it.
func subnetName(subnet int) string { return fmt.Sprintf("10.%d.%d.0/24", 60+subnet/250, subnet%250) }
