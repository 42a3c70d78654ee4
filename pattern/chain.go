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
	f.density(m.period, m.sigma)
	f.score, f.from, f.jump = resize(f.score, n), resize(f.from, n), resize(f.jump, n)
	pause := 3 + math.Log(float64(n))
	var base, weight, half [maxJump + 1]float64
	var low [maxJump + 1]int
	for k := 1; k <= maxJump; k++ {
		sd := m.sigma * m.period
		if !m.clock {
			sd *= math.Sqrt(float64(k))
		}
		half[k] = min(3.5*sd, 0.45*m.period)
		weight[k] = 0.5 / (sd * sd)
		base[k] = math.Log1p(-m.skip) + float64(k-1)*math.Log(m.skip) - math.Log(sd*math.Sqrt(2*math.Pi))
	}
	other := math.Log1p(-m.share)
	best, bestAt := math.Inf(-1), int32(-1)
	prefix, prefixAt := math.Inf(-1), int32(-1)
	for j := range t {
		score, from, jump := 0.0, int32(-1), int32(0)
		if prefix-pause > score {
			score, from = prefix-pause, prefixAt
		}
		due, late := t[j], 0.0
		if m.clock {
			due = m.phase + m.cycle(t[j])*m.period
			late = t[j] - due
		}
		for k := 1; k <= maxJump && math.Abs(late) <= half[1]; k++ {
			middle := due - float64(k)*m.period
			i := low[k]
			for t[i] < middle-half[k] {
				i++
			}
			low[k] = i
			if i == j || t[i] > middle+half[k] {
				continue
			}
			plain := base[k] - max(f.logRho[k], f.logLocal[j])
			for ; i < j && t[i] <= middle+half[k]; i++ {
				d := t[i] - middle
				if m.clock {
					d = late
				}
				silence := f.clock[j] - f.clock[i]
				gain := plain + m.share*silence + float64(j-i-1)*other
				if i == j-1 {
					gain = min(gain, base[k]-f.logGap[k]-(1-m.share)*silence)
				}
				gain -= d * d * weight[k]
				if f.keep {
					f.edges = append(f.edges, edge{int32(i), int32(j), gain})
				}
				if v := f.score[i] + gain; v > score {
					score, from, jump = v, int32(i), int32(k)
				}
			}
		}
		f.score[j], f.from[j], f.jump[j] = score, from, jump
		if score > prefix {
			prefix, prefixAt = score, int32(j)
		}
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
		f.arena = append(f.arena, link{j, f.jump[j]})
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

// edge is a possible link, kept for evidence.
type edge struct {
	from, to int32
	gain     float64
}

// evidence is the logarithm of the sum of the likelihood ratios of all chains under m, by the forward algorithm: what is
// known without settling on one of them.
func (f *Finder) evidence(m model) float64 {
	f.keep, f.edges = true, f.edges[:0]
	f.align(m)
	f.keep = false
	n := len(f.t)
	pause := math.Exp(-3) / float64(n)
	sum := resize(f.sum, n)
	f.sum = sum
	one, scale, total := 1.0, 0.0, 0.0
	e := 0
	for j := range sum {
		v := one + pause*total
		for ; e < len(f.edges) && int(f.edges[e].to) == j; e++ {
			v += sum[f.edges[e].from] * math.Exp(f.edges[e].gain)
		}
		sum[j] = v
		total += v
		if total > 1e200 {
			for i := max(0, j-4096); i <= j; i++ {
				sum[i] *= 1e-200
			}
			total, one, scale = total*1e-200, one*1e-200, scale+200*math.Ln10
		}
	}
	return math.Log(total) + scale
}

// fit re-estimates the model from the links of c: one step of expectation-maximisation with hard assignment.
func (f *Finder) fit(c chain) model {
	m := c.model
	var sd float64
	if m.clock {
		m.period, m.phase, sd = f.line(c)
	} else {
		m.period, sd = f.pace(c)
	}
	m.sigma = max(sd/m.period, 3e-4, 0.4*f.res/m.period)
	m.skip = min(max((float64(c.cycles-c.gaps)+0.5)/(float64(c.cycles)+1), 0.02), 0.6)
	within, start := 0, 0
	for i, l := range c.links {
		if i+1 == len(c.links) || c.links[i+1].jump == 0 {
			within += int(l.event-c.links[start].event) + 1
			start = i + 1
		}
	}
	m.share = min(max(float64(len(c.links))-0.5, 0.5)/float64(within), 0.98)
	return m
}

// pace is the mean gap of c and the standard deviation of one gap.
func (f *Finder) pace(c chain) (period, sd float64) {
	for i, l := range c.links {
		if l.jump > 0 {
			period += f.t[l.event] - f.t[c.links[i-1].event]
		}
	}
	period /= float64(c.cycles)
	squares := 0.0
	for i, l := range c.links {
		if l.jump > 0 {
			k := float64(l.jump)
			squares += square(f.t[l.event]-f.t[c.links[i-1].event]-k*period) / k
		}
	}
	return period, math.Sqrt(squares / float64(max(1, c.gaps-1)))
}

// line is the least-squares fit of event times on cycle numbers: period, due time of cycle 0, and the standard deviation
// around the line.
func (f *Finder) line(c chain) (period, phase, sd float64) {
	n := float64(len(c.links))
	var mx, my, sxx, sxy float64
	for _, l := range c.links {
		mx += c.cycle(f.t[l.event]) / n
		my += f.t[l.event] / n
	}
	for _, l := range c.links {
		x := c.cycle(f.t[l.event]) - mx
		sxx += x * x
		sxy += x * (f.t[l.event] - my)
	}
	period = sxy / sxx
	phase = my - mx*period
	squares := 0.0
	for _, l := range c.links {
		squares += square(f.t[l.event] - phase - c.cycle(f.t[l.event])*period)
	}
	return period, phase, math.Sqrt(squares / max(1, n-2))
}

func square(x float64) float64 { return x * x }

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
