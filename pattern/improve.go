package pattern

import "math"

const (
	rounds     = 7    // of expectation-maximisation
	loosest    = 0.16 // standard deviation over the period: above, "periodic" has no meaning
	far        = 15.0 // nats below the best at which a chain is given up
	hopeless   = 4.0  // nats that the score may be below 0 without growing by half of that
	enough     = 0.05 // nats a round has to bring
	slackRatio = 1.3  // the sum over all chains may be worth this many times the best chain,
	slack      = 5.0  // and as many nats more: beyond that it is the slope of a rate, not a pattern
)

// improve aligns m and re-estimates it until that no longer helps, then does the same for the clocks nearest to it, and
// returns the best of these with its worth. It gives up early on what is far below bar.
func (f *Finder) improve(m model, bar float64) (chain, float64) {
	best, worth := f.iterate(m, bar)
	if worth < bar-far || math.IsInf(worth, -1) {
		return best, worth
	}
	for _, m := range f.locks(best) {
		if locked, v := f.iterate(m, max(worth, bar)); v > worth {
			best, worth = locked, v
		}
	}
	return best, worth
}

// iterate alternates alignment and estimation, starting with m: expectation-maximisation on the sum over all chains. It
// returns the best chain with its worth, the logarithm of that sum less the price of the search; −Inf if m leads nowhere.
func (f *Finder) iterate(m model, bar float64) (best chain, worth float64) {
	worth = math.Inf(-1)
	for round := range rounds {
		if m.sigma > loosest || m.period < minPeriod {
			break
		}
		c := f.align(m)
		if c.gaps < 2 {
			break
		}
		v := min(f.weigh(m), slackRatio*c.lambda+slack)
		c.next, c.mass = f.estimate(m)
		v -= f.price(c)
		if v <= worth {
			break
		}
		gain := v - worth
		best, worth, m = c, v, c.next
		if gain < enough+1e-4*v || (m.longer == 0 && v < bar/2-far) { // two lengths of gap begin low
			break
		}
		lacks := -f.calibrate(c, v)
		if round > 0 && ((v < bar-far && gain < max(5, (bar-v)/4)) || (lacks > hopeless && gain < lacks/2)) {
			break
		}
	}
	return best, worth
}
