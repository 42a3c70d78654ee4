package pattern

import (
	"math"
	"slices"
)

// model is a hypothesis about a pattern.
type model struct {
	period float64 // s
	sigma  float64 // standard deviation over the period: of one gap, or around the due time of a clock
	skip   float64 // probability that a cycle has no event
	share  float64 // of the events, while the pattern lasts, that belong to it
	clock  bool    // events are due at phase + c·period, rather than one gap after the last
	phase  float64 // s
	longer float64 // s that some gaps are longer; 0: all gaps are alike
	long   float64 // share of the longer gaps
}

// step is one way to get from an event of a pattern to the next.
type step struct {
	jump, long int32   // periods, and how many of them are longer
	distance   float64 // s
	sd         float64 // s
	chance     float64 // ln of the probability of this step
}

// maxSteps is the most ways that a model has.
const maxSteps = 6

// steps are the ways of m, in the memory of list. A model with two lengths of gap skips one cycle at most.
func (m model) steps(list []step) []step {
	used, skipped := math.Log1p(-m.skip), math.Log(m.skip)
	list = list[:0]
	add := func(jump, long int, chance float64) {
		list = append(list, step{
			int32(jump), int32(long), float64(jump)*m.period + float64(long)*m.longer,
			wander(m.sigma*m.period, float64(jump), m.clock), chance + used + float64(jump-1)*skipped,
		})
	}
	if m.longer == 0 {
		for k := 1; k <= maxSteps; k++ {
			add(k, 0, 0)
		}
		return list
	}
	long, short := math.Log(m.long), math.Log1p(-m.long)
	add(1, 0, short)
	add(1, 1, long)
	add(2, 0, 2*short)
	add(2, 1, math.Ln2+short+long)
	add(2, 2, 2*long)
	return list
}

// cycle is the number of the cycle of a clock that x belongs to.
func (m model) cycle(x float64) float64 { return math.Round((x - m.phase) / m.period) }

// link is one event of a chain.
type link struct {
	event int32 // position in f.t
	jump  int32 // periods since the member before; 0 starts a segment
}

// chain is the best alignment of the events with a model.
type chain struct {
	model
	lambda float64 // log-likelihood ratio
	next   model   // re-estimated
	mass   float64 // expected number of links with a jump
	links  []link  // in time order
	gaps   int     // links with a jump
	cycles int     // sum of the jumps
}

// align finds the best chain for m; it has no gap if m joins too much or nothing. The links are appended to a buffer that the
// next reset of f.arena invalidates; f.edges and f.first hold all possible links until the next alignment.
//
// It is the Smith-Waterman recurrence with the gap distribution as the substitution score: a chain may start anywhere, pause
// at the cost of 3 + ln n, and skip cycles.
func (f *Finder) align(m model) chain {
	n := len(f.t)
	if !f.join(m) {
		return chain{model: m}
	}
	f.score, f.from, f.by = resize(f.score, n), resize(f.from, n), resize(f.by, n)
	pause := 3 + math.Log(float64(n))
	best, bestAt := math.Inf(-1), int32(-1)
	edges, e := f.edges, 0
	for j, end := range f.first[1:] {
		score, from, by := 0.0, int32(-1), int32(-1)
		if best-pause > score {
			score, from = best-pause, bestAt
		}
		for ; e < int(end); e++ {
			if v := f.score[edges[e].from] + edges[e].gain; v > score {
				score, from, by = v, edges[e].from, edges[e].way
			}
		}
		f.score[j], f.from[j], f.by[j] = score, from, by
		if score > best {
			best, bestAt = score, int32(j)
		}
	}
	return f.trace(m, best, bestAt)
}

// trace walks back from the event last and returns the chain in time order.
func (f *Finder) trace(m model, lambda float64, last int32) chain {
	c := chain{model: m, lambda: lambda}
	start := len(f.arena)
	for j := last; j >= 0; j = f.from[j] {
		l := link{event: j}
		if f.by[j] >= 0 {
			l.jump = f.steps[f.by[j]].jump
			c.gaps++
			c.cycles += int(l.jump)
		}
		f.arena = append(f.arena, l)
	}
	c.links = f.arena[start:len(f.arena):len(f.arena)]
	slices.Reverse(c.links)
	return c
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
