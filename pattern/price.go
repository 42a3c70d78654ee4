package pattern

import "math"

// price is what the search cost, in nats: the Laplace width of the period in a log-uniform prior over the possible
// periods, the choice of scale, of the missing rate and of the place where the chain starts.
func (f *Finder) price(c chain) float64 {
	n := len(f.t)
	span := f.t[n-1] - f.t[0]
	octaves := max(1.5, math.Log(span/2/minPeriod))
	m := float64(max(1, c.gaps))
	cost := 0.0
	if c.clock {
		cost = max(0.5*math.Log(m), math.Log(m)-1.2) // the period is known the better, and the phase has to be found
	}
	return cost + math.Log(octaves*math.Sqrt(m)/(2.507*c.sigma)) + 1.6 + 0.5*math.Log(m) + 1.1*math.Log(float64(n))
}
