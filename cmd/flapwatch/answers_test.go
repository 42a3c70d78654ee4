package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
)

// TestFormats asks for tables, packed answers and answers that have not changed.
func TestFormats(t *testing.T) {
	p := serve(t, folder(t))
	send(t, "tcp", p.tcp, strings.NewReplacer("[Description=Phone]", "[Description==2+5]").Replace(wireForm)+"\n")
	p.stored(1)
	path := "/api/v1/events?" + seedWindow.Encode()

	status, h, body := p.call(http.MethodGet, path, "", "Accept", "text/csv")
	lines, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
	if status != http.StatusOK || h.Get("Content-Type") != "text/csv; charset=utf-8" || err != nil || len(lines) != 2 {
		t.Fatalf("csv: %d %v %v %s", status, h, err, body)
	}
	cell := func(head string) string { return lines[1][slices.Index(lines[0], head)] }
	for head, want := range map[string]string{
		"time": "2015-07-02T06:22:31.123Z", "device": "SEPE0D1730A8137", "reason.code": "13", "reason.name": "KeepAliveTimeout",
		"description": "'=2+5", "cause.id": "sip-primary-line-timeout", "seq": "41679", "truncated": "false",
	} {
		if got := cell(head); got != want {
			t.Errorf("cell %s is %q, want %q", head, got, want)
		}
	}
	if status, h, body := p.call(http.MethodGet, path+"&limit=x", "", "Accept", "text/csv"); status != http.StatusUnprocessableEntity || !isProblem(status, h, body) {
		t.Errorf("a mistake, asked for as csv: %d %v %s", status, h, body)
	}
	tables := 0
	for path, item := range p.document().Paths {
		if item["get"].Also == "text/csv" {
			tables++
			if status, h, body := p.call(http.MethodGet, path, "", "Accept", "text/csv"); status != http.StatusOK || !strings.HasPrefix(h.Get("Content-Type"), "text/csv") || len(body) < 10 {
				t.Errorf("%s as csv: %d %v %s", path, status, h, body)
			}
		}
	}

	if tables < 9 {
		t.Errorf("%d answers come as tables", tables)
	}

	_, h, body = p.call(http.MethodGet, "/openapi.json", "", "Accept-Encoding", "gzip")
	if h.Get("Content-Encoding") != "gzip" {
		t.Errorf("openapi.json is not packed: %v", h)
	} else if _, err := gzip.NewReader(strings.NewReader(string(body))); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/openapi.json", "/openapi-3.0.json", "/api/v1/reasons", "/api/v1/signals", "/api/v1/device-types"} {
		_, h, _ := p.call(http.MethodGet, path, "")
		tag := h.Get("ETag")
		if status, _, body := p.call(http.MethodGet, path, "", "If-None-Match", tag); tag == "" || status != http.StatusNotModified || len(body) > 0 {
			t.Errorf("%s with its own tag %q: %d", path, tag, status)
		}
		if status, _, _ := p.call(http.MethodGet, path, "", "If-None-Match", `"other"`); status != http.StatusOK {
			t.Errorf("%s with another tag: %d", path, status)
		}
	}
	if status, _, _ := p.call(http.MethodHead, "/healthz", ""); status != http.StatusOK {
		t.Errorf("HEAD /healthz: %d", status)
	}
}

// TestCursors reads page by page while newer and older events arrive: what was there at the beginning comes exactly once.
func TestCursors(t *testing.T) {
	p := serve(t, folder(t))
	send(t, "tcp", p.tcp, numberedLines(1000, 1250))
	p.stored(250)
	seen, cursor := map[uint32]int{}, ""
	for page := 0; ; page++ {
		q := query("from", "2015-07-01T00:00:00Z", "to", "2019-01-01T00:00:00Z", "limit", "40")
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var list api.List[api.Event]
		p.get("/events", q, &list)
		for _, e := range list.Items {
			seen[*e.Seq]++
		}
		if cursor = list.NextCursor; cursor == "" {
			break
		}
		send(t, "tcp", p.tcp, strings.ReplaceAll(numberedLines(5000+10*page, 5010+10*page), "Jul 02 2015", "Jul 03 2015"))
		p.stored(uint64(260 + 10*page))
	}
	for n := uint32(1000); n < 1250; n++ {
		if seen[n] != 1 {
			t.Errorf("event %d came %d times", n, seen[n])
		}
	}
	for n := range seen {
		if n >= 5000 {
			t.Errorf("event %d is newer than the first page", n)
		}
	}
}

// TestRankedCursors reads the flapping devices page by page.
func TestRankedCursors(t *testing.T) {
	p := serve(t, folder(t))
	var text strings.Builder
	for n := range 60 {
		line := strings.ReplaceAll(wireForm, "SEPE0D1730A8137", fmt.Sprintf("SEP%012X", n%20))
		text.WriteString(strings.Replace(line, "<187>41679", fmt.Sprintf("<187>%d", n), 1) + "\n")
	}
	send(t, "tcp", p.tcp, text.String())
	p.stored(60)
	var devices []string
	for cursor := ""; ; {
		q := query("from", "2015-07-01T00:00:00Z", "to", "2015-07-03T00:00:00Z", "limit", "7")
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var list api.List[api.Flapping]
		p.get("/flapping", q, &list)
		_, h, _ := p.call(http.MethodGet, "/api/v1/flapping?format=csv&"+q.Encode(), "")
		if next := `cursor=` + list.NextCursor; strings.Contains(h.Get("Link"), next+"&") != (list.NextCursor != "") || (h.Get("Link") == "") != (list.NextCursor == "") {
			t.Errorf("the table leads to %q, the next cursor is %q", h.Get("Link"), list.NextCursor)
		}
		for _, f := range list.Items {
			devices = append(devices, f.Device)
		}
		if cursor = list.NextCursor; cursor == "" {
			break
		}
	}
	slices.Sort(devices)
	if len(devices) != 20 || len(slices.Compact(devices)) != 20 {
		t.Errorf("%d devices: %v", len(devices), devices)
	}
}

// TestNames has names that need escapes, one that two clusters have, and one in another case.
func TestNames(t *testing.T) {
	p := serve(t, folder(t))
	odd := "gw/S0@50% off"
	send(t, "tcp", p.tcp, strings.ReplaceAll(wireForm, "SEPE0D1730A8137", odd)+"\n"+wireForm+"\n"+
		strings.NewReplacer("ClusterID=StandAloneCluster", "ClusterID=Other", "<187>41679", "<187>41680", "SEPE0D1730A8137", "SEPTWO").Replace(wireForm)+"\n"+
		strings.NewReplacer("<187>41679", "<187>41681", "SEPE0D1730A8137", "SEPTWO").Replace(wireForm)+"\n")
	p.stored(4)
	w := "?" + seedWindow.Encode()
	for _, c := range []struct {
		path string
		want int
	}{
		{url.PathEscape(odd) + w, 200}, {url.PathEscape(odd) + "/timeline" + w, 200}, {"SEPTWO" + w, 409}, {"SEPTWO/timeline" + w, 409},
		{"SEPTWO" + w + "&cluster=Other", 200}, {"SEPNONE" + w, 404}, {"sepe0d1730a8137" + w, 404}, {"SEPE0D1730A8137", 404},
	} {
		status, h, body := p.call(http.MethodGet, "/api/v1/devices/"+c.path, "")
		if status != c.want || (status >= 400 && !isProblem(status, h, body)) {
			t.Errorf("%s: %d %s, want %d", c.path, status, body, c.want)
		}
		if status == http.StatusConflict && (!strings.Contains(string(body), "Other") || !strings.Contains(string(body), "StandAloneCluster")) {
			t.Errorf("%s does not list the clusters: %s", c.path, body)
		}
	}
	for _, name := range []string{"sepe0d1730a8137", "e0:d1:73:0a:81:37", "E0D1.730A.8137", "e0d1730a8137"} {
		out, log, exit := once(t, "", "device", name, "--url", p.web, "--from", "2015-07-01T00:00:00Z", "--to", "2015-07-03T00:00:00Z")
		if exit != 0 || !strings.Contains(out, "SEPE0D1730A8137") {
			t.Errorf("device %s: %d %s %s", name, exit, out, log)
		}
	}
	_, log, exit := once(t, "", "events", "--url", p.web, "--from", "yesterday", "--reason", "x")
	if exit != 2 || !strings.Contains(log, "--from: write it as") || !strings.Contains(log, "--reason: expected string to be a reason code such as 13") {
		t.Errorf("mistakes: %d %s", exit, log)
	}
}

// TestSources has a node that tells no registrations, one that tells no endpoint alarms, one three hours ahead, and a gap.
func TestSources(t *testing.T) {
	p := serve(t, folder(t))
	now := time.Now().UTC()
	line := func(node string, seq int, at time.Time, form string) string {
		l := strings.NewReplacer("uc-ucm-01", node, "<187>41679", fmt.Sprintf("<187>%d", seq), "Jul 02 2015 06:22:31.123 UTC", at.Format("Jan 02 2006 15:04:05.000 UTC")).Replace(wireForm)
		if form == "up" {
			l = strings.NewReplacer("-3-EndPointUnregistered", "-6-EndPointRegistered", "[Reason=13]", "", "has unregistered", "registered").Replace(l)
		}
		if form == "node" {
			l = strings.Replace(l, "-3-EndPointUnregistered", "-3-CallManagerFailure", 1)
		}
		return l + "\n"
	}
	send(t, "tcp", p.tcp, line("quiet", 1, now, "down")+line("quiet", 2, now, "down")+line("quiet", 6, now, "down")+
		line("mute", 1, now, "node")+line("early", 1, now.Add(3*time.Hour), "down")+line("early", 2, now.Add(3*time.Hour), "up")+
		line("well", 1, now, "down")+line("well", 2, now, "up"))
	for i := range 60 { // a record of an hour from last week, of a node that only its header names, through the same relay
		at := now.AddDate(0, 0, -7).Add(time.Duration(i) * time.Minute)
		send(t, "tcp", p.tcp, strings.Replace(line("replayed", i+1, at, []string{"down", "up"}[i%2]), "[NodeID=replayed]", "", 1))
	}
	p.stored(68)
	var list api.List[api.Sender]
	p.get("/sources", nil, &list)
	problems := map[string]string{}
	for _, s := range list.Items {
		problems[s.Node] = strings.Join(s.Problems, "\n")
		if replayed := strings.HasPrefix(s.Node, "replayed"); replayed != s.Replayed || replayed == (s.Skew != nil) {
			t.Errorf("%s: replayed %v, skew %v", s.Node, s.Replayed, s.Skew)
		}
		if s.Node == "quiet" && (s.Lost != 3 || s.Messages != 3 || s.Down != 3 || s.Source != "127.0.0.1") {
			t.Errorf("%+v", s)
		}
	}
	for node, want := range map[string][]string{
		"quiet":               {"no registration (-6-) ever seen from quiet", "3 messages of quiet were sent and never arrived", "if over TCP, look for connections that broke"},
		"mute":                {"no alarm about an endpoint seen from mute", "Exclude End Point Alarms"},
		"early":               {"the clock of early is 3 h ahead", "time zone"},
		"well":                nil,
		"replayed.pcce.local": nil, // only its header names it
	} {
		got, ok := problems[node]
		if !ok || (want == nil) != (got == "") {
			t.Errorf("%s: %q", node, got)
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q, want %q", node, got, w)
			}
		}
	}
	raw, _ := json.Marshal(list)
	if !strings.Contains(string(raw), `"clock_skew_seconds"`) {
		t.Errorf("%s", raw)
	}
}
