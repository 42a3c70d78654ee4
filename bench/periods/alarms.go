package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"

	"flapwatch/pattern"
)

// limits are the p-values at which false alarms are counted.
var limits = [...]float64{1e-2, 1e-3, 1e-4, 1e-5}

// sizes are the ranges of events by which false alarms are broken down.
var sizes = [...]struct {
	name      string
	low, high int
}{{"4–8", 4, 8}, {"9–20", 9, 20}, {"21–100", 21, 100}, {"101–400", 101, 400}, {"more", 401, math.MaxInt}}

// outcome is the best score found in one series without a pattern.
type outcome struct {
	events int
	score  float64
}

// measureNegatives prints the share of false alarms on fresh series of every class, and over all of them by size.
func measureNegatives(ctx context.Context, s settings, out io.Writer) error {
	fmt.Fprintf(out, "\nfalse alarms, %d fresh series a class, seed %d\n%-11s", s.count, s.seed, "class")
	for _, limit := range limits {
		fmt.Fprintf(out, " %9.0e", limit)
	}
	fmt.Fprintf(out, " %6s  parameters\n", "max S")
	var all []outcome
	for class, p := range processes {
		if s.class != "" && s.class != p.name {
			continue
		}
		found := make([]outcome, s.count)
		parallel(ctx, s.workers, s.count, func(f *pattern.Finder, i int) {
			in := draw(class, rand.New(rand.NewPCG(s.seed, uint64(class)<<32|uint64(i))))
			found[i].events = len(in.Times)
			if r := f.Find(in); len(r.Findings) > 0 {
				found[i].score = r.Findings[0].Score
			}
		})
		if err := ctx.Err(); err != nil {
			return err
		}
		printAlarms(out, p.name, found, p.parameters)
		all = append(all, found...)
	}
	for _, size := range sizes {
		part := slices.DeleteFunc(slices.Clone(all), func(o outcome) bool { return o.events < size.low || o.events > size.high })
		printAlarms(out, size.name, part, fmt.Sprintf("%d series of all classes", len(part)))
	}
	printAlarms(out, "all", all, common)
	return nil
}

func printAlarms(out io.Writer, name string, found []outcome, note string) {
	fmt.Fprintf(out, "%-11s", name)
	most := 0.0
	for _, limit := range limits {
		alarms := 0
		for _, o := range found {
			most = max(most, o.score)
			if o.score >= -math.Log(limit) {
				alarms++
			}
		}
		fmt.Fprintf(out, " %9.6f", float64(alarms)/float64(max(1, len(found))))
	}
	fmt.Fprintf(out, " %6.1f  %s\n", most, note)
}
