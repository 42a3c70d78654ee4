package keepalive

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sip gives default timers with another first retry.
func sip(retry float64) SIP {
	s := DefaultSIP()
	s.FirstRetry = retry
	return s
}

func TestSIPCycle(t *testing.T) {
	f := func(s SIP, survived int, fatal, registered float64) {
		t.Helper()
		p, err := Cycle(s)
		if err != nil {
			t.Fatal(err)
		}
		if p.Survived != survived || p.FatalWait != fatal || math.Abs(p.Registered-registered) > 1e-9 {
			t.Errorf("first retry %g: survived %d, fatal %g, registered %g; want %d, %g, %g",
				s.FirstRetry, p.Survived, p.FatalWait, p.Registered, survived, fatal, registered)
		}
	}
	f(sip(0.1), 8, 25.6, 9*115+0.1*255+15)                                                // 1075.5
	f(sip(0.109375), 8, 28, 9*115+0.109375*255+15)                                        // 1077.89
	f(sip(0.2), 7, 25.6, 8*115+0.2*127+15)                                                // 960.4
	f(sip(0.21875), 7, 28, 8*115+0.21875*127+15)                                          // 962.78
	f(sip(0.25), 6, 16, 7*115+0.25*63+15)                                                 // 835.75
	f(sip(0.5), 5, 16, 6*115+0.5*31+15)                                                   // 720.5
	f(sip(1), 4, 16, 5*115+1*15+15)                                                       // 605
	f(sip(3), 3, 24, 4*115+3*7+15)                                                        // 496
	f(sip(15), 1, 30, 2*115+15*1+15)                                                      // 260: 15 s are just in time
	f(sip(15.001), 0, 15.001, 1*115+15)                                                   // 130: the first refresh is already too late
	f(sip(40), 0, 40, 1*115+15)                                                           // 130
	f(SIP{Expires: 120, Delta: 30, Grace: 10, FirstRetry: 0.2}, 8, 51.2, 9*90+0.2*255+40) // 901, profile of an 8821
	f(SIP{Expires: 3600, Delta: 0, Grace: 10, FirstRetry: 5}, 2, 20, 3*3600+5*3+10)
}

func TestSixteenMinutes(t *testing.T) {
	p, err := Cycle(DefaultSIP())
	if err != nil {
		t.Fatal(err)
	}
	if p.AlarmToAlarm != (Range{962.78125 + 120 + 1, 962.78125 + 120 + 15}) {
		t.Errorf("alarm to alarm %v", p.AlarmToAlarm)
	}
	const formula = "T = (n+1)(E−d) + r1(2^n − 1) + G = 8·115 + 0.21875·127 + 15 = 962.78 s"
	if p.Formula != formula {
		t.Errorf("formula %q, want %q", p.Formula, formula)
	}
	var waits, at []float64
	for _, s := range p.Steps {
		if strings.HasPrefix(s.What, "the repeated packet") {
			waits = append(waits, s.Wait)
		}
		at = append(at, s.At)
	}
	if want := []float64{0.21875, 0.4375, 0.875, 1.75, 3.5, 7, 14}; !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	if !slices.IsSorted(at) {
		t.Errorf("steps out of order: %v", at)
	}
	if last := p.Steps[len(p.Steps)-1]; last.At != p.AlarmToAlarm.Low || last.Node != Primary {
		t.Errorf("the turn ends with %+v", last)
	}
}

func TestSCCPCycle(t *testing.T) {
	f := func(change func(*SCCP), survived int, registered, low, high float64) {
		t.Helper()
		s := DefaultSCCP()
		change(&s)
		p, err := Cycle(s)
		if err != nil {
			t.Fatal(err)
		}
		if p.Survived != survived || p.Registered != registered || p.AlarmToAlarm != (Range{low, high}) {
			t.Errorf("%+v: survived %d, registered %g, alarm to alarm %v; want %d, %g, %g to %g",
				s, p.Survived, p.Registered, p.AlarmToAlarm, survived, registered, low, high)
		}
		if !slices.IsSortedFunc(p.Steps, func(a, b Step) int { return int(math.Copysign(1, a.At-b.At)) }) {
			t.Errorf("steps out of order: %+v", p.Steps)
		}
		alarms := slices.DeleteFunc(p.Steps, func(s Step) bool { return !strings.Contains(s.What, "reason 13") })
		if len(alarms) != 1 || alarms[0].At != registered || alarms[0].Node != Primary {
			t.Errorf("alarms %+v, want one at %g", alarms, registered)
		}
	}
	// The phone notices 30 + 0.5 s after its last answered keepalive, or 30 + 3·30 s.
	f(func(s *SCCP) {}, 0, 3*30, 30.5+1+120, 30.5+15+120)
	f(func(s *SCCP) { s.Failover = Delayed }, 0, 3*30, 120+1+120, 120+15+120)
	f(func(s *SCCP) { s.Healthy = 1199 }, 39, 39*30+90, 39*30+151.5, 39*30+165.5)
	f(func(s *SCCP) { s.Healthy = 1200 }, 40, 40*30+90, 40*30+151.5, 40*30+165.5)
	f(func(s *SCCP) { s.Interval, s.Missed = 60, 2 }, 0, 2*60, 60.5+1+120, 60.5+15+120)
}

func TestRefused(t *testing.T) {
	f := func(m Model, parameters ...string) {
		t.Helper()
		p, err := Cycle(m)
		if err == nil {
			t.Errorf("%+v: no error", m)
			return
		}
		var got []string
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			var pe *ParameterError
			if !errors.As(e, &pe) {
				t.Fatalf("%v is no ParameterError", e)
			}
			if !slices.Contains(got, pe.Parameter) {
				got = append(got, pe.Parameter)
			}
		}
		if !slices.Equal(got, parameters) || p.Steps != nil {
			t.Errorf("%+v: refused %v (%v), want %v", m, got, err, parameters)
		}
	}
	change := func(c func(*SIP)) SIP { s := DefaultSIP(); c(&s); return s }
	f(SIP{}, "expires", "grace", "retry")
	f(sip(0), "retry")
	f(sip(-1), "retry")
	f(sip(math.NaN()), "retry")
	f(sip(math.Inf(1)), "retry")
	f(sip(1e-9), "retry")
	f(change(func(s *SIP) { s.Expires = 1e12 }), "expires")
	f(change(func(s *SIP) { s.Delta = 120 }), "delta")
	f(change(func(s *SIP) { s.Delta = -5 }), "delta")
	f(change(func(s *SIP) { s.Grace = -1 }), "grace")
	f(change(func(s *SIP) { s.Grace, s.Delta = 0, 0 }), "grace")
	f(change(func(s *SIP) { s.Fallback = -1 }), "fallback")
	f(change(func(s *SIP) { s.Reregister = Range{9, 3} }), "reregister")

	broken := func(c func(*SCCP)) SCCP { s := DefaultSCCP(); c(&s); return s }
	f(SCCP{}, "interval", "standby", "missed", "failover")
	f(broken(func(s *SCCP) { s.Interval = 0 }), "interval") // and not that answer is longer
	f(broken(func(s *SCCP) { s.Failover = "eager" }), "failover")
	f(broken(func(s *SCCP) { s.Answer = 31 }), "answer")
	f(broken(func(s *SCCP) { s.Missed = 1000 }), "missed")
	f(broken(func(s *SCCP) { s.Healthy = math.NaN() }), "healthy")
	f(broken(func(s *SCCP) { s.Fallback = 58.5 }), "fallback") // 30.5 + 1 + 58.5 = 90, the node's patience
}

// TestBands compares with figures worked out by hand from the same documents.
func TestBands(t *testing.T) {
	raw, err := os.ReadFile("testdata/bands.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Survived   int        `json:"survived_refreshes"`
		Retry      [2]float64 `json:"r1_range_s"`
		Registered [2]float64 `json:"registered_time_s"`
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	got := Bands(DefaultSIP())
	if len(want) != 10 || len(got) != 11 { // 15/2^10 = 0.0146 is above 0.01, 15/2^11 is not
		t.Fatalf("%d bands, %d expected ones", len(got), len(want))
	}
	near := func(a, b, by float64) bool { return math.Abs(a-b) <= by }
	for i, w := range want {
		g := got[i]
		if g.Survived != w.Survived || !near(g.RetryLow, w.Retry[0], 1e-6) || !near(g.RetryHigh, w.Retry[1], 1e-6) ||
			!near(g.RegisteredLow, w.Registered[0], 0.0051) || !near(g.RegisteredHigh, w.Registered[1], 0.0051) {
			t.Errorf("band %+v, want %+v", g, w)
		}
	}
}

func TestFit(t *testing.T) {
	f := func(registered float64, survived int, retry, off float64) {
		t.Helper()
		m, ok := Fit(registered, DefaultSIP())
		if ok != (survived > 0) {
			t.Errorf("%g s: %+v, %v", registered, m, ok)
			return
		}
		if m.Survived != survived || math.Abs(m.FirstRetry-retry) > 5e-4 || math.Abs(m.Off-off) > 1e-9 {
			t.Errorf("%g s: %+v, want %d survived, first retry %g, off by %g", registered, m, survived, retry, off)
		}
	}
	f(16*60+2.78, 7, 0.21875, 0)  // (962.78 − 8·115 − 15) / 127
	f(16*60+0.4, 7, 0.2, 0)       // (960.4 − 935) / 127
	f(12*60+0.5, 5, 0.5, 0)       // (720.5 − 6·115 − 15) / 31
	f(12*60, 5, 15.0/31, 0)       // (720 − 705) / 31 = 0.484
	f(13*60+55, 6, 15.0/63, 0)    // (835 − 820) / 63 = 0.238
	f(17*60+55.5, 8, 0.1, 0)      // (1075.5 − 1050) / 255
	f(968, 7, 0.234375, 3.234375) // late refreshes: band ends at 964.765625, up to 1 + 8·0.6 s more are allowed
	f(949.4, 7, 0.1171875, 0.4828125)
	f(971, 0, 0, 0)      // between the bands
	f(16*60-60, 0, 0, 0) // 900 s: a timer of fifteen minutes is something else
	f(130, 0, 0, 0)      // no refresh survived: a dead phone looks the same
	f(0, 0, 0, 0)
	f(-5, 0, 0, 0)
	f(math.NaN(), 0, 0, 0)
	f(math.Inf(1), 0, 0, 0)
	if _, ok := Fit(962, SIP{}); ok {
		t.Error("timers that make no sense fit")
	}
}

// anySIP draws timers over the whole legal range that keeps bands apart or not.
func anySIP(t *rapid.T) SIP {
	s := SIP{Expires: rapid.Float64Range(10, 7200).Draw(t, "expires")}
	s.Delta = rapid.Float64Range(0, s.Expires*0.9).Draw(t, "delta")
	s.Grace = rapid.Float64Range(0.01, 100).Draw(t, "grace")
	s.FirstRetry = rapid.Float64Range(0.001, 200).Draw(t, "first retry")
	s.Fallback = rapid.Float64Range(0, 600).Draw(t, "fallback")
	s.Reregister = Range{1, rapid.Float64Range(1, 30).Draw(t, "reregister")}
	return s
}

// The walk through the cycle and the closed form, with n by logarithm, are two ways to one number.
func TestStepsAgreeWithClosedForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySIP(t)
		p, err := Cycle(s)
		if err != nil {
			t.Fatal(err)
		}
		accepted, alarm := 0, math.NaN()
		for i, step := range p.Steps {
			if i > 0 && step.At < p.Steps[i-1].At {
				t.Fatalf("step %d goes back in time: %+v", i, p.Steps)
			}
			if strings.HasPrefix(step.What, "the repeated packet") {
				accepted++
			}
			if strings.Contains(step.What, "reason 13") {
				alarm = step.At
			}
		}
		e, d, g, r1 := s.Expires, s.Delta, s.Delta+s.Grace, s.FirstRetry
		x := math.Log2(g / r1)
		if math.Abs(x-math.Round(x)) < 1e-9 {
			t.Skip("too near to a power of two for a logarithm")
		}
		n := math.Max(0, math.Floor(x)+1)
		closed := (n+1)*(e-d) + r1*(math.Pow(2, n)-1) + g
		if tolerance := 1e-9 * closed; accepted != int(n) || p.Survived != int(n) ||
			math.Abs(alarm-closed) > tolerance || math.Abs(p.Registered-closed) > tolerance {
			t.Fatalf("%+v: %d accepted, alarm at %g, predicted %d and %g; closed form %g and %g",
				s, accepted, alarm, p.Survived, p.Registered, n, closed)
		}
	})
}

// What a first retry gives, Fit explains, by that first retry where bands lie apart.
func TestFitInvertsCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySIP(t)
		s.FirstRetry = math.Max(s.FirstRetry, 2*shortestRetry)
		p, err := Cycle(s)
		if err != nil {
			t.Fatal(err)
		}
		if p.Survived == 0 {
			t.Skip("no refresh survives")
		}
		m, ok := Fit(p.Registered, s)
		if !ok || m.Off > 1e-6 {
			t.Fatalf("%+v registers for %g s and does not fit: %+v", s, p.Registered, m)
		}
		if s.interval() > 2*s.patience() && (m.Survived != p.Survived || math.Abs(m.FirstRetry-s.FirstRetry) > 1e-6) {
			t.Fatalf("%+v fits as %+v", s, m)
		}
		again := s
		again.FirstRetry = m.FirstRetry
		q, err := Cycle(again)
		if err != nil || q.Survived != m.Survived || math.Abs(q.Registered-p.Registered) > 1e-6 {
			t.Fatalf("first retry %g gives %g s and %d survived, %v; measured were %g s", m.FirstRetry, q.Registered, q.Survived, err, p.Registered)
		}
	})
}

func BenchmarkCycle(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Cycle(DefaultSIP()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFit(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Fit(962.8, DefaultSIP()); !ok {
			b.Fatal("no fit")
		}
	}
}
