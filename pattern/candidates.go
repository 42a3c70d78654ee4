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
	longest := (f.t[len(f.t)-1] - f.t[0]) / 2
	if longest <= minPeriod {
		return
	}
	f.differences(minPeriod, longest)
	f.surroundings()
	for _, h := range widths {
		f.peaks(h)
	}
	slices.SortFunc(f.found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	f.thin()
}

// differences fills f.u with the sorted logarithms of the distances between near events from low to high seconds.
func (f *Finder) differences(low, high float64) {
	n := len(f.t)
	f.unsorted = f.unsorted[:0]
	reach, block, stride := n-1, n, n
	switch {
	case n > 2500:
		reach, block, stride = 16, 50, n/50
	case n > 40:
		reach = min(n-1, 6+1600/n)
	}
	for start := 0; start < n; start += stride {
		for i := start; i < min(start+block, n); i++ {
			for _, t := range f.t[i+1 : min(i+reach+1, n)] {
				if d := t - f.t[i]; d > high {
					break
				} else if d >= low {
					f.unsorted = append(f.unsorted, d)
				}
			}
		}
	}
	f.u = sortDistances(f.u, f.unsorted, low, high, &f.bucket)
	for i, d := range f.u {
		f.u[i] = ln(d)
	}
}

// sortDistances copies list, from low to high, into sorted: into about as many bins as there are distances, of equal width
// within an octave (the top bits of a float64), then within them. bounds is scratch.
func sortDistances(sorted, list []float64, low, high float64, bounds *[]int32) []float64 {
	octaves := math.Log2(high/low) + 1
	shift := 52 - max(0, math.Ilogb(float64(len(list))/octaves+1))
	first, last := math.Float64bits(low)>>shift, math.Float64bits(high)>>shift
	*bounds = append((*bounds)[:0], make([]int32, last-first+3)...)
	b := *bounds
	for _, d := range list {
		b[math.Float64bits(d)>>shift-first+2]++
	}
	for i := 2; i < len(b); i++ {
		b[i] += b[i-1]
	}
	sorted = resize(sorted, len(list))
	for _, d := range list {
		at := &b[math.Float64bits(d)>>shift-first+1]
		sorted[*at] = d
		*at++
	}
	for i := range b[:len(b)-2] {
		if part := sorted[b[i]:b[i+1]]; len(part) > 1 {
			slices.Sort(part)
		}
	}
	return sorted
}

// surroundings fills f.ground with how many distances lie within half an e-fold of each: on both sides, or twice those on the
// side that has more.
func (f *Finder) surroundings() {
	u := f.u
	f.ground = resize(f.ground, len(u))
	l, r := 0, 0
	for i, x := range u {
		for u[l] < x-side {
			l++
		}
		for r < len(u) && u[r] <= x+side {
			r++
		}
		f.ground[i] = float64(max(r-l, 2*(i-l), 2*(r-i))) / side
	}
}

// side is the half-width, in ln period, of the surroundings that a peak of the pair differences has to stand out from.
const side = 0.5

// peaks appends the best local maxima of the density of f.u at half-width h.
func (f *Finder) peaks(h float64) {
	const seldom = 10
	u, first := f.u, len(f.found)
	a, b := 0, 0 // u[a:b] is the peak
	for i, x := range u {
		ground := f.ground[i] * h
		// more than ground + 1 in all are more than half of ground on one side; where that is many, it is seldom so
		if m := int(ground/2) + 1; m > seldom && (i < m || x-u[i-m] > h) && (i+m >= len(u) || u[i+m]-x > h) {
			continue
		}
		for x-u[a] > h {
			a++
		}
		for b < len(u) && u[b]-x <= h {
			b++
		}
		k := float64(b - a)
		if over := k - ground - 1; over <= 0 || over*over <= ground {
			continue
		}
		c := candidate{x, h, k*ln(k/ground) - (k - ground)}
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
