package report_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/report"
)

func TestWeekly(t *testing.T) {
	r := officeWeek(t)
	first := r.First[0]
	if first.Cause != "sip-refresh-first-packet-loss" || len(first.Checks) == 0 || !strings.HasPrefix(first.Title, "25 devices drop every 18 min ") {
		t.Errorf("first task %+v", first)
	}
	if !strings.HasPrefix(r.Headline, first.Title) {
		t.Errorf("headline %q", r.Headline)
	}
	if c := r.Causes[0]; c.Periodic != 25 || *c.Period < 1080 || *c.Period > 1092 || len(c.Phase.Points) != 400 {
		t.Errorf("first cause has %d devices, period %v, %d points", c.Periodic, c.Period, len(c.Phase.Points))
	}
	if last := r.Causes[len(r.Causes)-1]; last.ID != "" || last.DevicesInAll != 5 || len(last.Checks) == 0 {
		t.Errorf("without a known cause: %+v", last)
	}
	if len(r.Outages) != 1 || r.Outages[0].Devices != 40 || r.Outages[0].Place != "10.60.0.0/24" || len(r.Outages[0].Checks) == 0 {
		t.Errorf("outages %+v", r.Outages)
	}
	if len(r.Change.New) != 22 || len(r.Change.Solved) != 1 || r.Change.Solved[0].Description != "Cured" { // 7 of the ten and 15 payloads
		t.Errorf("new %d, solved %+v", len(r.Change.New), r.Change.Solved)
	}
	if len(r.Retrying) != 1 || r.Retrying[0].Description != "Not in the database" || *r.Retrying[0].Every != 61 {
		t.Errorf("retrying %+v", r.Retrying)
	}
	if s := r.Senders[0]; s.Node != "cucm-sub" || s.Missing != 15 || len(s.Warnings) != 3 || len(r.Senders[1].Warnings) != 0 {
		t.Errorf("senders %+v", r.Senders)
	}
}

// TestSums: every number that can be had in two ways is the same in both.
func TestSums(t *testing.T) {
	r := officeWeek(t)
	sum := func(list []report.Share) (n int) {
		for _, s := range list {
			n += s.Unregistrations
		}
		return n
	}
	dropped, planned, devices := 0, 0, 0
	for _, b := range r.Pulse {
		dropped, planned = dropped+b.Dropped, planned+b.Planned
	}
	for _, d := range r.Devices {
		devices += d.Unregistrations
	}
	want := r.Totals.Unregistrations
	for name, got := range map[string]int{
		"pulse": dropped, "devices": devices, "reason": sum(r.ByReason), "node": sum(r.ByNode), "subnet": sum(r.BySubnet), "model": sum(r.ByModel),
	} {
		if got != want {
			t.Errorf("%s: %d unregistrations, want %d", name, got, want)
		}
	}
	if planned != r.Totals.Planned || len(r.Devices) != r.Totals.Dropping || r.DevicesInAll != r.Totals.Dropping {
		t.Errorf("planned %d of %d, devices %d of %d", planned, r.Totals.Planned, len(r.Devices), r.Totals.Dropping)
	}
	if !slices.IsSortedFunc(r.Devices, func(a, b report.Device) int { return b.Unregistrations - a.Unregistrations }) {
		t.Error("devices are not in order")
	}
}

// TestMedianGap: a device that drops at 0, 10, 30 and 90 minutes has gaps of 10, 20 and 60 minutes.
func TestMedianGap(t *testing.T) {
	begin := week.Window(berlin).From
	var changes []event.Change
	for _, minute := range []int{0, 10, 30, 90} {
		at := begin.Add(time.Hour + time.Duration(minute)*time.Minute)
		changes = append(changes, drop(at, "cucm-pub"), up(at.Add(time.Minute), "cucm-pub"))
	}
	p := &phones{Rand: rand.New(rand.NewPCG(1, 1))}
	p.add("Hall", 1, changes...)
	r := weekly(t, p.all)
	d := r.Devices[0]
	if *d.MedianGap != 1200 || d.Unregistrations != 4 || d.Node != "cucm-pub" || d.Reason.Code != 13 || d.Signal == "" {
		t.Errorf("device %+v, median gap %v", d, *d.MedianGap)
	}
	if r.Before != nil || r.Change.Known || d.Before != nil || !strings.Contains(r.Headline, "nothing is known of the week before") {
		t.Errorf("the week before is known: %q", r.Headline)
	}
}

func TestWorse(t *testing.T) {
	w := week.Window(berlin)
	p := &phones{Rand: rand.New(rand.NewPCG(3, 4))}
	random := func(before, now int) {
		var times []time.Time
		for range before {
			times = append(times, w.From.Add(-time.Duration(1+p.IntN(600_000))*time.Second))
		}
		for range now {
			times = append(times, w.From.Add(time.Duration(1+p.IntN(600_000))*time.Second))
		}
		slices.SortFunc(times, time.Time.Compare)
		var changes []event.Change
		for _, at := range times {
			changes = append(changes, drop(at, "cucm-pub"), up(at.Add(7*time.Second), "cucm-pub"))
		}
		p.add(fmt.Sprintf("%d then %d", before, now), 5, changes...)
	}
	for _, c := range [][2]int{{20, 60}, {20, 25}, {1, 30}, {40, 0}, {40, 30}, {0, 2}} {
		random(c[0], c[1])
	}
	r := weekly(t, p.all)
	f := func(list []report.Moved, want string) {
		t.Helper()
		var got []string
		for _, m := range list {
			got = append(got, m.Description)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("got %q, want %q", s, want)
		}
	}
	f(r.Change.New, "1 then 30")
	f(r.Change.Worse, "20 then 60")
	f(r.Change.Solved, "40 then 0")
}

func TestQuiet(t *testing.T) {
	r := weekly(t, nil)
	if len(r.First) != 1 || !strings.HasPrefix(r.First[0].Title, "1 node") || !strings.HasPrefix(r.First[0].Checks[0], "Node cucm-sub: ") || !strings.HasPrefix(r.Headline, "Nothing was heard") {
		t.Errorf("first %+v, headline %q", r.First, r.Headline)
	}
	for _, f := range report.Formats() {
		var b strings.Builder
		if err := f.Write(&b, r); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// TestPartial: the week of now is compared with the same days of the week before; one to come is refused.
func TestPartial(t *testing.T) {
	f := newFleet(t, office())
	o := report.Options{Week: week, Location: berlin, Now: week.Window(berlin).From.Add(50 * time.Hour), Catalogue: catalogue(t)}
	r, err := report.Weekly(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	if hours := float64(r.To-r.From) / 3.6e6; !r.Partial || hours != 50 {
		t.Errorf("partial %v, %g hours", r.Partial, hours)
	}
	if ratio := float64(r.Before.Unregistrations) / (4 * 50 / 0.3017); math.Abs(ratio-1) > 0.1 { // four phones, a drop each 18.1 minutes
		t.Errorf("the week before has %d, that is %.2f of what is expected", r.Before.Unregistrations, ratio)
	}
	o.Week = report.WeekOf(o.Now.AddDate(0, 0, 7))
	if _, err := report.Weekly(t.Context(), f, o); !errors.Is(err, report.ErrNotBegun) {
		t.Errorf("the next week: %v", err)
	}
}

// TestBeganLate: a week before that was heard in part is not compared; one in which little happened is.
func TestBeganLate(t *testing.T) {
	w := week.Window(berlin)
	f := func(name string, begins time.Time, changes []event.Change, want string) {
		t.Helper()
		p := &phones{Rand: rand.New(rand.NewPCG(1, 1))}
		p.add("Hall", 1, changes...)
		r := weekly(t, p.all)
		compared := r.Before != nil && r.Change.Known && r.Devices[0].Before != nil
		if compared != begins.IsZero() || (r.Silent == 0) != begins.IsZero() || !strings.Contains(r.Headline, want) {
			t.Errorf("%s: compared %v, silent until %v, %q", name, compared, r.Silent.In(berlin), r.Headline)
		}
	}
	p := &phones{Rand: rand.New(rand.NewPCG(1, 1))}
	began := w.From.Add(-90 * time.Hour)
	f("from Thursday on", began, p.sixteen(began, w.To), "of the week before nothing is known until Thu 12 Nov 06:00")
	f("from Monday night on", time.Time{}, p.sixteen(w.From.Add(-160*time.Hour), w.To), "the week before (")
	rare := []event.Change{drop(began, "cucm-pub"), up(began.Add(time.Minute), "cucm-pub"), drop(w.From.Add(time.Hour), "cucm-pub")}
	f("rare", time.Time{}, rare, "as many as the week before")
}
