package pattern

import (
	"cmp"
	"math"
	"slices"
)

// widths are the half-widths, in ln period, at which peaks of the pair differences are looked for.
var widths = [...]float64{0.002, 0.006, 0.02, 0.05, 0.12}

const (
	perWidth  = 8
	perOctave = 3
	perSeries = 12
)

// candidate is a peak of the pair differences.
type candidate struct {
	u, width float64 // ln seconds
	score    float64
}

// candidates fills f.found with the most promising periods of f.t, best first.
func (f *Finder) candidates() {
	f.found = f.found[:0]
	span := f.t[len(f.t)-1] - f.t[0]
	if span/2 <= minPeriod {
		return
	}
	f.differences(math.Log(minPeriod), math.Log(span/2))
	f.surroundings()
	for _, h := range widths {
		f.peaks(h)
	}
	slices.SortFunc(f.found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	f.thin()
}

// differences fills f.u with the sorted logarithms in [low, high] of distances between near events.
func (f *Finder) differences(low, high float64) {
	n := len(f.t)
	f.u = f.u[:0]
	reach, block, stride := n-1, n, n
	switch {
	case n > 2500:
		reach, block, stride = 16, 50, n/50
	case n > 40:
		reach = min(n-1, 6+1600/n)
	}
	least, most := math.Exp(low), math.Exp(high)
	for start := 0; start < n; start += stride {
		for i := start; i < min(start+block, n); i++ {
			for j := i + 1; j < n && j <= i+reach; j++ {
				if d := f.t[j] - f.t[i]; d >= least && d <= most {
					f.u = append(f.u, math.Log(d))
				}
			}
		}
	}
	slices.Sort(f.u)
}

// surroundings fills f.left and f.right with the bounds, in f.u, of what lies within half an e-fold of each distance.
func (f *Finder) surroundings() {
	u := f.u
	f.left, f.right = resize(f.left, len(u)), resize(f.right, len(u))
	l, r := 0, 0
	for i, x := range u {
		for u[l] < x-side {
			l++
		}
		for r < len(u) && u[r] <= x+side {
			r++
		}
		f.left[i], f.right[i] = int32(l), int32(r)
	}
}

// side is the half-width, in ln period, of the surroundings that a peak of the pair differences has to stand out from.
const side = 0.5

// peaks appends the best local maxima of the density of f.u at half-width h.
func (f *Finder) peaks(h float64) {
	u, first := f.u, len(f.found)
	a, b := 0, 0 // u[a:b] is the peak
	for i, x := range u {
		for u[a] < x-h {
			a++
		}
		for b < len(u) && u[b] <= x+h {
			b++
		}
		l, r := int(f.left[i]), int(f.right[i])
		k := float64(b - a)
		ground := max(float64(r-l), float64(2*(i-l)), float64(2*(r-i))) * h / side
		if k <= ground+1 || k <= ground+1+math.Sqrt(ground) {
			continue
		}
		c := candidate{x, h, k*math.Log(k/ground) - (k - ground)}
		if last := len(f.found) - 1; last >= first && c.u-f.found[last].u < h {
			if c.score > f.found[last].score {
				f.found[last] = c
			}
			continue
		}
		f.found = append(f.found, c)
	}
	mine := f.found[first:]
	slices.SortFunc(mine, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	f.found = f.found[:first+min(len(mine), perWidth)]
}

// thin keeps of f.found, best first, no more than a few an octave and in all.
func (f *Finder) thin() {
	kept := f.found[:0]
	for _, c := range f.found {
		near := 0
		for _, k := range kept {
			if math.Abs(k.u-c.u) < math.Ln2/2 {
				near++
			}
		}
		if near < perOctave && len(kept) < perSeries {
			kept = append(kept, c)
		}
	}
	f.found = kept
}
