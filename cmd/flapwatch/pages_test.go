package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/internal/browsertest"
)

// asBrowser asks for a page as a browser does.
func (p *program) asBrowser(path string) (int, http.Header, string) {
	p.t.Helper()
	status, h, body := p.call(http.MethodGet, path, "", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return status, h, string(body)
}

// office is a service with two days of an office and of outages, and a phone that drops in a period.
func office(t *testing.T) (p *program, periodic string) {
	t.Helper()
	p = serve(t, folder(t))
	var sent uint64
	for _, scenario := range []string{"office", "outage"} {
		truth := play(t, p, scenario, 48*time.Hour)
		sent += truth.Lines
		for _, d := range truth.Devices {
			if d.Periodic && scenario == "office" {
				periodic = d.Device
			}
		}
		p.wait("it is received", func() bool { return p.stats().Received >= sent })
	}
	p.wait("it is stored", func() bool { return p.stats().InSpool == 0 })
	return p, periodic
}

var (
	references = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	forms      = regexp.MustCompile(`(?s)<form.*?</form>`)
)

// TestPages follows every link of the pages: each leads to something, with the range that was asked for.
func TestPages(t *testing.T) {
	p, periodic := office(t)
	const perKind = 2 // links of a kind that are followed
	kinds, waiting := map[string]int{}, []string{"/", "/devices?from=-30h", "/devices?q=SEP00&from=-30h", "/outages?from=-30h"}
	for seen := map[string]bool{}; len(waiting) > 0; waiting = waiting[1:] {
		at := waiting[0]
		u, err := url.Parse(html.UnescapeString(at))
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		u.Fragment = ""
		from := u.Query().Get("from")
		if !strings.HasPrefix(from, "-") {
			from = "" // all that are not relative are of one kind
		}
		kind := regexp.MustCompile(`/devices/[^/]+`).ReplaceAllString(u.Path, "/devices/NAME") + from + u.Query().Get("format")
		if seen[u.String()] || kinds[kind] == perKind {
			continue
		}
		seen[u.String()] = true
		kinds[kind]++
		status, h, body := p.asBrowser(u.String())
		if status != http.StatusOK {
			t.Errorf("%s: %d %.300s", u, status, body)
		}
		if !strings.HasPrefix(h.Get("Content-Type"), "text/html") || strings.HasPrefix(u.Path, "/api/") {
			continue
		}
		if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "could not be made") || !strings.Contains(body, "</html>") {
			t.Errorf("%s is not whole", u)
		}
		for _, m := range references.FindAllStringSubmatch(body, -1) {
			if strings.HasPrefix(m[1], "/") {
				waiting = append(waiting, m[1])
			}
			if strings.Contains(u.RawQuery, "from=-30h") && strings.HasPrefix(m[1], "/devices/") && !strings.Contains(m[1], "from=") {
				t.Errorf("%s leads to %s: the range is lost", u, m[1])
			}
		}
	}
	for _, kind := range []string{"/devices/NAME-30h", "/outages-30h", "/senders-30h", "/api/v1/devices/NAME-30h", "/api/v1/devices/NAME/timeline-30h", "/api/v1/events-30hcsv", "/api/v1/patterns-30hcsv", "/api/v1/unregistrations-30hcsv"} {
		if kinds[kind] == 0 {
			t.Errorf("nothing led to %s: %v", kind, kinds)
		}
	}
	thePhone(t, p, periodic)
	theOutages(t, p)
	theLosses(t, p)
	if strings.Contains(p.log.String(), "show page") {
		t.Error("a page could not be made")
	}
}

// thePhone reads the page of a phone that drops every eighteen minutes.
func thePhone(t *testing.T, p *program, device string) {
	t.Helper()
	_, _, page := p.asBrowser("/devices/" + device + "?from=-2d&tz=Asia/Kolkata")
	text := html.UnescapeString(page)
	for _, want := range []string{
		"Drops every 18 min", "Most likely (", "port-security", "Check next", "What speaks for it", "13 Keep<wbr>Alive<wbr>Timeout",
		"SIPStation<wbr>DPrimary<wbr>Line<wbr>Timeout", "How the keepalives make 16 min", `aria-labelledby="strip-title"`, `aria-labelledby="waits-title"`, "primary: where it mostly is",
		"secondary: where it goes", "Times are those of Asia/Kolkata", "The newest 50 of ", "The newest 50 lines", "&tz=Asia%2FKolkata",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page of %s does not say %q", device, want)
		}
	}
	both := regexp.MustCompile(`<time datetime="([^"]+)">([^<]+)</time></th><td class="t">([^<]+)</td>`).FindStringSubmatch(page)
	if both == nil {
		t.Fatal("no loss is told in local time and in UTC")
	}
	at, err := time.Parse(time.RFC3339, both[1])
	if err != nil || at.Add(5*time.Hour+30*time.Minute).Format("Mon 2 Jan 15:04:05") != both[2] || at.Format("2006-01-02 15:04:05Z") != both[3] {
		t.Errorf("a loss at %q, %v", both[1:], err)
	}
}

// theOutages goes from an outage to a phone of it and back.
func theOutages(t *testing.T, p *program) {
	t.Helper()
	_, _, list := p.asBrowser("/outages?from=-3d")
	one := regexp.MustCompile(`<h2><a href="([^"]+)">(\d+) devices`).FindStringSubmatch(list)
	if one == nil {
		t.Fatalf("no outage: %s", list)
	}
	_, _, page := p.asBrowser(html.UnescapeString(one[1]))
	members := regexp.MustCompile(`<li><a href="(/devices/[^"]+)">`).FindAllStringSubmatch(page, -1)
	if fmt.Sprint(len(members)) != one[2] || strings.Count(page, "<article>") != 1 {
		t.Fatalf("the page of an outage of %s devices names %d", one[2], len(members))
	}
	if _, _, phone := p.asBrowser(html.UnescapeString(members[0][1])); !strings.Contains(phone, `href="`+one[1]+`"`) {
		t.Errorf("%s does not lead back to %s", members[0][1], one[1])
	}
}

// TestFind looks for a phone in all the ways in which people write its name.
func TestFind(t *testing.T) {
	p := serve(t, folder(t))
	twin := strings.NewReplacer("<187>41679", "<187>41680", "SEPE0D1730A8137", "SEPE0D1730A8138").Replace(wireForm)
	send(t, "tcp", p.tcp, wireForm+"\n"+twin+"\n")
	p.stored(2)
	const then = "&from=2015-07-01T00:00:00Z&to=2015-07-03T00:00:00Z"
	page := "/devices/SEPE0D1730A8137?cluster=StandAloneCluster&from=2015-07-01T00%3A00%3A00Z&to=2015-07-03T00%3A00%3A00Z"
	for _, q := range []string{"SEPE0D1730A8137", "sepe0d1730a8137", " E0:D1:73:0A:81:37 ", "e0d1.730a.8137", "E0-D1-73-0A-81-37", "SEP e0d1.730a.8137", "A8137"} {
		status, h, body := p.asBrowser("/devices?q=" + url.QueryEscape(q) + then)
		if status != http.StatusSeeOther || h.Get("Location") != page {
			t.Errorf("%q leads to %d %s %.200s", q, status, h.Get("Location"), body)
		}
	}
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/devices?q=E0D1" + then, 200, "2 devices"},
		{"/devices?q=E0D1", 200, "Nothing was heard of such a device in this range"},
		{"/devices?q=nobody" + then, 200, "No device is called so"},
		{"/devices?q=%25" + then, 200, "No device is called so"},
		{"/devices?q=" + url.QueryEscape("<script>"), 422, "only a name can be found"},
		{"/devices/SEPE0D1730A8137", 404, "was last heard of on Thu 2 Jul 2015 06:22:31"},
		{"/devices/SEPNOBODY", 404, "Nothing was ever heard of it"},
		{"/devices/SEP%3Cb%3E", 404, "Nothing was ever heard of it"},
		{"/devices/" + strings.Repeat("x", 256), 422, "names of more than 255 bytes have no page"},
		{"/outages?at=2015-07-02T06:22:31Z&cluster=%3Cb%3E" + then, 422, "no cluster can have such a name"},
		{"/devices/SEP1?from=never", 422, "write it as 2026-11-23T08:00:00Z"},
		{"/outages?at=1", 422, "when the outage began"},
		{"/outages?at=2015-07-02T06:22:31Z" + then, 200, "No outage of this range began at that moment"},
	} {
		status, h, body := p.asBrowser(c.path)
		if text := html.UnescapeString(body); strings.Contains(text, "could not be made") || status != c.status || !strings.Contains(strings.ToLower(text), strings.ToLower(c.want)) || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s, want %d %q", c.path, status, text, c.status, c.want)
		}
		if status, h, body := p.call(http.MethodGet, c.path, ""); c.status >= 400 && !isProblem(status, h, body) {
			t.Errorf("%s for a program: %d %s", c.path, status, body)
		}
	}
	status, _, body := p.asBrowser(html.UnescapeString(regexp.MustCompile(`href="(/devices/SEPE0D1730A8137[^"]+)">[^<]*last heard`).FindStringSubmatch(func() string {
		_, _, body := p.asBrowser("/devices/SEPE0D1730A8137")
		return body
	}())[1]))
	if status != http.StatusOK || !strings.Contains(body, "Keep<wbr>Alive<wbr>Timeout") {
		t.Errorf("the day before it was last heard of: %d %.300s", status, body)
	}
}

// through shows a service to the browser under another address, but for what lies below /evil, which nothing may ask for.
func through(t *testing.T, p *program) browsertest.Serve {
	t.Helper()
	service, err := url.Parse(p.web)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(service)
	return func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/evil") {
			return false
		}
		proxy.ServeHTTP(w, r)
		return true
	}
}

// theLosses counts the unregistrations of two days and a half three ways: over time, by device, and on the page, in its picture and its table.
func theLosses(t *testing.T, p *program) {
	t.Helper()
	to := time.Now().UTC()
	q := query("from", to.Add(-60*time.Hour).Format(time.RFC3339), "to", to.Format(time.RFC3339), "limit", "1000")
	var devices api.List[api.Device]
	p.get("/devices", q, &devices)
	var unplanned, planned uint64
	for _, d := range devices.Items {
		unplanned, planned = unplanned+d.Unregistrations, planned+d.Expected
	}
	q.Del("limit")
	var parts api.List[api.Losses]
	p.get("/unregistrations", q, &parts)
	some, last := 0, parts.Window.From
	for _, x := range parts.Items {
		if !x.From.Equal(last.Time) || !x.To.After(x.From.Time) {
			t.Errorf("a part from %v to %v follows one that ends at %v", x.From, x.To, last)
		}
		unplanned, planned, last = unplanned-x.Unregistrations, planned-x.Expected, x.To
		if x.Unregistrations+x.Expected > 0 {
			some++
		}
	}
	if unplanned != 0 || planned != 0 || !last.Equal(parts.Window.To.Time) || some < 20 || len(parts.Items) < 60 || len(parts.Items) > 61 {
		t.Errorf("%d parts, %d of them with losses, until %v: by device there are %d unplanned and %d planned more", len(parts.Items), some, last, unplanned, planned)
	}
	_, _, page := p.asBrowser("/devices?" + q.Encode())
	_, picture, _ := strings.Cut(page, `<svg class="losses"`)
	picture, rest, _ := strings.Cut(picture, "</svg>")
	table, _, _ := strings.Cut(rest, "</details>")
	if bars, rows := strings.Count(picture, "<a "), strings.Count(table, `<th scope="row">`); bars != some || rows != some {
		t.Errorf("%d bars and %d rows for %d parts with losses", bars, rows, some)
	}
	if _, _, front := p.asBrowser("/?from=-2h"); !strings.Contains(front, `"/api/v1/unregistrations?from=-24h"`) {
		t.Error("the front page does not draw the last 24 hours, whatever it is asked for")
	}
}

// TestPagesInBrowser shows the pages in a real browser under their policy, with names and descriptions that want to be more than text: what
// they say is shown, and nothing of it is done. Times are those of the browser's zone.
func TestPagesInBrowser(t *testing.T) {
	t.Setenv("TZ", "Asia/Tokyo")
	p := serve(t, folder(t))
	now := time.Now().UTC()
	var text strings.Builder
	for n := range 8 {
		at := now.Add(-time.Duration(8-n) * 5 * time.Minute).Format("Jan 02 2006 15:04:05.000 UTC")
		line := strings.NewReplacer("<187>41679", fmt.Sprintf("<187>%d", n), "Jul 02 2015 06:22:31.123 UTC", at).Replace(wireForm)
		text.WriteString(strings.NewReplacer("Description=Phone", `Description="'><img src=/evil1 onerror=alert(1)><script src=/evil2></script>`+"\u202e",
			"NodeID=uc-ucm-01", "NodeID=<script src=/evil3></script>").Replace(line) + "\n")
		text.WriteString(strings.NewReplacer("SEPE0D1730A8137", `SEP<script src=/evil4></script>"onload="alert(1)`).Replace(line) + "\n")
	}
	send(t, "tcp", p.tcp, text.String())
	p.stored(16)
	for path, want := range map[string]string{
		"/":                                    `<a href="/devices/SEPE0D1730A8137?`,
		"/#losses":                             "16 unplanned and 0 planned unregistrations",
		"/devices":                             "&lt;img src=/evil1 onerror=alert(1)&gt;&lt;script src=/evil2&gt;&lt;/sc…",
		"/devices/SEPE0D1730A8137":             "Times are those of Asia/Tokyo",
		"/devices/SEPE0D1730A8137?from=-20m":   "&lt;img src=/evil1 onerror=alert(1)&gt;&lt;script src=/evil2&gt;&lt;/script&gt;·",
		"/devices?q=evil4":                     `<h1><code>SEP&lt;script src=/evil4&gt;&lt;/script&gt;"onload="alert(1)</code></h1>`,
		"/devices/SEP%3Cscript%20src=x%3E?x=1": "This cannot be shown",
		"/outages":                             "No outage of many devices at once",
		"/senders":                             "&lt;script src=/evil3&gt;",
	} {
		out, log, asked := browsertest.Browse(t, path, through(t, p), "--dump-dom", "--virtual-time-budget=5000")
		if !strings.Contains(out, want) {
			t.Errorf("%s does not show %s: %s", path, want, out)
		}
		for line := range strings.Lines(log) {
			if strings.Contains(line, "CONSOLE") && !strings.Contains(line, "status of 4") { // of the page that is refused
				t.Errorf("%s: %s", path, line)
			}
		}
		for _, a := range asked {
			t.Errorf("%s asked for %s", path, a)
		}
	}
}

// TestPagesAccessible: axe finds nothing on any page, on a telephone and on a desk, in both colour schemes, and no page is wider than the
// window.
func TestPagesAccessible(t *testing.T) {
	p, periodic := office(t)
	_, _, list := p.asBrowser("/outages?from=-3d")
	outage := regexp.MustCompile(`<h2><a href="([^"]+)">`).FindStringSubmatch(list)
	if outage == nil {
		t.Fatal("no outage")
	}
	looks := []struct {
		width int
		dark  bool
	}{{390, false}, {1280, true}, {390, true}, {1280, false}}
	for path, n := range map[string]int{
		"/devices/" + periodic + "?from=-2d&tz=Europe/Berlin": 4, "/": 2, "/devices?from=-2d&tz=UTC": 2, "/devices?q=SEP00&tz=UTC": 1,
		html.UnescapeString(outage[1]) + "&tz=UTC": 2, "/senders?from=-9d&tz=UTC": 1, "/devices/SEPNOBODY?tz=UTC": 1,
	} {
		_, _, page := p.asBrowser(path)
		page = strings.ReplaceAll(page, "<details>", "<details open>")
		for _, look := range looks[:n] {
			s := browsertest.Inspect(t, page, through(t, p), look.width, look.dark)
			for _, v := range s.Violations {
				t.Errorf("%s, %d wide, dark %v: %s", path, look.width, look.dark, v)
			}
			if s.Wide > look.width {
				t.Errorf("%s, %d wide, dark %v: the page is %d wide", path, look.width, look.dark, s.Wide)
			}
		}
		for _, form := range forms.FindAllString(page, -1) { // who cannot see what a field is for hears it
			if strings.Count(form, "<label") != strings.Count(form, "<input")-strings.Count(form, `type="hidden"`) {
				t.Errorf("%s has fields without labels: %s", path, form)
			}
		}
	}
}

// TestBusyDevice: the page of a phone with 10,000 events shows the newest, says how many there are, and stays small.
func TestBusyDevice(t *testing.T) {
	p := serve(t, folder(t))
	const events = 10_000
	var text strings.Builder
	at := time.Now().UTC().Add(-30 * events * time.Second)
	for n := range events {
		line := strings.NewReplacer("<187>41679", fmt.Sprintf("<187>%d", n), "Jul 02 2015 06:22:31.123 UTC", at.Format("Jan 02 2006 15:04:05.000 UTC")).Replace(wireForm)
		if n%2 == 0 {
			line = strings.NewReplacer("-3-EndPointUnregistered", "-6-EndPointRegistered", "[Reason=13]", "", "[LastSignalReceived=SIPStationDPrimaryLineTimeout]", "", "has unregistered", "registered").Replace(line)
		}
		text.WriteString(line + "\n")
		at = at.Add(30 * time.Second)
	}
	send(t, "tcp", p.tcp, text.String())
	p.stored(events)
	status, _, page := p.asBrowser("/devices/SEPE0D1730A8137?from=-7d")
	if status != http.StatusOK || !strings.Contains(page, "The newest 50 of 5,000") || !strings.Contains(page, "The newest 50 lines") {
		t.Fatalf("%d %.2000s", status, page)
	}
	if rows := strings.Count(page, "<tr"); rows > 100 {
		t.Errorf("%d rows", rows)
	}
	if len(page) > 400_000 {
		t.Errorf("%d bytes", len(page))
	}
}
