package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func noisy(n int) []int64 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var t []int64
	x, end := 0.0, float64(n)*600
	for ; x < end; x += 900 * (1 + 0.02*r.NormFloat64()) {
		t = append(t, int64(x*1000))
	}
	for x = 0; x < end; x += r.ExpFloat64() * 1800 {
		t = append(t, int64(x*1000))
	}
	slices.Sort(t)
	return t
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := Input{Times: noisy(n), Resolution: time.Millisecond}
			f := NewFinder()
			b.ReportAllocs()
			for b.Loop() {
				f.Find(in)
			}
		})
	}
}
