package pattern

import "math"

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

// steps fills room with the ways of m. A model with two lengths of gap skips one cycle at most.
func (m model) steps(room *[maxSteps]step) []step {
	used, skipped := math.Log1p(-m.skip), math.Log(m.skip)
	list := room[:0]
	add := func(jump, long int, chance float64) {
		s := step{int32(jump), int32(long), float64(jump)*m.period + float64(long)*m.longer, m.sigma * m.period, chance + used + float64(jump-1)*skipped}
		if !m.clock {
			s.sd *= math.Sqrt(float64(jump))
		}
		list = append(list, s)
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

// mostEdges of an alignment, in memory 128 MB: with more the model joins everything with everything.
const mostEdges = 4 << 20

// faint is the gain, in nats, below which a link says nothing.
const faint = -15.0

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

// align finds the best chain for m. The links are appended to a buffer that the next reset of f.arena invalidates.
//
// It is the Smith-Waterman recurrence with the gap distribution as the substitution score: a chain may start anywhere, pause
// at the cost of 3 + ln n, and skip cycles.
func (f *Finder) align(m model) chain {
	t := f.t
	n := len(t)
	var room [maxSteps]step
	steps := m.steps(&room)
	f.density(m, steps)
	f.score, f.skipped, f.lead = resize(f.score, n), resize(f.skipped, n), resize(f.lead, n)
	f.from, f.by = resize(f.from, n), resize(f.by, n)
	pause := 3 + math.Log(float64(n))
	var base, weight, half, distance [maxSteps]float64
	var low [maxSteps]int
	for k, s := range steps {
		distance[k] = s.distance
		half[k] = min(3.5*s.sd, 0.45*m.period)
		weight[k] = 0.5 / (s.sd * s.sd)
		base[k] = s.chance - ln(s.sd*math.Sqrt(2*math.Pi))
	}
	other := math.Log1p(-m.share)
	best, bestAt := math.Inf(-1), int32(-1)
	prefix, prefixAt := math.Inf(-1), int32(-1)
	for j := range t {
		score, from, by := 0.0, int32(-1), int32(-1)
		if prefix-pause > score {
			score, from = prefix-pause, prefixAt
		}
		// what lies between i and j, others and silence, adds skipped[j] − skipped[i] to the gain of a link
		skipped := m.share*f.clock[j] + float64(j)*other
		due, late := t[j], 0.0
		ways := len(steps)
		if m.clock {
			due = m.phase + m.cycle(t[j])*m.period
			if late = t[j] - due; math.Abs(late) > half[0] {
				ways = 0
			}
		}
		for k := range ways {
			middle := due - distance[k]
			i, end := low[k], middle+half[k]
			for start := middle - half[k]; t[i] < start; {
				i++
			}
			low[k] = i
			if i == j || t[i] > end {
				continue
			}
			plain, w := base[k]-max(f.logRho[k], f.logLocal[j])+skipped-other, weight[k]
			if m.clock {
				plain, w = plain-late*late*w, 0
			}
			first, top := i, score-plain
			for ; i < j-1 && t[i] <= end; i++ {
				d := t[i] - middle
				if v := f.lead[i] - d*d*w; v > top {
					top, score, from, by = v, v+plain, int32(i), int32(k)
				}
			}
			next := math.Inf(-1) // of a link to the event just before
			if i == j-1 && t[i] <= end {
				d := t[i] - middle
				bound := base[k] - f.logGap[k] - (1-m.share)*(f.clock[j]-f.clock[i])
				if m.clock {
					bound -= late * late * weight[k]
				}
				next = min(plain-f.skipped[i], bound) - d*d*w
				if v := f.score[i] + next; v > score {
					score, from, by = v, int32(i), int32(k)
				}
			}
			if f.keep {
				f.collect(first, j, middle, end, plain, w, next, steps[k])
			}
		}
		f.score[j], f.from[j], f.by[j] = score, from, by
		f.skipped[j], f.lead[j] = skipped, score-skipped
		if score > prefix {
			prefix, prefixAt = score, int32(j)
		}
		if score > best {
			best, bestAt = score, int32(j)
		}
	}
	return f.trace(m, steps, best, bestAt)
}

// collect appends to f.edges the links to j that align considers in one way s, from the event first to the one at end; next is the
// gain of that from the event before j.
func (f *Finder) collect(first, j int, middle, end, plain, weight, next float64, s step) {
	for i := first; i < j && f.t[i] <= end; i++ {
		gain := next
		if i < j-1 {
			d := f.t[i] - middle
			gain = plain - f.skipped[i] - d*d*weight
		}
		if gain > faint && len(f.edges) < mostEdges {
			f.edges = append(f.edges, edge{int32(i), int32(j), s.jump, s.long, exp(gain)})
		}
	}
}

// trace walks back from the event last and returns the chain in time order.
func (f *Finder) trace(m model, steps []step, lambda float64, last int32) chain {
	c := chain{model: m, lambda: lambda}
	start := len(f.arena)
	for j := last; j >= 0; j = f.from[j] {
		l := link{event: j}
		if f.by[j] >= 0 {
			l.jump = steps[f.by[j]].jump
		}
		f.arena = append(f.arena, l)
	}
	c.links = f.arena[start:len(f.arena):len(f.arena)]
	for i, j := 0, len(c.links)-1; i < j; i, j = i+1, j-1 {
		c.links[i], c.links[j] = c.links[j], c.links[i]
	}
	for _, l := range c.links {
		if l.jump > 0 {
			c.gaps++
			c.cycles += int(l.jump)
		}
	}
	return c
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
