package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"flapwatch/pattern"
)

// answer is what the finder said about one labelled series, and whether it was right.
type answer struct {
	labelled
	result   pattern.Result
	right    bool // the best finding has a true period
	both     bool // every true period has a finding
	error    float64
	multiple bool
	next     int // -1 not tried, 0 missed, 1 hit
	nextFree int // the same where the true event was not left out
	took     time.Duration
	note     string
}

func (a answer) p() float64 {
	if len(a.result.Findings) == 0 {
		return 1
	}
	return a.result.Findings[0].PValue
}

// tolerance is how far a period may lie from the true one, relative.
func (l labelled) tolerance(p float64) float64 {
	t := l.Truth
	rel := max(0.02, 3*t.Jitter/math.Sqrt(math.Max(1, float64(t.True-1))), math.Abs(t.Drift)) + (1+0.3*float64(l.Res)/1000)/p
	return min(rel, 0.2)
}

func (l labelled) matches(found float64) (bool, float64) {
	best, ok := math.Inf(1), false
	for _, p := range l.Truth.Periods {
		e := math.Abs(found-p) / p
		best = min(best, e)
		ok = ok || e <= l.tolerance(p)
	}
	return ok, best
}

func (l labelled) isMultiple(found float64) bool {
	for _, p := range l.Truth.Periods {
		for a := 1.0; a <= 8; a++ {
			for b := 1.0; b <= 8; b++ {
				if a != b && (a == 1 || b == 1 || a+b <= 5) && math.Abs(found-p*a/b) <= l.tolerance(p)*p*a/b {
					return true
				}
			}
		}
	}
	return false
}

func judge(f *pattern.Finder, l labelled) answer {
	a := answer{labelled: l, next: -1, nextFree: -1}
	start := time.Now()
	a.result = f.Find(l.input())
	a.took = time.Since(start)
	a.note = fmt.Sprintf("EVZ %.1f old %.1f", pattern.LastEv, pattern.LastOld)
	if l.Label != 1 {
		return a
	}
	fs := a.result.Findings
	if len(fs) > 0 {
		a.right, a.error = l.matches(fs[0].Period)
		a.multiple = !a.right && l.isMultiple(fs[0].Period)
	}
	a.both = len(fs) > 0
	for _, p := range l.Truth.Periods {
		a.both = a.both && slices.ContainsFunc(fs, func(g pattern.Finding) bool {
			return g.PValue <= 1e-3 && math.Abs(g.Period-p) <= l.tolerance(p)*p
		})
	}
	a.predict(f)
	return a
}

// predict cuts the series at 70 % of the pattern's time and looks whether the next event comes when it should.
func (a *answer) predict(f *pattern.Finder) {
	seg := a.Truth.Segment
	cut := seg[0] + (seg[1]-seg[0])*7/10
	in := a.input()
	n, _ := slices.BinarySearch(in.Times, cut)
	in.Times, in.Window.To = in.Times[:n], time.UnixMilli(cut)
	r := f.Find(in)
	if len(r.Findings) == 0 || r.Findings[0].PValue > 1e-4 {
		return
	}
	g := r.Findings[0]
	if ok, _ := a.matches(g.Period); !ok || g.NextExpected+int64(3000*g.NextSD) > seg[1] {
		return
	}
	a.next = 0
	low, high := g.NextExpected-int64(3000*g.NextSD)-a.Res, g.NextExpected+int64(3000*g.NextSD)
	i, _ := slices.BinarySearch(a.Times, max(low, cut))
	if i < len(a.Times) && a.Times[i] <= high {
		a.next = 1
	}
}

func measureCorpus(ctx context.Context, s settings, out io.Writer) error {
	all, err := readCorpus(s)
	if err != nil {
		return err
	}
	answers := make([]answer, len(all))
	parallel(ctx, s.workers, len(all), func(f *pattern.Finder, i int) { answers[i] = judge(f, all[i]) })
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.misses {
		printMisses(out, answers)
	}
	printGoals(out, answers)
	return nil
}

// parallel calls do for 0 … n-1, each worker with a Finder of its own.
func parallel(ctx context.Context, workers, n int, do func(f *pattern.Finder, i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			f := pattern.NewFinder()
			for i := range next {
				do(f, i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
}

func printMisses(out io.Writer, answers []answer) {
	for _, a := range answers {
		if a.Label == 1 && (!a.right || a.p() > 1e-4) {
			var found []string
			for _, g := range a.result.Findings {
				found = append(found, fmt.Sprintf("%.1f s S=%.1f j=%.2g n=%d", g.Period, g.Score, g.Jitter/g.Period, g.Events))
			}
			t := a.Truth
			word := "weak "
			if len(a.result.Findings) == 0 {
				word = "none "
			} else if !a.right {
				word = "WRONG"
			}
			fmt.Fprintf(out, "%s %-22s n=%d true=%d cyc=%d P=%.5v j=%.3f miss=%.2f noise=%.2f drift=%.2f %s | %s\n", word, a.ID, len(a.Times), t.True, t.Cycles,
				t.Periods, t.Jitter, t.Missing, t.Noise, t.Drift, t.Note+a.note, strings.Join(found, "; "))
		}
	}
}

func printGoals(out io.Writer, answers []answer) {
	for _, limit := range []float64{1e-2, 1e-3, 1e-4, 1e-5} {
		right, wrong, alarms, positives, negatives, multiples := 0, 0, 0, 0, 0, 0
		for _, a := range answers {
			found := a.p() <= limit
			switch {
			case a.Label == 1:
				positives++
				if found && a.right {
					right++
				} else if found {
					wrong++
					if a.multiple {
						multiples++
					}
				}
			case a.Label == 0:
				negatives++
				if found {
					alarms++
				}
			}
		}
		precision := float64(right) / float64(max(1, right+wrong+alarms))
		recall := float64(right) / float64(max(1, positives))
		fmt.Fprintf(out, "p ≤ %.0e: recall %.4f precision %.4f F1 %.4f  wrong %d (multiples %d = %.2f %%)  false alarms %d of %d\n", limit, recall, precision,
			2*precision*recall/(precision+recall), wrong, multiples, 100*float64(multiples)/float64(max(1, right+wrong)), alarms, negatives)
	}
	printClasses(out, answers)
	printRest(out, answers)
}

func printClasses(out io.Writer, answers []answer) {
	type tally struct{ n, right, wrong, both int }
	classes := map[string]*tally{}
	for _, a := range answers {
		if a.Label != 1 {
			continue
		}
		t := classes[a.Class]
		if t == nil {
			t = &tally{}
			classes[a.Class] = t
		}
		t.n++
		if a.p() <= 1e-4 {
			if a.right {
				t.right++
			} else {
				t.wrong++
			}
		}
		if a.both {
			t.both++
		}
	}
	names := []string{}
	for name := range classes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := classes[name]
		fmt.Fprintf(out, "  %-12s n %4d  recall %.3f  wrong %d  all periods %.3f\n", name, t.n, float64(t.right)/float64(t.n), t.wrong, float64(t.both)/float64(t.n))
	}
}

func printRest(out io.Writer, answers []answer) {
	var errors []float64
	hits, tries := 0, 0
	var took time.Duration
	type bin struct{ sum, positive, n float64 }
	var bins [10]bin
	total := 0.0
	for _, a := range answers {
		took += a.took
		if a.Label == 1 && a.p() <= 1e-4 && a.right {
			errors = append(errors, a.error)
		}
		if a.next >= 0 {
			tries++
			hits += a.next
		}
		if a.Label >= 0 {
			b := &bins[min(9, int(a.result.Posterior*10))]
			b.sum += a.result.Posterior
			b.positive += float64(a.Label)
			b.n++
			total++
		}
	}
	slices.Sort(errors)
	if len(errors) > 0 {
		fmt.Fprintf(out, "period error: median %.2e  p90 %.2e\n", errors[len(errors)/2], errors[len(errors)*9/10])
	}
	fmt.Fprintf(out, "next event hit: %.3f of %d\n", float64(hits)/float64(max(1, tries)), tries)
	ece := 0.0
	for i, b := range bins {
		if b.n > 0 {
			ece += math.Abs(b.sum-b.positive) / total
			fmt.Fprintf(out, "  posterior %d0-: said %.3f is %.3f n %.0f\n", i, b.sum/b.n, b.positive/b.n, b.n)
		}
	}
	fmt.Fprintf(out, "calibration error: %.4f   time %.1f s\n", ece, took.Seconds())
}
