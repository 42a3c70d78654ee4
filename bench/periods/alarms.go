package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"flapwatch/pattern"
)

// measureNegatives prints the share of false alarms on fresh series of every class.
func measureNegatives(ctx context.Context, s settings, out io.Writer) error {
	fmt.Fprintf(out, "%-11s %7s %8s %8s %8s %8s %8s %6s  n≤8 n≤20 n≤100 more (at 1e-3)\n", "class", "series", "1e-2", "1e-3", "3e-4", "1e-4", "1e-5", "max S")
	for class, p := range processes {
		if s.class != "" && s.class != p.name {
			continue
		}
		if os.Getenv("DUMP") != "" {
			file, _ := os.OpenFile(os.Getenv("DUMP"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			var last string
			pattern.Debug = func(n int, c, r, s float64, d []float64) {
				if last == "" {
					last = fmt.Sprintf("%s %d %.2f %.2f %.2f %.3g\n", p.name, n, c, r, s, d)
				}
			}
			f := pattern.NewFinder()
			for i := range s.count {
				f.Find(draw(class, rand.New(rand.NewPCG(s.seed, uint64(class)<<32|uint64(i)))))
				file.WriteString(last)
				last = ""
			}
			file.Close()
			continue
		}
		scores := make([]float64, s.count)
		sizes := make([]int, s.count)
		parallel(ctx, s.workers, s.count, func(f *pattern.Finder, i int) {
			in := draw(class, rand.New(rand.NewPCG(s.seed, uint64(class)<<32|uint64(i))))
			sizes[i] = len(in.Times)
			if r := f.Find(in); len(r.Findings) > 0 {
				scores[i] = r.Findings[0].Score
			}
		})
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(out, "%-11s %7d", p.name, s.count)
		for _, limit := range []float64{1e-2, 1e-3, 3e-4, 1e-4, 1e-5} {
			fmt.Fprintf(out, " %8.5f", above(scores, limit))
		}
		fmt.Fprintf(out, " %6.1f ", slices.Max(scores))
		for _, size := range [][2]int{{4, 8}, {9, 20}, {21, 100}, {101, 1 << 30}} {
			var part []float64
			for i, n := range sizes {
				if n >= size[0] && n <= size[1] {
					part = append(part, scores[i])
				}
			}
			fmt.Fprintf(out, " %.4f", above(part, 1e-3))
		}
		fmt.Fprintln(out)
	}
	return nil
}

func above(scores []float64, p float64) float64 {
	k := 0
	for _, s := range scores {
		if s >= -math.Log(p) {
			k++
		}
	}
	return float64(k) / float64(max(1, len(scores)))
}

// measureSpeed times Find on series of 10 to 10,000 events, half of them periodic.
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
