package pattern

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flapwatch/event"
)

func TestFlap(t *testing.T) {
	every := func(seconds, n int, reason string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "A+%d A-%d:%s ", i*seconds+5, (i+1)*seconds, reason)
		}
		return b.String()
	}
	for _, c := range []struct {
		name, in string
		hours    int64
		want     string // unregistrations expected rate score state reason
	}{
		{"nothing", "", 24, "0 0 0.00 0.00 stable -"},
		{"one loss at the end", "A+0 A-86399:13", 24, "1 0 0.04 1.00 stable 13"},
		{"one loss, two hours ago", "A+0 A-79200:13", 24, "1 0 0.04 0.50 stable 13"},
		{"three within minutes", "A+0 A-3500:13 A+3510 A-3550:6 A+3560 A-3600:13", 1, "2 0 2.00 1.99 stable 6"}, // the last one is outside
		{"four within minutes", "A+0 A-3450:13 A+3460 A-3500:13 A+3510 A-3550:6 A+3560 A-3599:13", 1, "4 0 4.00 3.97 flapping 13"},
		{"resets are meant", every(600, 20, "9e"), 24, "0 20 0.00 0.00 stable 9"},
		{"hourly for ever", every(3600, 24, "13") + "A+86395", 25, "24 0 0.96 2.41 settling 13"}, // 3.41·2^(−1/2)
		{"every 18 minutes", every(1089, 79, "13"), 24, "79 0 3.29 9.69 flapping 13"},            // 10.04·2^(−369/7200)
		{"over and forgotten", every(600, 6, "13") + "A+3610", 24, "6 0 0.25 0.00 stable 13"},
		{"over, not forgotten", every(600, 6, "13") + "A+3610", 4, "6 0 1.50 1.85 settling 13"}, // 5.2 points three hours ago
	} {
		w := until(c.hours * 3600)
		f := Flap(story(c.in), w, FlapOptions{})
		reason := "-"
		if f.TopReason != nil {
			reason = fmt.Sprint(*f.TopReason)
		}
		got := fmt.Sprintf("%d %d %.2f %.2f %s %s", f.Unregistrations, f.Expected, f.RatePerHour, f.Score, f.State, reason)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// The figures that FlapOptions promises for its defaults.
func TestFlapDefaults(t *testing.T) {
	for _, c := range []struct{ interval, score float64 }{
		{3600, 1 / (1 - math.Exp2(-0.5))},
		{1089, 1 / (1 - math.Exp2(-1089.0/7200))},
		{4200, 1 / (1 - math.Exp2(-4200.0/7200))}, // 70 minutes: 3.006 points
	} {
		var h event.History
		for i := range 200 {
			h.Changes = append(h.Changes, event.Change{Role: event.Down, At: int64(float64(i+1) * c.interval * 1000)})
		}
		w := event.Window{From: time.UnixMilli(0), To: time.UnixMilli(int64(200*c.interval*1000) + 1)}
		if f := Flap(h, w, FlapOptions{}); math.Abs(f.Score-c.score) > 1e-3 || f.State != Unsteady {
			t.Errorf("every %g s for ever: score %g, want %g; %s", c.interval, f.Score, c.score, f.State)
		}
	}
}

func TestFlapHysteresis(t *testing.T) {
	h := story("A+0 A-100:13 A+110 A-200:13 A+210 A-300:13 A+310 A-400:13") // four points at 400 s, a little less than four
	for _, c := range []struct {
		hour float64
		want State
	}{
		{0.12, Unsteady}, // 3.9 points
		{1, Settling},    // 2.9: below Start, above End
		{4, Settling},    // 1.02
		{4.2, Stable},    // 0.95
	} {
		if f := Flap(h, until(int64(c.hour*3600)), FlapOptions{}); f.State != c.want {
			t.Errorf("after %g h: %s with %.2f points, want %s", c.hour, f.State, f.Score, c.want)
		}
	}
}

func TestFlapProperties(t *testing.T) {
	w := until(2000)
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t)
		f := Flap(h, w, FlapOptions{})
		ceiling := FlapOptions{}.withDefaults().Ceiling
		if f.Score < 0 || f.Score > min(ceiling, float64(f.Unregistrations)) {
			t.Fatalf("%g points for %d unregistrations", f.Score, f.Unregistrations)
		}
		if f.Unregistrations+f.Expected > 0 && (f.First > f.Last || f.Last >= 2_000_000) {
			t.Fatalf("first %d, last %d", f.First, f.Last)
		}
		h.Changes = append(h.Changes, event.Change{At: 1_999_990, Role: event.Down, Node: "Z", Expected: true})
		if g := Flap(h, w, FlapOptions{}); g.Score != f.Score || g.Unregistrations != f.Unregistrations || g.Expected != f.Expected+1 {
			t.Fatalf("an expected end changed the score: %+v, %+v", f, g)
		}
	})
}

// TestFlapSince: time in which nobody listened counts as unknown, wherever the window has moved to.
func TestFlapSince(t *testing.T) {
	f := Flap(story("A-1000:13 A+1060"), until(2000), FlapOptions{})
	for _, c := range []struct {
		began, from, to int64 // seconds
		registered, out float64
		told            int64
	}{
		{0, 0, 2000, 1000 + 940, 60, 0},
		{900, 0, 2000, 100 + 940, 60, 900},
		{900, 0, 3000, 100 + 1940, 60, 900},
		{900, 800, 2900, 100 + 1840, 60, 900},
		{900, 950, 2000, 50 + 940, 60, 0},
		{1000, 0, 2000, 940, 60, 1000},
	} {
		g := f.Since(time.UnixMilli(1000 * c.began)).In(event.Window{From: time.UnixMilli(1000 * c.from), To: time.UnixMilli(1000 * c.to)})
		if want := c.registered / (c.registered + c.out); math.Abs(*g.Availability-want) > 1e-9 || g.Began != 1000*c.told {
			t.Errorf("%+v: available %g, want %g; nothing known before %d", c, *g.Availability, want, g.Began)
		}
	}
}
