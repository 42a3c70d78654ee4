package pattern

import "math"

// expectation is sums over links, each weighed with the probability that the pattern has it: what the M-step of
// expectation-maximisation (Dempster, Laird, Rubin 1977) needs. The lengths of gaps are counted from what the model says, so that
// little is lost when sums are subtracted.
type expectation struct {
	links, events              float64 // events: how far the links lead
	jumps, longs, longs2       float64 // longs2: Σ long²/jump
	rest, restLong, restSquare float64 // s that gaps are longer: Σ, Σ ·long/jump, Σ ²/jump
	cycle, cycle2              float64 // of a clock: numbers of the cycles
	late, lateCycle, late2     float64 // s after they were due: Σ, Σ ·cycle, Σ ²
}

// link adds one of weight p that takes the step s, leads over so many events and is d seconds long.
func (x *expectation) link(p float64, s *step, events int, d float64) {
	x.links += p
	x.events += p * float64(events)
	jump := float64(s.jump)
	rest := d - s.distance
	x.jumps += p * jump
	x.rest += p * rest
	x.restSquare += p * rest * rest / jump
	if s.long > 0 {
		share := p * float64(s.long) / jump
		x.longs += share * jump
		x.longs2 += share * float64(s.long)
		x.restLong += share * rest
	}
}

// due adds an event of weight p in a cycle of a clock, so many seconds late.
func (x *expectation) due(p, cycle, late float64) {
	x.cycle += p * cycle
	x.cycle2 += p * cycle * cycle
	x.late += p * late
	x.lateCycle += p * late * cycle
	x.late2 += p * late * late
}

// estimate gives the model that fits the links that weigh saw best, and their expected number.
func (f *Finder) estimate(m model) (next model, links float64) {
	x := &f.expected
	next = m
	var sd float64
	switch {
	case m.clock:
		sd = x.line(&next)
	case m.longer > 0:
		sd = x.paces(&next)
	default:
		sd = x.pace(&next)
	}
	next.sigma = max(sd/next.period, 3e-4, 0.4*f.res/next.period)
	next.skip = min(max((x.jumps-x.links+0.5)/(x.jumps+1), 0.02), 0.5)
	next.share = min(max((x.links+0.5)/(x.events+1), 0.02), 0.98)
	return next, x.links
}

// pace sets the mean gap and gives the standard deviation of one gap.
func (x *expectation) pace(m *model) (sd float64) {
	longer := x.rest / x.jumps
	m.period += longer
	return math.Sqrt(max(0, x.restSquare-longer*x.rest) / max(1, x.links-1))
}

// paces is pace for two lengths of gap, the share of the longer one included: weighted least squares in two unknowns.
func (x *expectation) paces(m *model) (sd float64) {
	det := x.jumps*x.longs2 - x.longs*x.longs
	if det < 1e-6*x.jumps*x.jumps {
		m.long = 0.5
		return m.sigma * m.period
	}
	a, b := (x.rest*x.longs2-x.restLong*x.longs)/det, (x.jumps*x.restLong-x.longs*x.rest)/det
	m.period += a
	m.longer += b
	m.long = min(max(x.longs/x.jumps, 0.02), 0.98)
	return math.Sqrt(max(0, x.restSquare-a*x.rest-b*x.restLong) / max(1, x.links-2))
}

// line sets period and phase by the least-squares fit of the times on the numbers of their cycles and gives the standard
// deviation around the line.
func (x *expectation) line(m *model) (sd float64) {
	w := x.links
	sxx, sxy := x.cycle2-x.cycle*x.cycle/w, x.lateCycle-x.cycle*x.late/w
	slope := sxy / sxx
	m.period += slope
	m.phase += (x.late - slope*x.cycle) / w
	return math.Sqrt(max(0, x.late2-x.late*x.late/w-slope*sxy) / max(1, w-1))
}

func square(x float64) float64 { return x * x }
