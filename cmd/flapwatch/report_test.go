package main

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/internal/clickhousetest"
	"flapwatch/internal/smtptest"
	"flapwatch/report"
)

// TestReport plays the office over three weeks and reads the report of the last whole one in every way there is: its numbers are
// those of the API, and the sixteen-minute phones come first.
func TestReport(t *testing.T) {
	const zone = "Europe/Berlin"
	data := folder(t)
	p := serve(t, data)
	play(t, p, "office", 21*24*time.Hour)
	p.settled()
	var r report.Report
	p.get("/reports/weekly", query("tz", zone, "format", "json"), &r)
	sameAsAPI(t, p, &r)
	if first := r.First[0]; first.Cause != "sip-refresh-first-packet-loss" || !strings.HasPrefix(first.Title, "10 devices drop every 18 min") || len(first.Checks) == 0 {
		t.Errorf("first task %+v", first)
	}
	if r.Before == nil {
		t.Error("nothing is known of the week before")
	}
	var so report.Report // the messages were received today, so the senders are those of this week
	p.get("/reports/weekly", query("tz", zone, "week", report.WeekOf(time.Now().In(must(time.LoadLocation(zone)))).String()), &so)
	if !so.Partial || len(so.Senders) == 0 || so.Senders[0].Messages == 0 {
		t.Errorf("this week: partial %v, senders %+v", so.Partial, so.Senders)
	}
	negotiate(t, p)

	page := filepath.Join(t.TempDir(), "report.html")
	if _, stderr, exit := once(t, "", "report", "weekly", "--url", p.web, "--tz", zone, "--week", r.Week, "--format", "html", "-o", page); exit != 0 {
		t.Fatalf("exit %d: %s", exit, stderr)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "Phones in week "+r.Week) {
		t.Errorf("the file: %v, %.100q", err, text)
	}
	out, _, exit := once(t, "", "report", "weekly", "--url", p.web, "--week", "2026-W54")
	if exit != 2 || out != "" {
		t.Errorf("a week that does not exist: exit %d, %q", exit, out)
	}
	p.stop()
	kept(t, data, &r)
	scheduled(t, data, r.Week)
}

// kept restarts the service and asks for the week again, and then with an event that came in late.
func kept(t *testing.T, data string, r *report.Report) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "weeks", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Errorf("kept %v, %v", files, err)
	}
	p := serve(t, data)
	p.settled()
	ask := func() *report.Report {
		again := new(report.Report)
		p.get("/reports/weekly", query("tz", r.Zone, "week", r.Week, "format", "json"), again)
		again.Made = r.Made
		return again
	}
	if again := ask(); !reflect.DeepEqual(again, r) {
		t.Errorf("after a restart %+v, before %+v", again, r)
	}
	late := r.From.In(time.UTC).Add(50 * time.Hour).Format("Jan 02 2006 15:04:05.000 UTC")
	status, _, answer := p.call(http.MethodPost, "/api/v1/import?wait=true", "<187>1: ucm-late: "+late+" :  %UC_CALLMANAGER-3-EndPointUnregistered: "+
		"%[DeviceName=SEP0000000000FF][IPAddress=10.1.1.1][Protocol=SIP][DeviceType=592][Reason=13][LastSignalReceived=SIPStationDPrimaryLineTimeout]"+
		"[AppID=Cisco CallManager][ClusterID=Campus][NodeID=ucm-late]: An endpoint has unregistered\n", "Content-Type", "text/plain")
	if status != http.StatusOK {
		t.Fatalf("import: status %d, %s", status, answer)
	}
	if again := ask(); again.Totals.Unregistrations != r.Totals.Unregistrations+1 || again.Totals.Devices != r.Totals.Devices+1 {
		t.Errorf("with an event that came in late %+v, before %+v", again.Totals, r.Totals)
	}
	p.stop()
}

// sameAsAPI compares the report with what the API says of the same window.
func sameAsAPI(t *testing.T, p *program, r *report.Report) {
	t.Helper()
	window := query("from", r.From.In(time.UTC).Format(time.RFC3339), "to", r.To.In(time.UTC).Format(time.RFC3339), "limit", "10000")
	var flapping api.List[api.Flapping]
	p.get("/flapping", window, &flapping)
	dropping := 0
	var sum, planned int
	for _, f := range flapping.Items {
		if planned += f.ExpectedUnregistration; f.Unregistrations == 0 {
			continue
		}
		d := r.Devices[dropping]
		if d.Device != f.Device || d.Unregistrations != f.Unregistrations || d.Planned != f.ExpectedUnregistration || d.State != f.State || !near(d.Availability, f.Availability) {
			t.Errorf("line %d is %+v, the API has %+v", dropping, d, f)
		}
		dropping++
		sum += f.Unregistrations
	}
	if r.Totals.Unregistrations != sum || r.Totals.Planned != planned || r.Totals.Dropping != dropping {
		t.Errorf("totals %+v, the API has %d, %d planned, %d devices", r.Totals, sum, planned, dropping)
	}
	var devices api.List[api.Device]
	window.Set("limit", "1000")
	p.get("/devices", window, &devices)
	changed := 0
	for _, d := range devices.Items {
		if d.Unregistrations+d.Expected+d.Registrations+d.Attempts > 0 {
			changed++
		}
	}
	if r.Totals.Devices != changed || changed < len(flapping.Items) {
		t.Errorf("%d devices, the API has %d, of which %d were lost", r.Totals.Devices, changed, len(flapping.Items))
	}
	var patterns api.List[api.Pattern]
	p.get("/patterns", window, &patterns)
	periods := map[string]float64{}
	for _, f := range patterns.Items {
		periods[f.Device] = f.PeriodSeconds
	}
	if r.Totals.Periodic != len(periods) || len(periods) != 10 {
		t.Errorf("%d periodic devices, the API has %d", r.Totals.Periodic, len(periods))
	}
	for _, d := range r.Causes[0].Devices {
		if d.Period == nil || *d.Period != periods[d.Device] {
			t.Errorf("%s has the period %v, the API has %v", d.Device, d.Period, periods[d.Device])
		}
	}
	var outages api.List[api.Outage]
	p.get("/outages", window, &outages)
	if r.Totals.Outages != len(outages.Items) {
		t.Errorf("%d outages, the API has %d", r.Totals.Outages, len(outages.Items))
	}
	slices.Reverse(outages.Items) // newest first
	for i, o := range r.Outages {
		a := outages.Items[i]
		if o.Start.In(time.UTC) != a.Start.Time || o.Devices != a.Devices || o.Kind != a.Kind || o.Place != a.Place {
			t.Errorf("outage %+v, the API has %+v", o, a)
		}
	}
	sameEvents(t, p, r, window)
}

// sameEvents compares the share of one reason with the events of that reason.
func sameEvents(t *testing.T, p *program, r *report.Report, window url.Values) {
	t.Helper()
	if len(r.ByReason) == 0 {
		t.Fatal("there is no reason")
	}
	smallest := r.ByReason[len(r.ByReason)-1]
	window.Set("reason", smallest.Key)
	var events api.List[api.Event]
	p.get("/events", window, &events)
	devices := map[string]bool{}
	for _, e := range events.Items {
		devices[e.Device] = true
	}
	if len(events.Items) != smallest.Unregistrations || len(devices) != smallest.Devices {
		t.Errorf("reason %s: %+v, the API has %d events of %d devices", smallest.Key, smallest, len(events.Items), len(devices))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func near(a, b *float64) bool {
	return (a == nil) == (b == nil) && (a == nil || math.Abs(*a-*b) < 1e-12)
}

// negotiate asks for each form, by Accept and by name.
func negotiate(t *testing.T, p *program) {
	t.Helper()
	f := func(accept, format, want string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.web+"/api/v1/reports/weekly?format="+format, nil)
		if err != nil {
			t.Fatal(err)
		}
		if format == "" {
			request.URL.RawQuery = ""
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), want) || len(body) == 0 {
			t.Errorf("Accept %q, format %q: %s, %s, %d bytes, %v", accept, format, response.Status, response.Header.Get("Content-Type"), len(body), err)
		}
		if want == "text/html" && response.Header.Get("Content-Security-Policy") != report.Policy()+"; frame-ancestors 'none'" {
			t.Errorf("policy %q", response.Header.Get("Content-Security-Policy"))
		}
	}
	f("*/*", "", "application/json")
	f("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", "text/html")
	f("text/csv", "", "text/csv")
	f("text/markdown, text/csv;q=0.5", "", "text/markdown")
	f("text/csv;q=0.1, application/json;q=0.2", "", "application/json")
	f("application/json", "md", "text/markdown")
	f("image/png", "", "application/json")
	for _, bad := range []string{"week=2026-W54", "week=2999-W01", "week=2100-W01", "tz=Nowhere", "tz=../etc", "format=xml", "weak=1"} {
		if got := p.status("/api/v1/reports/weekly?" + bad); got != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", bad, got)
		}
	}
}

// scheduled restarts the service on the same data with a report that fell due while it was down: it comes by mail and into the
// folder, once.
func scheduled(t *testing.T, data, week string) {
	t.Helper()
	config, ca := smtptest.Certificate(t)
	post := smtptest.Serve(t, &smtptest.Server{TLS: config, Password: "secret"})
	keep := filepath.Join(data, "report.json")
	if err := os.WriteFile(keep, []byte(`{"folder":"2000-W01","mail":"2000-W01"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	reports := filepath.Join(t.TempDir(), "reports")
	settings := []string{"--report-folder", reports, "--report-tz", "Europe/Berlin", "--report-hour", "0", "--report-mail-to", "voice@example.org",
		"--report-mail-from", "flapwatch@example.org", "--report-mail-smtp", "smtp://flap:secret@" + post.Addr().String() + "?ca=" + ca}
	p := serve(t, data, settings...)
	p.wait("the report is kept as done", func() bool {
		var done reported
		text, _ := os.ReadFile(keep)
		return json.Unmarshal(text, &done) == nil && done == reported{week, week}
	})
	if m := <-post.Mails; !m.Encrypted || m.User != "flap" || !strings.Contains(string(m.Data), "Phones in week "+week) {
		t.Errorf("mail %.300q", m.Data)
	}
	for _, f := range report.Formats() {
		if info, err := os.Stat(filepath.Join(reports, "phones-"+week+"."+f.Name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if strings.Contains(p.log.String(), "secret") {
		t.Error("the password is in the log")
	}
	p.stop()
	p = serve(t, data, settings...)
	p.settled()
	if len(post.Mails) != 0 {
		t.Error("the report was mailed twice")
	}
}

// TestReportOffline makes the report from a file: that of the last week in it, which ended long ago.
func TestReportOffline(t *testing.T) {
	clickhousetest.Library(t)
	lines, _, exit := once(t, "", "simulate", "--scenario", "sixteen-minute", "--from", "2026-03-22T23:00:00Z", "--until", "2026-03-29T20:00:00Z", "--to", "-")
	file := filepath.Join(t.TempDir(), "syslog.log")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil || exit != 0 {
		t.Fatal(exit, err)
	}
	out, stderr, exit := once(t, "", "report", "weekly", "--tz", "Europe/Berlin", "--offline", file)
	if exit != 0 || !strings.Contains(out, "# Phones in week 2026-W13\n\n23–29 March 2026 · Europe/Berlin · 167 hours") || !strings.Contains(out, "20 devices drop every 18 min") {
		t.Errorf("exit %d, said %q, wrote %.400q", exit, stderr, out)
	}
	for says, args := range map[string][]string{"no such file": {file, "missing"}, "no CUCM alarm": {"main.go"}} {
		out, stderr, exit := once(t, "", append([]string{"report", "weekly", "--offline"}, args...)...)
		if exit != 1 || !strings.Contains(stderr, says) || strings.Contains(out, "2026-W13") != (len(args) > 1) {
			t.Errorf("%q: exit %d, said %q, wrote %.100q", args, exit, stderr, out)
		}
	}
	for _, args := range [][]string{{file}, {"--offline", file, "--tz", "Nowhere"}, {"--offline", file, "--week", "2026-W99"}, {"--mail"}} {
		if _, stderr, exit := once(t, "", append([]string{"report", "weekly"}, args...)...); exit != 2 {
			t.Errorf("%q: exit %d, %s", args, exit, stderr)
		}
	}
}

// TestReportDue: the report of a week is due on a day after its end, in the zone, whatever the clocks do.
func TestReportDue(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := func(day string, hour int, now, want string) {
		t.Helper()
		r := reporter{reportSchedule: reportSchedule{Day: day, Hour: hour}, zone: berlin}
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.latest(at).String(); got != want {
			t.Errorf("%s at %d, now %s: the last one due is %s, want %s", day, hour, now, got, want)
		}
	}
	f("monday", 6, "2026-11-23T04:59:59Z", "2026-W46")
	f("monday", 6, "2026-11-23T05:00:00Z", "2026-W47")
	f("tuesday", 0, "2026-11-23T12:00:00Z", "2026-W46")
	f("tuesday", 0, "2026-11-23T23:00:00Z", "2026-W47")
	f("sunday", 23, "2026-11-29T21:59:00Z", "2026-W46")
	f("sunday", 23, "2026-11-29T22:00:00Z", "2026-W47")
	f("monday", 6, "2026-03-30T04:00:00Z", "2026-W13") // summer time began the day before
	f("monday", 6, "2026-03-30T03:59:59Z", "2026-W12")
	f("monday", 6, "2027-01-04T05:00:00Z", "2026-W53")
}

// TestReportSettings: nonsense is refused at the start, naming the setting.
func TestReportSettings(t *testing.T) {
	good := reportMail{To: []string{"a@example.org"}, From: "b@example.org", SMTP: "smtp://mail.example.org"}
	f := func(s reportSchedule, says string) {
		t.Helper()
		r, err := newReporter(s, t.TempDir(), false)
		if says == "" && (err != nil || r == nil) || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	f(reportSchedule{reportMail: good, Zone: "UTC", Day: "monday"}, "")
	f(reportSchedule{Folder: t.TempDir(), Zone: "UTC", Day: "monday"}, "")
	f(reportSchedule{reportMail: good, Zone: "Nowhere"}, "--report-tz")
	f(reportSchedule{reportMail: good, Zone: "UTC", Hour: 24}, "--report-hour")
	f(reportSchedule{reportMail: reportMail{To: good.To}, Zone: "UTC"}, "--report-mail-from")
	f(reportSchedule{reportMail: reportMail{good.To, good.From, "mail"}, Zone: "UTC"}, "--report-mail-smtp")
	f(reportSchedule{reportMail: reportMail{[]string{"voice"}, good.From, good.SMTP}, Zone: "UTC"}, `"voice" is no mail address`)
	f(reportSchedule{Zone: "Nowhere"}, "--report-tz")
	if r, err := newReporter(reportSchedule{Zone: "UTC"}, t.TempDir(), false); r != nil || err != nil {
		t.Errorf("without settings: %v, %v", r, err)
	}
}
