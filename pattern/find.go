package pattern

import (
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

// offset turns a penalised log-likelihood ratio z into a score with p = exp(−z−offset). Fitted on simulated series without
// a pattern; see bench/periods.
const offset = 5.0

// Finder keeps the scratch memory of Find from one series to the next. It is not safe for concurrent use; Find is.
type Finder struct {
	ms     []int64   // the input, sorted
	res    float64   // s
	at     []int32   // events kept: positions in ms
	t      []float64 // the same in seconds after the first
	u      []float64 // ln distances
	found  []candidate
	lags   lags
	order  []rank
	clock  []float64                       // cumulated surprise
	ready  struct{ period, sigma float64 } // what density was last called with
	ln     []float64
	gaps   []float64 // between neighbours, sorted
	logRho [maxJump + 1]float64
	logGap [maxJump + 1]float64

	logLocal, score []float64
	from, jump      []int32
	Ev, EvZ, EvOld  float64
	keep            bool
	n0              int
	edges           []edge
	sum             []float64
	arena           []link
	gap             []float64
	fold            []int32
	local           []float64
	phases          []phase
	phaseOf         []int32
	taken           []bool
	company         []int32
	cycleHits       []int32
}

var LastEv, LastOld float64

// Debug is temporary.
var Debug func(n int, chain, run, slot float64, c []float64)

var startShare = 0.5

func init() {
	if s := os.Getenv("SHARE"); s != "" {
		fmt.Sscan(s, &startShare)
	}
}

// NewFinder gives a Finder with no memory yet.
func NewFinder() *Finder { return new(Finder) }

// Find looks for periods in one series.
func Find(in Input) Result { return NewFinder().Find(in) }

// Find looks for periods in one series.
func (f *Finder) Find(in Input) Result {
	if in.Max <= 0 {
		in.Max = 4
	}
	if in.Location == nil {
		in.Location = time.UTC
	}
	if !(in.Prior > 0 && in.Prior < 1) {
		in.Prior = 0.5
	}
	f.prepare(in)
	f.n0 = len(f.t)
	LastEv, LastOld = -99, -99
	var r Result
	for len(f.t) >= leastTimes && len(r.Findings) < in.Max {
		e, ok := f.strongest(in.Location)
		if !ok || e.z+offset < -math.Log(0.05) {
			if len(r.Findings) == 0 {
				s := 0.0
				if ok {
					s = max(0, e.z+offset)
				}
				r.Posterior = posterior(s, in.Prior)
			}
			break
		}
		finding := f.report(e, in)
		r.Findings = append(r.Findings, finding)
		if finding.Score < -math.Log(1e-3) {
			break
		}
		f.remove(e)
	}
	if len(r.Findings) > 0 {
		r.Posterior = r.Findings[0].Posterior
	}
	return r
}

// posterior of a pattern, from the score and the prior share.
func posterior(s, prior float64) float64 {
	return 1 / (1 + math.Exp(-(s - 3.3 + math.Log(prior/(1-prior)))))
}

// explanation is one candidate answer.
type explanation struct {
	z          float64
	kind       Kind
	period, se float64
	sd         float64 // of a cycle, s
	skip       float64
	links      []link
	per        int
	from       float64 // phase of a clock: any due time, s
}

// strongest is the best explanation of the events in f.t.
func (f *Finder) strongest(loc *time.Location) (explanation, bool) {
	f.arena = f.arena[:0]
	f.ready.period = 0
	f.logarithms(len(f.t))
	f.lags.count(f.t, minPeriod/2, f.t[len(f.t)-1]-f.t[0])
	f.neighbours()
	f.rescale()
	f.candidates()
	best, z := chain{}, math.Inf(-1)
	type ranked struct {
		c    chain
		rank float64
	}
	var top [4]ranked
	tops := 0
	for _, c := range f.found {
		m := f.align(model{period: math.Exp(c.u), sigma: c.width / 1.5, skip: 0.15, share: startShare})
		if m.gaps < 2 {
			continue
		}
		r := ranked{m, m.lambda - math.Log(1/m.sigma) - 0.5*math.Log(float64(m.gaps))}
		if tops < len(top) {
			top[tops] = r
			tops++
		} else if r.rank > top[tops-1].rank {
			top[tops-1] = r
		} else {
			continue
		}
		for i := tops - 1; i > 0 && top[i].rank > top[i-1].rank; i-- {
			top[i], top[i-1] = top[i-1], top[i]
		}
	}
	for _, r := range top[:tops] {
		c, v := f.improve(r.c, z)
		if math.IsInf(v, -1) {
			continue
		}
		more, _, even := f.companions(c)
		if even {
			more = 0
		}
		if v += more; v > z {
			best, z = c, v
		}
	}
	var e explanation
	found := false
	dbg := [3]float64{-99, -99, -99}
	var dc []float64
	if Debug != nil {
		defer func() {
			Debug(len(f.t), dbg[0], dbg[1], dbg[2], dc)
		}()
	}
	if best.gaps >= 2 {
		best, z = f.shorter(best, z)
		best, z = f.halve(best, z)
		e, found = f.explain(best, z), true
		dbg[0] = e.z
		ev := f.evidence(best.model)
		f.Ev = ev
		if len(f.t) == f.n0 {
			defer func() { LastEv, LastOld = f.EvZ, f.EvOld }()
		}
		f.EvZ = ev - (f.price(best) - 1.1*f.ln[len(f.t)]) - f.ln[len(f.t)] - 0.5*math.Log(float64(max(1, best.gaps)))
		f.EvOld = best.lambda - f.price(best)
		if Debug != nil {
			f.EvZ = f.evidence(best.model) - (f.price(best) - 1.1*f.ln[len(f.t)]) - f.ln[len(f.t)] - 0.5*math.Log(float64(max(1, best.gaps)))
			f.EvOld = best.lambda - f.price(best)
			dc = []float64{best.period, best.lambda, float64(best.gaps), float64(best.cycles), best.sigma, best.share, best.skip, e.z - z, f.EvZ, f.EvOld}
		}
	}
	if len(f.t) <= 256 && (!found || e.z < 20) {
		for _, seed := range f.seeds(best.period) {
			r := f.cleanRun(seed)
			dbg[1] = max(dbg[1], r.z)
			if r.z > e.z || (!found && !math.IsInf(r.z, 0)) {
				e, found = f.explainRun(r, seed), true
			}
		}
	}
	if !found || e.z < 30 {
		s := f.scheduled(loc)
		dbg[2] = s.z
		if !math.IsInf(s.z, 0) && (!found || (e.z < 1.5 && s.z > e.z) || (s.z > e.z+5 && !multiple(s.period, e.period))) {
			e, found = f.explainSlot(s), true
		}
	}
	return e, found
}

func multiple(long, short float64) bool {
	r := long / short
	return r > 0.9 && math.Abs(r-math.Round(r)) < 0.02*r
}

// seeds are the periods around which gaps are folded; 0 stands for no folding.
func (f *Finder) seeds(period float64) [4]float64 {
	sorted := f.gaps
	return [4]float64{0, period, sorted[len(sorted)/2], sorted[len(sorted)/4]}
}

// neighbours fills f.gaps.
func (f *Finder) neighbours() {
	f.gaps = resize(f.gaps, len(f.t)-1)
	for i := range f.gaps {
		f.gaps[i] = f.t[i+1] - f.t[i]
	}
	slices.Sort(f.gaps)
}

// halve replaces c by a chain of half or a third of its period as long as it has companions at such a distance: events
// that belong to the same pattern.
func (f *Finder) halve(c chain, z float64) (chain, float64) {
	for range 3 {
		if _, _, even := f.companions(c); !even {
			break
		}
		var short chain
		worth := math.Inf(-1)
		for q := 2.0; q <= 3; q++ {
			s, v := f.climb(model{period: c.period / q, sigma: min(c.sigma*q, 0.15), skip: max(c.skip, 0.1), share: 0.8}, math.Inf(-1))
			if v > worth && float64(len(s.links)) > 1.3*float64(len(c.links)) {
				short, worth = s, v
			}
		}
		if math.IsInf(worth, -1) {
			break
		}
		c, z = short, max(worth, z)
	}
	return c, z
}

// climb aligns m and improves it.
func (f *Finder) climb(m model, bar float64) (chain, float64) {
	c := f.align(m)
	if c.gaps < 2 {
		return c, math.Inf(-1)
	}
	return f.improve(c, bar)
}

// improve re-estimates and re-aligns c until that no longer helps, then does the same for the clock nearest to it, and
// returns the better of the two with its worth.
func (f *Finder) improve(c chain, bar float64) (chain, float64) {
	best, z := f.iterate(c, f.fit(c), bar)
	if z < bar-far || math.IsInf(z, -1) || best.gaps < 4 {
		return best, z
	}
	if m, ok := f.lock(best); ok {
		if locked, v := f.iterate(best, m, max(z, bar)); v > z {
			return locked, v
		}
	}
	return best, z
}

// far is how many nats below the best a chain may be to be improved further.
const far = 15

// iterate alternates alignment and estimation, starting with m, as long as that helps and c is not far below bar.
func (f *Finder) iterate(c chain, m model, bar float64) (chain, float64) {
	const rounds = 5
	best, z := c, math.Inf(-1)
	for round := range rounds {
		if m.sigma > 0.2 || m.period < minPeriod {
			break
		}
		c = f.align(m)
		if c.gaps < 2 {
			break
		}
		v := c.lambda - f.price(c)
		if v <= z {
			break
		}
		done := v < z+0.05 || (round > 0 && v < bar-far && v < z+5)
		best, z = c, v
		if done {
			break
		}
		m = f.fit(c)
	}
	return best, z
}

// explain turns a chain into an answer.
func (f *Finder) explain(c chain, z float64) explanation {
	m := f.fit(c)
	e := explanation{z: z, kind: Renewal, period: m.period, skip: m.skip, links: c.links, per: 1}
	e.sd = m.sigma * m.period
	e.se = e.sd / math.Sqrt(float64(c.cycles))
	if c.clock {
		e.kind = Clock
		e.se = e.sd * math.Sqrt(12/float64(len(c.links))) / ((f.t[c.links[len(c.links)-1].event] - f.t[c.links[0].event]) / m.period)
	}
	if k, per := lift(c); k > 1 {
		e.period *= float64(k)
		e.se *= float64(k)
		e.sd *= math.Sqrt(float64(k))
		e.per = per
	}
	return e
}

func (f *Finder) explainRun(r run, seed float64) explanation {
	e := explanation{z: r.z, kind: Unknown, period: r.period, sd: r.sd, per: 1}
	start := len(f.arena)
	for i := r.first; i <= r.last; i++ {
		jump := int32(0)
		if i > r.first {
			jump = 1
			if k := math.Round((f.t[i] - f.t[i-1]) / r.period); seed > 0 && k > 1 {
				jump = int32(k)
			}
		}
		f.arena = append(f.arena, link{int32(i), jump})
	}
	e.links = f.arena[start:len(f.arena):len(f.arena)]
	cycles := 0
	for _, l := range e.links {
		cycles += int(l.jump)
	}
	first, last := e.links[0], e.links[len(e.links)-1]
	e.period = (f.t[last.event] - f.t[first.event]) / float64(cycles)
	e.se = e.sd / math.Sqrt(float64(cycles))
	return e
}

func (f *Finder) explainSlot(s slot) explanation {
	e := explanation{z: s.z, kind: Clock, period: s.period, sd: s.width / 4, per: 1}
	start := len(f.arena)
	cycle := math.Inf(-1)
	for i, x := range f.local {
		c := math.Floor((x - s.from) / s.period)
		if x-s.from-c*s.period > s.width || c == cycle {
			continue
		}
		jump := int32(0)
		if !math.IsInf(cycle, 0) {
			jump = int32(c - cycle)
		}
		f.arena = append(f.arena, link{int32(i), jump})
		cycle = c
	}
	e.links = f.arena[start:len(f.arena):len(f.arena)]
	e.se = e.sd / float64(max(1, len(e.links)))
	return e
}

// remove takes the members of e out of the series.
func (f *Finder) remove(e explanation) {
	kept, next := 0, 0
	for i := range f.t {
		if next < len(e.links) && int(e.links[next].event) == i {
			next++
			continue
		}
		f.t[kept], f.at[kept] = f.t[i], f.at[i]
		kept++
	}
	f.t, f.at = f.t[:kept], f.at[:kept]
}
