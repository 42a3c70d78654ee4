package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"
)

// process makes event times, in seconds from 0 to about span, of a series without a pattern. mean is the expected number.
type process func(r *rand.Rand, mean, span float64) []float64

// processes are the classes of series without a pattern. Parameters are drawn anew for every series.
var processes = []struct {
	name, parameters string
	draw             process
}{
	{"poisson", "constant rate", poisson},
	{"diurnal", "rate 1+a·cos, a 0.5–1, or office hours of 8–12 h with 2–20 % outside", diurnal},
	{"weekday", "office hours of 8–11 h on five days, 0–10 % outside", weekday},
	{"weibull", "renewal, shape 0.4–0.95", weibull},
	{"lognormal", "renewal, sigma of the logarithm 0.6–2", lognormal},
	{"gamma", "renewal, shape 1–4", gamma},
	{"pareto", "renewal, tail exponent 1.1–2.5", pareto},
	{"hawkes", "branching 0.2–0.8, decay 30 s–2 h", hawkes},
	{"flapping", "bursts of 3–40 with exponential gaps of 10–300 s", flapping},
	{"refractory", "dead time 5–55 % of the mean gap, then exponential", refractory},
	{"outage", "rare outages of 1–20 events within 30 s–30 min, and single ones", outage},
	{"mmpp", "rate switches between two levels, ratio 5–50", mmpp},
	{"trend", "rate grows or falls up to 20-fold over the window", trend},
	{"batch", "Neyman-Scott clusters of 2–8 events within 10 s–1 h", batch},
	{"polled", "one of the above at 60 or 300 s resolution", nil},
}

// common is what all classes have in common.
const common = "4–2,000 events (log-uniform), 1, 3, 7, 14, 28, 60 or 90 days; half at 1-s resolution; a quarter with up to 30 % repeats within 5 s"

// draw makes one input of the class.
func draw(class int, r *rand.Rand) pattern.Input {
	for {
		days := [...]float64{1, 3, 7, 14, 28, 60, 90}[r.IntN(7)]
		span := days * 86400
		mean := math.Exp(uniform(r, math.Log(4), math.Log(2000)))
		mean = min(mean, span/120)
		p, res := processes[class].draw, time.Millisecond
		if r.IntN(2) == 0 {
			res = time.Second
		}
		if p == nil {
			p = processes[r.IntN(len(processes)-1)].draw
			res = [...]time.Duration{time.Minute, 5 * time.Minute}[r.IntN(2)]
		}
		t := p(r, mean, span)
		if r.IntN(4) == 0 {
			t = repeat(r, t, uniform(r, 0, 0.3))
		}
		in := input(t, span, res, r)
		if n := len(in.Times); n >= 4 && n <= 4000 {
			return in
		}
	}
}

func input(t []float64, span float64, res time.Duration, r *rand.Rand) pattern.Input {
	start := time.UnixMilli(1735689600000 + r.Int64N(300*86400*1000))
	in := pattern.Input{Window: event.Window{From: start, To: start.Add(time.Duration(span * 1e9))}, Resolution: res}
	for _, x := range t {
		if x >= 0 && x < span {
			ms := start.UnixMilli() + int64(x*1000)
			in.Times = append(in.Times, ms-ms%res.Milliseconds())
		}
	}
	slices.Sort(in.Times)
	return in
}

func repeat(r *rand.Rand, t []float64, share float64) []float64 {
	for _, x := range t {
		if r.Float64() < share {
			t = append(t, x+uniform(r, 0, 5))
		}
	}
	return t
}

func uniform(r *rand.Rand, a, b float64) float64 { return a + (b-a)*r.Float64() }

// renewal draws gaps until span is full, starting in the middle of one.
func renewal(r *rand.Rand, span float64, gap func() float64) []float64 {
	var t []float64
	for x := gap() * r.Float64(); x < span && len(t) < 20000; x += gap() {
		t = append(t, x)
	}
	return t
}

func poisson(r *rand.Rand, mean, span float64) []float64 {
	return renewal(r, span, func() float64 { return r.ExpFloat64() * span / mean })
}

// thinned draws a Poisson process whose rate over the window is proportional to weight (0 to 1).
func thinned(r *rand.Rand, mean, span float64, weight func(x float64) float64) []float64 {
	var t []float64
	for tries := 0; float64(len(t)) < mean && tries < 200000; tries++ {
		if x := r.Float64() * span; r.Float64() < weight(x) {
			t = append(t, x)
		}
	}
	return t
}

func diurnal(r *rand.Rand, mean, span float64) []float64 {
	if r.IntN(2) == 0 {
		a, phase := uniform(r, 0.5, 1), uniform(r, 0, 2*math.Pi)
		return thinned(r, mean, span, func(x float64) float64 {
			return (1 + a*math.Cos(2*math.Pi*x/86400+phase)) / 2
		})
	}
	open, length, outside := uniform(r, 0, 86400), uniform(r, 8, 12)*3600, uniform(r, 0.02, 0.2)
	return thinned(r, mean, span, func(x float64) float64 {
		if math.Mod(x+open, 86400) < length {
			return 1
		}
		return outside
	})
}

func weekday(r *rand.Rand, mean, span float64) []float64 {
	open, length, outside, day := uniform(r, 0, 86400), uniform(r, 8, 11)*3600, uniform(r, 0, 0.1), float64(r.IntN(7))
	return thinned(r, mean, span, func(x float64) float64 {
		x += open + day*86400
		if math.Mod(x, 86400) < length && math.Mod(x, 7*86400) < 5*86400 {
			return 1
		}
		return outside
	})
}

func weibull(r *rand.Rand, mean, span float64) []float64 {
	k := uniform(r, 0.4, 0.95)
	scale := span / mean / math.Gamma(1+1/k)
	return renewal(r, span, func() float64 { return scale * math.Pow(r.ExpFloat64(), 1/k) })
}

func lognormal(r *rand.Rand, mean, span float64) []float64 {
	s := uniform(r, 0.6, 2)
	mu := math.Log(span/mean) - s*s/2
	return renewal(r, span, func() float64 { return math.Exp(mu + s*r.NormFloat64()) })
}

func gamma(r *rand.Rand, mean, span float64) []float64 {
	k := uniform(r, 1, 4)
	return renewal(r, span, func() float64 { return gammaVariate(r, k) / k * span / mean })
}

// gammaVariate draws from Gamma(k, 1), k ≥ 1: Marsaglia and Tsang 2000.
func gammaVariate(r *rand.Rand, k float64) float64 {
	d := k - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(r.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

func pareto(r *rand.Rand, mean, span float64) []float64 {
	a := uniform(r, 1.1, 2.5)
	scale := span / mean * (a - 1)
	return renewal(r, span, func() float64 { return scale * (math.Pow(r.Float64(), -1/a) - 1) })
}

func hawkes(r *rand.Rand, mean, span float64) []float64 {
	branch, decay := uniform(r, 0.2, 0.8), math.Exp(uniform(r, math.Log(30), math.Log(7200)))
	t := poisson(r, mean*(1-branch), span)
	for i := 0; i < len(t) && len(t) < 5000; i++ {
		for x := r.ExpFloat64(); x < branch; x += r.ExpFloat64() {
			t = append(t, t[i]+r.ExpFloat64()*decay)
		}
	}
	return t
}

func flapping(r *rand.Rand, mean, span float64) []float64 {
	size, gap := uniform(r, 3, 40), math.Exp(uniform(r, math.Log(10), math.Log(300)))
	var t []float64
	for _, x := range poisson(r, max(1, mean/size), span) {
		for left := size * r.ExpFloat64(); left > 0; left-- {
			t = append(t, x)
			x += r.ExpFloat64() * gap
		}
	}
	return t
}

func refractory(r *rand.Rand, mean, span float64) []float64 {
	dead := uniform(r, 0.05, 0.55)
	return renewal(r, span, func() float64 { return (dead + (1-dead)*r.ExpFloat64()) * span / mean })
}

func outage(r *rand.Rand, mean, span float64) []float64 {
	size, width := uniform(r, 1, 20), math.Exp(uniform(r, math.Log(30), math.Log(1800)))
	t := poisson(r, mean*0.2, span)
	for _, x := range poisson(r, max(1, mean*0.8/size), span) {
		for left := size * r.ExpFloat64(); left > 0; left-- {
			t = append(t, x+r.Float64()*width)
		}
	}
	return t
}

func mmpp(r *rand.Rand, mean, span float64) []float64 {
	ratio, stays := uniform(r, 5, 50), uniform(r, 3, 40)
	var edges []float64
	for x := 0.0; x < span; x += r.ExpFloat64() * span / stays {
		edges = append(edges, x)
	}
	return thinned(r, mean, span, func(x float64) float64 {
		i, _ := slices.BinarySearch(edges, x)
		if i%2 == 0 {
			return 1
		}
		return 1 / ratio
	})
}

func trend(r *rand.Rand, mean, span float64) []float64 {
	a := uniform(r, -3, 3)
	return thinned(r, mean, span, func(x float64) float64 {
		return math.Exp(a*x/span - max(a, 0))
	})
}

func batch(r *rand.Rand, mean, span float64) []float64 {
	size, width := uniform(r, 2, 8), math.Exp(uniform(r, math.Log(10), math.Log(3600)))
	var t []float64
	for _, x := range poisson(r, max(1, mean/size), span) {
		for left := size * 2 * r.Float64(); left > 0; left-- {
			t = append(t, x+r.ExpFloat64()*width)
		}
	}
	return t
}
