package pattern

import (
	"math"
	"slices"
)

const (
	deviations = 3.5  // standard deviations that an event may lie off where it is due,
	mostOff    = 0.45 // of a period at most
	inARow     = LeastEvents
)

// leeway is how far, in seconds, an event may lie off where it is due with a standard deviation of sd.
func leeway(sd, period float64) float64 { return min(deviations*sd, mostOff*period) }

// wander is the standard deviation of the moment at which an event is due, k cycles after the last one, where that of one cycle is sd: a
// timer starts again with each event, a clock goes on.
func wander(sd, k float64, clock bool) float64 {
	if clock {
		return sd
	}
	return sd * math.Sqrt(k)
}

// pace is what a finding knows of its time beyond what it tells.
type pace struct {
	se    float64 // standard error of the period, s
	res   float64 // resolution of the times, s
	clock bool    // whether or not there are events enough to say so
}

// Expect predicts the next event of g, which Find gave: the first due time that had not clearly passed at end, in Unix milliseconds.
func (g *Finding) Expect(end int64) {
	sd := math.Hypot(g.Jitter, g.pace.res/math.Sqrt(6))
	k := max(1, math.Ceil((float64(end-g.Last)/1000-3*sd)/g.Period))
	if nu := float64(g.CyclesSeen - 2); nu > 2 {
		sd *= math.Sqrt(nu / (nu - 2)) // of Student's t: sd is an estimate from so few gaps
	} else {
		sd *= 2
	}
	g.NextSD = math.Hypot(wander(sd, k, g.pace.clock), k*g.pace.se)
	g.NextExpected = g.Last + int64(math.Round(k*g.Period*1000))
}

// Accept says what an event that came after g.Last adds to g, which Find gave: the events that belong to it now and did not before, and
// how many cycles they begin. It is the event itself where it is the next one or, beginning no cycle, one of several in a cycle; after a
// pause it is the last of four in a row; else it is nothing. members are the events of g so far and earlier those of the series before
// this one, all in Unix milliseconds and in order.
func (g *Finding) Accept(at int64, members, earlier []int64) (events []int64, cycles int) {
	if g.follows(g.Last, at, maxSteps) {
		return []int64{at}, 1
	}
	lately := members[max(0, len(members)-2*g.PerCycle):]
	if g.PerCycle > 1 && slices.ContainsFunc(lately, func(m int64) bool { return g.follows(m, at, 1) }) {
		return []int64{at}, 0
	}
	row := []int64{at}
	for i := len(earlier) - 1; i >= 0 && earlier[i] > g.Last && len(row) < inARow; i-- {
		if g.follows(earlier[i], row[0], 1) {
			row = slices.Insert(row, 0, earlier[i])
		}
	}
	if len(row) < inARow {
		return nil, 0
	}
	return row, len(row)
}

// follows says whether an event lies a whole number of cycles after another, most at most.
func (g *Finding) follows(first, at int64, most float64) bool {
	gap := float64(at-first) / 1000
	k := math.Round(gap / g.Period)
	sd := wander(g.Jitter, k, g.pace.clock)
	if g.pace.clock {
		sd *= math.Sqrt2 // of two, each on its own
	}
	return k >= 1 && k <= most && math.Abs(gap-k*g.Period) <= leeway(sd, g.Period)
}

// Cycles that g's segments are long, the missed ones included.
func (g *Finding) Cycles() int {
	n := 0
	for _, s := range g.Segments {
		n += 1 + int(math.Round(seconds(s[1]-s[0])/g.Period))
	}
	return n
}
