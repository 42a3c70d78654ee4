package pattern

import "math"

// fractions of a period that are tried in its place.
var fractions = [...]float64{2, 3, 5, 7}

// full says that c explains nearly everything, so that a shorter period cannot.
func (f *Finder) full(c chain) bool {
	return float64(len(c.links)) > 0.8*float64(len(f.t)) && float64(c.cycles-c.gaps) < 0.25*float64(c.cycles)
}

// shorter tries fractions of the period of c in its place. Multiples need no test: they explain fewer events.
func (f *Finder) shorter(c chain, worth float64) (chain, float64) {
	if f.full(c) {
		return c, worth
	}
	whole := c.model
	for _, q := range fractions {
		m := model{period: whole.period / q, sigma: min(max(whole.sigma*1.5*q, 0.003), 0.15), skip: max(whole.skip, 0.1), share: max(whole.share, startShare)}
		if m.period < minPeriod {
			break
		}
		if s, v := f.improve(m, worth); v > worth && s.gaps >= leastGaps {
			c, worth = s, v
		}
	}
	return c, worth
}

// halve replaces c by a chain of a part of its period as long as it has companions that cut the period into equal parts:
// events that belong to the same pattern.
func (f *Finder) halve(c chain, worth float64) (chain, float64) {
	for range 3 {
		parts := f.companions(c).parts
		if parts == 1 {
			break
		}
		tries := []int{parts}
		if parts == 2 || parts == 3 {
			tries = []int{2, 3}
		}
		var short chain
		best := math.Inf(-1)
		for _, q := range tries {
			m := model{period: c.period / float64(q), sigma: min(c.sigma*float64(q), 0.15), skip: max(c.skip, 0.1), share: 0.8}
			if s, v := f.improve(m, math.Inf(-1)); v > best && float64(len(s.links)) > 1.3*float64(len(c.links)) {
				short, best = s, v
			}
		}
		if math.IsInf(best, -1) {
			break
		}
		c, worth = short, max(best, worth)
	}
	return c, worth
}

// lengthen replaces c by a chain of a multiple of its period if only some of every so many cycles are used.
func (f *Finder) lengthen(c chain, worth float64) (chain, float64) {
	times := residues(c.links)
	if times == 1 {
		return c, worth
	}
	m := model{period: c.period * float64(times), sigma: max(c.sigma/float64(times), 3e-4), skip: 0.1, share: startShare}
	if s, v := f.improve(m, math.Inf(-1)); s.gaps >= leastGaps && !math.IsInf(v, -1) {
		return s, max(v, worth)
	}
	return c, worth
}

// residues gives the multiple of the period, up to 8, of which some cycles always have an event and the others hardly ever;
// 1 if there is none. It counts in the longest stretch without a pause.
func residues(links []link) int {
	const most = 8
	links = longest(links)
	times, best := 1, 5.0
	for m := 2; m <= most; m++ {
		var hits, slots [most]float64
		at := 0
		for _, l := range links {
			for k := 1; k <= int(l.jump); k++ {
				slots[(at+k)%m]++
			}
			at += int(l.jump)
			hits[at%m]++
		}
		slots[0]++
		if gain := contrast(hits[:m], slots[:m]) - 1.2*float64(m-1) - math.Log(float64(m)); gain > best {
			times, best = m, gain
		}
	}
	return times
}

// contrast is the log-likelihood ratio of a rate for every residue against one for all. It is 0 unless some residues are
// full and the others empty.
func contrast(hits, slots []float64) float64 {
	var allHits, allSlots, gain float64
	full := 0
	for r := range hits {
		share := hits[r] / max(1, slots[r])
		if share > 0.5 {
			full++
		} else if share >= 0.15 {
			return 0
		}
		allHits, allSlots = allHits+hits[r], allSlots+slots[r]
		gain += entropy(hits[r], slots[r])
	}
	if full == len(hits) {
		return 0
	}
	return gain - entropy(allHits, allSlots)
}

// entropy is the log-likelihood of h hits in s slots at the rate h/s.
func entropy(h, s float64) float64 {
	if h <= 0 || h >= s {
		return 0
	}
	return h*math.Log(h/s) + (s-h)*math.Log(1-h/s)
}

// longest is the stretch of links without a pause that has most events.
func longest(links []link) []link {
	first, last, start := 0, 0, 0
	for i := range links {
		if links[i].jump == 0 {
			start = i
		}
		if i-start > last-first {
			first, last = start, i
		}
	}
	stretch := links[first:]
	return stretch[:last-first+1]
}
