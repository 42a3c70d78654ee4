package pattern

import "math"

// companionShares are the parts of a period within which a companion comes at the same distance from its leader.
var companionShares = [...]float64{0.004, 0.012, 0.04, 0.12}

const (
	mostCompanions = 3
	companionPrice = 3.0 // nats: what chance companions of chance chains may add
)

// crowd is what the companions of a chain say.
type crowd struct {
	worth float64 // nats that they add to the chain
	count int     // companions in a cycle
	parts int     // equal parts into which they cut the period: the true one is that much shorter; 1 if they do not
}

// companions looks for events that follow, or precede, the members of c at a fixed distance: the second and third event of a
// cycle. It fills f.company with their positions.
func (f *Finder) companions(c chain) crowd {
	found := crowd{parts: 1}
	f.company = f.company[:0]
	f.taken = append(f.taken[:0], make([]bool, len(f.t))...)
	for _, l := range c.links {
		f.taken[l.event] = true
	}
	cuts := [...]int{2, 3, 4, 5, 6, 7}
	var fits [len(cuts)]int
	for found.count < mostCompanions {
		best, back := f.companion(c, false, companionPrice+math.Ln2), false
		if s := f.companion(c, true, best.score); s.score > best.score {
			best, back = s, true
		}
		worth := best.score - math.Ln2 - companionPrice
		if !(worth > 0) {
			break
		}
		found.worth += worth
		found.count++
		f.enlist(c, best, back)
		at := (best.from + best.width/2) / c.period
		near := best.width/c.period/2 + max(0.01, c.sigma)
		for i, q := range cuts {
			if x := at * float64(q); math.Abs(x-math.Round(x)) < near*float64(q) && at > near && at < 1-near {
				fits[i]++
			}
		}
	}
	for i, q := range cuts {
		if fits[i] > 0 && (q <= 3 || fits[i] == mostCompanions) {
			found.parts = q
			break
		}
	}
	return found
}

// enlist adds the events in slot s to f.company.
func (f *Finder) enlist(c chain, s slot, back bool) {
	f.follow(c, back)
	for i, p := range f.phases {
		if d := p.at - s.from; (d >= 0 && d <= s.width) || d+c.period <= s.width {
			f.company = append(f.company, f.phaseOf[i])
			f.taken[f.phaseOf[i]] = true
		}
	}
}

// companion is the best distance, counted from the member before or, with back, to the member after, with a score above bar.
func (f *Finder) companion(c chain, back bool, bar float64) slot {
	best := slot{score: bar}
	cycles := f.follow(c, back)
	if len(f.phases) < 4 {
		return best
	}
	f.sortPhases(c.period)
	for _, share := range companionShares {
		w := share * c.period
		if w < 2*f.res || w < 2 {
			continue
		}
		if s := f.slots(c.period, w, cycles, float64(len(companionShares)), best.score); s.score > best.score {
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
