package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flapwatch/pattern"
	"flapwatch/reasons"
)

func catalogue(t testing.TB) *reasons.Catalogue {
	t.Helper()
	c, err := reasons.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ptr[T any](v T) *T { return &v }

// every is a finding of so many seconds, sure and sharp.
func every(seconds float64, kind pattern.Kind) *pattern.Finding {
	return &pattern.Finding{Kind: kind, Period: seconds, PeriodLow: 0.999 * seconds, PeriodHigh: 1.001 * seconds, Posterior: 0.999, PValue: 1e-9, Events: 40}
}

// ids of the hypotheses in order.
func ids(list []Hypothesis) []string {
	var out []string
	for _, h := range list {
		out = append(out, h.ID)
	}
	return out
}

const primaryTimeout = "SIPStationDPrimaryLineTimeout"

// The two cases of the Cisco note (TAC 200410), and what else has to come out on top.
func TestTop(t *testing.T) {
	known := catalogue(t)
	home := &pattern.FailoverSummary{Primary: "A", Node: "B", Count: 40, Returns: 40, ReturnSeconds: ptr(121.0), RegisteredSeconds: ptr(963.0)}
	restless := &pattern.Flapping{Unregistrations: 14, State: pattern.Unsteady}
	sip := Case{Protocol: "SIP", Alarm: unregistered, Reason: ptr(uint32(13)), Signal: primaryTimeout}
	cycle := func(seconds float64) Case { c := sip; c.Finding = every(seconds, pattern.Renewal); return c }
	with := func(c Case, change func(*Case)) Case { change(&c); return c }
	retry := func(code uint32, protocol string, model uint32, seconds float64) Case {
		return Case{Protocol: protocol, Alarm: transient, Reason: &code, DeviceType: model, Spacing: &Spacing{100, 0.99 * seconds, seconds, 1.01 * seconds}}
	}
	for _, c := range []struct {
		name  string
		in    Case
		want  string
		score float64 // at least
	}{
		{"case 2, all seen", with(cycle(1089), func(c *Case) { c.Failover, c.Registered = home, ptr(963.0) }), "sip-refresh-first-packet-loss", 0.95},
		{"case 2, 1083 s, only ends seen", cycle(1083), "sip-refresh-first-packet-loss", 0.8},
		{"case 2, 1095 s, only ends seen", cycle(1095), "sip-refresh-first-packet-loss", 0.8},
		{"case 2, clocked by the finder", with(cycle(1089), func(c *Case) { c.Finding.Kind = pattern.Unknown; c.Registered = ptr(963.0) }), "sip-refresh-first-packet-loss", 0.9},
		{"8:16 registered", with(cycle(496+123), func(c *Case) { c.Registered = ptr(496.0) }), "sip-refresh-first-packet-loss", 0.85},
		{"10:05 registered", with(cycle(605+123), func(c *Case) { c.Registered = ptr(605.0) }), "sip-refresh-first-packet-loss", 0.85},
		{"12:00 registered", with(cycle(720.5+123), func(c *Case) { c.Registered = ptr(720.5) }), "sip-refresh-first-packet-loss", 0.85},
		{"13:55 registered", with(cycle(835.75+123), func(c *Case) { c.Registered = ptr(835.75) }), "sip-refresh-first-packet-loss", 0.9},
		{"8:16 from alarm to alarm", cycle(496), "sip-refresh-first-packet-loss", 0.8},
		{"10:05 from alarm to alarm", cycle(605), "sip-refresh-first-packet-loss", 0.6},
		{"12:00 from alarm to alarm", cycle(720.5), "sip-refresh-first-packet-loss", 0.6},
		{"13:55 from alarm to alarm", cycle(835.75), "sip-refresh-first-packet-loss", 0.8},
		{"13:55 and two minutes elsewhere", cycle(835.75 + 125), "sip-refresh-first-packet-loss", 0.8},
		{"three losses after 16 minutes", with(sip, func(c *Case) { c.Registered = ptr(963.0); c.Flap = &pattern.Flapping{Unregistrations: 3} }), "sip-refresh-first-packet-loss", 0.5},
		{"case 1", Case{Protocol: "SCCP", Alarm: unregistered, Reason: ptr(uint32(13)), Flap: restless}, "proxy-arp", 0.2},
		{"case 1 with its neighbours", Case{Protocol: "SCCP", Alarm: unregistered, Reason: ptr(uint32(13)), Flap: restless,
			Fleet: &Neighbourhood{Restless: 7, Place: "10.60.98.0/24"}}, "proxy-arp", 0.4},
		{"nightly reset", Case{Alarm: unregistered, Reason: ptr(uint32(9)), Finding: every(86400, pattern.Clock)}, "scheduled-reset", 0.9},
		{"weekly restart", Case{Alarm: unregistered, Reason: ptr(uint32(15)), Finding: every(604800, pattern.Clock)}, "scheduled-reset", 0.9},
		{"reset by hand", Case{Alarm: unregistered, Reason: ptr(uint32(9)), AfterAction: 0.9}, "scheduled-reset", 0.7},
		{"power saving", Case{Alarm: unregistered, Reason: ptr(uint32(21)), Finding: every(86400, pattern.Clock)}, "power-save-plus", 0.9},
		{"retry every 22.3 s", retry(29, "SCCP", 0, 22.3), "retry-sccp-autoreg-6921", 0.8},
		{"retry of a 7841 every 22.3 s", retry(29, "SCCP", 622, 22.3), "retry-sccp-autoreg-6921", 0.8},
		{"retry every 40 s", retry(29, "SCCP", 435, 40), "retry-sccp-autoreg-7945", 0.9},
		{"retry every 180 s", retry(29, "SIP", 584, 180), "retry-tc-autoreg", 0.9},
		{"retry every 200 s", retry(29, "SIP", 621, 200), "retry-sip-7821", 0.8},
		{"mismatch every 130 s", retry(32, "SIP", 493, 130), "retry-mismatch-9971", 0.9},
		{"same name twice", Case{Alarm: unregistered, Reason: ptr(uint32(16)), Flap: restless}, "duplicate-registration", 0.5},
		{"address changes", Case{Protocol: "SIP", Alarm: unregistered, Reason: ptr(uint32(24)), Flap: restless}, "nat-rebind-ip-change", 0.5},
		{"laptop", with(sip, func(c *Case) { c.Device, c.Flap = "CSFALICE", restless }), "csf-sleep", 0.3},
		{"wireless phone", with(sip, func(c *Case) { c.DeviceType, c.Flap = 36216, restless }), "wlan-roam-sleep", 0.3},
		{"switch in the dark", OutageCase(pattern.Outage{Kind: pattern.SubnetOutage, Devices: []string{"a", "b", "c", "d", "e"},
			ByReason: map[string]int{"6": 5}, MedianOutage: ptr(35.0)}), "stp", 0.1},
		{"node", OutageCase(pattern.Outage{Kind: pattern.NodeOutage, Devices: []string{"a", "b", "c", "d", "e"}, ByReason: map[string]int{"6": 5}}), "primary-flap", 0.1},
	} {
		got := Explain(c.in, known)
		if got[0].ID != c.want || got[0].Score < c.score {
			t.Errorf("%s: %s with %.2f, want %s with %.2f at least\n%s", c.name, got[0].ID, got[0].Score, c.want, c.score, got[0].Why)
		}
	}
}

// madeFrom is a device that does what the row says, in a fleet that does.
func madeFrom(p *reasons.PeriodicCause, seconds float64) Case {
	c := Case{Alarm: p.Alarms[0], Device: "SEP001122334455", Flap: &pattern.Flapping{Unregistrations: 40}}
	if len(p.Reasons) > 0 {
		c.Reason = &p.Reasons[0]
	}
	if len(p.Protocols) > 0 {
		c.Protocol = p.Protocols[0]
	}
	if len(p.DeviceTypes) > 0 {
		c.DeviceType = p.DeviceTypes[0]
	}
	if len(p.Names) > 0 {
		c.Device = map[string]string{"desktop-client": "CSFALICE", "mobile-client": "TCTBOB", "mgcp-gateway": "gw1.example.com"}[p.Names[0]]
	}
	if p.OutageSeconds > 0 {
		c.Flap.MedianOutage = &p.OutageSeconds
	}
	c.Finding = every(seconds, pattern.Renewal)
	c.Fleet = &Neighbourhood{SamePeriod: 10, SamePlace: 10, Place: "sw-1"}
	switch {
	case onClock(p) && math.Mod(seconds, 86400) == 0:
		c.Finding.Kind, c.Fleet.SameClock = pattern.Clock, 10
	case together(p):
		c.Fleet.SameSecond = 10
	}
	return c
}

// crowd is how many causes share the period and the first reason: with many of them there is no telling one from the other.
func crowd(all []reasons.PeriodicCause, p *reasons.PeriodicCause, seconds float64) int {
	n := 0
	for i := range all {
		if slices.Contains(all[i].Periods, seconds) && len(p.Reasons) > 0 && slices.Contains(all[i].Reasons, p.Reasons[0]) {
			n++
		}
	}
	return n
}

func TestEveryPeriodFindsItsCause(t *testing.T) {
	known := catalogue(t)
	causes := known.PeriodicCauses()
	for i := range causes {
		p := &causes[i]
		for _, seconds := range p.Periods {
			within := 3
			if crowd(causes, p, seconds) > 4 {
				within = most
			}
			got := ids(Explain(madeFrom(p, seconds), known))
			if !slices.Contains(got[:min(within, len(got))], p.ID) {
				t.Errorf("%s every %g s: got %v", p.ID, seconds, got)
			}
		}
	}
}

func TestWrongProtocol(t *testing.T) {
	known := catalogue(t)
	causes := known.PeriodicCauses()
	tested := 0
	for i := range causes {
		p := &causes[i]
		if len(p.Protocols) == 0 {
			continue
		}
		c := madeFrom(p, slices.Max(append([]float64{3000}, p.Periods...)))
		c.Protocol = map[string]string{"SIP": "SCCP", "SCCP": "SIP"}[p.Protocols[0]]
		if got := ids(Explain(c, known)); slices.Contains(got, p.ID) {
			t.Errorf("%s needs %s and came out for %s: %v", p.ID, p.Protocols[0], c.Protocol, got)
		}
		tested++
	}
	if tested < 8 {
		t.Errorf("only %d causes with a protocol", tested)
	}
}

func TestNothingKnown(t *testing.T) {
	got := Explain(Case{Device: "SEP001122334455"}, catalogue(t))
	if len(got) > 3 || got[0].Score > 0.05 || !strings.Contains(got[0].Why, "nothing is known") {
		t.Errorf("%d hypotheses, the first with %.2f: %s", len(got), got[0].Score, got[0].Why)
	}
}

// What a person reads about case 2.
func TestWords(t *testing.T) {
	c := Case{Protocol: "SIP", Alarm: unregistered, Reason: ptr(uint32(13)), Signal: primaryTimeout, Finding: every(1089, pattern.Renewal), Registered: ptr(962.8),
		Failover: &pattern.FailoverSummary{Node: "B", Count: 40, ReturnSeconds: ptr(121.0)}}
	h := Explain(c, catalogue(t))[0]
	want := []string{
		// 8·115 + 0.219·127 + 15 = 962.8
		"registered for 16 min 3 s each time: 7 refreshes survive, the first repeated after 0.219 s, the wait of 28 s is too long (8 × 115 s + the waits + 15 s)",
		"the last signal was SIPStationDPrimaryLineTimeout, which goes with this cause",
		"40 times to B and back after 2 min 1 s, the Connection Monitor Duration of 2 min",
		"reason 13 (KeepAliveTimeout) is typical of it",
		"the device speaks SIP, as this cause needs",
		"each cycle starts where the last one ended, as with a timer",
	}
	if !slices.Equal(h.Evidence, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(h.Evidence, "\n"), strings.Join(want, "\n"))
	}
	if len(h.Against) > 0 || len(h.Checks) == 0 || h.Fix == "" || h.Source == "" || h.Title == "" || h.Mechanism == "" {
		t.Errorf("incomplete: %+v", h)
	}
	// The factors multiply to the weight that is named.
	var share, weight, total, start float64
	if _, err := fmt.Sscanf(h.Why, "%g: weight %g of %g, of which 1 stands for causes that are not in the list; it starts with %g", &share, &weight, &total, &start); err != nil {
		t.Fatalf("%v: %s", err, h.Why)
	}
	product := start
	for _, part := range strings.Split(h.Why, " × ")[1:] {
		var w float64
		if _, err := fmt.Sscan(strings.Fields(part)[0], &w); err != nil {
			t.Fatal(err)
		}
		product *= w
	}
	if math.Abs(product/weight-1) > 0.1 || math.Abs(share-weight/total) > 0.02 {
		t.Errorf("%g × … = %g, told %g of %g = %g", start, product, weight, total, share)
	}
}

func anyCase(t *rapid.T) Case {
	maybe := func(name string, low, high float64) *float64 {
		if !rapid.Bool().Draw(t, "has "+name) {
			return nil
		}
		return ptr(rapid.Float64Range(low, high).Draw(t, name))
	}
	c := Case{
		Cluster: rapid.SampledFrom([]string{"", "c"}).Draw(t, "cluster"), IP: rapid.SampledFrom([]string{"", "10.0.0.1", "fe80::1", "x"}).Draw(t, "ip"),
		Device:     rapid.SampledFrom([]string{"", "SEP001122334455", "CSFX", "TCTX", "gw.example.com", "trunk"}).Draw(t, "device"),
		Protocol:   rapid.SampledFrom([]string{"", "SIP", "sip", "SCCP", "MGCP", "?"}).Draw(t, "protocol"),
		Alarm:      rapid.SampledFrom([]string{"", unregistered, "DeviceUnregistered", transient, "SIPTrunkOOS", "?"}).Draw(t, "alarm"),
		Signal:     rapid.SampledFrom([]string{"", primaryTimeout, "SIPRegisterInd", "DbStationAutoRegisterErr", "FooTimer", "?"}).Draw(t, "signal"),
		DeviceType: rapid.SampledFrom([]uint32{0, 495, 36216, 592, 99999}).Draw(t, "type"), Registered: maybe("registered", 0, 1e6),
		AfterAction: rapid.Float64Range(0, 1).Draw(t, "after action"),
	}
	if rapid.Bool().Draw(t, "has reason") {
		c.Reason = ptr(rapid.SampledFrom([]uint32{0, 6, 9, 13, 16, 21, 28, 29, 32, 77}).Draw(t, "reason"))
	}
	if rapid.Bool().Draw(t, "has flap") {
		c.Flap = &pattern.Flapping{Unregistrations: rapid.IntRange(0, 50).Draw(t, "n"), MedianOutage: maybe("outage", 0, 1e5)}
	}
	if rapid.Bool().Draw(t, "has finding") {
		p := math.Exp(rapid.Float64Range(0, 15).Draw(t, "ln period"))
		c.Finding = &pattern.Finding{Kind: rapid.SampledFrom([]pattern.Kind{pattern.Clock, pattern.Renewal, pattern.Unknown}).Draw(t, "kind"), Period: p,
			PeriodLow: 0.9 * p, PeriodHigh: 1.2 * p, Posterior: rapid.Float64Range(0, 1).Draw(t, "posterior"), PValue: rapid.Float64Range(0, 0.05).Draw(t, "p"),
			Last: rapid.Int64Range(0, 1e9).Draw(t, "last")}
	}
	if rapid.Bool().Draw(t, "has failover") {
		c.Failover = &pattern.FailoverSummary{ReturnSeconds: maybe("return", 0, 1e4)}
	}
	return c
}

func TestExplainProperties(t *testing.T) {
	known := catalogue(t)
	rapid.Check(t, func(t *rapid.T) {
		cases := Fleet(rapid.SliceOfN(rapid.Custom(anyCase), 1, 8).Draw(t, "cases"))
		for _, c := range cases {
			got := Explain(c, known)
			if len(got) == 0 || len(got) > most {
				t.Fatalf("%d hypotheses", len(got))
			}
			sum, last := 0.0, 1.0
			for _, h := range got {
				if !(h.Score >= 0 && h.Score <= last) || len(h.Checks) == 0 || h.Why == "" {
					t.Fatalf("%v: %+v", ids(got), h)
				}
				sum, last = sum+h.Score, h.Score
			}
			if sum >= 1 {
				t.Fatalf("nothing is left for causes that are in no list: %g", sum)
			}
		}
	})
}

func BenchmarkExplain(b *testing.B) {
	known := catalogue(b)
	c := Case{Protocol: "SIP", Alarm: unregistered, Reason: ptr(uint32(13)), Signal: primaryTimeout, Finding: every(1089, pattern.Renewal), Registered: ptr(963.0)}
	b.ReportAllocs()
	for b.Loop() {
		Explain(c, known)
	}
}

// TestOutagePlaces: an outage says whom it took at once. SIP phones that fall silent give reason 13 whatever cut their path, so that no
// cause stands out; those that take something else are below those that take this.
func TestOutagePlaces(t *testing.T) {
	known := catalogue(t)
	for _, c := range []struct {
		kind   pattern.OutageKind
		likely []string // before all others, in any order
	}{
		{pattern.SwitchOutage, []string{"stp", "switch-ap-reload"}},
		{pattern.SubnetOutage, []string{"ike-rekey", "ipsec-rekey", "stp", "switch-ap-reload"}},
		{pattern.NodeOutage, []string{"drs-backup"}},
		{pattern.ClusterOutage, []string{"drs-backup"}},
	} {
		o := Judged{Case: OutageCase(pattern.Outage{Kind: c.kind, Place: "x", Devices: make([]string, 24), ByReason: map[string]int{"13": 24}, MedianOutage: ptr(300.0)})}
		o.Hypotheses = Explain(o.Case, known)
		got := ids(o.Hypotheses)
		first := slices.Sorted(slices.Values(got[:min(len(got), len(c.likely))]))
		if !slices.Equal(first, c.likely) || slices.Contains(got, "arp-mac-mismatch") {
			t.Errorf("%s: %v, want %v first", c.kind, got, c.likely)
		}
		if o.Cause() != nil || len(o.Checks()) == 0 {
			t.Errorf("%s: %s with %.2f stands out, checks %q", c.kind, got[0], o.Hypotheses[0].Score, o.Checks())
		}
	}
	clear := Judged{Hypotheses: []Hypothesis{{ID: "stp", Score: Credible, Checks: []string{"look"}}}}
	if h := clear.Cause(); h == nil || h.ID != "stp" || !slices.Equal(clear.Checks(), []string{"look"}) {
		t.Errorf("%+v, checks %q", h, clear.Checks())
	}
}

// Whom a cause on a path takes at once has to be known of each.
func TestTakes(t *testing.T) {
	for id := range takes {
		if !slices.ContainsFunc(catalogue(t).PeriodicCauses(), func(p reasons.PeriodicCause) bool {
			return p.ID == id && strings.Contains(p.Phase, "segment")
		}) {
			t.Errorf("%s is no cause on a path", id)
		}
	}
}
