package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"syscall"
	"time"

	"flapwatch/pattern"
)

// measureSpeed prints the processor time of Find for series of 10 to 10,000 events with and without a pattern, the best of
// repeated runs; goals 0.05, 1.6, 8 and 50 ms.
func measureSpeed(s settings, out io.Writer) {
	r := rand.New(rand.NewPCG(s.seed, 7))
	f := pattern.NewFinder()
	for _, n := range []int{10, 100, 1000, 10000} {
		for _, periodic := range []bool{false, true} {
			t := renewal(r, float64(n)*600, func() float64 { return 600 * r.ExpFloat64() })
			if periodic {
				t = renewal(r, float64(n)*600, func() float64 { return 900 * (1 + 0.02*r.NormFloat64()) })
				t = append(t, poisson(r, float64(n)/3, float64(n)*600)...)
			}
			in := input(t, float64(n)*600, time.Millisecond, r)
			best := time.Duration(math.MaxInt64)
			for range 20 {
				start := cpu()
				for range 1 + 20000/n/n {
					f.Find(in)
				}
				best = min(best, (cpu()-start)/time.Duration(1+20000/n/n))
			}
			fmt.Fprintf(out, "n %6d periodic %-5v %10.3f ms\n", len(in.Times), periodic, best.Seconds()*1000)
		}
	}
}

// cpu is the processor time used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
