package pattern

import "math"

// liftBits is the power of two by which sums are scaled down when they pass 2^liftBits.
const liftBits = 400

// weigh sums the likelihood ratios of all chains that the last alignment considered, by the forward-backward algorithm
// (Rabiner 1989), and returns the logarithm of the sum: what is known without settling on one chain. It adds up in f.expected what
// estimate needs to know about the links. The sums are scaled; f.liftF and f.liftR count how often.
func (f *Finder) weigh(m model) float64 {
	n := len(f.t)
	f.forward, f.liftF = resize(f.forward, n), resize(f.liftF, n)
	pause := math.Exp(-3) / float64(n)
	s, e := scaled{one: 1}, 0
	for j, end := range f.first[1:] {
		v := s.one + pause*s.total
		for ; e < int(end); e++ {
			g := &f.edges[e]
			g.gain = exp(g.gain)
			v += down(f.forward[g.from]*g.gain, s.lift-f.liftF[g.from])
		}
		f.forward[j], f.liftF[j] = v, s.lift
		s.add(v)
	}
	f.backward(m, pause, s)
	return math.Log(s.total) + liftBits*math.Ln2*float64(s.lift)
}

// backward is the other half of weigh; sum is what the first half found.
func (f *Finder) backward(m model, pause float64, sum scaled) {
	n := len(f.t)
	f.reverse, f.liftR = resize(f.reverse, n), resize(f.liftR, n)
	clear(f.reverse)
	f.expected = expectation{}
	s, e := scaled{one: 1}, len(f.edges)-1
	for j := n - 1; j >= 0; j-- {
		// f.reverse[j] holds what the edges to later events brought, in the scale f.liftR[j]
		v := s.one + pause*s.total
		if f.reverse[j] > 0 {
			v += down(f.reverse[j], s.lift-f.liftR[j])
		}
		into := 0.0 // probability that the pattern has a link to j
		for ; e >= int(f.first[j]); e-- {
			i, gain := f.edges[e].from, f.edges[e].gain
			if f.reverse[i] == 0 {
				f.liftR[i] = s.lift
			} else if f.liftR[i] != s.lift {
				f.reverse[i], f.liftR[i] = down(f.reverse[i], s.lift-f.liftR[i]), s.lift
			}
			f.reverse[i] += gain * v
			p := down(f.forward[i]*gain*(v/sum.total), sum.lift-f.liftF[i]-s.lift)
			f.expected.link(p, &f.steps[f.edges[e].way], j-int(i), f.t[j]-f.t[i])
			into += p
		}
		if m.clock && into > 0 {
			cycle := m.cycle(f.t[j])
			f.expected.due(into, cycle, f.t[j]-m.phase-cycle*m.period)
		}
		s.add(v)
	}
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
