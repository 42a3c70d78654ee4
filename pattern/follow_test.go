package pattern

import (
	"fmt"
	"testing"
	"time"

	"flapwatch/event"
)

// TestAccept finds a period and asks what later events add to it. Events are given in seconds after the last one of the finding.
func TestAccept(t *testing.T) {
	r := random(5)
	hourly := make([]int64, 60)
	for i := range hourly {
		hourly[i] = start + int64(1000*(3600*float64(i)+20*r.NormFloat64()))
	}
	pairs := train(120, func(i int) float64 { return []float64{120, 963}[i%2] + 2*r.NormFloat64() })
	for _, c := range []struct {
		name    string
		times   []int64
		earlier []float64
		at      float64
		want    string // how many events, how many cycles they begin
	}{
		{"the next one", timer(60, 963, 9, r), nil, 963, "1 1"},
		{"almost too late: 3.5 standard deviations are 31.5", timer(60, 963, 9, r), nil, 963 + 20, "1 1"},
		{"too late", timer(60, 963, 9, r), nil, 963 + 50, "0 0"},
		{"a timer wanders: after four cycles twice as far", timer(60, 963, 9, r), nil, 4*963 + 45, "1 1"},
		{"six cycles later", timer(60, 963, 9, r), nil, 6 * 963, "1 1"},
		{"seven: the pattern paused", timer(60, 963, 9, r), nil, 7 * 963, "0 0"},
		{"the third after a pause", timer(60, 963, 9, r), []float64{20_000, 20_963}, 21_926, "0 0"},
		{"the fourth after a pause", timer(60, 963, 9, r), []float64{20_000, 20_963, 21_926}, 22_889, "4 4"},
		{"with others between them", timer(60, 963, 9, r), []float64{20_000, 20_100, 20_963, 21_926, 22_500}, 22_889, "4 4"},
		{"those before the last one do not count", timer(60, 963, 9, r), []float64{-1926, -963, 0, 20_000}, 20_963, "0 0"},
		{"a repeat", timer(60, 963, 9, r), nil, 2, "0 0"},
		{"the next hour", hourly, nil, 3600, "1 1"},
		{"a clock does not wander", hourly, nil, 6*3600 + 300, "0 0"},
		{"the second of two in a cycle", pairs[:119], nil, 120, "1 0"},
		{"of two in a cycle the next", pairs[:119], []float64{120}, 1083, "1 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			last := c.times[len(c.times)-1]
			g := strongestOf(Input{Times: c.times})
			if g.Last != last {
				t.Fatalf("found %+v", g)
			}
			after := func(s float64) int64 { return last + int64(1000*s) }
			members := make([]int64, len(g.Members))
			for i, m := range g.Members {
				members[i] = c.times[m]
			}
			earlier := append([]int64(nil), c.times...)
			for _, s := range c.earlier {
				if s > 0 {
					earlier = append(earlier, after(s))
				}
			}
			events, cycles := g.Accept(after(c.at), members, earlier)
			if got := fmt.Sprint(len(events), cycles); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if n := len(events); n > 0 && events[n-1] != after(c.at) {
				t.Errorf("%v do not end with the event", events)
			}
		})
	}
}

// TestFollow joins what a search found event by event, as if the later half came after it: what the finder takes for members is
// accepted, what it does not take is not, and the next event is expected at the same time.
func TestFollow(t *testing.T) {
	r := random(6)
	for range 20 {
		times := train(100, func(int) float64 { // a fifth missing, but no more than four in a row
			gap := 950 + 30*r.Float64()
			for range 4 {
				if r.IntN(5) > 0 {
					break
				}
				gap += 950 + 30*r.Float64()
			}
			return gap
		})
		g := strongestOf(Input{Times: times})
		if len(g.Members) != len(times) || len(g.Segments) != 1 {
			t.Fatalf("found %+v", g)
		}
		h := g
		for i := 50; i < len(times); i++ {
			h.Last = times[i-1]
			if events, _ := h.Accept(times[i]-300_000, times[:i], times[:i]); len(events) > 0 {
				t.Errorf("five minutes too early, event %d is accepted", i)
			}
			if events, cycles := h.Accept(times[i], times[:i], times[:i]); len(events) != 1 || cycles != 1 {
				t.Errorf("event %d adds %d events in %d cycles", i, len(events), cycles)
			}
		}
		h.Last = times[len(times)-1]
		later := h.Last + 5_000_000
		h.Expect(later)
		w := strongestOf(Input{Times: times, Window: event.Window{From: time.UnixMilli(times[0]), To: time.UnixMilli(later)}})
		if h.NextExpected != w.NextExpected || h.NextSD != w.NextSD {
			t.Errorf("next at %d ± %g s, a search says %d ± %g s", h.NextExpected, h.NextSD, w.NextExpected, w.NextSD)
		}
		if h.Cycles() != g.CyclesExpected {
			t.Errorf("%d cycles, a search counts %d", h.Cycles(), g.CyclesExpected)
		}
	}
}
