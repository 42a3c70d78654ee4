package pattern

import (
	"slices"
	"time"

	"gonum.org/v1/gonum/mathext"

	"flapwatch/event"
)

const (
	guard        = 5 * time.Minute  // beside a window: belongs to the same trouble, not to the background
	shoulder     = 15 * time.Minute // beyond the guard, on both sides: the tide of the hour
	surroundings = 2 * time.Hour    // the same, wider
	sameTime     = 10 * time.Minute // around the same time of the other days: habits of the house
	unusual      = 4                // times the usual number: less is the house being busy, however many it is
)

// background is the usual rate of losses of one group.
type background struct {
	times    []int64 // sorted, Unix milliseconds
	from, to int64
	prior    float64 // seconds of observation that the prior is worth
}

// newBackground sets the prior: a Gamma distribution of shape ½ whose mean is one loss a device in five days, or one in
// two hours for the group where that is more.
func newBackground(times []int64, devices int, w event.Window) background {
	const perDevice = 1 / (5 * 86400.0)
	mean := max(float64(devices)*perDevice, 0.5/3600)
	return background{times, w.From.UnixMilli(), w.To.UnixMilli(), 0.5 / mean}
}

// stretch is overlapping windows in the losses of one group, begin ≤ i < end, and the smallest p among them.
type stretch struct {
	begin, end int
	p          float64
}

// stretches of windows with at least so many devices whose p is not above limit. The first window has to come suddenly,
// those that overlap it carry it on.
func (b background) stretches(width time.Duration, least int, limit float64) []stretch {
	var out []stretch
	end, before, begin := 0, 0, 0 // the window ends before end; the time before it is before ≤ i < begin
	for i, from := range b.times {
		for end < len(b.times) && b.times[end] < from+width.Milliseconds() {
			end++
		}
		for b.times[before] < from-max(width, time.Minute).Milliseconds() {
			before++
		}
		for b.times[begin] < from {
			begin++
		}
		k, n := end-i, len(out)
		goesOn := n > 0 && i < out[n-1].end
		if k < least || !goesOn && !sudden(begin-before, k) {
			continue
		}
		p := b.surprise(from, width, k)
		switch {
		case p > limit:
		case goesOn:
			out[n-1].end, out[n-1].p = end, min(out[n-1].p, p)
		default:
			out = append(out, stretch{i, end, p})
		}
	}
	return out
}

// surprise is the chance of k or more devices in a window of that width at from, by the least surprised of four
// backgrounds; 1 if one of them expects a quarter of them.
func (b background) surprise(from int64, width time.Duration, k int) float64 {
	p := 0.0
	for _, g := range b.rates(from, from+width.Milliseconds()) {
		p = max(p, g.tail(width.Seconds(), k))
	}
	return p
}

// rate is the highest of the four expected ones, in devices per second.
func (b background) rate(from, to int64) float64 {
	highest := 0.0
	for _, g := range b.rates(from, to) {
		highest = max(highest, g.shape/g.exposure)
	}
	return highest
}

// sudden: the time before the window, as long and at least a minute, has less than a quarter of its k devices. A tide, people
// going home at the same hour, is not.
func sudden(before, k int) bool { return unusual*before < k }

func (b background) rates(from, to int64) [4]gamma {
	return [...]gamma{
		b.learn(b.beside(from, to, shoulder.Milliseconds())),
		b.learn(b.beside(from, to, surroundings.Milliseconds())),
		b.learn(b.beside(from, to, b.to-b.from)),
		b.learn(b.otherDays(from, to)),
	}
}

// beside is what was observed before and after a window and its guard, each side so long.
func (b background) beside(from, to, length int64) [][2]int64 {
	left, right := from-guard.Milliseconds(), to+guard.Milliseconds()
	return [][2]int64{{max(b.from, left-length), left}, {right, min(b.to, right+length)}}
}

// otherDays is what was observed around the same time of the other days.
func (b background) otherDays(from, to int64) [][2]int64 {
	const day = int64(24 * time.Hour / time.Millisecond)
	low, high := from-sameTime.Milliseconds(), to+sameTime.Milliseconds()
	var out [][2]int64
	for at := low - (low-b.from)/day*day; at < b.to; at += day {
		if at != low {
			out = append(out, [2]int64{max(b.from, at), min(b.to, at+high-low)})
		}
	}
	return out
}

// gamma is what is known about a rate: its mean is shape/exposure, exposure in seconds.
type gamma struct{ shape, exposure float64 }

// learn counts what was observed. The prior gives way as counts come in, so that it never makes a busy group look quieter
// than it was seen.
func (b background) learn(observed [][2]int64) gamma {
	const half = 0.5
	g := gamma{shape: half}
	for _, o := range observed {
		if o[1] > o[0] {
			g.shape += float64(b.between(o[0], o[1]))
			g.exposure += seconds(o[1] - o[0])
		}
	}
	g.exposure += b.prior * half / g.shape
	return g
}

// tail of the negative binomial: what a Poisson count does whose rate has this Gamma distribution (Gelman et al.,
// Bayesian Data Analysis, section 2.6).
func (g gamma) tail(width float64, k int) float64 {
	if float64(k) < unusual*g.shape*width/g.exposure {
		return 1
	}
	return mathext.RegIncBeta(float64(k), g.shape, width/(width+g.exposure))
}

func (b background) between(low, high int64) int {
	i, _ := slices.BinarySearch(b.times, low)
	j, _ := slices.BinarySearch(b.times, high)
	return j - i
}
