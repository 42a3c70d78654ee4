package simulate

import (
	"math"
	"slices"
	"testing"
	"time"
)

// apart is the seconds from a to b.
func apart(a, b said) float64 { return b.at.Sub(a.at).Seconds() }

func TestSixteenMinutes(t *testing.T) {
	all, truth := playAll(t, aWeek("sixteen-minute"))
	want, stories := seconds16(t), byDevice(all)
	for _, d := range truth.Devices {
		if !d.Periodic || d.Cause != "sip-refresh-first-packet-loss" || d.Protocol != "SIP" {
			t.Errorf("%+v", d)
		}
		if d.Cycles < 500 || math.Abs(d.RegisteredSeconds-want.Registered) > 5*jitter.Seconds()/math.Sqrt(float64(d.Cycles)) {
			t.Errorf("registered %g s in %d cycles, formula says %g", d.RegisteredSeconds, d.Cycles, want.Registered)
		}
		if d.PeriodSeconds < want.AlarmToAlarm.Low || d.PeriodSeconds > want.AlarmToAlarm.High {
			t.Errorf("period %g s, formula says %v", d.PeriodSeconds, want.AlarmToAlarm)
		}
		checkFailover(t, stories[d.Device], d.Node, want.Registered)
	}
}

// checkFailover: each turn is unregistered at home, registered on the other node, unregistered there
// to fall back, registered at home.
func checkFailover(t *testing.T, story []said, home string, registered float64) {
	t.Helper()
	for i, l := range story {
		ok := true
		var since float64
		if i > 0 {
			since = apart(story[i-1], l)
		}
		switch i % 4 {
		case 0:
			ok = l.alarm == "EndPointUnregistered" && l.node == home && l.reason == 13 &&
				(i == 0 || math.Abs(since-registered) <= 3*jitter.Seconds()+0.001)
		case 1:
			ok = l.alarm == "EndPointRegistered" && l.node != home && since >= 1 && since <= 15
		case 2:
			ok = l.alarm == "EndPointUnregistered" && l.node != home && l.reason == 28 && since >= 120 && since <= 120.5
		case 3:
			ok = l.alarm == "EndPointRegistered" && l.node == home && since >= 0.199 && since <= 1.5
		}
		if !ok {
			t.Fatalf("line %d of the story, %g s after the one before: %s", i, since, l.text)
		}
	}
}

func TestProxyARPHasNoPeriod(t *testing.T) {
	all, truth := playAll(t, aWeek("proxy-arp"))
	stories := byDevice(all)
	for _, d := range truth.Devices {
		if d.Periodic || d.Cause != "proxy-arp" || d.Protocol != "SCCP" || d.Cycles < 50 {
			t.Errorf("%+v", d)
		}
		var gaps []float64
		story := stories[d.Device]
		for i := 0; i+2 < len(story); i += 2 {
			if away := apart(story[i], story[i+1]); story[i].reason != 13 || story[i+1].node != d.Node || away < 19 || away > 81 {
				t.Fatalf("away for %g s: %s", away, story[i].text)
			}
			gaps = append(gaps, apart(story[i], story[i+2]))
		}
		if v := variation(gaps); v < 0.6 {
			t.Errorf("gaps of %s vary by %g of their mean: that is a period", d.Device, v)
		}
	}
}

// variation is the standard deviation over the mean.
func variation(x []float64) float64 {
	var sum, squares float64
	for _, v := range x {
		sum += v
		squares += v * v
	}
	n := float64(len(x))
	return math.Sqrt(squares/n-sum*sum/n/n) / (sum / n)
}

// Background: rare, mostly by day, of the usual reasons, at no minute of the day in particular.
func TestQuiet(t *testing.T) {
	o := aWeek("quiet")
	o.Phones = 2000
	all, truth := playAll(t, o)
	falls, byDay := 0, 0
	minutes := map[int]int{}
	for _, l := range all {
		if l.alarm != "EndPointUnregistered" || l.reason == fallbackInitiated {
			continue
		}
		if !slices.Contains([]int{6, 8, 9, 13, 15, 19}, l.reason) {
			t.Errorf("reason of no background: %s", l.text)
		}
		falls++
		at := l.at.In(monday.Location())
		if at.Hour() >= 7 && at.Hour() < 19 && at.Weekday() != time.Saturday && at.Weekday() != time.Sunday {
			byDay++
		}
		minutes[at.Hour()*60+at.Minute()]++
	}
	if a := float64(falls) / float64(o.Phones); a < 1 || a > 3 {
		t.Errorf("%g incidents a phone and week", a)
	}
	if share := float64(byDay) / float64(falls); share < 0.7 || share > 0.95 {
		t.Errorf("%g of the incidents in office hours", share)
	}
	busiest := 0
	for _, n := range minutes {
		busiest = max(busiest, n)
	}
	// Twelve hours of 60 minutes share them; Poisson noise of five deviations on top, and the busier hours.
	if mean := float64(falls) / 720; float64(busiest) > 1.5*mean+5*math.Sqrt(1.5*mean) {
		t.Errorf("%d of %d incidents in one minute of the day", busiest, falls)
	}
	for _, d := range truth.Devices {
		if d.Cause != "" || d.Periodic {
			t.Errorf("%+v", d)
		}
	}
}

func TestOfficeShares(t *testing.T) {
	f := func(phones, sixteen, arp, calm int) {
		t.Helper()
		o := aWeek("office")
		o.Phones, o.Until = phones, o.From.Add(time.Hour)
		_, truth := playAll(t, o)
		got := map[string]int{}
		names := map[string]bool{}
		for _, d := range truth.Devices {
			got[d.Cause]++
			names[d.Device] = true
		}
		if got[firstPacketLoss] != sixteen || got[proxyARP] != arp || got[""] != calm || len(names) != sixteen+arp+calm {
			t.Errorf("%d phones: %v, %d names; want %d, %d, %d", phones, got, len(names), sixteen, arp, calm)
		}
	}
	f(0, 10, 5, 485) // the scenario's own 500
	f(500, 10, 5, 485)
	f(5000, 100, 50, 4850)
	f(50, 1, 1, 48) // 0.5 phones are one
	f(3, 1, 1, 1)
	f(1, 1, 0, 0)
}

// Every phone of the subnet falls within the node's patience, and returns once the switch is back.
func TestOutage(t *testing.T) {
	all, truth := playAll(t, aWeek("outage"))
	if len(truth.Outages) == 0 {
		t.Fatal("none")
	}
	for _, o := range truth.Outages {
		down := map[string]bool{}
		for _, l := range all {
			if l.alarm != "EndPointUnregistered" || l.reason != 13 || l.at.Before(o.Start.Add(-time.Millisecond)) || l.at.After(o.Start.Add(131*time.Second)) {
				continue
			}
			down[l.device] = true
			up := slices.IndexFunc(all, func(u said) bool {
				return u.device == l.device && u.alarm == "EndPointRegistered" && u.at.After(l.at)
			})
			if up < 0 || all[up].at.Before(o.End.Add(bootLow-time.Second)) || all[up].at.After(o.End.Add(bootHigh+time.Second)) {
				t.Errorf("outage until %s: %s does not return in time", o.End, l.text)
			}
		}
		if o.Subnet != "10.60.0.0/24" || len(down) != o.Devices || o.Devices < 95 {
			t.Errorf("%+v: %d devices fell", o, len(down))
		}
	}
}

// The other first retries of mixed give the other registered times of the same mechanism.
func TestMixed(t *testing.T) {
	_, truth := playAll(t, aWeek("mixed"))
	near := map[float64]int{}
	causes := map[string]int{}
	for _, d := range truth.Devices {
		causes[d.Cause]++
		if d.Periodic {
			near[math.Round(d.RegisteredSeconds)]++
		}
	}
	// 300 phones: 4 %, 3 % and 3 % cycle, 5 % have the ARP race.
	if near[963] != 12 || near[836] != 9 || near[721]+near[720] != 9 || causes[proxyARP] != 15 || causes[""] != 255 {
		t.Errorf("%v, %v", near, causes)
	}
	if len(truth.Outages) == 0 {
		t.Error("no outage")
	}
}
