package simulate

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"flapwatch/keepalive"
)

// monday begins a week without a change of clocks, at the place of an office.
var monday = time.Date(2026, 11, 16, 0, 0, 0, 0, time.FixedZone("CET", 3600))

// aWeek of a scenario, with nothing lost. The flood gets ten seconds.
func aWeek(scenario string) Options {
	o := Options{Scenario: scenario, From: monday, Until: monday.AddDate(0, 0, 7), Seed: 1}
	if scenario == "flood" {
		o.Until = monday.Add(10 * time.Second)
	}
	return o
}

// playAll runs o, checks the order of time and reads every line.
func playAll(t *testing.T, o Options) ([]said, Truth) {
	t.Helper()
	var all []said
	last := o.From
	truth, err := Run(t.Context(), o, func(l Line) error {
		if l.At.Before(last) || !l.At.Before(o.Until) {
			t.Fatalf("line of %s after %s: %s", l.At, last, l.Raw)
		}
		last = l.At
		all = append(all, read(l))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 || truth.Lines != uint64(len(all)) {
		t.Fatalf("%d lines, truth says %d", len(all), truth.Lines)
	}
	return all, truth
}

// twoDays are enough where a week says no more.
func twoDays(scenario string) Options {
	o := aWeek(scenario)
	if scenario != "flood" {
		o.Until = o.From.AddDate(0, 0, 2)
	}
	return o
}

// digest is a fingerprint of all bytes of a run.
func digest(t *testing.T, o Options) [32]byte {
	t.Helper()
	h := sha256.New()
	if _, err := Run(t.Context(), o, func(l Line) error { h.Write(append(l.Raw, '\n')); return nil }); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, s := range Scenarios() {
		o := aWeek(s.Name)
		o.Loss = -1
		first := digest(t, o)
		if digest(t, o) != first {
			t.Errorf("%s: the same seed gives other bytes", s.Name)
		}
		if o.Seed = 2; digest(t, o) == first {
			t.Errorf("%s: another seed gives the same bytes", s.Name)
		}
	}
}

// Numbers of a process run without a gap over all that it sent, and truth counts the same lines.
func TestSequence(t *testing.T) {
	for _, s := range Scenarios() {
		for _, level := range []string{Informational, Error} {
			o := twoDays(s.Name)
			o.Level = level
			all, truth := playAll(t, o)
			next := map[[2]string]uint64{}
			for _, src := range truth.Sources {
				next[[2]string{src.Node, src.Process}] = uint64(src.First)
			}
			for _, l := range all {
				key := [2]string{l.node, l.process}
				if want, ok := next[key]; !ok || l.seq != want {
					t.Fatalf("%s: number %d of %v, want %d", s.Name, l.seq, key, want)
				}
				next[key]++
				if level == Error && l.severity > 3 {
					t.Fatalf("%s: at level error: %s", s.Name, l.text)
				}
			}
			for _, src := range truth.Sources {
				if n := next[[2]string{src.Node, src.Process}] - uint64(src.First); n != src.Lines || src.Lost != 0 {
					t.Errorf("%s: %+v sent %d lines", s.Name, src, n)
				}
			}
		}
	}
}

// What is lost leaves gaps and changes nothing else.
func TestLoss(t *testing.T) {
	for _, s := range Scenarios() {
		o := twoDays(s.Name)
		whole, _ := playAll(t, o)
		sent := map[string]bool{}
		for _, l := range whole {
			sent[l.text] = true
		}
		o.Loss = 0.1
		rest, truth := playAll(t, o)
		for _, l := range rest {
			if !sent[l.text] {
				t.Fatalf("%s: only where messages are lost: %s", s.Name, l.text)
			}
		}
		if uint64(len(whole)) != truth.Lines+truth.Lost {
			t.Errorf("%s: %d sent, %d arrived, %d lost", s.Name, len(whole), truth.Lines, truth.Lost)
		}
		n := float64(len(whole))
		if share := float64(truth.Lost) / n; math.Abs(share-0.1) > 5*math.Sqrt(0.1*0.9/n) {
			t.Errorf("%s: %g of %d lost", s.Name, share, len(whole))
		}
		checkSums(t, s.Name, truth)
	}
}

// checkSums: every line is of one source; every line but those of the audit log is of one device.
func checkSums(t *testing.T, scenario string, truth Truth) {
	t.Helper()
	var sources, devices, audit [2]uint64
	for _, s := range truth.Sources {
		sources[0] += s.Lines
		sources[1] += s.Lost
		if s.Process == "Cisco Tomcat" {
			audit = [2]uint64{s.Lines, s.Lost}
		}
	}
	for _, d := range truth.Devices {
		devices[0] += d.Lines
		devices[1] += d.Lost
	}
	if all := [2]uint64{truth.Lines, truth.Lost}; sources != all || devices[0]+audit[0] != all[0] || devices[1]+audit[1] != all[1] {
		t.Errorf("%s: all %v, sources %v, devices %v, audit %v", scenario, all, sources, devices, audit)
	}
}

func TestDefaultLoss(t *testing.T) {
	o := twoDays("sixteen-minute")
	o.Loss = -1
	_, truth := playAll(t, o)
	if n := float64(truth.Lines + truth.Lost); math.Abs(float64(truth.Lost)/n-usualLoss) > 5*math.Sqrt(usualLoss/n) {
		t.Errorf("%d of %g lost", truth.Lost, n)
	}
}

// Truth is what an outsider counts from the lines when none is lost.
func TestTruthIsWhatWasSaid(t *testing.T) {
	for _, s := range Scenarios() {
		if s.Name == "flood" {
			continue
		}
		all, truth := playAll(t, twoDays(s.Name))
		stories := byDevice(all)
		for _, d := range truth.Devices {
			got := recount(stories[d.Device], d)
			if math.Abs(got.PeriodSeconds-d.PeriodSeconds) > 1e-6 || math.Abs(got.RegisteredSeconds-d.RegisteredSeconds) > 1e-6 {
				t.Errorf("%s: means of %+v, truth %+v", s.Name, got, d)
			}
			got.PeriodSeconds, got.RegisteredSeconds = d.PeriodSeconds, d.RegisteredSeconds
			if got != d {
				t.Errorf("%s: counted %+v, truth %+v", s.Name, got, d)
			}
		}
	}
}

// recount derives the numbers of d from its story.
func recount(story []said, d DeviceTruth) DeviceTruth {
	got := DeviceTruth{Device: d.Device, Cluster: "Campus", Node: d.Node, Protocol: d.Protocol, Cause: d.Cause, Periodic: d.Periodic}
	var up, first, last time.Time
	var registered time.Duration
	for _, l := range story {
		got.Lines++
		switch {
		case l.node != d.Node:
		case l.alarm == "EndPointRegistered":
			up = l.at
		case l.alarm == "EndPointUnregistered":
			if got.Alarms++; got.Alarms == 1 {
				first = l.at
			}
			if last = l.at; !up.IsZero() {
				got.Cycles++
				registered += l.at.Sub(up)
				up = time.Time{}
			}
		}
	}
	if got.Alarms > 1 {
		got.PeriodSeconds = last.Sub(first).Seconds() / float64(got.Alarms-1)
	}
	if got.Cycles > 0 {
		got.RegisteredSeconds = registered.Seconds() / float64(got.Cycles)
	}
	return got
}

func TestRefused(t *testing.T) {
	f := func(change func(*Options), says ...string) {
		t.Helper()
		o := aWeek("office")
		change(&o)
		_, err := Run(t.Context(), o, func(Line) error { t.Fatal("a line"); return nil })
		for _, s := range says {
			if err == nil || !strings.Contains(err.Error(), s) {
				t.Errorf("%+v: %v, want %q", o, err, s)
			}
		}
	}
	f(func(o *Options) { o.Scenario = "sixteen" }, `"sixteen" is none of sixteen-minute, proxy-arp, quiet, office, outage, mixed, flood`)
	f(func(o *Options) { o.Scenario = "" }, `"" is none of`)
	f(func(o *Options) { o.Phones = -1 }, "phones: -1")
	f(func(o *Options) { o.Phones = 2_000_000 }, "phones: 2000000")
	f(func(o *Options) { o.Until = o.From }, "no stretch of time")
	f(func(o *Options) { o.From = time.Time{} }, "no stretch of time")
	f(func(o *Options) { o.Loss = 1.5 }, "loss: 1.5")
	f(func(o *Options) { o.Loss = math.NaN() }, "loss: NaN")
	f(func(o *Options) { o.Level = "warning" }, `level "warning"`)
	f(func(o *Options) { *o = Options{Level: "x", Loss: 2, Phones: -3} }, "scenario", "phones", "stretch", "loss", "level")
}

func TestStops(t *testing.T) {
	full := errors.New("full")
	for _, s := range Scenarios() {
		lines := 0
		truth, err := Run(t.Context(), aWeek(s.Name), func(Line) error {
			if lines++; lines == 10 {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) || lines != 10 || truth.Lines != 10 {
			t.Errorf("%s: %v after %d lines, truth %d", s.Name, err, lines, truth.Lines)
		}
		ctx, cancel := context.WithCancel(t.Context())
		lines = 0
		_, err = Run(ctx, aWeek(s.Name), func(Line) error { lines++; cancel(); return nil })
		if !errors.Is(err, context.Canceled) || lines > patience {
			t.Errorf("%s: %v, %d lines after the end", s.Name, err, lines)
		}
	}
}

// byDevice gives each device its own lines, in the order of time.
func byDevice(all []said) map[string][]said {
	stories := map[string][]said{}
	for _, l := range all {
		stories[l.device] = append(stories[l.device], l)
	}
	return stories
}

// seconds16 is the prediction that the sixteen-minute phones must meet.
func seconds16(t *testing.T) keepalive.Prediction {
	t.Helper()
	p, err := keepalive.Cycle(keepalive.DefaultSIP())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
