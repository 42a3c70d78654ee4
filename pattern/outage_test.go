package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
)

// monday is the beginning of the fleet's week.
var monday = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

func weekFrom(t time.Time, d time.Duration) event.Window {
	return event.Window{From: t, To: t.Add(d)}
}

// fleet is n devices: 25 to a switch, 100 to a subnet, every other one on node A, one in ten of model 8821.
func fleet(n int) []event.History {
	out := make([]event.History, n)
	for i := range out {
		out[i] = event.History{
			Cluster: "c", Device: fmt.Sprintf("SEP%012X", i), IP: fmt.Sprintf("10.0.%d.%d", i/100, i%100+1),
			Model: "Cisco 7841", NeighborID: fmt.Sprintf("sw-%d", i/25),
		}
		if i%10 == 0 {
			out[i].Model = "Cisco 8821"
		}
	}
	return out
}

func nodeOf(i int) string { return string(rune('A' + i%2)) }

// lose lets device i lose its registration at and come back on the node.
func lose(h []event.History, i int, at time.Time, away time.Duration, node string) {
	h[i].Changes = append(h[i].Changes,
		event.Change{At: at.UnixMilli(), Role: event.Down, Node: nodeOf(i), Reason: 6, HasReason: true},
		event.Change{At: at.Add(away).UnixMilli(), Role: event.Up, Node: node})
}

// noise is two losses a device and week, three in four of them between 7 and 18 o'clock.
// as an evening tide.
func noise(h []event.History, w event.Window, r *rand.Rand) {
	for i := range h {
		for day := w.From; day.Before(w.To); day = day.Add(24 * time.Hour) {
			if r.Float64() > 2.0/7 {
				continue
			}
			at := day.Add(time.Duration(r.Float64() * float64(24*time.Hour)))
			if r.Float64() < 0.75 {
				at = day.Add(7*time.Hour + time.Duration(r.Float64()*float64(11*time.Hour)))
			}
			lose(h, i, at, time.Minute, nodeOf(i))
		}
	}
}

// goingHome is every fourth device left by its user around 17 o'clock, give or take so much, on working days.
func goingHome(h []event.History, w event.Window, spread time.Duration, r *rand.Rand) {
	for i := 0; i < len(h); i += 4 {
		for day := w.From; day.Before(w.To); day = day.Add(24 * time.Hour) {
			if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || r.Float64() < 0.3 {
				continue
			}
			lose(h, i, day.Add(17*time.Hour+time.Duration(r.NormFloat64()*float64(spread))), 14*time.Hour, nodeOf(i))
		}
	}
}

func TestOutages(t *testing.T) {
	w := weekFrom(monday, 7*24*time.Hour)
	at := monday.Add(34 * time.Hour)
	for _, c := range []struct {
		name    string
		lost    func(h []event.History, r *rand.Rand)
		want    string // kind and place
		devices int
		length  float64 // seconds from the first loss to the end
	}{
		{"switch", func(h []event.History, r *rand.Rand) {
			for i := 50; i < 75; i++ {
				lose(h, i, at.Add(time.Duration(i-50)*100*time.Millisecond), 90*time.Second, nodeOf(i))
			}
		}, "switch sw-2", 25, 92}, // the 23rd is back 2.2 + 90 s after the first loss
		{"subnet over two minutes", func(h []event.History, r *rand.Rand) {
			for i := 300; i < 400; i++ {
				lose(h, i, at.Add(time.Duration(i-300)*1300*time.Millisecond), 10*time.Minute, nodeOf(i))
			}
		}, "subnet 10.0.3.0/24", 100, 716}, // the 90th is lost after 115.7 s
		{"node says good-bye", func(h []event.History, r *rand.Rand) {
			for i := 0; i < 1000; i += 2 {
				lose(h, i, at.Add(time.Duration(r.IntN(1000))*time.Millisecond), 20*time.Second, "B")
			}
		}, "node A", 500, 21},
		{"node dies in silence", func(h []event.History, r *rand.Rand) {
			for i := 0; i < 1000; i += 2 {
				h[i].Changes = append(h[i].Changes, event.Change{At: monday.UnixMilli(), Role: event.Up, Node: "A"},
					event.Change{At: at.Add(time.Duration(i) * 100 * time.Millisecond).UnixMilli(), Role: event.Up, Node: "B"})
			}
		}, "node A", 500, 100},
		{"model", func(h []event.History, r *rand.Rand) {
			for i := 0; i < 1000; i += 10 {
				lose(h, i, at.Add(time.Duration(r.IntN(30_000))*time.Millisecond), time.Minute, nodeOf(i))
			}
		}, "model Cisco 8821", 100, 87},
		{"everything", func(h []event.History, r *rand.Rand) {
			for i := range h {
				lose(h, i, at.Add(time.Duration(r.IntN(60_000))*time.Millisecond), 5*time.Minute, nodeOf(i))
			}
		}, "cluster ", 1000, 354},
		{"here and there", func(h []event.History, r *rand.Rand) {
			for i := 7; i < 1000; i += 23 {
				lose(h, i, at.Add(time.Duration(r.IntN(10_000))*time.Millisecond), time.Minute, nodeOf(i))
			}
		}, "mixed ", 44, 68},
		{"six of one switch", func(h []event.History, r *rand.Rand) {
			for i := 50; i < 56; i++ {
				lose(h, i, at.Add(time.Duration(i)*time.Second), 40*time.Second, nodeOf(i))
			}
		}, "switch sw-2", 6, 45}, // all six have to be back: 5 + 40 s
	} {
		r := rand.New(rand.NewPCG(1, 2))
		h := fleet(1000)
		c.lost(h, r)
		calm := len(Outages(slices.Values(h), w, OutageOptions{}))
		noise(h, w, r)
		found := Outages(slices.Values(h), w, OutageOptions{})
		if len(found) != 1 || calm != 1 {
			t.Errorf("%s: %d outages in the noise and %d in silence, want one: %+v", c.name, len(found), calm, found)
			continue
		}
		o := found[0]
		if got := fmt.Sprint(o.Kind, " ", o.Place); got != c.want || !o.EndSeen {
			t.Errorf("%s: got %s, end seen %t, want %s", c.name, got, o.EndSeen, c.want)
		}
		// The noise lets a device or two be away already, or adds one.
		if n := len(o.Devices); n < c.devices-2 || n > c.devices+2 || o.ShareOfKnown != float64(n)/1000 {
			t.Errorf("%s: %d devices, share %g, want %d", c.name, n, o.ShareOfKnown, c.devices)
		}
		if d := seconds(o.End - o.Start); d < c.length-2 || d > c.length+2 {
			t.Errorf("%s: %g s from the first loss to the end, want %g", c.name, d, c.length)
		}
	}
}

func TestOutageCounts(t *testing.T) {
	h := fleet(1000)
	at := monday.Add(10 * time.Hour)
	for i := 50; i < 75; i++ {
		lose(h, i, at, 90*time.Second, nodeOf(i))
	}
	lose(h, 60, at.Add(3*time.Second), time.Minute, nodeOf(60)) // the same device once more
	o := Outages(slices.Values(h), weekFrom(monday, 24*time.Hour), OutageOptions{Known: map[string]int{"c": 5000}})[0]
	got := fmt.Sprint(len(o.Devices), o.ShareOfKnown, o.ByNode, o.BySubnet, o.ByModel, o.BySwitch, o.ByReason, optional(" %g", o.MedianOutage))
	want := "25 0.005 map[A:13 B:12] map[10.0.0.0/24:25] map[Cisco 7841:22 Cisco 8821:3] map[sw-2:25] map[6:25] 90"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Without registrations in the log the end cannot be seen.
func TestOutageOnlyEnds(t *testing.T) {
	h := fleet(1000)
	for i := 50; i < 75; i++ {
		h[i].Changes = []event.Change{{At: monday.Add(time.Hour).UnixMilli(), Role: event.Down, Node: "A", Reason: 13, HasReason: true}}
	}
	found := Outages(slices.Values(h), weekFrom(monday, 24*time.Hour), OutageOptions{})
	if len(found) != 1 || found[0].EndSeen || found[0].End != found[0].LastLoss || found[0].MedianOutage != nil {
		t.Errorf("%+v", found)
	}
}

func TestNoOutage(t *testing.T) {
	w := weekFrom(monday, 7*24*time.Hour)
	for _, c := range []struct {
		name string
		make func(h []event.History, r *rand.Rand)
	}{
		{"noise", func(h []event.History, r *rand.Rand) { noise(h, w, r) }},
		{"going home within an hour", func(h []event.History, r *rand.Rand) { noise(h, w, r); goingHome(h, w, 20*time.Minute, r) }},
		{"going home within half an hour", func(h []event.History, r *rand.Rand) { noise(h, w, r); goingHome(h, w, 10*time.Minute, r) }},
		{"a switch full of sixteen-minute phones", func(h []event.History, r *rand.Rand) {
			noise(h, w, r)
			for i := 50; i < 75; i++ {
				for at := monday.Add(time.Duration(r.IntN(1090)) * time.Second); at.Before(w.To); at = at.Add(1090 * time.Second) {
					lose(h, i, at, 120*time.Second, nodeOf(i))
				}
			}
		}},
		{"one device mad", func(h []event.History, r *rand.Rand) {
			for at := monday; at.Before(monday.Add(time.Hour)); at = at.Add(10 * time.Second) {
				lose(h, 5, at, 7*time.Second, nodeOf(5))
			}
		}},
		{"a reset that was meant", func(h []event.History, r *rand.Rand) {
			for i := range 100 {
				h[i].Changes = []event.Change{{At: monday.Add(time.Hour).UnixMilli(), Role: event.Down, Node: "A", Reason: 9, HasReason: true, Expected: true}}
			}
		}},
	} {
		for seed := range uint64(5) {
			h := fleet(1000)
			c.make(h, rand.New(rand.NewPCG(seed, 7)))
			if found := Outages(slices.Values(h), w, OutageOptions{}); len(found) > 0 {
				o := found[0]
				t.Errorf("%s, seed %d: %d outages, the first %s %s at %s with %d devices, p %.2g", c.name, seed, len(found), o.Kind, o.Place,
					time.UnixMilli(o.Start).UTC(), len(o.Devices), o.PValue)
			}
		}
	}
}

func TestOutagesOrder(t *testing.T) {
	h := fleet(300)
	r := rand.New(rand.NewPCG(3, 4))
	w := weekFrom(monday, 24*time.Hour)
	noise(h, w, r)
	for i := 100; i < 200; i++ {
		lose(h, i, monday.Add(5*time.Hour), time.Minute, nodeOf(i))
	}
	want := fmt.Sprintf("%+v", Outages(slices.Values(h), w, OutageOptions{})[0].Devices)
	r.Shuffle(len(h), func(i, j int) { h[i], h[j] = h[j], h[i] })
	if got := fmt.Sprintf("%+v", Outages(slices.Values(h), w, OutageOptions{})[0].Devices); got != want {
		t.Errorf("another order of the devices gives another outage:\n%s\n%s", got, want)
	}
}

func BenchmarkOutages(b *testing.B) {
	h := fleet(10_000)
	w := weekFrom(monday, 7*24*time.Hour)
	noise(h, w, rand.New(rand.NewPCG(5, 6)))
	for i := range 5000 {
		lose(h, 2*i, monday.Add(50*time.Hour+time.Duration(i)*10*time.Millisecond), time.Minute, "B")
	}
	b.ReportAllocs()
	for b.Loop() {
		Outages(slices.Values(h), w, OutageOptions{})
	}
}
