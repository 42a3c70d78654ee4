package pattern

import (
	"math"
	"slices"
	"time"
)

const (
	debounce  = 5.0             // s; a repeat this soon after an event is the same event
	minPeriod = 60.0            // s
	farthest  = 253402300799999 // ms: the end of the year 9999; times beyond are ignored, as are those before −6090
)

// prepare sorts the times, drops repeats and spreads them over the collector's resolution.
// It fills f.ms (sorted input), f.at (positions kept), f.t (seconds after the first event).
func (f *Finder) prepare(in Input) {
	f.ms = f.ms[:0]
	for _, ms := range in.Times {
		if ms >= -farthest && ms <= farthest {
			f.ms = append(f.ms, ms)
		}
	}
	slices.Sort(f.ms)
	f.at, f.t = f.at[:0], f.t[:0]
	if len(f.ms) == 0 {
		return
	}
	f.res = in.Resolution.Seconds()
	if in.Resolution <= 0 {
		f.res = resolution(f.ms).Seconds()
	}
	apart := int64(1000 * max(debounce, f.res/2))
	for i, ms := range f.ms {
		if n := len(f.at); n > 0 && ms-f.ms[f.at[n-1]] < apart {
			continue
		}
		f.at = append(f.at, int32(i))
		f.t = append(f.t, float64(ms-f.ms[0])/1000)
	}
	if f.res >= 0.5 {
		for i := range f.t {
			f.t[i] += f.res * dither(i, f.t[i])
		}
	}
}

// resolutions that collectors have, coarsest first.
var resolutions = [...]time.Duration{5 * time.Minute, 2 * time.Minute, time.Minute, 30 * time.Second, 15 * time.Second, 10 * time.Second, time.Second}

// resolution is the coarsest step that all distances of ms (sorted) are multiples of, where that is no accident:
// independent times of one millisecond agree with a step of r ms with probability r^-(n-1).
func resolution(ms []int64) time.Duration {
	finest := time.Millisecond
	for i := len(resolutions) - 1; i >= 0; i-- {
		step := resolutions[i].Milliseconds()
		distinct := 0
		for j := 1; j < len(ms); j++ {
			if (ms[j]-ms[0])%step != 0 {
				distinct = -1
				break
			}
			if ms[j] != ms[j-1] {
				distinct++
			}
		}
		if distinct > 1 && float64(distinct)*math.Log(float64(step)/float64(finest.Milliseconds())) > math.Log(100) {
			finest = resolutions[i]
		}
	}
	return finest
}

// dither is a fixed number in [0,1) for the i-th event at t: SplitMix64 (Steele, Lea, Flood 2014) of both.
func dither(i int, t float64) float64 {
	x := math.Float64bits(t) + uint64(i+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}
