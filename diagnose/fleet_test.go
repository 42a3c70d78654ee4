package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"flapwatch/pattern"
)

// cyclists are phones with one period on one switch, lost last at the given second each.
func cyclists(n int, place string, seconds float64, last func(i int) int64) []Case {
	out := make([]Case, n)
	for i := range out {
		out[i] = Case{Cluster: "c", Device: fmt.Sprint(place, i), IP: place, Alarm: unregistered, Reason: ptr(uint32(13)),
			Finding: every(seconds*(1+0.0005*float64(i)), pattern.Unknown)}
		out[i].Finding.Last = 1000 * last(i)
	}
	return out
}

func TestFleet(t *testing.T) {
	const day = 86400
	own := cyclists(17, "10.60.98.1", 1089, func(i int) int64 { return int64(63 * i) })
	others := cyclists(4, "10.60.99.1", 5000, func(i int) int64 { return int64(700 * i) })
	rekey := cyclists(12, "10.1.1.1", 3600, func(i int) int64 { return 3600*100 + int64(i%2) })
	job := append(cyclists(6, "10.2.1.1", day, func(i int) int64 { return 10*day + 3*3600 + int64(20*i) }), // 3:00:00, 3:00:20, …
		cyclists(6, "10.2.2.1", day, func(i int) int64 { return 9*day + 3*3600 + int64(25*i) })...)
	all := slices.Concat(own, others, rekey, job)
	got := Fleet(all)
	for _, c := range []struct {
		i    int
		want Neighbourhood
	}{
		{0, Neighbourhood{SamePeriod: 16, SamePlace: 16, Place: "10.60.98.0/24", SameClock: 16}}, // 63·16 = 1008 s: within twenty minutes
		{17, Neighbourhood{SamePeriod: 3, SamePlace: 3, Place: "10.60.99.0/24", SameClock: 1}},   // 0, 700, 1400, 2100 s
		{21, Neighbourhood{SamePeriod: 11, SamePlace: 11, Place: "10.1.1.0/24", SameSecond: 11, SameClock: 11}},
		{33, Neighbourhood{SamePeriod: 11, SamePlace: 5, Place: "10.2.1.0/24", SameClock: 11}},
	} {
		if n := *got[c.i].Fleet; n != c.want {
			t.Errorf("device %s: got %+v, want %+v", got[c.i].Device, n, c.want)
		}
	}
	if all[0].Fleet != nil {
		t.Error("the cases that were given are changed")
	}
}

// The same loss, judged by what the others do.
func TestPeers(t *testing.T) {
	known := catalogue(t)
	for _, c := range []struct {
		name    string
		seconds float64
		fleet   *Neighbourhood
		want    string
		says    string
	}{
		{"own phase, one switch", 3600, &Neighbourhood{SamePeriod: 17, SamePlace: 17, Place: "sw-3"}, "dot1x-reauth", "17 of them in sw-3: a setting there"},
		{"own phase, everywhere", 3600, &Neighbourhood{SamePeriod: 17, SamePlace: 1, Place: "sw-3"}, "dot1x-reauth", "each with its own phase: a setting they share"},
		{"same second", 3600, &Neighbourhood{SamePeriod: 17, SameSecond: 15}, "ipsec-rekey", "15 of them in the same second: a path or node they share"},
		{"same clock time", 86400, &Neighbourhood{SamePeriod: 17, SameClock: 17}, "drs-backup", "17 of them at the same clock time: a job"},
	} {
		got := Explain(Case{Alarm: unregistered, Reason: ptr(uint32(13)), Finding: every(c.seconds, pattern.Unknown), Fleet: c.fleet}, known)[0]
		if got.ID != c.want || !slices.ContainsFunc(got.Evidence, func(s string) bool { return strings.HasSuffix(s, c.says) }) {
			t.Errorf("%s: got %s with %q, want %s with %q", c.name, got.ID, got.Evidence, c.want, c.says)
		}
	}
}

func TestRestless(t *testing.T) {
	var cases []Case
	for i := range 8 {
		cases = append(cases, Case{Cluster: "c", Device: fmt.Sprint(i), IP: fmt.Sprintf("10.60.98.%d", i+1), Protocol: "SCCP", Alarm: unregistered,
			Reason: ptr(uint32(13)), Flap: &pattern.Flapping{Unregistrations: 9}})
	}
	cases[7].Flap = &pattern.Flapping{Unregistrations: 1}
	got := Fleet(cases)
	if got[0].Fleet.Restless != 6 || got[7].Fleet.Restless != 0 {
		t.Errorf("restless neighbours: %d and %d, want 6 and 0", got[0].Fleet.Restless, got[7].Fleet.Restless)
	}
	if h := Explain(got[0], catalogue(t))[0]; h.ID != "proxy-arp" || h.Score < 0.4 {
		t.Errorf("%s with %.2f", h.ID, h.Score)
	}
}
