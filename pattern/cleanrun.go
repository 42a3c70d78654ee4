package pattern

import (
	"math"
	"sync"
)

const (
	longestRun = 24
	shape      = 4.0 // of the gamma gaps that a run has to beat: CV 0.5
)

// runTable gives, for m gaps, the constant in ln p of a run of equal gaps.
var runTable = sync.OnceValue(func() []float64 {
	table := make([]float64, 257)
	for m := 2; m < len(table); m++ {
		x := float64(m)
		ball := (x-1)/2*math.Log(math.Pi) - (x-1)/2*math.Log(x) + lnGamma(x) - 0.5*math.Log(x) - lnGamma((x+1)/2)
		gamma := lnGamma(x*shape) - x*lnGamma(shape) - x*(shape-1)*math.Log(x) - lnGamma(x)
		table[m] = ball + gamma
	}
	return table
})

// run is a stretch of consecutive gaps that agree.
type run struct {
	z           float64 // score less offset, nats
	period, sd  float64
	first, last int // positions in f.t
}

// cleanRun looks for the stretch of gaps that agree best. The chance that m exponential gaps agree within a relative
// standard deviation c is the share of the simplex inside a ball; for gamma gaps the density at its centre multiplies it.
// With seed > 0 gaps of 2 to 4 seeds count as that many periods.
func (f *Finder) cleanRun(seed float64) run {
	n := len(f.t)
	best := run{z: math.Inf(-1)}
	if n < 4 || n > 256 {
		return best
	}
	table := runTable()
	f.gap, f.fold = resize(f.gap, n-1), resize(f.fold, n-1)
	for i := range f.gap {
		f.gap[i], f.fold[i] = f.t[i+1]-f.t[i], 1
		if seed > 0 {
			k := math.Round(f.gap[i] / seed)
			if k < 1 || k > 4 {
				k = 1
			}
			f.gap[i] /= k
			f.fold[i] = int32(k)
		}
	}
	some := math.Ln2 + math.Log(float64(n)) + math.Log(float64(min(n, longestRun)))
	for i := range f.gap {
		var sum, squares float64
		var folded, extra int
		for j := i; j < len(f.gap); j++ {
			m := j - i + 1
			whole := i == 0 && j == len(f.gap)-1
			if m > longestRun && i > 0 {
				break
			}
			g := f.gap[j]
			d := g - f.gap[i]
			sum += d
			squares += d * d
			if f.fold[j] > 1 {
				folded++
				extra += int(f.fold[j]) - 1
			}
			if m < 3 || (m > longestRun && !whole) {
				continue
			}
			x := float64(m)
			mean := f.gap[i] + sum/x
			variance := max(0, squares/x-square(sum/x))
			c := math.Sqrt(max(variance, square(0.29*f.res), 1e-7)) / mean
			lnp := table[m] + (x-1)*math.Log(c)
			if whole {
				lnp += math.Ln2
			} else {
				lnp += some
			}
			if seed > 0 {
				lnp += min(0.6*x+0.4*float64(extra), lnChoose(m, folded)+1.1*float64(folded)) + 1.8
			}
			if z := -lnp - offset; z > best.z && mean >= minPeriod {
				best = run{z: z, period: mean, sd: math.Sqrt(variance * x / (x - 1)), first: i, last: j + 1}
			}
		}
	}
	return best
}

func lnGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

func lnChoose(n, k int) float64 {
	if k == 0 || k == n {
		return 0
	}
	return lnGamma(float64(n+1)) - lnGamma(float64(k+1)) - lnGamma(float64(n-k+1))
}
