package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"flapwatch/pattern"
)

// cycle makes the times, in seconds from 0 to span, of a pattern; it sets p.longest if not all gaps are one period.
type cycle func(r *rand.Rand, p *pulse, span float64) []float64

// cycles are the kinds of fresh patterns. Their parameters are other ones than those of the labelled corpus: continuous
// where the corpus has a few levels.
var cycles = []struct {
	name, parameters string
	draw             cycle
}{
	{"timer", "each cycle starts after the last", timer},
	{"schedule", "each cycle is due at its own time", schedule},
	{"part", "a timer that runs in 20–80 % of the window", part},
	{"pair", "a timer with a second event after 8–45 % of the period", pair},
	{"two gaps", "a timer with a second length of gap, 5–25 % longer", twoGaps},
}

// commonPatterns is what all kinds have in common.
const commonPatterns = "2 min–3 d, 5–300 cycles, jitter 0.15–9 %, up to 35 % missing, up to 90 % foreign events, half at 1-s resolution"

// pulse is a fresh series with a pattern.
type pulse struct {
	pattern.Input
	period, longest float64 // s; of the gaps
	sigma           float64
	events          int
}

func drawPulse(kind int, r *rand.Rand) pulse {
	for {
		p := pulse{period: math.Exp(uniform(r, math.Log(120), math.Log(3*86400))), sigma: math.Exp(uniform(r, math.Log(0.0015), math.Log(0.09)))}
		p.longest = p.period
		span := math.Exp(uniform(r, math.Log(5), math.Log(300))) * p.period
		if span > 90*86400 {
			continue
		}
		missing := max(0, uniform(r, -0.15, 0.35))
		t := slices.DeleteFunc(cycles[kind].draw(r, &p, span), func(float64) bool { return r.Float64() < missing })
		p.events = len(t)
		if p.events < 5 {
			continue
		}
		if noise := max(0, uniform(r, -0.3, 0.9)); noise > 0 {
			t = append(t, poisson(r, noise*float64(len(t)), span)...)
		}
		res := time.Millisecond
		if r.IntN(2) == 0 {
			res = time.Second
		}
		p.Input = input(t, span, res, r)
		return p
	}
}

// matches says whether found is the period, by the rule of the labelled corpus; of two gaps one, or what lies between.
func (p pulse) matches(found float64) bool {
	tolerance := min(max(0.02, 3*p.sigma/math.Sqrt(float64(p.events-1)))+(1+0.3*p.Resolution.Seconds())/p.period, 0.2)
	return found >= p.period*(1-tolerance) && found <= p.longest*(1+tolerance)
}

// measurePositives prints how many fresh patterns of every kind are found.
func measurePositives(ctx context.Context, s settings, out io.Writer) error {
	fmt.Fprintf(out, "\nfresh patterns, %d a kind, seed %d\n%-9s %9s %9s %9s  right period / wrong period, share\n", s.fresh, s.seed, "kind", "p 1e-2", "1e-3", "1e-4")
	for kind, c := range cycles {
		if s.class != "" && s.class != c.name {
			continue
		}
		right, found := make([]bool, s.fresh), make([]float64, s.fresh)
		parallel(ctx, s.workers, s.fresh, func(f *pattern.Finder, i int) {
			p := drawPulse(kind, rand.New(rand.NewPCG(s.seed, uint64(kind)<<32|uint64(i))))
			if r := f.Find(p.Input); len(r.Findings) > 0 {
				found[i], right[i] = r.Findings[0].Score, p.matches(r.Findings[0].Period)
			}
		})
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(out, "%-9s", c.name)
		for _, limit := range limits[:3] {
			hits, misses := 0, 0
			for i, score := range found {
				if score >= -math.Log(limit) && right[i] {
					hits++
				} else if score >= -math.Log(limit) {
					misses++
				}
			}
			fmt.Fprintf(out, " %.3f/%.3f", share(hits, s.fresh), share(misses, s.fresh))
		}
		fmt.Fprintf(out, "  %s\n", c.parameters)
	}
	fmt.Fprintf(out, "all: %s\n", commonPatterns)
	return nil
}

func timer(r *rand.Rand, p *pulse, span float64) []float64 {
	return renewal(r, span, func() float64 { return p.period * (1 + p.sigma*r.NormFloat64()) })
}

func schedule(r *rand.Rand, p *pulse, span float64) []float64 {
	var t []float64
	for x := r.Float64() * p.period; x < span; x += p.period {
		t = append(t, x+p.sigma*p.period*r.NormFloat64())
	}
	return t
}

func part(r *rand.Rand, p *pulse, span float64) []float64 {
	long := uniform(r, 0.2, 0.8) * span
	t := timer(r, p, long)
	start := uniform(r, 0, span-long)
	for i := range t {
		t[i] += start
	}
	return t
}

func pair(r *rand.Rand, p *pulse, span float64) []float64 {
	t, after := timer(r, p, span), uniform(r, 0.08, 0.45)*p.period
	for _, x := range slices.Clone(t) {
		t = append(t, x+after*(1+p.sigma*r.NormFloat64()))
	}
	return t
}

func twoGaps(r *rand.Rand, p *pulse, span float64) []float64 {
	longer, often := uniform(r, 0.05, 0.25), uniform(r, 0.05, 0.4)
	p.longest = p.period * (1 + longer)
	return renewal(r, span, func() float64 {
		gap := p.period * (1 + min(p.sigma, 0.02)*r.NormFloat64())
		if r.Float64() < often {
			gap += longer * p.period
		}
		return gap
	})
}
