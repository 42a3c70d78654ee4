package pattern

import (
	"math"
	"slices"
)

const day = 86400.0

// rhythm fills f.daily with the logarithm of how much more often events come within eight hours around each event's time
// of day than on average: 0 to ln 3. Working hours make events a day apart likely; they are not a pattern.
func (f *Finder) rhythm() {
	const hours = 8 * 3600.0
	n := len(f.t)
	f.local = f.local[:0]
	for _, t := range f.t {
		f.local = append(f.local, math.Mod(t, day))
	}
	slices.Sort(f.local)
	before := func(x float64) int {
		turn := math.Floor(x / day)
		return below(f.local, x-turn*day) + int(turn)*n
	}
	f.daily = resize(f.daily, n)
	for i, t := range f.t {
		x := math.Mod(t, day)
		at, next := before(x), before(x+1e-3)
		most := max(next-before(x-hours), before(x+hours)-at, before(x+hours/2)-before(x-hours/2))
		f.daily[i] = max(0, f.ln[most]-f.ln[n]-math.Log(hours/day))
	}
}

// habit is how much of the daily rhythm counts against a model: all of it where the period is a number of days and events
// come an hour or so early or late, nothing where they are on time to a quarter of an hour.
func habit(period, sigma float64) float64 {
	if !days(period) {
		return 0
	}
	return min(max((sigma*period-900)/1800, 0), 1)
}

// days says whether period is about a whole number of days.
func days(period float64) bool {
	n := math.Round(period / day)
	return n >= 1 && math.Abs(period/day-n) < 0.08
}
