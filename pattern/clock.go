package pattern

import "math"

// lock finds the clock with nearly the period of m that the events at keep best: the frequency at which they are most in
// phase (the largest resultant R of the Rayleigh test). worth is R²/n, about ln of the odds against chance; share is R/n.
func (f *Finder) lock(m model, at []float64) (locked model, worth, share float64) {
	const steps, sample = 16, 512
	first, last := at[0], at[len(at)-1]
	stride := max(1, len(at)/sample)
	step := 1 / (6 * (last - first)) // Hz
	var re, im [2*steps + 1]float64
	n := 0.0
	for i := 0; i < len(at); i += stride {
		x := at[i] - first
		s, c := math.Sincos(2 * math.Pi * x * (1/m.period - steps*step))
		ds, dc := math.Sincos(2 * math.Pi * x * step)
		for k := range re {
			re[k] += c
			im[k] += s
			c, s = c*dc-s*ds, s*dc+c*ds
		}
		n++
	}
	best, k := 0.0, 0
	for i := range re {
		if r := math.Hypot(re[i], im[i]); r > best {
			best, k = r, i
		}
	}
	locked = m
	locked.clock = true
	locked.period = 1 / (1/m.period + float64(k-steps)*step)
	locked.phase = first + math.Atan2(im[k], re[k])/(2*math.Pi)*locked.period
	return locked, best * best / n, best / n
}

// locks are the clocks worth trying in place of c: one that its members keep, and one that all events do.
func (f *Finder) locks(c chain) []model {
	const chance = 5.0 // R²/n that 33 frequencies reach by accident
	f.times = f.times[:0]
	for _, l := range c.links {
		f.times = append(f.times, f.t[l.event])
	}
	found := f.clocks[:0]
	if len(c.links) > 4 {
		if m, _, share := f.lock(c.next, f.times); share > 0.45 {
			m.sigma = max(math.Sqrt(-2*math.Log(min(share, 0.9999)))/(2*math.Pi), 0.4*f.res/m.period, 3e-4)
			found = append(found, m)
		}
	}
	if len(f.t) > 12 {
		if m, worth, share := f.lock(c.next, f.t); worth > chance {
			m.sigma, m.share, m.skip = 0.08, min(max(share, 0.1), 0.9), 0.2
			found = append(found, m)
		}
	}
	f.clocks = found
	return found
}
