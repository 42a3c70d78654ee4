package pattern

import "math"

// edge is a possible link of a chain.
type edge struct {
	from, to   int32
	jump, long int32   // periods, and how many of them are longer
	gain       float64 // likelihood ratio; after weigh the posterior probability that the pattern has this link
}

// liftBits is the power of two by which sums are scaled down when they pass 2^liftBits.
const liftBits = 400

// weigh sums the likelihood ratios of all chains that the last alignment considered, by the forward-backward algorithm
// (Rabiner 1989), and returns the logarithm of the sum: what is known without settling on one chain. It turns the ratios of
// f.edges into posterior probabilities. The sums are scaled; f.liftF and f.liftR count how often.
func (f *Finder) weigh() float64 {
	n := len(f.t)
	f.forward, f.reverse = resize(f.forward, n), resize(f.reverse, n)
	f.liftF, f.liftR = resize(f.liftF, n), resize(f.liftR, n)
	pause := math.Exp(-3) / float64(n)
	s := scaled{one: 1}
	for j, e := 0, 0; j < n; j++ {
		v := s.one + pause*s.total
		for ; e < len(f.edges) && int(f.edges[e].to) == j; e++ {
			i := f.edges[e].from
			v += down(f.forward[i]*f.edges[e].gain, s.lift-f.liftF[i])
		}
		f.forward[j], f.liftF[j] = v, s.lift
		s.add(v)
	}
	sum := s
	s = scaled{one: 1}
	for i := range f.reverse {
		f.reverse[i] = 0
	}
	for j, e := n-1, len(f.edges)-1; j >= 0; j-- {
		// f.reverse[j] holds what the edges to later events brought, in the scale f.liftR[j]
		v := s.one + pause*s.total
		if f.reverse[j] > 0 {
			v += down(f.reverse[j], s.lift-f.liftR[j])
		}
		f.reverse[j], f.liftR[j] = v, s.lift
		for ; e >= 0 && int(f.edges[e].to) == j; e-- {
			i := f.edges[e].from
			if f.reverse[i] == 0 {
				f.liftR[i] = s.lift
			} else if f.liftR[i] != s.lift {
				f.reverse[i], f.liftR[i] = down(f.reverse[i], s.lift-f.liftR[i]), s.lift
			}
			f.reverse[i] += f.edges[e].gain * v
		}
		s.add(v)
	}
	for x := range f.edges {
		e := &f.edges[x]
		e.gain = down(f.forward[e.from]*e.gain*f.reverse[e.to]/sum.total, sum.lift-f.liftF[e.from]-f.liftR[e.to])
	}
	return math.Log(sum.total) + liftBits*math.Ln2*float64(sum.lift)
}

// scaled is a running total with its scale: the true value is total·2^(liftBits·lift).
type scaled struct {
	one, total float64 // one is the scaled 1
	lift       int32
}

func (s *scaled) add(v float64) {
	if s.total += v; s.total > 1<<liftBits {
		s.one, s.total, s.lift = math.Ldexp(s.one, -liftBits), math.Ldexp(s.total, -liftBits), s.lift+1
	}
}

// down scales x down by lifts steps.
func down(x float64, lifts int32) float64 {
	if lifts == 0 {
		return x
	}
	return math.Ldexp(x, -liftBits*int(lifts))
}

// estimate gives the model that fits the weighed edges best, and the expected number of links: the M-step of
// expectation-maximisation (Dempster, Laird, Rubin 1977).
func (f *Finder) estimate(m model) (next model, links float64) {
	var w, k, events float64
	for _, e := range f.edges {
		w += e.gain
		k += e.gain * float64(e.jump)
		events += e.gain * float64(e.to-e.from)
	}
	next = m
	var sd float64
	switch {
	case m.clock:
		next.period, next.phase, sd = f.line(m, w)
	case m.longer > 0:
		next.period, next.longer, next.long, sd = f.paces(m, w, k)
	default:
		next.period, sd = f.pace(w, k)
	}
	next.sigma = max(sd/next.period, 3e-4, 0.4*f.res/next.period)
	next.skip = min(max((k-w+0.5)/(k+1), 0.02), 0.5)
	next.share = min(max((w+0.5)/(events+1), 0.02), 0.98)
	return next, w
}

// pace is the mean gap and the standard deviation of one gap over the edges, which weigh w and span k periods.
func (f *Finder) pace(w, k float64) (period, sd float64) {
	for _, e := range f.edges {
		period += e.gain * (f.t[e.to] - f.t[e.from]) / k
	}
	squares := 0.0
	for _, e := range f.edges {
		squares += e.gain * square(f.t[e.to]-f.t[e.from]-float64(e.jump)*period) / float64(e.jump)
	}
	return period, math.Sqrt(squares / max(1, w-1))
}

// paces is pace for two lengths of gap, the share of the longer one included: weighted least squares in two unknowns.
func (f *Finder) paces(m model, w, k float64) (period, longer, long, sd float64) {
	var jj, jl, ll, jd, ld float64
	for _, e := range f.edges {
		j, l, d := float64(e.jump), float64(e.long), f.t[e.to]-f.t[e.from]
		jj, jl, ll = jj+e.gain*j, jl+e.gain*l, ll+e.gain*l*l/j
		jd, ld = jd+e.gain*d, ld+e.gain*l*d/j
		long += e.gain * l / k
	}
	det := jj*ll - jl*jl
	if det < 1e-6*jj*jj {
		return m.period, m.longer, 0.5, m.sigma * m.period
	}
	period, longer = (jd*ll-ld*jl)/det, (jj*ld-jl*jd)/det
	squares := 0.0
	for _, e := range f.edges {
		squares += e.gain * square(f.t[e.to]-f.t[e.from]-float64(e.jump)*period-float64(e.long)*longer) / float64(e.jump)
	}
	return period, longer, min(max(long, 0.02), 0.98), math.Sqrt(squares / max(1, w-2))
}

// line is the least-squares fit of the times on the cycle numbers of m: period, due time of cycle 0, and the standard
// deviation around the line.
func (f *Finder) line(m model, w float64) (period, phase, sd float64) {
	var mx, my, sxx, sxy float64
	for _, e := range f.edges {
		mx += e.gain * m.cycle(f.t[e.to]) / w
		my += e.gain * f.t[e.to] / w
	}
	for _, e := range f.edges {
		x := m.cycle(f.t[e.to]) - mx
		sxx += e.gain * x * x
		sxy += e.gain * x * (f.t[e.to] - my)
	}
	period = sxy / sxx
	phase = my - mx*period
	squares := 0.0
	for _, e := range f.edges {
		squares += e.gain * square(f.t[e.to]-phase-m.cycle(f.t[e.to])*period)
	}
	return period, phase, math.Sqrt(squares / max(1, w-1))
}

func square(x float64) float64 { return x * x }
