package notify

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"flapwatch/internal/smtptest"
)

var house = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// heard is a request that a receiver got.
type heard struct {
	path   string
	header http.Header
	body   []byte
}

// receive is a server on loopback that answers with status.
func receive(t *testing.T, status int) (string, chan heard) {
	t.Helper()
	got := make(chan heard, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- heard{r.URL.Path, r.Header, body}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func notice() Notice {
	return Notice{ID: "0123", State: New, At: begin, New: []string{"SEPA"}, Alert: Alert{
		ID: "4567", Kind: Period, Cluster: "main", Title: "1 device drops\nevery 18 min: <script>", Count: 1, Since: begin.Add(-time.Hour),
		Cause:   Cause{ID: "first-packet", Title: "the <b>cause</b> & more", Score: 0.9, Checks: []string{"look"}, Fix: "mend"},
		Devices: []Device{{Name: "SEPA", Description: "<!channel> <http://evil|click> \u202egnp.exe\r\nBcc: x@example.org"}},
	}}
}

func TestWebhook(t *testing.T) {
	url, got := receive(t, http.StatusNoContent)
	w := &Webhook{Poster: NewPoster(house), URL: url + "/hook", Secret: "s3cret", Now: func() time.Time { return begin }}
	if err := w.Send(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	h := <-got
	at := h.header.Get("X-Flapwatch-Timestamp")
	if at != "1794816000" || h.header.Get("X-Flapwatch-Notice") != "0123" || h.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", h.header)
	}
	// What a receiver computes: openssl dgst -sha256 -hmac s3cret over "timestamp.body".
	if want := Sign("s3cret", at, h.body); h.header.Get("X-Flapwatch-Signature") != want {
		t.Errorf("signature %q, want %q", h.header.Get("X-Flapwatch-Signature"), want)
	}
	var v map[string]any
	if err := json.Unmarshal(h.body, &v); err != nil {
		t.Fatal(err)
	}
	if v["state"] != "new" || v["alert"].(map[string]any)["kind"] != "period" || !strings.Contains(v["text"].(string), "Check: look") {
		t.Errorf("body %s", h.body)
	}
	w.Secret = ""
	if err := w.Send(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	if h := <-got; h.header.Get("X-Flapwatch-Signature") != "" {
		t.Error("signed without a secret")
	}
}

// TestSign against a value made with `printf '1794816000.{}' | openssl dgst -sha256 -hmac s3cret`.
func TestSign(t *testing.T) {
	if got := Sign("s3cret", "1794816000", []byte("{}")); got != "sha256=49f4b847f5a50426f94a1db6b9aec3f93ebb642675813726f3d6ab29c8b53bd4" {
		t.Error(got)
	}
}

func TestSlack(t *testing.T) {
	url, got := receive(t, http.StatusOK)
	if err := (&Slack{Poster: NewPoster(house), URL: url + "/services/T/B/secret"}).Send(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	var v struct{ Text string }
	if err := json.Unmarshal((<-got).body, &v); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(v.Text, "<>\u202e\r") || !strings.Contains(v.Text, "&lt;!channel&gt;") || !strings.Contains(v.Text, "cause&lt;/b&gt; &amp; more") {
		t.Errorf("text %q", v.Text)
	}
}

func TestAlertmanager(t *testing.T) {
	url, got := receive(t, http.StatusOK)
	m := &Alertmanager{Poster: NewPoster(house), URL: url + "/am/"}
	read := func() []postableAlert {
		t.Helper()
		h := <-got
		var list []postableAlert
		if err := json.Unmarshal(h.body, &list); err != nil || h.path != "/am/api/v2/alerts" {
			t.Fatalf("%s: %v", h.path, err)
		}
		return list
	}
	n := notice()
	if err := m.Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	open := read()[0]
	if !open.StartsAt.Equal(n.Alert.Since) || !open.EndsAt.Equal(begin.Add(10*time.Minute)) || open.Labels["alertname"] != "flapwatch_period" ||
		open.Labels["cluster"] != "main" || open.Labels["severity"] != "warning" || open.Annotations["check"] != "look" || open.Annotations["why"] != "" {
		t.Errorf("%+v", open)
	}
	n.State, n.Alert.Ended, n.Alert.Count, n.Alert.Title = Settled, begin.Add(time.Minute), 7, "7 devices"
	if err := m.Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if over := read()[0]; !over.EndsAt.Equal(begin.Add(time.Minute)) || !same(over.Labels, open.Labels) {
		t.Errorf("the end %+v does not belong to %+v", over, open)
	}
	if err := m.Refresh(t.Context(), []Alert{n.Alert, n.Alert}, begin.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if list := read(); len(list) != 2 || !list[0].EndsAt.Equal(begin.Add(70*time.Minute)) || !same(list[0].Labels, open.Labels) {
		t.Errorf("refreshed %+v", list)
	}
}

func same(a, b map[string]string) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// TestAlertmanagerIsRefreshed: it is told what is open as long as it is open, at most once a minute.
func TestAlertmanagerIsRefreshed(t *testing.T) {
	url, got := receive(t, http.StatusOK)
	s := &scene{backlog: Backlog{Oldest: begin.Add(-time.Hour)}}
	a := alerter(t, options(t, s, &Alertmanager{Poster: NewPoster(house), URL: url}))
	count := func(want int) {
		t.Helper()
		if n := len(got); n != want {
			t.Errorf("told %d times, want %d", n, want)
		}
		for len(got) > 0 {
			<-got
		}
	}
	round(t, a, 0)
	count(2) // new, and all that is open
	a.Deliver(t.Context(), begin.Add(30*time.Second))
	count(0)
	round(t, a, time.Minute)
	count(1)
}

func TestMail(t *testing.T) {
	post := smtptest.Serve(t, &smtptest.Server{})
	server, err := ParseServer("smtp://" + post.Addr().String() + "?tls=none")
	if err != nil {
		t.Fatal(err)
	}
	m := &Mail{Server: server, Envelope: Envelope{From: "flapwatch@example.org", To: []string{"night@example.org"}}}
	if err := m.Send(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	text := string((<-post.Mails).Data)
	if !strings.Contains(text, "Subject: [flapwatch] 1 device drops every 18 min: <script>") || !strings.Contains(text, "Message-ID: <0123@flapwatch>") ||
		!strings.Contains(text, "Auto-Submitted: auto-generated") || strings.Contains(text, "\nBcc:") || !strings.Contains(text, "Check: look") {
		t.Errorf("mail %s", text)
	}
	if err := (&Mail{Server: server, Envelope: Envelope{From: "nobody", To: []string{"night@example.org"}}}).Send(t.Context(), notice()); reasonOf(err) != "address" {
		t.Errorf("%v", err)
	}
}

// TestBadReceivers: what goes wrong has a reason, and the address, which may be the secret, stands in no error.
func TestBadReceivers(t *testing.T) {
	asked := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(inner.Close)
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/500/secret", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	mux.HandleFunc("/400/secret", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) })
	mux.HandleFunc("/404/secret", http.NotFound)
	mux.HandleFunc("/redirect/secret", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inner.URL, http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/slow/secret", func(_ http.ResponseWriter, r *http.Request) { <-release })
	mux.HandleFunc("/huge/secret", func(w http.ResponseWriter, r *http.Request) { // an answer that does not end
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/head/secret", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(release) })

	p := NewPoster(house)
	f := func(url, reason string, final bool) {
		t.Helper()
		err := (&Slack{Poster: p, URL: url}).Send(t.Context(), notice())
		var why *failure
		switch {
		case reason == "":
			if err != nil {
				t.Errorf("%s: %v", url, err)
			}
		case !errors.As(err, &why) || why.reason != reason || why.final != final || strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: %v, %+v; want %s", url, err, why, reason)
		}
	}
	f(s.URL+"/500/secret", "status_5xx", false)
	f(s.URL+"/404/secret", "status_4xx", false)
	f(s.URL+"/400/secret", "refused", true)
	f(s.URL+"/redirect/secret", "redirect", false)
	f(s.URL+"/huge/secret", "", false)
	f(s.URL+"/head/secret", "unreachable", false)
	f("http://127.0.0.1:1/secret", "unreachable", false)
	f("http://name.invalid/secret", "unreachable", false)
	p.client.Timeout = 50 * time.Millisecond
	f(s.URL+"/slow/secret", "too_slow", false)
	p = NewPoster(nil)
	f(s.URL+"/huge/secret", "forbidden_address", false)
	f(strings.Replace(s.URL, "127.0.0.1", "localhost", 1)+"/secret", "forbidden_address", false)
	if asked {
		t.Error("a redirect was followed")
	}
}

func TestPermitted(t *testing.T) {
	f := func(address string, want bool, allow ...netip.Prefix) {
		t.Helper()
		if got := permitted(netip.MustParseAddr(address), allow) == nil; got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	for _, a := range []string{"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%eth0", "fd00::1", "ff02::1"} {
		f(a, false)
	}
	for _, a := range []string{"8.8.8.8", "172.32.0.1", "2606:4700::1", "::ffff:8.8.8.8"} {
		f(a, true)
	}
	f("10.1.2.3", true, netip.MustParsePrefix("10.1.0.0/16"))
	f("::ffff:10.1.2.3", true, netip.MustParsePrefix("10.1.0.0/16"))
	f("10.2.2.3", false, netip.MustParsePrefix("10.1.0.0/16"))
}

func TestCheckURL(t *testing.T) {
	for _, s := range []string{"", "x", "ftp://h/", "http://", "https:///secret", "file:///etc/passwd", "http://[secret/"} {
		if err := CheckURL(s); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", s, err)
		}
	}
	if err := CheckURL("https://hooks.example.org/x?y"); err != nil {
		t.Error(err)
	}
}
