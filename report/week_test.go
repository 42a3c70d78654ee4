package report_test

import (
	"testing"
	"time"

	"flapwatch/report"
)

func TestWeekWindow(t *testing.T) {
	f := func(week, zone, from, to string, hours int) {
		t.Helper()
		w := must(report.ParseWeek(week)).Window(must(time.LoadLocation(zone)))
		if got := w.From.Format(time.RFC3339); got != from {
			t.Errorf("%s in %s begins %s, want %s", week, zone, got, from)
		}
		if got := w.To.Format(time.RFC3339); got != to {
			t.Errorf("%s in %s ends %s, want %s", week, zone, got, to)
		}
		if got := w.Length(); got != time.Duration(hours)*time.Hour {
			t.Errorf("%s in %s lasts %s, want %d h", week, zone, got, hours)
		}
	}
	f("2026-W47", "UTC", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", 168)
	f("2026-W47", "Europe/Berlin", "2026-11-16T00:00:00+01:00", "2026-11-23T00:00:00+01:00", 168)
	f("2026-W13", "Europe/Berlin", "2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 167)    // clocks forward on 29 March
	f("2026-W43", "Europe/Berlin", "2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 169)    // clocks back on 25 October
	f("2026-W10", "America/New_York", "2026-03-02T00:00:00-05:00", "2026-03-09T00:00:00-04:00", 167) // 8 March
	f("2020-W53", "UTC", "2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z", 168)                        // the year of its Thursday
	f("2026-W53", "Asia/Kolkata", "2026-12-28T00:00:00+05:30", "2027-01-04T00:00:00+05:30", 168)     //
	f("2026-W01", "UTC", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z", 168)                        // begins in the year before
	f("2021-W01", "Pacific/Auckland", "2021-01-04T00:00:00+13:00", "2021-01-11T00:00:00+13:00", 168) //
	f("2026-W36", "America/Santiago", "2026-08-31T00:00:00-04:00", "2026-09-07T00:00:00-03:00", 167) // there is no midnight on 6 September
	f("2011-W52", "Pacific/Apia", "2011-12-26T00:00:00-10:00", "2012-01-02T00:00:00+14:00", 144)     // there was no 30 December
}

func TestParseWeek(t *testing.T) {
	f := func(s string, ok bool) {
		t.Helper()
		if _, err := report.ParseWeek(s); (err == nil) != ok {
			t.Errorf("%q: error %v", s, err)
		}
	}
	f("2026-W47", true)
	f("2026W47", true)
	f("2026-W53", true) // 1 January 2027 is a Friday
	f("2025-W53", false)
	f("2026-W00", false)
	f("2026-W54", false)
	f("2026-47", false)
	f("1969-W01", false)
	f("9999-W01", false)
	f("2026-W47 ", false)
	f("", false)
}

// TestWeeksFollow goes through forty years: each week begins where the one before ends, and its days lie in it.
func TestWeeksFollow(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		zone := must(time.LoadLocation(name))
		end := time.Time{}
		for day := time.Date(2000, 1, 3, 12, 0, 0, 0, zone); day.Year() < 2040; day = day.AddDate(0, 0, 7) {
			w := report.WeekOf(day)
			if again, err := report.ParseWeek(w.String()); err != nil || again != w {
				t.Fatalf("%s reads back as %v, %v", w, again, err)
			}
			window := w.Window(zone)
			if !end.IsZero() && !window.From.Equal(end) {
				t.Fatalf("%s in %s begins %s, the week before ended %s", w, name, window.From, end)
			}
			if report.WeekOf(window.From) != w || report.WeekOf(window.To.Add(-time.Millisecond)) != w || report.WeekOf(window.To).Before() != w || report.LastWeek(window.To) != w {
				t.Fatalf("%s in %s does not hold its own days", w, name)
			}
			end = window.To
		}
	}
}
