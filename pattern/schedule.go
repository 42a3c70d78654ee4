package pattern

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// schedules are the periods people choose, in seconds.
var schedules = [...]float64{900, 1800, 3600, 2 * 3600, 3 * 3600, 4 * 3600, 6 * 3600, 8 * 3600, 12 * 3600, 86400, 7 * 86400}

// shares of a period in which a scheduled event may fall.
var shares = [...]float64{0.002, 0.006, 0.02}

const (
	second       = 3.0 // the schedule test comes on top of the chain: it may give a part of the false alarms only
	fewestCycles = 5
	mostCycles   = 1 << 18 // seven years of quarters of an hour
)

// slot is a phase of a schedule that is hit in more cycles than it should be.
type slot struct {
	score       float64 // −ln p
	period      float64
	from, width float64 // local phase, s
	cycles      int
}

// toBeat is the score that a slot needs, to be a better answer than e: it is clearly surer, or e is nothing.
func (e explanation) toBeat() float64 {
	if e.score < 6.5 {
		return e.score
	}
	return e.score + 5
}

// repeats says that the period of the slot is a multiple of that of e, which then is the better answer.
func (s slot) repeats(e explanation) bool {
	ratio := s.period / e.period
	return e.score >= 6.5 && ratio > 0.9 && math.Abs(ratio-math.Round(ratio)) < 0.02*ratio
}

// scheduled looks for a time of day (week, hour, …) that is hit again and again, in local time, with a score above bar. Without
// one the period is 0.
func (f *Finder) scheduled(loc *time.Location, bar float64) slot {
	best := slot{score: bar}
	n := len(f.t)
	f.local = f.local[:0]
	for i, at := range f.at {
		_, off := time.UnixMilli(f.ms[at]).In(loc).Zone()
		f.local = append(f.local, float64(f.ms[0])/1000+f.t[i]+float64(off))
	}
	for _, period := range schedules {
		first := math.Floor(f.local[0] / period)
		cycles := int(math.Floor(f.local[n-1]/period)-first) + 1
		if cycles < fewestCycles {
			break
		}
		if cycles > mostCycles || f.res > 0.02*period {
			continue
		}
		f.phases = f.phases[:0]
		for _, x := range f.local {
			c := math.Floor(x / period)
			f.phases = append(f.phases, phase{x - c*period, int32(c - first)})
		}
		f.sortPhases(period)
		for _, share := range shares {
			w := share * period
			if w < f.res {
				continue
			}
			if s := f.slots(period, w, cycles, second*2*float64(len(schedules)*len(shares)), best.score); s.score > best.score {
				best = s
			}
		}
	}
	return best
}

type phase struct {
	at    float64
	cycle int32
}

// sortPhases sorts f.phases, which lie between 0 and period: into about as many buckets as there are phases, then within
// them.
func (f *Finder) sortPhases(period float64) {
	p := f.phases
	f.bucket = append(f.bucket[:0], make([]int32, len(p)+2)...)
	scale := float64(len(p)) / period
	place := func(x float64) int { return min(int(x*scale), len(p)-1) }
	for _, x := range p {
		f.bucket[place(x.at)+2]++
	}
	for i := 2; i < len(f.bucket); i++ {
		f.bucket[i] += f.bucket[i-1]
	}
	f.sorted = resize(f.sorted, len(p))
	for _, x := range p {
		at := &f.bucket[place(x.at)+1]
		f.sorted[*at] = x
		*at++
	}
	for i := range p {
		if part := f.sorted[f.bucket[i]:f.bucket[i+1]]; len(part) > 1 {
			slices.SortFunc(part, func(a, b phase) int { return cmp.Compare(a.at, b.at) })
		}
	}
	f.phases, f.sorted = f.sorted, f.phases
}

// slots tries every place for a window of width w in f.phases. A place is good if it is hit in more cycles than the rate
// everywhere, and that on each of its sides, make likely; tries is the number of such searches. Only a score above bar counts.
func (f *Finder) slots(period, w float64, cycles int, tries, bar float64) slot {
	p := f.phases
	n := len(p)
	best := slot{score: bar}
	trials := math.Log(tries * period / w)
	even := float64(n) * w / period
	if even >= 0.5*float64(cycles) {
		return best
	}
	least := atLeast{cycles: cycles, odds: even / float64(cycles)}
	need := max(4, int(2*even)+1, least.hits(bar+trials))
	if !f.crowded(w, period, need) {
		return best
	}
	f.cycleHits = append(f.cycleHits[:0], make([]int32, cycles)...)
	hits := f.cycleHits
	distinct, end := 0, 0
	count := func(from, to float64) float64 {
		return float64(f.phaseBefore(to, period) - f.phaseBefore(from, period))
	}
	for i := range p {
		for end < i+n {
			q := p[end%n]
			at := q.at
			if end >= n {
				at += period
			}
			if at > p[i].at+w {
				break
			}
			if hits[q.cycle] == 0 {
				distinct++
			}
			hits[q.cycle]++
			end++
		}
		if distinct >= need {
			from, expected := p[i].at, even
			for _, wide := range [...]float64{2, 5} {
				expected = max(expected, (count(from-wide*w, from)+1)/wide, (count(from+w, from+w+wide*w)+1)/wide)
			}
			rate := expected / float64(cycles)
			if rate < 0.5 && float64(distinct) > expected {
				if s := -lnBinomialTail(cycles, distinct, rate) - trials; s > best.score {
					best = slot{score: s, period: period, from: from, width: w, cycles: cycles}
					need = max(need, least.hits(s+trials))
				}
			}
		}
		hits[p[i].cycle]--
		if hits[p[i].cycle] == 0 {
			distinct--
		}
	}
	return best
}

// crowded says whether any window of width w holds need of f.phases.
func (f *Finder) crowded(w, period float64, need int) bool {
	p := f.phases
	n := len(p)
	if need > n {
		return false
	}
	for i := range p[:n-need+1] {
		if p[i+need-1].at-p[i].at <= w {
			return true
		}
	}
	for i := n - need + 1; i < n; i++ { // over the end of the period
		if p[i+need-1-n].at+period-p[i].at <= w {
			return true
		}
	}
	return false
}

// atLeast finds how many of a number of cycles have to be hit.
type atLeast struct {
	cycles int
	odds   float64 // of a cycle
	hit    int     // where the last search ended
	lnP    float64 // of exactly that many
}

// hits is a lower bound on how many cycles have to be hit for −ln of the binomial tail to pass s, which must not fall from
// call to call: the tail is more than its first term.
func (a *atLeast) hits(s float64) int {
	if a.hit == 0 {
		a.lnP = float64(a.cycles) * math.Log1p(-a.odds)
	}
	lnOdds := math.Log(a.odds / (1 - a.odds))
	for a.hit < a.cycles && (-a.lnP <= s || float64(a.hit) <= a.odds*float64(a.cycles)) {
		a.lnP += lnOdds + ln(float64(a.cycles-a.hit)/float64(a.hit+1))
		a.hit++
	}
	if -a.lnP <= s {
		return a.cycles + 1
	}
	return a.hit
}

// phaseBefore is the number of events at a phase less than x, where phases below 0 and above the period wrap.
func (f *Finder) phaseBefore(x, period float64) int {
	turn := 0
	for x < 0 {
		x += period
		turn -= len(f.phases)
	}
	for x >= period {
		x -= period
		turn += len(f.phases)
	}
	return turn + sort.Search(len(f.phases), func(i int) bool { return f.phases[i].at >= x })
}

// lnBinomialTail is ln P(X ≥ d) for X ~ Binomial(n, p) with d > np.
func lnBinomialTail(n, d int, p float64) float64 {
	lead := lnChoose(n, d) + float64(d)*math.Log(p) + float64(n-d)*math.Log1p(-p)
	sum, term := 1.0, 1.0
	for i := d; i < n; i++ {
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
		sum += term
		if term < 1e-9*sum {
			break
		}
	}
	return lead + math.Log(sum)
}
