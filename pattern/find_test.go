package pattern

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flapwatch/event"
)

// start is where the series of these tests begin: 2026-03-02 00:00 UTC, a Monday.
const start = int64(1772409600000)

// train gives n events, the gaps in seconds from gap.
func train(n int, gap func(i int) float64) []int64 {
	times := []int64{start}
	x := 0.0
	for i := range n - 1 {
		x += gap(i)
		times = append(times, start+int64(math.Round(x*1000)))
	}
	return times
}

// timer is a train with one period and normal jitter, both in seconds.
func timer(n int, period, jitter float64, r *rand.Rand) []int64 {
	return train(n, func(int) float64 { return period + jitter*r.NormFloat64() })
}

func poisson(n int, rate float64, r *rand.Rand) []int64 {
	return train(n, func(int) float64 { return r.ExpFloat64() / rate })
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// strongestOf is the best finding, or nothing at all.
func strongestOf(in Input) Finding {
	if r := Find(in); len(r.Findings) > 0 {
		return r.Findings[0]
	}
	return Finding{PValue: 1}
}

func TestFindCycle(t *testing.T) {
	// A keepalive every 115 s whose retry wait doubles from 0.21875 s until 28 s is more than the node's 15 s of grace:
	// registered for 8·115 + 0.21875·(2^7−1) + 15 = 962.8 s, then 120 s and 1 to 15 s more on the second node.
	const registered = 8*115 + 0.21875*127 + 15
	r := random(1)
	times := train(44, func(int) float64 { return registered + 120 + 1 + 14*r.Float64() })
	g := strongestOf(Input{Times: times})
	if g.Period < registered+120+1 || g.Period > registered+120+15 {
		t.Errorf("period %.1f, want 1083.8 to 1097.8", g.Period)
	}
	if g.Kind != Renewal || g.Events != 44 || g.Missed != 0 || g.Extra != 0 || g.CyclesExpected != 44 || len(g.Segments) != 1 {
		t.Errorf("got %+v", g)
	}
	if g.Confidence() != Alarm || g.Score < 30 {
		t.Errorf("score %.1f, confidence %s", g.Score, g.Confidence())
	}
	if late := float64(g.NextExpected-g.Last)/1000 - g.Period; math.Abs(late) > 0.01 {
		t.Errorf("next expected %.2f s after the period", late)
	}
}

func TestFind(t *testing.T) {
	r := random(2)
	clock := func(n int, period, jitter float64) []int64 {
		times := make([]int64, n)
		for i := range times {
			times[i] = start + int64(1000*(period*float64(i)+jitter*r.NormFloat64()))
		}
		return times
	}
	thin := func(times []int64, share float64) []int64 {
		return slices.DeleteFunc(times, func(int64) bool { return r.Float64() < share })
	}
	for _, c := range []struct {
		name   string
		times  []int64
		period float64 // 0: none
		kind   Kind
	}{
		{"timer of 16 minutes", timer(50, 963, 9, r), 963, Renewal},
		{"timer, a third missing", thin(timer(80, 963, 9, r), 0.33), 963, Renewal},
		{"timer among as many others", slices.Concat(timer(60, 963, 9, r), poisson(60, 1.0/963, r)), 963, Renewal},
		{"hourly job", clock(48, 3600, 20), 3600, Clock},
		{"nightly job", clock(40, 86400, 300), 86400, Clock},
		{"sloppy clock", clock(150, 7200, 600), 7200, Clock},
		{"five exact events", timer(5, 3600, 1, r), 3600, Unknown},
		{"there and back again", train(60, func(i int) float64 { return []float64{120, 963}[i%2] + 2*r.NormFloat64() }), 1083, Renewal},
		{"two lengths of gap", train(90, func(int) float64 { return 848 + 115*float64(r.IntN(2)) + r.NormFloat64() }), 848, Renewal},
		{"in bursts of 5 s", slices.Concat(timer(50, 963, 9, random(3)), timer(50, 963, 9, random(3))), 963, Renewal},
		{"nothing", nil, 0, ""},
		{"three events", timer(3, 3600, 0, r), 0, ""},
		{"one moment", make([]int64, 50), 0, ""},
		{"accidental events", poisson(200, 1e-3, r), 0, ""},
		{"accidental, polled every 5 minutes", polled(poisson(400, 1e-3, r), 300), 0, ""},
		{"dead time and waiting", train(200, func(int) float64 { return 300 + 400*r.ExpFloat64() }), 0, ""},
	} {
		g := strongestOf(Input{Times: c.times})
		if c.period == 0 {
			if g.PValue <= 1e-3 {
				t.Errorf("%s: found %.1f s, p %.1e", c.name, g.Period, g.PValue)
			}
			continue
		}
		other := c.period + 115 // of the two lengths of gap either may be named
		if (math.Abs(g.Period/c.period-1) > 0.02 && (c.name != "two lengths of gap" || math.Abs(g.Period/other-1) > 0.02)) || g.Kind != c.kind || g.PValue > 1e-4 {
			t.Errorf("%s: found %.1f s, %s, p %.1e, want %.1f s, %s", c.name, g.Period, g.Kind, g.PValue, c.period, c.kind)
		}
	}
}

func polled(times []int64, seconds int64) []int64 {
	for i := range times {
		times[i] -= times[i] % (1000 * seconds)
	}
	return times
}

func TestFindParts(t *testing.T) {
	r := random(4)
	first := timer(40, 963, 3, r)
	second := timer(40, 963, 3, r)
	for i := range second {
		second[i] += first[39] - start + 6*3600*1000 // six quiet hours between
	}
	g := strongestOf(Input{Times: slices.Concat(first, second)})
	want := [][2]int64{{first[0], first[39]}, {second[0], second[39]}}
	if !slices.Equal(g.Segments, want) || g.CyclesExpected != 80 || g.Missed != 0 {
		t.Errorf("segments %v, want %v; %d cycles expected, %d missed", g.Segments, want, g.CyclesExpected, g.Missed)
	}
}

func TestFindTwo(t *testing.T) {
	r := random(5)
	found := Find(Input{Times: slices.Concat(timer(100, 963, 5, r), timer(28, 3411, 20, r))}).Findings
	for _, period := range []float64{963, 3411} {
		if !slices.ContainsFunc(found, func(g Finding) bool { return math.Abs(g.Period/period-1) < 0.01 && g.PValue < 1e-4 }) {
			t.Errorf("%.0f s is not among %d findings", period, len(found))
		}
	}
	if len(found) > 0 && len(found[0].Members) != found[0].Events {
		t.Errorf("%d members of %d events", len(found[0].Members), found[0].Events)
	}
}

func TestFindPerCycle(t *testing.T) {
	r := random(6)
	g := strongestOf(Input{Times: train(60, func(i int) float64 { return []float64{300, 2000}[i%2] * (1 + 0.002*r.NormFloat64()) })})
	if g.PerCycle != 2 || g.Events < 58 || math.Abs(g.Period-2300) > 10 {
		t.Errorf("%d events, %d in a cycle of %.1f s, want 60, 2, 2300", g.Events, g.PerCycle, g.Period)
	}
}

func TestFindNext(t *testing.T) {
	times := train(30, func(int) float64 { return 600 })
	last := times[len(times)-1]
	for _, c := range []struct {
		name  string
		after int64 // end of the window after the last event, s
		want  int64 // next event after the last one, s
	}{
		{"just seen", 1, 600},
		{"one is due", 599, 600},
		{"one did not come", 700, 1200},
		{"quiet for an hour", 3600 - 1, 3600},
	} {
		w := event.Window{From: time.UnixMilli(start), To: time.UnixMilli(last + 1000*c.after)}
		g := strongestOf(Input{Times: times, Window: w, Resolution: time.Millisecond})
		if got := float64(g.NextExpected-last) / 1000; math.Abs(got-float64(c.want)) > 3*g.NextSD+0.1 {
			t.Errorf("%s: next after %.1f s, want %d", c.name, got, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	r := random(7)
	for _, c := range []struct {
		name  string
		times []int64
		want  string
	}{
		{"four events", timer(4, 3600, 1, r), "4 events: a hint at best"},
		{"two lengths", train(90, func(i int) float64 { return 848 + 115*float64(r.IntN(2)) + r.NormFloat64() }), "two lengths of gap"},
	} {
		if got := strings.Join(strongestOf(Input{Times: c.times}).Warnings, "; "); !strings.Contains(got, c.want) {
			t.Errorf("%s: warnings %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFindLocalTime(t *testing.T) {
	// 22:30 in Berlin on six of ten nights across the change to summer time (2026-03-29), among office noise.
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here:", err)
	}
	r := random(8)
	var times []int64
	for day := range 80 {
		if r.Float64() < 0.6 {
			times = append(times, time.Date(2026, 2, 20+day, 22, 30, r.IntN(60), 0, berlin).UnixMilli())
		}
		for range 4 {
			times = append(times, time.Date(2026, 2, 20+day, 8+r.IntN(10), r.IntN(60), r.IntN(60), 0, berlin).UnixMilli())
		}
	}
	g := strongestOf(Input{Times: times, Location: berlin})
	if math.Abs(g.Period-86400) > 60 || g.PValue > 1e-4 {
		t.Errorf("found %.1f s, p %.1e, want 86400 s", g.Period, g.PValue)
	}
}

func TestResolution(t *testing.T) {
	for _, c := range []struct {
		times string
		want  time.Duration
	}{
		{"0 1234 5678 9999", time.Millisecond},
		{"0 1000 7000 9000", time.Second},
		{"5 1005 7005 9005", time.Second},
		{"0 60000 240000 300000 960000", time.Minute},
		{"0 300000 900000 3000000 3600000", 5 * time.Minute},
		{"0 1000", time.Millisecond}, // one distance says nothing
		{"7", time.Millisecond},
		{"0 0 0", time.Millisecond},
	} {
		var ms []int64
		for _, s := range strings.Fields(c.times) {
			var x int64
			fmt.Sscan(s, &x)
			ms = append(ms, x)
		}
		if got := resolution(ms); got != c.want {
			t.Errorf("%s: got %v, want %v", c.times, got, c.want)
		}
	}
}

func TestConfidence(t *testing.T) {
	for _, c := range []struct {
		p      float64
		events int
		want   Confidence
	}{{1e-5, 5, Alarm}, {1e-4, 40, Alarm}, {1e-9, 4, Likely}, {1e-3, 9, Likely}, {2e-3, 90, Hint}} {
		if got := (Finding{PValue: c.p, Events: c.events}).Confidence(); got != c.want {
			t.Errorf("p %g with %d events: %s, want %s", c.p, c.events, got, c.want)
		}
	}
}

func TestPosterior(t *testing.T) {
	if got := Find(Input{}).Posterior; got != 0.5 {
		t.Errorf("without events %g, want the prior 0.5", got)
	}
	times := timer(7, 963, 30, random(9))
	low, high := Find(Input{Times: times, Prior: 0.001}).Posterior, Find(Input{Times: times, Prior: 0.5}).Posterior
	if !(low < high && high > 0.9) {
		t.Errorf("posterior %g with a prior of 0.001, %g with 0.5", low, high)
	}
}

func TestFindProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(8, 60).Draw(t, "n")
		period := rapid.Float64Range(120, 90000).Draw(t, "period")
		r := random(rapid.Uint64().Draw(t, "seed"))
		in := Input{Times: timer(n, period, 0.01*period, r), Resolution: time.Millisecond}
		for range n / 4 {
			in.Times = append(in.Times, start+int64(1000*period*float64(n)*r.Float64()))
		}
		plain := Find(in)
		same := func(what string, in Input, shift int64) {
			got := Find(in)
			if len(got.Findings) != len(plain.Findings) {
				t.Fatalf("%s: %d findings, were %d", what, len(got.Findings), len(plain.Findings))
			}
			for i, g := range got.Findings {
				w := plain.Findings[i]
				if g.Period != w.Period || g.Score != w.Score || g.First != w.First+shift || g.NextExpected != w.NextExpected+shift {
					t.Fatalf("%s: got %+v, was %+v", what, g, w)
				}
			}
		}
		given := slices.Clone(in.Times)
		r.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		before := slices.Clone(given)
		same("order", Input{Times: given, Resolution: in.Resolution}, 0)
		if !slices.Equal(given, before) {
			t.Fatal("the times were modified")
		}
		same("repeats", Input{Times: slices.Concat(in.Times, in.Times), Resolution: in.Resolution}, 0)
	})
}

func TestFinderKeepsNothing(t *testing.T) {
	f, r := NewFinder(), random(10)
	for i := range 20 {
		in := Input{Times: timer(5+17*i, 963, 9, r)}
		if got, want := f.Find(in), Find(in); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("series %d: the finder says %v, a new one %v", i, got, want)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(uint64(1), 40, 963.0, 0.01, int64(1), false)
	f.Add(uint64(2), 4, 60.0, 0.0, int64(1000), true)
	f.Add(uint64(3), 300, 5.0, 3.0, int64(300000), false)
	f.Fuzz(func(t *testing.T, seed uint64, n int, period, jitter float64, res int64, wild bool) {
		if n < 0 || n > 400 {
			t.Skip()
		}
		r := random(seed)
		var times []int64
		for i := range n {
			switch {
			case wild && i%3 == 0:
				times = append(times, int64(r.Uint64()))
			default:
				times = append(times, start+int64(1000*period*(float64(i)+jitter*r.NormFloat64())))
			}
		}
		in := Input{Times: times, Resolution: time.Duration(res), Prior: jitter, Max: int(seed % 7)}
		got := Find(in)
		finite := func(what string, x float64) {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Errorf("%s is %g", what, x)
			}
		}
		if got.Posterior < 0 || got.Posterior > 1 || math.IsNaN(got.Posterior) || len(got.Findings) > 8 {
			t.Errorf("posterior %g, %d findings", got.Posterior, len(got.Findings))
		}
		for _, g := range got.Findings {
			finite("period", g.Period)
			finite("low", g.PeriodLow)
			finite("high", g.PeriodHigh)
			finite("jitter", g.Jitter)
			finite("score", g.Score)
			finite("next sd", g.NextSD)
			if !(g.PValue > 0 && g.PValue <= 0.0500001) || g.Period <= 0 || g.Events < 4 || g.Events != len(g.Members) || g.Missed < 0 || g.Extra < 0 ||
				g.First > g.Last || g.NextExpected < g.Last || len(g.Segments) == 0 || !slices.IsSorted(g.Members) {
				t.Errorf("finding %+v", g)
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		r := random(11)
		for name, times := range map[string][]int64{
			"timer": slices.Concat(timer(2*n/3, 900, 18, r), poisson(n-2*n/3, 1.0/1800, r)),
			"none":  poisson(n, 1.0/600, r),
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				f := NewFinder()
				b.ReportAllocs()
				for b.Loop() {
					f.Find(Input{Times: times, Resolution: time.Millisecond})
				}
			})
		}
	}
}
