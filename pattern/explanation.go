package pattern

import (
	"math"
	"slices"
)

// explanation is one answer to what the events are.
type explanation struct {
	score      float64 // p = exp(−score)
	kind       Kind
	period, se float64 // s
	sd         float64 // of a cycle, s
	second     float64 // the other length of gap, s; 0: there is one length
	doubtful   bool    // it may as well be twice the period
	links      []link
	company    []int32 // further events of the cycles, sorted
	perCycle   int
}

// has says whether the event at position i belongs to e.
func (e explanation) has(i int32) bool {
	_, ok := slices.BinarySearchFunc(e.links, i, func(l link, i int32) int { return int(l.event - i) })
	if !ok {
		_, ok = slices.BinarySearch(e.company, i)
	}
	return ok
}

// explain turns a chain into an answer.
func (f *Finder) explain(c chain, worth float64) explanation {
	m := c.next
	e := explanation{score: max(0, f.calibrate(c, worth)), kind: Renewal, period: m.period, sd: m.sigma * m.period, links: c.links, perCycle: 1}
	cycles := float64(c.cycles)
	e.se = e.sd / math.Sqrt(cycles)
	if c.clock {
		e.kind = Clock
		e.se = e.sd * math.Sqrt(12/float64(len(c.links))) / cycles
	}
	if m.longer > 0 {
		e.second = m.period + m.longer
		if m.long > 0.5 {
			e.period, e.second = e.second, e.period
		}
	}
	e.perCycle += f.companions(c).count
	e.company = slices.Clone(f.company)
	slices.Sort(e.company)
	e.doubtful = len(c.links) < 10 && float64(c.cycles-c.gaps) > 0.3*cycles
	return e
}

// explainRun turns a run of gaps into an answer.
func (f *Finder) explainRun(r run) explanation {
	e := explanation{score: r.score, kind: Unknown, sd: r.sd, perCycle: 1}
	start, cycles := len(f.arena), int32(0)
	for i := r.first; i <= r.last; i++ {
		l := link{event: int32(i)}
		if i > r.first {
			l.jump = max(1, int32(math.Round((f.t[i]-f.t[i-1])/r.period)))
			cycles += l.jump
		}
		f.arena = append(f.arena, l)
	}
	e.links = f.arena[start:len(f.arena):len(f.arena)]
	e.period = (f.t[r.last] - f.t[r.first]) / float64(cycles)
	e.se = e.sd / math.Sqrt(float64(cycles))
	return e
}

// explainSlot turns a slot of a schedule into an answer.
func (f *Finder) explainSlot(s slot) explanation {
	e := explanation{score: s.score, kind: Clock, period: s.period, sd: s.width / math.Sqrt(12), perCycle: 1}
	start, last := len(f.arena), math.Inf(-1)
	for i, x := range f.local {
		cycle := math.Floor((x - s.from) / s.period)
		if x-s.from-cycle*s.period > s.width || cycle == last {
			continue
		}
		l := link{event: int32(i)}
		if !math.IsInf(last, -1) {
			l.jump = int32(cycle - last)
		}
		f.arena = append(f.arena, l)
		last = cycle
	}
	e.links = f.arena[start:len(f.arena):len(f.arena)]
	e.se = e.sd * math.Sqrt(12/float64(len(e.links))) / float64(s.cycles)
	return e
}
