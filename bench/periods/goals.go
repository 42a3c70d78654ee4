package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"flapwatch/pattern"
)

// measureCorpus runs the finder over the labelled series and prints what came out beside the goals.
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
	printClasses(out, answers)
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

// tally counts the answers whose best finding has at most a given p-value.
type tally struct {
	positives, negatives          int
	right, wrong, multiple, alarm int
}

func count(answers []answer, limit float64) (t tally) {
	for _, a := range answers {
		found := a.p() <= limit
		switch a.Label {
		case 1:
			t.positives++
			switch {
			case found && a.right:
				t.right++
			case found:
				t.wrong++
				if a.multiple {
					t.multiple++
				}
			}
		case 0:
			t.negatives++
			if found {
				t.alarm++
			}
		}
	}
	return t
}

func share(part, whole int) float64 { return float64(part) / float64(max(1, whole)) }

func (t tally) recall() float64    { return share(t.right, t.positives) }
func (t tally) precision() float64 { return share(t.right, t.right+t.wrong+t.alarm) }
func (t tally) f1() float64        { return 2 / (1/t.recall() + 1/t.precision()) }

func printGoals(out io.Writer, answers []answer) {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	defer w.Flush()
	strict, loose := count(answers, 1e-4), count(answers, 1e-2)
	fmt.Fprintf(w, "%d with a pattern, %d without\nmeasure\tmust\treach\treached\n", strict.positives, strict.negatives)
	row := func(name, must, reach, format string, reached ...any) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, must, reach, fmt.Sprintf(format, reached...))
	}
	row("recall, right period, p ≤ 1e-4", "0.89", "0.91", "%.3f", strict.recall())
	row("precision, p ≤ 1e-4", "0.99", "0.995", "%.4f (%d wrong, %d false)", strict.precision(), strict.wrong, strict.alarm)
	row("F1, p ≤ 1e-2", "0.95", "0.965", "%.3f (recall %.3f)", loose.f1(), loose.recall())
	row("wrong multiple, of detections", "1 %", "0.5 %", "%.2f %%", 100*share(strict.multiple, strict.right+strict.wrong))
	errors := periodErrors(answers)
	row("period error, median", "5e-4", "3e-4", "%.1e", quantile(errors, 0.5))
	tried, both, listed := interleaved(answers)
	row("both of two interleaved", "0.75", "0.90", "%.3f (%.3f at p ≤ 1e-3)", share(listed, tried), share(both, tried))
	tries, hits := predictions(answers)
	row("next event within 3 sd", "0.80", "0.85", "%.3f of %d", share(hits, tries), tries)
	row("calibration error of the posterior", "2 %", "1 %", "%.2f %%", 100*calibrationError(answers))
	for _, limit := range limits {
		t := count(answers, limit)
		fmt.Fprintf(w, "p ≤ %.0e\t\t\trecall %.4f, precision %.4f, F1 %.4f, %d false alarms\n", limit, t.recall(), t.precision(), t.f1(), t.alarm)
	}
}

// periodErrors are the relative errors of the right detections, sorted.
func periodErrors(answers []answer) []float64 {
	var errors []float64
	for _, a := range answers {
		if a.Label == 1 && a.right && a.p() <= 1e-4 {
			errors = append(errors, a.error)
		}
	}
	slices.Sort(errors)
	return errors
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// interleaved counts the series with two patterns, those of which both are found at p ≤ 1e-3, and at p ≤ 0.05.
func interleaved(answers []answer) (series, both, listed int) {
	for _, a := range answers {
		if a.Class != "interleaved" {
			continue
		}
		series++
		if a.all(1e-3) {
			both++
		}
		if a.all(0.05) {
			listed++
		}
	}
	return series, both, listed
}

func predictions(answers []answer) (tries, hits int) {
	for _, a := range answers {
		if a.next >= 0 {
			tries++
			hits += a.next
		}
	}
	return tries, hits
}

// calibrationError is the mean distance between what the posterior says and what is, over ten bins.
func calibrationError(answers []answer) float64 {
	var said, is [10]float64
	total := 0.0
	for _, a := range answers {
		if a.Label >= 0 {
			bin := min(9, int(10*a.result.Posterior))
			said[bin] += a.result.Posterior
			is[bin] += float64(a.Label)
			total++
		}
	}
	sum := 0.0
	for i := range said {
		sum += math.Abs(said[i] - is[i])
	}
	return sum / max(1, total)
}

func printClasses(out io.Writer, answers []answer) {
	classes := map[string][]answer{}
	for _, a := range answers {
		if a.Label == 1 {
			classes[a.Class] = append(classes[a.Class], a)
		}
	}
	names := []string{}
	for name := range classes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := count(classes[name], 1e-4)
		fmt.Fprintf(out, "  %-12s %4d series  recall %.3f  wrong %d\n", name, t.positives, t.recall(), t.wrong)
	}
}

func printMisses(out io.Writer, answers []answer) {
	for _, a := range answers {
		if a.Label != 1 || (a.right && a.p() <= 1e-4) {
			continue
		}
		var found []string
		for _, g := range a.result.Findings {
			found = append(found, fmt.Sprintf("%.1f s S=%.1f j=%.2g n=%d", g.Period, g.Score, g.Jitter/g.Period, g.Events))
		}
		word := "weak"
		if len(found) == 0 {
			word = "none"
		} else if !a.right {
			word = "wrong"
		}
		t := a.Truth
		fmt.Fprintf(out, "%-5s %-22s events %d true %d cycles %d periods %.5v jitter %.3f missing %.2f noise %.2f drift %.2f %s | %s\n", word, a.ID, len(a.Times),
			t.True, t.Cycles, t.Periods, t.Jitter, t.Missing, t.Noise, t.Drift, t.Note, strings.Join(found, "; "))
	}
}
