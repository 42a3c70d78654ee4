package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// document is what the tests read of /openapi.json.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		Role       string `json:"x-role"`
		Also       string `json:"x-also"`
		Security   []map[string][]string
		Parameters []struct {
			Name, In string
			Schema   struct {
				Type string
				Enum []string
			}
		}
	}
}

// call sends a request with headers in pairs and gives status, headers and body.
func (p *program) call(method, path, body string, headers ...string) (int, http.Header, []byte) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.web+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		p.t.Fatalf("%s %.200s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return response.StatusCode, response.Header, nil
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("%s %.200s: %v", method, path, err)
	}
	return response.StatusCode, response.Header, text
}

func (p *program) document(headers ...string) (d document) {
	p.t.Helper()
	status, _, text := p.call(http.MethodGet, "/openapi.json", "", headers...)
	if err := json.Unmarshal(text, &d); err != nil || status != http.StatusOK {
		p.t.Fatalf("openapi.json: %d, %v", status, err)
	}
	return d
}

// isProblem says whether an answer is a problem document of its status.
func isProblem(status int, h http.Header, body []byte) bool {
	var p struct {
		Title  string
		Status int
	}
	return strings.HasPrefix(h.Get("Content-Type"), "application/problem+json") && json.Unmarshal(body, &p) == nil && p.Status == status && p.Title != ""
}

// token makes a token in a file by the command.
func token(t *testing.T, file, role string) string {
	t.Helper()
	out, log, exit := once(t, "", "token", "new", "--role", role, "--name", "test "+role, "--file", file)
	if exit != 0 {
		t.Fatal(log)
	}
	return strings.TrimSpace(out)
}

// patiently is call, again for as long as the answer is that we ask too often: wrong tokens are dear.
func (p *program) patiently(method, path, body string, headers ...string) (status int, h http.Header, text []byte) {
	p.t.Helper()
	p.wait("the limit lets us ask", func() bool {
		status, h, text = p.call(method, path, body, headers...)
		return status != http.StatusTooManyRequests
	})
	return status, h, text
}

// TestRoles asks every route of the document without a token, with a wrong one and with one of each role. What each role may do is
// written here once more, so that neither the routes nor their declaration can drift.
func TestRoles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	bearers := map[string]string{"none": "", "wrong": "Bearer fw_WRONG"}
	for _, role := range []string{"read", "ingest", "admin"} {
		bearers[role] = "Bearer " + token(t, file, role)
	}
	p := serve(t, folder(t), "--http-token-file", file)
	d := p.document("Authorization", bearers["read"])
	if len(d.Paths) < 20 || !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Fatalf("%d paths, OpenAPI %s", len(d.Paths), d.OpenAPI)
	}
	for path, item := range d.Paths {
		for method, op := range item {
			want := wantRole(method, path)
			if op.Role != want || (len(op.Security) > 0) != (want != "open") {
				t.Errorf("%s %s: declared %q with security %v, want %q", method, path, op.Role, op.Security, want)
			}
			for who, bearer := range bearers {
				headers := []string{"Content-Type", "text/plain"}
				if bearer != "" {
					headers = append(headers, "Authorization", bearer)
				}
				status, h, body := p.patiently(strings.ToUpper(method), strings.ReplaceAll(path, "{name}", "SEP0"), "", headers...)
				if got := entered(status); got != mayEnter(who, want) && !(path == "/api/v1/login" && status == http.StatusUnauthorized) {
					t.Errorf("%s %s with %s token: %d %s", method, path, who, status, body)
				}
				if status >= 400 && !isProblem(status, h, body) && path != "/readyz" {
					t.Errorf("%s %s with %s token: %d is no problem document: %s", method, path, who, status, body)
				}
			}
		}
	}
	for _, path := range []string{"/openapi.json", "/openapi-3.0.json", "/style.css", "/page.js", "/zone.js", "/nothing", "/api/v1/nothing"} { // served and not described
		if status, _, _ := p.patiently(http.MethodGet, path, ""); status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", path, status)
		}
	}
	if status, _, _ := p.patiently(http.MethodDelete, "/api/v1/events", "", "Authorization", bearers["read"]); status != http.StatusForbidden {
		t.Errorf("DELETE with a read token: %d", status)
	}
	session(t, p, strings.TrimPrefix(bearers["read"], "Bearer "))
	revoke(t, p, file, bearers["read"])
}

// wantRole is the contract: read is every GET, /decode and /captures; ingest is /import; everybody may ask whether the service lives.
func wantRole(method, path string) string {
	switch {
	case path == "/healthz", path == "/readyz", path == "/api/v1/login":
		return "open"
	case method == "get", path == "/api/v1/decode", path == "/api/v1/captures":
		return "read"
	case path == "/api/v1/import":
		return "ingest"
	}
	return "admin"
}

func mayEnter(who, need string) bool { return need == "open" || who == "admin" || who == need }

func entered(status int) bool {
	return status != http.StatusUnauthorized && status != http.StatusForbidden
}

// session exchanges a token for a cookie, which is good for our own pages and for nobody else's.
func session(t *testing.T, p *program, token string) {
	t.Helper()
	status, _, page := p.patiently(http.MethodGet, "/", "", "Accept", "text/html")
	if status != http.StatusUnauthorized || !bytes.Contains(page, []byte(`action="/api/v1/login"`)) {
		t.Errorf("the page without a token: %d %s", status, page)
	}
	if status, h, _ := p.patiently(http.MethodPost, "/api/v1/login", `{"token":"fw_WRONG"}`, "Content-Type", "application/json"); status != http.StatusUnauthorized || h.Get("Set-Cookie") != "" {
		t.Errorf("login with a wrong token: %d %v", status, h)
	}
	status, _, page = p.patiently(http.MethodGet, "/devices/SEP1?from=-7d&cluster=a", "", "Accept", "text/html")
	if status != http.StatusUnauthorized || !bytes.Contains(page, []byte(`name="next" value="/devices/SEP1?from=-7d&amp;cluster=a"`)) {
		t.Errorf("the page of a device without a token: %d %s", status, page)
	}
	for next, want := range map[string]string{
		"": "/", "/devices/SEP1?from=-7d&cluster=a": "/devices/SEP1?from=-7d&cluster=a", "/outages": "/outages", "/devices/a%2Fb": "/devices/a%2Fb", "/api/v1/stats": "/",
		"//elsewhere.example/devices/x": "/", "https://elsewhere.example/": "/", "/\\elsewhere.example": "/", "javascript:alert(1)": "/", "/devices/x\r\nSet-Cookie: a=b": "/",
	} {
		status, h, body := p.patiently(http.MethodPost, "/api/v1/login", url.Values{"token": {token}, "next": {next}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		if status != http.StatusSeeOther || h.Get("Location") != want || len(h.Values("Set-Cookie")) != 1 {
			t.Errorf("login by form on the way to %q: %d %v %s", next, status, h, body)
		}
	}
	status, h, body := p.patiently(http.MethodPost, "/api/v1/login", fmt.Sprintf(`{"token":%q}`, token), "Content-Type", "application/json")
	set := h.Get("Set-Cookie")
	if status != http.StatusNoContent || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") || strings.Contains(set, token) {
		t.Fatalf("login: %d %s %s", status, set, body)
	}
	cookie, _, _ := strings.Cut(set, ";")
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{[]string{"Cookie", cookie}, http.StatusOK},
		{[]string{"Cookie", cookie, "Origin", p.web}, http.StatusOK},
		{[]string{"Cookie", cookie, "Origin", "http://elsewhere.example"}, http.StatusUnauthorized},
		{[]string{"Cookie", "flapwatch=guess"}, http.StatusUnauthorized},
		{[]string{"Cookie", cookie, "Authorization", "Bearer fw_WRONG"}, http.StatusUnauthorized},
	} {
		if status, _, _ := p.patiently(http.MethodGet, "/api/v1/stats", "", c.headers...); status != c.want {
			t.Errorf("stats with %v: %d, want %d", c.headers, status, c.want)
		}
	}
}

// revoke takes a line out of the file while the service runs.
func revoke(t *testing.T, p *program, file, bearer string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool { return strings.HasPrefix(l, "read ") })
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.wait("the token is revoked", func() bool {
		status, _, _ := p.call(http.MethodGet, "/api/v1/stats", "", "Authorization", bearer)
		return status == http.StatusUnauthorized
	})
}

// TestLoopback asks without a token as a foreign page and a rebound name would.
func TestLoopback(t *testing.T) {
	p := serve(t, folder(t))
	host := strings.TrimPrefix(p.web, "http://")
	_, port, _ := strings.Cut(host, ":")
	for _, c := range []struct {
		method, host, origin string
		want                 int
	}{
		{"GET", host, "", 200},
		{"GET", "localhost:" + port, "", 200},
		{"GET", "[::1]:" + port, "", 200},
		{"GET", host, p.web, 200},
		{"GET", "flapwatch.example:" + port, "", 403},
		{"GET", "127.0.0.1.example:" + port, "", 403},
		{"GET", "10.0.0.1:" + port, "", 403},
		{"GET", host, "http://evil.example", 403},
		{"GET", host, "null", 403},
		{"GET", host, "http://localhost:1", 403},
		{"POST", host, "http://evil.example", 403},
		{"POST", "evil.example", "http://evil.example", 403},
		{"POST", host, "", 200},
	} {
		path := "/api/v1/stats"
		if c.method == "POST" {
			path = "/api/v1/decode"
		}
		headers := []string{"Host", c.host, "Content-Type", "text/plain"}
		if c.origin != "" {
			headers = append(headers, "Origin", c.origin)
		}
		status, h, body := p.call(c.method, path, "x", headers...)
		if status != c.want || (status >= 400 && !isProblem(status, h, body)) {
			t.Errorf("%+v: %d %s", c, status, body)
		}
	}
}

// hostile values are in no name that a sender uses. What each parameter makes of them is 4xx, or an answer where they are harmless
// text; never 5xx, and never anything but problem+json as an error.
// always are hostile in every parameter, whatever it is.
var always = []string{
	"' OR 1=1 --", "'; DROP TABLE events; --", "{cluster:String}", "\\' UNION SELECT 1", `" OR ""="`, "\x00", "\x01\x1b[31m", "\u009b31m", "\xff\xfe",
	"<script>", "=cmd|' /C calc'!A0", strings.Repeat("A", 15_000), strings.Repeat("A", 1<<20),
}

// sometimes are values that some parameters have.
var sometimes = []string{
	"🙂", "%", "..%2f..", strings.Repeat("A", 300),
	"-1", "0", "99999999999999999999", "1e400", "NaN", "Inf", "-Inf", "0x10", "1e-320", "9223372036854775807", "2147483648",
	"0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "-999999999w", "1970-01-01T00:00:00+99:99", "2026-11-23T08:00:00", "now-1d", "-0s",
}

// TestHostile puts them into every parameter of every operation, enumerated from the document.
func TestHostile(t *testing.T) {
	p := serve(t, folder(t))
	send(t, "tcp", p.tcp, wireForm+"\n")
	p.stored(1)
	asked := 0
	for path, item := range p.document().Paths {
		for method, op := range item {
			if len(op.Parameters) == 0 && !strings.HasPrefix(path, "/api/v1/") {
				continue // what is no answer and no page about the fleet
			}
			call := p.call
			if path == tailPath {
				call = p.patiently // a stream that we leave is counted until the service sees that
			}
			check := func(what, path string, refused bool) {
				t.Helper()
				asked++
				began := time.Now()
				status, h, body := call(strings.ToUpper(method), path, "x", "Content-Type", "text/plain")
				if status >= 500 || (refused && status < 400) || (status >= 400 && !isProblem(status, h, body)) || (status >= 300 && status < 400) {
					t.Errorf("%s %s: %d %.300s", what, path[:min(100, len(path))], status, body)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("%s took %s", what, took)
				}
			}
			plainPath := strings.ReplaceAll(path, "{name}", "SEPE0D1730A8137")
			for i, value := range slices.Concat(always, sometimes) {
				for _, parameter := range op.Parameters {
					what := fmt.Sprintf("%s %s %s=%.40q", method, path, parameter.Name, value)
					switch parameter.In {
					case "query":
						check(what, plainPath+"?"+url.Values{parameter.Name: {value}}.Encode(), i < len(always))
					case "path":
						check(what, strings.ReplaceAll(path, "{"+parameter.Name+"}", url.PathEscape(value)), i < len(always))
					}
				}
			}
			for _, stray := range []string{"?nonsense=1", "?%zz", "?a;b", "?from=1&from=2"} {
				status, h, body := call(strings.ToUpper(method), plainPath+stray, "x", "Content-Type", "text/plain")
				if status < 400 || status >= 500 || !isProblem(status, h, body) {
					t.Errorf("%s %s: %d %.200s", method, plainPath+stray, status, body)
				}
			}
		}
	}
	if asked < 1000 {
		t.Errorf("only %d questions asked", asked)
	}
	if s := p.stats(); s.Stored != 1 {
		t.Errorf("stats after all that: %+v", s)
	}
}

// tailPath answers with a stream, of which call reads nothing.
const tailPath = "/api/v1/tail"

// FuzzHostile puts any text into any parameter of any operation. An error is problem+json of the asker's making, and nothing takes long.
func FuzzHostile(f *testing.F) {
	type place struct{ method, path, in, name string }
	var places []place
	p := serve(f, folder(f))
	for path, item := range p.document().Paths {
		for method, op := range item {
			for _, parameter := range op.Parameters {
				if strings.HasPrefix(path, "/api/v1/") {
					places = append(places, place{strings.ToUpper(method), path, parameter.In, parameter.Name})
				}
			}
		}
	}
	slices.SortFunc(places, func(a, b place) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for i := range places {
		for _, value := range []string{"13", "-7d", "2026-11-23T08:00:00Z", "SEPE0D1730A8137", "' OR 1=1 --", "\x00", "1e400", "2026-W47", "Europe/Berlin"} {
			f.Add(uint16(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, i uint16, value string) {
		at, p := places[int(i)%len(places)], *p
		p.t = t
		path, headers, call := strings.ReplaceAll(at.path, "{name}", "SEPE0D1730A8137"), []string{"Content-Type", "text/plain"}, p.call
		switch at.in {
		case "query":
			path += "?" + url.Values{at.name: {value}}.Encode()
		case "path":
			if value == "" || value == "." || value == ".." {
				t.Skip("another path")
			}
			path = strings.ReplaceAll(at.path, "{"+at.name+"}", url.PathEscape(value))
		case "header":
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				t.Skip("no client sends it")
			}
			headers = append(headers, at.name, value)
		}
		if at.path == tailPath {
			call = p.patiently
		}
		began := time.Now()
		status, h, body := call(at.method, path, "x", headers...)
		if status >= 500 || (status >= 300 && status < 400) || (status >= 400 && !isProblem(status, h, body)) || status == http.StatusTooManyRequests {
			t.Errorf("%s %q: %d %.300s", at.method, path, status, body)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s %q took %s", at.method, path, took)
		}
	})
}

// TestAllAtOnce has every kind of mistake in one question.
func TestAllAtOnce(t *testing.T) {
	p := serve(t, folder(t))
	status, _, body := p.call(http.MethodGet, "/api/v1/events?limit=x&from=yesterday&to=tomorrow&node=%01&reason=-&cursor=!&nonsense=1&device=a&device=b", "")
	var problem struct{ Errors []struct{ Location string } }
	if err := json.Unmarshal(body, &problem); err != nil || status != http.StatusUnprocessableEntity {
		t.Fatalf("%d %s", status, body)
	}
	got := map[string]bool{}
	for _, e := range problem.Errors {
		got[strings.TrimPrefix(e.Location, "query.")] = true
	}
	want := []string{"cursor", "device", "from", "limit", "node", "nonsense", "reason", "to"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("complaints about %v, want %v", names, want)
	}
	if _, _, body := p.call(http.MethodGet, "/api/v1/events?from=now&to=-1d&limit=0", ""); strings.Count(string(body), `"location"`) != 2 {
		t.Errorf("a window that ends before it begins, and a bad limit: %s", body)
	}
}
