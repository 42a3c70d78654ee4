package pattern

import "math"

// fractions of a period that are tried in its place.
var fractions = [...]float64{2, 3, 5, 7}

// full says that a chain explains nearly everything, so that a shorter period cannot.
func (f *Finder) full(c chain) bool {
	return float64(len(c.links)) > 0.8*float64(len(f.t)) && float64(c.cycles-c.gaps) < 0.25*float64(c.cycles)
}

// shorter tries fractions of the period of b.
func (f *Finder) shorter(b chain, z float64) (chain, float64) {
	if f.full(b) {
		return b, z
	}
	for _, q := range fractions {
		p := b.period / q
		if p < minPeriod {
			break
		}
		m := model{period: p, sigma: min(max(b.sigma*1.5*q, 0.003), 0.15), skip: max(b.skip, 0.1), share: max(b.share, 0.5)}
		if c, v := f.climb(m, z); v > z {
			b, z = c, v
		}
	}
	return b, z
}

// lift finds out whether only every M-th cycle of c is used, and returns M and the events per M cycles.
func lift(c chain) (multiple, perCycle int) {
	multiple, perCycle = 1, 1
	best := 5.0
	for m := 2; m <= 8; m++ {
		var hits, slots [8]float64
		at := 0
		for _, l := range c.links {
			if l.jump == 0 {
				at = 0
				continue // pauses lose count: the residues start again
			}
			for k := 1; k <= int(l.jump); k++ {
				slots[(at+k)%m]++
			}
			at += int(l.jump)
			hits[at%m]++
		}
		var allHits, allSlots, gain float64
		full, clear := 0, true
		for r := 0; r < m; r++ {
			if slots[r] == 0 {
				clear = false
				break
			}
			allHits, allSlots = allHits+hits[r], allSlots+slots[r]
			share := hits[r] / slots[r]
			switch {
			case share > 0.5:
				full++
			case share >= 0.15:
				clear = false
			}
			gain += entropy(hits[r], slots[r])
		}
		gain -= entropy(allHits, allSlots)
		gain -= 1.2*float64(m-1) + math.Log(float64(m))
		if clear && full > 0 && full < m && gain > best {
			best, multiple, perCycle = gain, m, full
		}
	}
	return multiple, perCycle
}

// entropy is the log-likelihood of h hits in s slots at the rate h/s.
func entropy(h, s float64) float64 {
	if h <= 0 || h >= s {
		return 0
	}
	return h*math.Log(h/s) + (s-h)*math.Log(1-h/s)
}
