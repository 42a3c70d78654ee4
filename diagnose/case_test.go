package diagnose

import (
	"math/rand/v2"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"
)

var begin = time.Date(2026, 11, 16, 8, 12, 0, 0, time.UTC)

// phone is a history that grows.
type phone struct {
	event.History
	now time.Time
}

func (p *phone) say(role event.Role, node string, c event.Change) {
	c.At, c.Role, c.Node = p.now.UnixMilli(), role, node
	p.Changes = append(p.Changes, c)
}

func (p *phone) wait(seconds float64) {
	p.now = p.now.Add(time.Duration(seconds * float64(time.Second)))
}

func (p *phone) window() event.Window {
	return event.Window{From: begin.Add(-time.Minute), To: p.now.Add(time.Minute)}
}

// losses of the node A that nobody meant.
func (p *phone) losses() []int64 {
	var out []int64
	for _, c := range p.Changes {
		if c.Role == event.Down && !c.Expected {
			out = append(out, c.At)
		}
	}
	return out
}

// sixteenMinutes is case 2 of the Cisco note: n turns of 963 s on A, 1 to 15 s on the way, 120 s on B and home.
func sixteenMinutes(n int) *phone {
	r := rand.New(rand.NewPCG(1, 963))
	p := &phone{now: begin, History: event.History{Cluster: "c", Device: "SEPE0D1730A8137", IP: "10.60.98.210", Protocol: "SIP", DeviceType: 540}}
	for range n {
		p.say(event.Up, "A", event.Change{})
		p.wait(962.8 + r.NormFloat64()*0.3)
		p.say(event.Down, "A", event.Change{Reason: 13, HasReason: true, Signal: primaryTimeout})
		p.wait(1 + 14*r.Float64())
		p.say(event.Up, "B", event.Change{})
		p.wait(120)
		p.say(event.Down, "B", event.Change{Reason: 28, HasReason: true, Expected: true, Signal: "SIPRegisterInd"})
		p.wait(1)
	}
	return p
}

// From the messages to the cause, with nothing made up between them.
func TestCaseTwoFromMessages(t *testing.T) {
	known := catalogue(t)
	p := sixteenMinutes(40)
	found := pattern.Find(pattern.Input{Times: p.losses(), Window: p.window()}).Findings
	if len(found) == 0 {
		t.Fatal("no period found")
	}
	c := NewCase(p.History, p.window(), &found[0])
	if *c.Reason != 13 || c.Signal != primaryTimeout || c.Alarm != unregistered || c.Failover.Node != "B" || c.Failover.Returns < 38 {
		t.Errorf("%+v, fail-over %+v", c, c.Failover)
	}
	if r := *c.Registered; r < 962 || r > 964 {
		t.Errorf("registered %g s", r)
	}
	if got := Explain(c, known)[0]; got.ID != "sip-refresh-first-packet-loss" || got.Score < 0.95 {
		t.Errorf("%s with %.2f: %s", got.ID, got.Score, got.Why)
	}

	only := *p // a log at the level Error holds no registrations
	only.Changes = nil
	for _, x := range p.Changes {
		if x.Role == event.Down && !x.Expected {
			only.Changes = append(only.Changes, x)
		}
	}
	c = NewCase(only.History, p.window(), &found[0])
	if c.Registered != nil || c.Failover != nil {
		t.Errorf("registrations out of nothing: %+v", c)
	}
	if got := Explain(c, known)[0]; got.ID != "sip-refresh-first-packet-loss" || got.Score < 0.8 {
		t.Errorf("only ends: %s with %.2f: %s", got.ID, got.Score, got.Why)
	}
}

// Case 1: SCCP phones that lose their keepalives whenever the wrong answer to an ARP request wins.
func TestCaseOneFromMessages(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 12))
	p := &phone{now: begin, History: event.History{Cluster: "c", Device: "SEP001122334455", Protocol: "SCCP", DeviceType: 437}}
	for range 20 {
		p.say(event.Up, "A", event.Change{})
		p.wait(600 + r.ExpFloat64()*5400)
		p.say(event.Down, "A", event.Change{Reason: 13, HasReason: true})
		p.wait(30 + 60*r.Float64())
	}
	if found := pattern.Find(pattern.Input{Times: p.losses(), Window: p.window()}).Findings; len(found) > 0 && found[0].PValue < 1e-3 {
		t.Fatalf("a period of %g s in random losses", found[0].Period)
	}
	got := Explain(NewCase(p.History, p.window(), nil), catalogue(t))
	if got[0].ID != "proxy-arp" {
		t.Errorf("%v", ids(got))
	}
}

func TestRetryLoopFromMessages(t *testing.T) {
	p := &phone{now: begin, History: event.History{Cluster: "c", Device: "SEPF866F298E293", Protocol: "SCCP", DeviceType: 495}}
	for range 150 {
		p.say(event.Attempt, "A", event.Change{Reason: 29, HasReason: true, Signal: "DbStationAutoRegisterErr"})
		p.wait(22.3)
	}
	c := NewCase(p.History, p.window(), nil)
	if c.Alarm != transient || c.Spacing == nil || c.Spacing.Median != 22.3 || c.Spacing.Count != 149 {
		t.Errorf("%+v, spacing %+v", c, c.Spacing)
	}
	if got := Explain(c, catalogue(t))[0]; got.ID != "retry-sccp-autoreg-6921" || got.Score < 0.95 {
		t.Errorf("%s with %.2f: %s", got.ID, got.Score, got.Why)
	}
}

func TestNewCase(t *testing.T) {
	nightly := &phone{now: begin, History: event.History{Device: "SEP001122334455"}}
	for range 10 {
		nightly.say(event.Action, "A", event.Change{})
		nightly.wait(2)
		nightly.say(event.Down, "A", event.Change{Reason: 9, HasReason: true, Expected: true})
		nightly.wait(40)
		nightly.say(event.Up, "A", event.Change{})
		nightly.wait(86358)
	}
	c := NewCase(nightly.History, nightly.window(), every(86400, pattern.Clock))
	if *c.Reason != 9 || c.AfterAction != 1 || *c.Flap.MedianOutage != 40 {
		t.Errorf("nightly reset: %+v", c)
	}
	if got := Explain(c, catalogue(t))[0]; got.ID != "scheduled-reset" || got.Score < 0.95 {
		t.Errorf("%s with %.2f: %s", got.ID, got.Score, got.Why)
	}

	if c := NewCase(event.History{}, event.Window{}, nil); c.Alarm != "" || c.Reason != nil || c.Spacing != nil {
		t.Errorf("a case out of nothing: %+v", c)
	}

	// Both losses and many more attempts: the finding decides which it is about.
	both := sixteenMinutes(5)
	for range 100 {
		both.say(event.Attempt, "A", event.Change{Reason: 29, HasReason: true})
		both.wait(60)
	}
	losses := both.losses()
	for _, x := range []struct {
		finding *pattern.Finding
		alarm   string
		reason  uint32
	}{
		{nil, transient, 29},
		{&pattern.Finding{First: losses[0], Last: losses[4]}, unregistered, 13},
		{&pattern.Finding{First: both.Changes[20].At, Last: both.Changes[119].At}, transient, 29},
	} {
		if c := NewCase(both.History, both.window(), x.finding); c.Alarm != x.alarm || *c.Reason != x.reason {
			t.Errorf("finding %+v: %s %d, want %s %d", x.finding, c.Alarm, *c.Reason, x.alarm, x.reason)
		}
	}
}

func TestOutageCase(t *testing.T) {
	c := OutageCase(pattern.Outage{ByReason: map[string]int{"": 9, "6": 3, "13": 3, "8": 1}})
	if *c.Reason != 13 { // as many as 6; the first in the order of the words
		t.Errorf("reason %d", *c.Reason)
	}
	if c := OutageCase(pattern.Outage{ByReason: map[string]int{"": 9}}); c.Reason != nil {
		t.Errorf("reason %d", *c.Reason)
	}
}
