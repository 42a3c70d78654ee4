package pattern

import (
	"cmp"
	"slices"
)

// Adjust says which of many p-values may be called findings when a share of at most q of them may be accidental: the
// step-up rule of Benjamini and Hochberg 1995. p is not modified.
func Adjust(p []float64, q float64) []bool {
	return adjust(p, len(p), q)
}

// adjust is Adjust for the smallest of tests p-values; the others are known to be too large to matter.
func adjust(p []float64, tests int, q float64) []bool {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	pass := 0
	for rank, i := range order {
		if p[i] <= q*float64(rank+1)/float64(tests) {
			pass = rank + 1
		}
	}
	keep := make([]bool, len(p))
	for _, i := range order[:pass] {
		keep[i] = true
	}
	return keep
}
