package pattern

import "math"

// calibrate turns what the chain c is worth, in nats, into −ln p (below 0 if p has no meaning). It says what chance chains
// are like: they use few of the events and few of the cycles there were, have few links, and are kept best by a clock. The
// coefficients began as those of a logistic regression, near the line, of bench/periods' series without a pattern against
// the labelled ones with one; offset makes the share of false alarms right.
func (f *Finder) calibrate(c chain, worth float64) float64 {
	const (
		offset          = 8.8
		events, rarest  = 3.2, 1.6 // nats an e-fold of events per member, up to so many e-folds
		cycles, thinest = 2.0, 2.2 // the same for cycles
		links           = 1.4
		picked, clear   = 0.5, 6   // a handicap for every event short of so many, of chains that leave events out
		clock, short    = 0.7, 0.5 // a clock's handicap, and more an e-fold below 12 members
		even, slope     = 0.65, 1.2
		many, size      = 30, 0.75 // events; nats an e-fold above
		most            = 2.0
	)
	n, m := float64(len(f.t)), max(1, c.mass)
	due := (f.t[len(f.t)-1]-f.t[0])/c.next.period + 1
	lnN, lnM := math.Log(n), math.Log(m+1)
	s := worth + offset + links*math.Log(m) -
		events*clamp(lnN-lnM, 0, rarest) -
		cycles*clamp(math.Log(due)-lnM, 0, thinest) +
		clamp(size*(lnN-math.Log(many)), 0, most)
	if c.clock {
		s -= clock + short*max(0, math.Log(12)-lnM)
	}
	if of := len(c.links); of < len(f.t) {
		s -= picked * float64(max(0, clear-of))
	}
	spread := clamp(slope*math.Log(f.spread()/even), -slope, slope)
	if days(c.next.period) {
		spread = min(spread, 0)
	}
	return s + spread
}

// clamp is x, or the bound that it passes.
func clamp(x, low, high float64) float64 { return min(max(x, low), high) }

// spread is the coefficient of variation of the gaps between neighbours.
func (f *Finder) spread() float64 {
	squares := 0.0
	for _, g := range f.gaps {
		squares += square(g/f.even.mean-1) / float64(len(f.gaps))
	}
	return max(math.Sqrt(squares), 0.01)
}
