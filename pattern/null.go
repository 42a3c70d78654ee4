package pattern

import (
	"math"
	"slices"
)

// lags counts the distances from a sample of the events to all later ones, in bins of equal width within an octave: the top
// bits of a float64. A count between two distances then costs two look-ups.
type lags struct {
	shift   int     // bits of a float64 below those that number the bins
	low     int     // bin of the shortest distance
	below   []int32 // distances in the bins before
	sources float64
}

// bin is the number of the bin of x, and where x lies in it, 0 to 1.
func (h *lags) bin(x float64) (bin int, rest float64) {
	b := math.Float64bits(x)
	return int(b >> h.shift), float64(b&(1<<h.shift-1)) / float64(uint64(1)<<h.shift)
}

// count prepares h for the distances between low and high among the times t, sorted.
func (h *lags) count(t []float64, low, high float64) {
	const sources, few = 128, 40
	h.shift = 52 - 8 // 256 bins an octave,
	if len(t) < few {
		h.shift += 2 // or 64
	}
	h.low, _ = h.bin(low)
	top, _ := h.bin(high)
	h.below = append(h.below[:0], make([]int32, max(0, top-h.low)+3)...)
	step := max(1, len(t)/sources)
	h.sources = float64((len(t) + step - 1) / step)
	for i := 0; i < len(t); i += step {
		for j := i + 1; j < len(t); j++ {
			if x := t[j] - t[i]; x >= low {
				b, _ := h.bin(x)
				if b > top {
					break
				}
				h.below[b-h.low+1]++
			}
		}
	}
	for i := 1; i < len(h.below); i++ {
		h.below[i] += h.below[i-1]
	}
}

// before is the number of distances less than x, interpolated within a bin.
func (h *lags) before(x float64) float64 {
	b, rest := h.bin(x)
	b -= h.low
	switch {
	case b < 0:
		return 0
	case b >= len(h.below)-1:
		return float64(h.below[len(h.below)-1])
	}
	return float64(h.below[b]) + rest*float64(h.below[b+1]-h.below[b])
}

// density prepares the null hypothesis for f.steps, those of m: f.logRho[k], the logarithm of the highest rate of events, per
// second, found at about the distance of the k-th step after an event; f.logGap[k], the same for distances between
// neighbours; and f.logLocal, that of the rate around each event. What was prepared for nearly the same model is kept.
func (f *Finder) density(m model) {
	r := &f.ready
	if m.longer == r.longer && math.Abs(m.period-r.period) < 0.3*m.sigma*m.period && math.Abs(m.sigma-r.sigma) < 0.15*m.sigma {
		return
	}
	f.ready = m
	for k, s := range f.steps {
		sd := m.sigma * m.period * math.Sqrt(float64(s.jump))
		f.logRho[k] = ln(max(0.3*f.rate(), f.pairDensity(s.distance, sd)))
		f.logGap[k] = math.NaN() // few are asked for: see gap
	}
	f.localRate(2.5*m.period, habit(m.period, m.sigma))
}

// gap is f.logGap[k].
func (f *Finder) gap(m model, k int) float64 {
	if math.IsNaN(f.logGap[k]) {
		s := f.steps[k]
		f.logGap[k] = ln(f.gapDensity(s.distance, m.sigma*m.period*math.Sqrt(float64(s.jump))))
	}
	return f.logGap[k]
}

// nearer and farther bound the band over which the null hypothesis smooths a peak, ∓0.7 in ln distance.
var nearer, farther = math.Exp(-0.7), math.Exp(0.7)

// pairDensity is the highest rate of events found at about d after an event: in the band around d, and right beside the
// peak.
func (f *Finder) pairDensity(d, sd float64) float64 {
	h := &f.lags
	from, side := beside(d, sd, h.sources*f.rate())
	low, high := d*nearer, d*farther
	return max(
		(h.before(high)-h.before(low))/(high-low),
		(h.before(d-from)-h.before(d-from-side))/side,
		(h.before(d+from+side)-h.before(d+from))/side) / h.sources
}

// rate is the mean rate of events, per second.
func (f *Finder) rate() float64 {
	n := len(f.t)
	return float64(n) / (f.t[n-1] - f.t[0])
}

// gapDensity is the highest density of distances between neighbours found at about d: in the band around it, right beside
// the peak, and by the regularity of the series.
func (f *Finder) gapDensity(d, sd float64) float64 {
	n := float64(len(f.gaps))
	from, side := beside(d, sd, n/f.even.mean)
	low, high := d*nearer, d*farther
	count := func(a, b float64) float64 {
		return float64(below(f.gaps, b) - below(f.gaps, a))
	}
	rho := max((count(low, high)+1)/(high-low),
		count(d-from-side, d-from)/side, count(d+from, d+from+side)/side) / n
	return max(rho, f.even.density(d))
}

// below is the number of values in sorted that are less than x.
func below(sorted []float64, x float64) int {
	first, n := 0, len(sorted)
	for n > 1 {
		half := n / 2
		if sorted[first+half-1] < x {
			first += half
		}
		n -= half
	}
	if n == 1 && sorted[first] < x {
		first++
	}
	return first
}

// localRate fills f.logLocal with the logarithm of the rate within reach of each event, daily of the daily rhythm added.
func (f *Finder) localRate(reach, daily float64) {
	t := f.t
	n := len(t)
	f.logLocal = resize(f.logLocal, n)
	window := math.Log(2 * reach)
	a, b := 0, 0
	for i := range t {
		for t[a] < t[i]-reach {
			a++
		}
		for b < n && t[b] <= t[i]+reach {
			b++
		}
		f.logLocal[i] = f.ln[b-a] - window
	}
	if daily > 0 {
		if len(f.daily) == 0 {
			f.rhythm()
		}
		for i := range f.logLocal {
			f.logLocal[i] += daily * f.daily[i]
		}
	}
}

// logarithms fills f.ln with those of 0 to n.
func (f *Finder) logarithms(n int) {
	for i := len(f.ln); i <= n; i++ {
		f.ln = append(f.ln, math.Log(float64(i)))
	}
}

// beside gives where the surroundings of a peak at distance d with standard deviation sd begin and how wide they are: as
// near as they hold about twenty pairs, at a number of pairs per second.
func beside(d, sd, pairs float64) (from, width float64) {
	from = min(2*sd+min(sd, 0.02*d), 0.45*d)
	return from, min(max(1.5*sd, 20/pairs), 0.12*d)
}

// neighbours fills f.gaps and f.even.
func (f *Finder) neighbours() {
	f.gaps = resize(f.gaps, len(f.t)-1)
	for i := range f.gaps {
		f.gaps[i] = f.t[i+1] - f.t[i]
	}
	slices.Sort(f.gaps)
	f.even = evenness(f.gaps)
}
