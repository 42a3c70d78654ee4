package pattern

import (
	"math"
	"time"
)

const (
	startSkip  = 0.15 // a first guess of the missing cycles
	startShare = 0.5  // and of the share of the events that belong to a pattern
	finalists  = 4    // chains that are improved,
	manyEvents = 400  // half of them in series as long as this
	leastGaps  = 3    // of a chain: three events never make a pattern

	// What improvement can bring, nats: below, nothing that is shown has been seen to come of it.
	firstHope = -14.0 // of a candidate's first chain
	lastHope  = -6.0  // of the best improved chain

	certain = 30.0 // nats from which no second way to the same period is tried
)

// near says that improving m leads to about the period of known.
func (m model) near(known model) bool {
	return math.Abs(m.period-known.period) < max(m.sigma, known.sigma)*known.period
}

// strongest is the best explanation of the events that are left; its score is 0 if there is none.
func (f *Finder) strongest(loc *time.Location) explanation {
	f.survey()
	e := f.bestChain()
	if len(f.t) <= longestClean && e.score < 25 {
		for _, seed := range f.seeds(e.period) {
			if r := f.cleanRun(seed); r.score > e.score {
				e = f.explainRun(r)
			}
		}
	}
	if e.score < 35 {
		if s := f.scheduled(loc, e.toBeat()); s.period > 0 && !s.repeats(e) {
			e = f.explainSlot(s)
		}
	}
	return e
}

// survey measures what the null hypothesis needs to know about the series, and collects candidate periods.
func (f *Finder) survey() {
	f.arena = f.arena[:0]
	f.ready, f.daily = model{}, f.daily[:0]
	f.logarithms(len(f.t))
	f.lags.count(f.t, minPeriod/2, f.t[len(f.t)-1]-f.t[0])
	f.neighbours()
	f.rescale()
	f.candidates()
}

// bestChain aligns all candidates, improves the best few, and looks around the winner: shorter periods, companions, two
// lengths of gap.
func (f *Finder) bestChain() explanation {
	best, worth, clear := chain{}, math.Inf(-1), false
	for _, c := range f.promising() {
		c.next, c.mass = c.model, float64(c.gaps)
		if f.calibrate(c, c.lambda-f.price(c)) < firstHope || (clear && c.near(best.next)) {
			continue
		}
		c, v := f.improve(c.model, worth)
		if c.gaps < leastGaps || math.IsInf(v, -1) {
			continue
		}
		if more := f.companions(c); more.parts == 1 {
			v += more.worth
		}
		if v > worth {
			best, worth = c, v
			clear = f.calibrate(c, v) > certain
		}
	}
	if best.gaps < leastGaps {
		return explanation{}
	}
	if f.calibrate(best, worth) > lastHope {
		best, worth = f.shorter(best, worth)
		best, worth = f.halve(best, worth)
		best, worth = f.lengthen(best, worth)
		best, worth = f.bimodal(best, worth)
	}
	return f.explain(best, worth)
}

// promising are the chains of the best few candidates, best first.
func (f *Finder) promising() []chain {
	var (
		room  [finalists]chain
		ranks [finalists]float64
	)
	top, most := room[:0], finalists
	if len(f.t) > manyEvents {
		most /= 2
	}
	for _, c := range f.found {
		m := f.align(model{period: math.Exp(c.u), sigma: c.width / 1.5, skip: startSkip, share: startShare})
		if m.gaps < 2 {
			continue
		}
		rank := m.lambda + math.Log(m.sigma) - 0.5*math.Log(float64(m.gaps))
		i := len(top)
		if i < most {
			top = top[:i+1]
		} else if i--; rank <= ranks[i] {
			continue
		}
		for ; i > 0 && rank > ranks[i-1]; i-- {
			top[i], ranks[i] = top[i-1], ranks[i-1]
		}
		top[i], ranks[i] = m, rank
	}
	return top
}
