package pattern

import (
	"math"
	"sort"
)

// maxJump is the most periods that one link of a chain may span.
const maxJump = 6

// lags counts the distances from a sample of the events to all later ones, in bins of equal width within an octave: the top
// bits of a float64. A count between two distances then costs two look-ups.
type lags struct {
	low     int     // bin of the shortest distance
	below   []int32 // distances in the bins before
	sources float64
}

const lagBits = 8 // 256 bins an octave

func lagBin(x float64) (bin int, rest float64) {
	b := math.Float64bits(x)
	return int(b >> (52 - lagBits)), float64(b&(1<<(52-lagBits)-1)) / (1 << (52 - lagBits))
}

// count prepares h for the distances between low and high among the times t, sorted.
func (h *lags) count(t []float64, low, high float64) {
	const sources = 128
	h.low, _ = lagBin(low)
	top, _ := lagBin(high)
	h.below = append(h.below[:0], make([]int32, top-h.low+3)...)
	step := max(1, len(t)/sources)
	h.sources = float64((len(t) + step - 1) / step)
	for i := 0; i < len(t); i += step {
		for j := i + 1; j < len(t); j++ {
			if x := t[j] - t[i]; x >= low {
				b, _ := lagBin(x)
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
	b, rest := lagBin(x)
	b -= h.low
	switch {
	case b < 0:
		return 0
	case b >= len(h.below)-1:
		return float64(h.below[len(h.below)-1])
	}
	return float64(h.below[b]) + rest*float64(h.below[b+1]-h.below[b])
}

// density prepares the null hypothesis for links at the multiples of period: f.logRho[k], the logarithm of the highest rate
// of events, per second, found at about k periods after an event; f.logGap[k], the same for distances between neighbours;
// and f.logLocal, that of the rate around each event. What was prepared for nearly the same model is kept.
func (f *Finder) density(period, sigma float64) {
	if math.Abs(period-f.ready.period) < 0.3*sigma*period && math.Abs(sigma-f.ready.sigma) < 0.15*sigma {
		return
	}
	f.ready.period, f.ready.sigma = period, sigma
	for k := 1; k <= maxJump; k++ {
		d := float64(k) * period
		sd := sigma * period * math.Sqrt(float64(k))
		f.logRho[k] = math.Log(max(0.3*f.rate(), f.pairDensity(d, sd)))
		f.logGap[k] = math.Log(f.gapDensity(d, sd))
	}
	f.localRate(2.5 * period)
}

// pairDensity is the highest rate of events found at about d after an event: in the band d·e^±½, its halves, and right beside
// the peak.
func (f *Finder) pairDensity(d, sd float64) float64 {
	h := &f.lags
	from, side := beside(d, sd, h.sources*f.rate())
	low, high := d*math.Exp(-0.5), d*math.Exp(0.5)
	at, bottom, top := h.before(d), h.before(low), h.before(high)
	return max(
		(top-bottom)/(high-low), (at-bottom)/(d-low), (top-at)/(high-d),
		(h.before(d-from)-h.before(d-from-side))/side,
		(h.before(d+from+side)-h.before(d+from))/side) / h.sources
}

// rate is the mean rate of events, per second.
func (f *Finder) rate() float64 {
	n := len(f.t)
	return float64(n) / (f.t[n-1] - f.t[0])
}

// gapDensity is the highest density of distances between neighbours found at about d. It is never less than what a dead
// time of half the mean gap and exponential waiting after it would give: a refractory series is regular, not periodic.
func (f *Finder) gapDensity(d, sd float64) float64 {
	n := float64(len(f.gaps))
	mean := (f.t[len(f.t)-1] - f.t[0]) / n
	from, side := beside(d, sd, n/mean)
	low, high := d*math.Exp(-0.5), d*math.Exp(0.5)
	count := func(a, b float64) float64 {
		return float64(sort.SearchFloat64s(f.gaps, b) - sort.SearchFloat64s(f.gaps, a))
	}
	left, right := count(low, d), count(d, high)
	rho := max((left+right+1)/(high-low), (left+0.5)/(d-low), (right+0.5)/(high-d),
		count(d-from-side, d-from)/side, count(d+from, d+from+side)/side) / n
	if dead := mean / 2; d > dead {
		rho = max(rho, math.Exp(-(d-dead)/(mean-dead))/(mean-dead))
	}
	return rho
}

// localRate fills f.logLocal with the logarithm of the rate within reach of each event.
func (f *Finder) localRate(reach float64) {
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
