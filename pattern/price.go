package pattern

import "math"

// price is what the search cost, in nats:
//
//   - the period: the Laplace width of its peak in a log-uniform prior over R e-folds, ln(R·√m/(√(2π)·σ)),
//   - scale, missing rate and share: 1.6 + ½ ln m,
//   - the place: any of n events may start the chain, and any of m end it,
//   - the share: chains that leave most events unexplained are many, n/m to the power of rare,
//   - for a clock, the phase, and that its period is known √m times better.
func (f *Finder) price(c chain) float64 {
	const rare = 1.6
	n := len(f.t)
	m := max(1, c.mass)
	lnM, lnN := math.Log(m), f.ln[n]
	folds := max(1.5, math.Log((f.t[n-1]-f.t[0])/2/minPeriod))
	price := math.Log(folds/(math.Sqrt(2*math.Pi)*c.sigma)) + 1.6 + 1.5*lnM + lnN + rare*max(0, lnN-math.Log(m+1))
	if c.clock {
		price += max(0.5*lnM, lnM-1.2)
	}
	return price
}
