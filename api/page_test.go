package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/reasons"
)

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// seenAt gives the view of an address, asked for on Monday morning.
func seenAt(t *testing.T, address, cookie string, own ...string) (*view, []string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: zoneCookie, Value: cookie})
	}
	s := &server{}
	return s.viewOf(r.WithContext(context.WithValue(r.Context(), clockKey{}, monday)), own...)
}

func TestView(t *testing.T) {
	f := func(address, cookie, from, to, zone, link string) {
		t.Helper()
		v, wrong := seenAt(t, address, cookie, "cluster")
		const layout = "2006-01-02T15:04Z07:00"
		got := []string{v.Window.From.Format(layout), v.Window.To.Format(layout), v.Zone.String(), v.Link("/outages")}
		if want := []string{from, to, zone, link}; len(wrong) > 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %q %q, want %q", address, got, wrong, want)
		}
	}
	f("/devices/x", "", "2026-11-22T08:00Z", "2026-11-23T08:00Z", "UTC", "/outages?from=-24h")
	f("/devices/x?from=-7d", "Europe/Berlin", "2026-11-16T08:00Z", "2026-11-23T08:00Z", "Europe/Berlin", "/outages?from=-7d")
	f("/devices/x?from=-7d&tz=Asia/Kolkata", "Europe/Berlin", "2026-11-16T08:00Z", "2026-11-23T08:00Z", "Asia/Kolkata", "/outages?from=-7d&tz=Asia%2FKolkata")
	f("/devices/x?from=2026-11-20T08:00&to=2026-11-20T09:30&tz=Europe/Berlin", "", "2026-11-20T07:00Z", "2026-11-20T08:30Z", "Europe/Berlin",
		"/outages?from=2026-11-20T07%3A00%3A00Z&to=2026-11-20T08%3A30%3A00Z&tz=Europe%2FBerlin")
	f("/devices/x?to=2026-11-20T09:00:00Z", "no zone", "2026-11-19T09:00Z", "2026-11-20T09:00Z", "UTC", "/outages?from=2026-11-19T09%3A00%3A00Z&to=2026-11-20T09%3A00%3A00Z")
	f("/devices/x?from=&to=&tz=", "", "2026-11-22T08:00Z", "2026-11-23T08:00Z", "UTC", "/outages?from=-24h")
}

func TestViewRefuses(t *testing.T) {
	f := func(address, want string) {
		t.Helper()
		if _, wrong := seenAt(t, address, "", "cluster"); len(wrong) != 1 || !strings.Contains(wrong[0], want) {
			t.Errorf("%s: %q, want %q", address, wrong, want)
		}
	}
	f("/outages?from=yesterday", "write it as")
	f("/outages?to=2026-13-01T00:00", "write it as")
	f("/outages?tz=Middle/Earth", "Europe/Berlin")
	f("/outages?tz=Local", "Europe/Berlin")
	f("/outages?from=now&to=-1d", "before it begins")
	f("/outages?from=-3000d", "five years")
	f("/outages?form=-7d", "no parameter “form”")
	f("/outages?from=-7d&from=-8d", "more than once")
}

// TestFixed: the address that is sent to somebody shows the same whenever and wherever it is opened.
func TestFixed(t *testing.T) {
	v, _ := seenAt(t, "/devices/SEP1?from=-7d&cluster=a%26b", "Europe/Berlin", "cluster")
	later, wrong := (&server{}).viewOf(httptest.NewRequest(http.MethodGet, v.Fixed(), nil), "cluster")
	if later.Window != v.Window || later.Zone.String() != "Europe/Berlin" || later.own.Get("cluster") != "a&b" || later.path != "/devices/SEP1" || len(wrong) > 0 {
		t.Errorf("%s shows %v %v %q", v.Fixed(), later.Window, later.Zone, wrong)
	}
}

func TestPartsOf(t *testing.T) {
	f := func(query string, want ...string) {
		t.Helper()
		if got := partsOf(query); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	f("SEP001BD41234FF", "SEP001BD41234FF")
	f("00:1B:D4:12:34:FF", "00:1B:D4:12:34:FF", "001BD41234FF")
	f("001b.d412.34ff", "001b.d412.34ff", "001bd41234ff")
	f("00-1b-d4", "00-1b-d4", "001bd4")
	f("SEP 001b.d412.34ff", "SEP 001b.d412.34ff", "SEP001bd41234ff")
	f("gw-berlin.example", "gw-berlin.example")
	f("a-1", "a-1") // too short for an address
}

// TestRaster cuts ranges into rows of the clock on the wall, the day of 25 hours too.
func TestRaster(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := func(from string, length time.Duration, words, first, last string, rows, left int) {
		t.Helper()
		at, err := time.ParseInLocation("2006-01-02T15:04", from, berlin)
		if err != nil {
			t.Fatal(err)
		}
		r := rasterOf(event.Window{From: at, To: at.Add(length)}, berlin)
		if n := len(r.rows); n != rows || r.Left != left || r.Words != "Each row is "+words || r.rows[0].name != first || r.rows[n-1].name != last {
			t.Errorf("%s %s: %d rows from %s to %s, %d left, %s", from, length, n, r.rows[0].name, r.rows[n-1].name, r.Left, r.Words)
		}
	}
	f("2026-11-23T08:10", time.Hour, "an hour", "Mon 08:00", "Mon 09:00", 2, 0)
	f("2026-11-23T09:10", 24*time.Hour, "four hours", "Mon 08:00", "Tue 08:00", 7, 0)
	f("2026-10-24T00:00", 3*24*time.Hour, "a day", "Sat 24 Oct", "Mon 26 Oct", 3, 0) // the clocks change on Sunday
	f("2026-10-25T00:00", 25*time.Hour+24*time.Hour, "a day", "Sun 25 Oct", "Mon 26 Oct", 2, 0)
	f("2026-09-02T00:00", 90*24*time.Hour, "a week", "31 Aug 2026", "30 Nov 2026", 14, 0)
	f("2022-01-01T00:00", 4*365*24*time.Hour, "a week", "11 Nov 2024", "29 Dec 2025", mostRows, 150)
}

// TestStrip tells what is registered, away and not known apart.
func TestStrip(t *testing.T) {
	w := event.Window{From: time.UnixMilli(0), To: time.UnixMilli(1000_000)}
	up, down := event.Up, event.Down
	h := event.History{Changes: []event.Change{
		{At: 100_000, Role: up, Node: "a"},
		{At: 300_000, Role: down, Node: "a", Reason: 13, HasReason: true},
		{At: 310_000, Role: up, Node: "b"},
		{At: 430_000, Role: down, Node: "b", Reason: homeward, HasReason: true, Expected: true},
		{At: 431_000, Role: up, Node: "a"},
		{At: 600_000, Role: down, Node: "a", Reason: 10, HasReason: true, Expected: true},
	}}
	s := stripOf(pattern.Sessions(h, w), w, w.From, func(node string) int { return slices.Index([]string{"a", "b"}, node) })
	for what, c := range map[string]struct{ got, want []stretch }{
		"primary":   {s.seen[primary], []stretch{{100_000, 300_000}, {431_000, 600_000}}},
		"secondary": {s.seen[secondary], []stretch{{310_000, 430_000}}},
		"away":      {s.away, []stretch{{300_000, 310_000}, {430_000, 431_000}, {600_000, 1000_000}}},
		"unknown":   {s.unknown, []stretch{{0, 100_000}}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s %v, want %v", what, c.got, c.want)
		}
	}
	if !slices.Equal(s.drops, []int64{300_000}) || !slices.Equal(s.plans, []int64{600_000}) {
		t.Errorf("losses %v, planned %v", s.drops, s.plans)
	}
	r := rasterOf(w, time.UTC)
	if picture := string(s.draw(&r, "a <b>")); !strings.Contains(picture, "a &lt;b&gt;</title>") || strings.Count(picture, `class="secondary"`) != 1 {
		t.Errorf("%s", picture)
	}
}

// noWords knows no code.
type noWords struct{ Words }

func (noWords) Explain(*event.Event) reasons.Answer { return reasons.Answer{} }

func (noWords) ReasonName(string, uint32) string { return "" }

// TestNobodyListened: a device whose first word is a loss counts as registered from the moment on at which its cluster was first heard
// of, and not from the beginning of the range.
func TestNobodyListened(t *testing.T) {
	w := event.Window{From: time.UnixMilli(0), To: time.UnixMilli(1000_000)}
	h := event.History{Cluster: "c", Device: "SEP1", Changes: []event.Change{
		{At: 900_000, Role: event.Down, Node: "a", Reason: 13, HasReason: true}, {At: 950_000, Role: event.Up, Node: "a"},
	}}
	verdict := &diagnose.Verdict{History: h, Device: diagnose.Judged{Case: diagnose.NewCase(h, w, nil)}, Sessions: pattern.Sessions(h, w)}
	for began, want := range map[int64]string{
		0:       "95 %: registered 950, away 50, not known 0, pictured [{0 900000} {950000 1000000}] and not []",
		800_000: "75 %: registered 150, away 50, not known 800, pictured [{800000 900000} {950000 1000000}] and not [{0 800000}]",
	} {
		*verdict.Device.Flap = verdict.Device.Flap.Since(time.UnixMilli(began))
		s := &server{Deps: Deps{Words: noWords{}, Catalogue: new(reasons.Catalogue)}}
		p := s.viewOfDevice(&view{Window: w, Zone: time.UTC}, &event.DeviceSummary{Device: "SEP1"}, verdict)
		seconds := map[string]float64{}
		for _, x := range p.Stays {
			seconds[x.Class] = x.Seconds
		}
		got := fmt.Sprintf("%.3g %%: registered %g, away %g, not known %g, pictured %v and not %v",
			100**p.Flap.Availability, seconds["primary"], seconds["away"], seconds["unknown"], p.Strip.seen[primary], p.Strip.unknown)
		if got != want || p.Flap.Began != began {
			t.Errorf("heard of since %d: %s, want %s", began, got, want)
		}
	}
}

// findingsFunc is Findings in a test.
type findingsFunc func(ctx context.Context, f event.Filter) (*diagnose.Survey, error)

func (f findingsFunc) Fleet(ctx context.Context, q event.Filter) (*diagnose.Survey, error) {
	return f(ctx, q)
}

// lossless is a Reader of a store without losses.
type lossless struct{ Reader }

func (lossless) Losses(context.Context, event.Filter, time.Duration) ([]event.Losses, error) {
	return nil, nil
}

// TestPageBegins: a page shows what is known at once, and that it is working, while the rest is worked out.
func TestPageBegins(t *testing.T) {
	release := make(chan error)
	server := httptest.NewServer(New(Deps{
		Findings: findingsFunc(func(_ context.Context, f event.Filter) (*diagnose.Survey, error) {
			return &diagnose.Survey{Window: f.Window}, <-release
		}),
		Reader: lossless{}, Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler), Now: time.Now, Loopback: true,
	}))
	defer server.Close()
	for _, c := range []struct {
		path string
		err  error
		want string
	}{
		{"/outages", nil, "No outage of many devices at once"},
		{"/devices", nil, "No device drops in a period"},
		{"/outages", event.ErrUnavailable, "The store is not available at the moment"},
		{"/devices", event.ErrTooMuch, "ask for a shorter window"},
	} {
		answer, err := http.Get(server.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		body := bufio.NewReader(answer.Body)
		for line := ""; !strings.Contains(line, `class="wait"`); {
			if line, err = body.ReadString('\n'); err != nil {
				t.Fatalf("%s does not say that it is working: %v", c.path, err)
			}
		}
		release <- c.err
		rest, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(rest), c.want) || !strings.HasSuffix(strings.TrimSpace(string(rest)), "</html>") {
			t.Errorf("%s ends with %v %s", c.path, err, rest)
		}
		_ = answer.Body.Close()
	}
}
