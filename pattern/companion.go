package pattern

import "math"

// companionShares are the parts of a period within which a companion comes at the same distance from its leader.
var companionShares = [...]float64{0.004, 0.012, 0.04}

const (
	mostCompanions = 3
	companionPrice = 3.0 // nats: what chance companions of chance chains may add
)

// companions looks for events that follow, or precede, the members of c at a fixed distance: the second and third event of a
// cycle. It appends their positions to f.company and returns what they add to the worth of c, in nats, and how many there
// are in a cycle.
func (f *Finder) companions(c chain) (gain float64, perCycle int, even bool) {
	f.company = f.company[:0]
	f.taken = append(f.taken[:0], make([]bool, len(f.t))...)
	for _, l := range c.links {
		f.taken[l.event] = true
	}
	for perCycle < mostCompanions {
		best, back := f.companion(c, false), false
		if s := f.companion(c, true); s.z > best.z {
			best, back = s, true
		}
		worth := best.z - math.Ln2 - companionPrice
		if !(worth > 0) {
			break
		}
		gain += worth
		at := (best.from + best.width/2) / c.period
		near := max(0.02, 1.5*c.sigma)
		even = even || math.Abs(at-0.5) < near || math.Abs(at-1.0/3) < near || math.Abs(at-2.0/3) < near
		perCycle++
		f.follow(c, back)
		for i, p := range f.phases {
			if d := p.at - best.from; (d >= 0 && d <= best.width) || d+c.period <= best.width {
				f.company = append(f.company, f.phaseOf[i])
				f.taken[f.phaseOf[i]] = true
			}
		}
	}
	return gain, perCycle, even
}

// companion is the best distance, counted from the member before or, with back, to the member after.
func (f *Finder) companion(c chain, back bool) slot {
	best := slot{z: math.Inf(-1)}
	cycles := f.follow(c, back)
	if len(f.phases) < 4 {
		return best
	}
	sortPhases(f.phases)
	for _, share := range companionShares {
		w := share * c.period
		if w < 2*f.res || w < 2 {
			continue
		}
		if s := f.slots(c.period, w, cycles, float64(len(companionShares))); s.z > best.z {
			best = s
		}
	}
	return best
}

// follow fills f.phases with the distances of the free events from the members of c, f.phaseOf with their positions, and
// returns the number of cycles.
func (f *Finder) follow(c chain, back bool) int {
	f.phases, f.phaseOf = f.phases[:0], f.phaseOf[:0]
	cycle := int32(0)
	for i, l := range c.links {
		if l.jump == 0 {
			continue
		}
		from, to := c.links[i-1].event, l.event
		for e := from + 1; e < to; e++ {
			if f.taken[e] {
				continue
			}
			x := f.t[e] - f.t[from]
			if back {
				x = f.t[to] - f.t[e]
			}
			k := math.Floor(x / c.period)
			f.phases = append(f.phases, phase{x - k*c.period, cycle + min(int32(k), l.jump-1)})
			f.phaseOf = append(f.phaseOf, e)
		}
		cycle += l.jump
	}
	return int(cycle)
}
