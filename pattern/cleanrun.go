package pattern

import (
	"math"
	"sync"
)

const (
	longestClean = 256 // events of a series that is tested
	longestRun   = 24  // gaps of a run that is not the whole series
	loosestRun   = 0.2 // relative standard deviation of its gaps
	shape        = 4.0 // of the gamma gaps that a run has to beat: CV 0.5
)

// deadTime is what dead time makes a gap of a long run likelier than gamma gaps do, nats.
const deadTime = 0.27

// runTable gives, for m gaps, the constant in ln p of a run of equal gaps.
var runTable = sync.OnceValue(func() []float64 {
	table := make([]float64, longestClean+1)
	for m := 2; m < len(table); m++ {
		x := float64(m)
		ball := (x-1)/2*math.Log(math.Pi) - (x-1)/2*math.Log(x) + lnGamma(x) - 0.5*math.Log(x) - lnGamma((x+1)/2)
		gamma := lnGamma(x*shape) - x*lnGamma(shape) - x*(shape-1)*math.Log(x) - lnGamma(x)
		table[m] = ball + gamma + deadTime*max(0, x-6)
	}
	return table
})

// run is a stretch of consecutive gaps that agree.
type run struct {
	score       float64 // −ln p
	period, sd  float64
	first, last int // positions in f.t
}

// seeds are the periods around which gaps are folded: none, that of the best chain, the median gap and the lower quartile.
func (f *Finder) seeds(period float64) [4]float64 {
	n := len(f.gaps)
	return [4]float64{0, period, f.gaps[n/2], f.gaps[n/4]}
}

// cleanRun looks for the stretch of gaps that agree best. The chance that m exponential gaps agree within a relative
// standard deviation c is the share of the simplex inside a ball; for gamma gaps the density at its centre multiplies it.
// With seed > 0 gaps of 2 to 4 seeds count as that many periods.
func (f *Finder) cleanRun(seed float64) run {
	best := run{score: math.Inf(-1)}
	f.foldGaps(seed)
	table, gaps := runTable(), len(f.folded)
	some := math.Ln2 + f.ln[gaps+1] + f.ln[min(gaps+1, longestRun)]
	for i := range f.folded {
		s := agreement{origin: f.folded[i]}
		for j := i; j < gaps && (i == 0 || j-i < longestRun); j++ {
			s.add(f.folded[j], f.fold[j])
			whole := i == 0 && j == gaps-1
			if s.m < 3 || (s.m > longestRun && !whole) || s.loose() {
				continue
			}
			mean, sd := s.moments()
			lnp := table[s.m] + float64(s.m-1)*math.Log(max(sd, 0.29*f.res, 3e-4)/mean) + some
			if whole {
				lnp += math.Ln2 - some
			}
			if seed > 0 {
				lnp += s.price()
			}
			if -lnp > best.score && mean >= minPeriod {
				best = run{score: -lnp, period: mean, sd: sd * math.Sqrt(float64(s.m)/float64(s.m-1)), first: i, last: j + 1}
			}
		}
	}
	return best
}

// foldGaps fills f.folded with the gaps between neighbours and, with seed > 0, divides those of 2 to 4 seeds by that
// number, which it keeps in f.fold.
func (f *Finder) foldGaps(seed float64) {
	n := len(f.t) - 1
	f.folded, f.fold = resize(f.folded, n), resize(f.fold, n)
	for i := range f.folded {
		gap, k := f.t[i+1]-f.t[i], 1.0
		if seed > 0 {
			if k = math.Round(gap / seed); k < 1 || k > 4 {
				k = 1
			}
		}
		f.folded[i], f.fold[i] = gap/k, int32(k)
	}
}

// agreement sums up consecutive gaps.
type agreement struct {
	origin       float64 // s, subtracted before squaring
	sum, squares float64
	m            int // gaps
	folded       int // that were divided
	extra        int // periods in them beyond one each
}

func (s *agreement) add(gap float64, fold int32) {
	d := gap - s.origin
	s.sum += d
	s.squares += d * d
	s.m++
	if fold > 1 {
		s.folded++
		s.extra += int(fold) - 1
	}
}

// loose says that the gaps differ by more than loosestRun.
func (s *agreement) loose() bool {
	m := float64(s.m)
	return m*s.squares-s.sum*s.sum > square(loosestRun*(m*s.origin+s.sum))
}

func (s *agreement) moments() (mean, sd float64) {
	m := float64(s.m)
	return s.origin + s.sum/m, math.Sqrt(max(0, s.squares/m-square(s.sum/m)))
}

// price is what the freedom to fold costs, in nats.
func (s *agreement) price() float64 {
	return min(0.6*float64(s.m)+0.4*float64(s.extra), lnChoose(s.m, s.folded)+1.1*float64(s.folded)) + 1.8
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
