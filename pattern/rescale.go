package pattern

import (
	"cmp"
	"slices"
)

// rescale fills f.clock with the cumulated surprise of the silence before every event: the i-th smallest of the gaps, each
// over the mean of the gaps around it, counts as the i-th smallest of n unit exponentials (Brown et al. 2002, the
// time-rescaling theorem, with the empirical survival function). On this clock any series without a pattern is about Poisson
// with rate 1, however bursty it is.
func (f *Finder) rescale() {
	const around = 8
	n := len(f.t)
	f.order = f.order[:0]
	for i := 1; i < n; i++ {
		gap := f.t[i] - f.t[i-1]
		a, b := max(0, i-1-around), min(n-1, i+around)
		mean := (f.t[b] - f.t[a]) / float64(b-a)
		f.order = append(f.order, rank{gap / mean, int32(i)})
	}
	slices.SortFunc(f.order, func(a, b rank) int { return cmp.Compare(a.gap, b.gap) })
	f.clock = resize(f.clock, n)
	f.clock[0] = 0
	sum := 0.0
	for i, r := range f.order {
		sum += 1 / float64(len(f.order)-i)
		f.clock[r.event] = sum
	}
	for i := 1; i < n; i++ {
		f.clock[i] += f.clock[i-1]
	}
}

// rank is the gap before an event.
type rank struct {
	gap   float64
	event int32
}
