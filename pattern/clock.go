package pattern

import "math"

// lock turns a chain of gaps into the clock that fits its events best: the frequency near 1/period at which the events
// are most in phase (the largest resultant of the Rayleigh test). ok is false if they are not.
func (f *Finder) lock(c chain) (m model, ok bool) {
	const steps, sample, least = 16, 256, 0.45
	first, last := f.t[c.links[0].event], f.t[c.links[len(c.links)-1].event]
	stride := max(1, len(c.links)/sample)
	step := 1 / (6 * (last - first)) // Hz
	var re, im [2*steps + 1]float64
	for i := 0; i < len(c.links); i += stride {
		x := f.t[c.links[i].event] - first
		s, o := math.Sincos(2 * math.Pi * x * (1/c.period - steps*step))
		ds, do := math.Sincos(2 * math.Pi * x * step)
		for k := range re {
			re[k] += o
			im[k] += s
			o, s = o*do-s*ds, s*do+o*ds
		}
	}
	best, at := 0.0, 0
	for k := range re {
		if r := math.Hypot(re[k], im[k]); r > best {
			best, at = r, k
		}
	}
	n := float64((len(c.links) + stride - 1) / stride)
	if best < least*n {
		return m, false
	}
	m = c.model
	m.clock = true
	m.period = 1 / (1/c.period + float64(at-steps)*step)
	m.phase = first + math.Atan2(im[at], re[at])/(2*math.Pi)*m.period
	m.sigma = max(math.Sqrt(-2*math.Log(min(best/n, 0.9999)))/(2*math.Pi), 0.4*f.res/m.period, 3e-4)
	return m, m.sigma < 0.2
}
