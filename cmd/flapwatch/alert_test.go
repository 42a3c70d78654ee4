package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flapwatch/notify"
)

// webhook is a receiver on loopback that checks signatures.
func webhook(t *testing.T) (string, chan notify.Notice) {
	t.Helper()
	got := make(chan notify.Notice, 16)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var n notify.Notice
		if err != nil || json.Unmarshal(body, &n) != nil || r.Header.Get(notify.SignatureHeader) != notify.Sign("s3cret", r.Header.Get(notify.TimestampHeader), body) {
			t.Errorf("a message that was not signed as it should be: %.300q", body)
		}
		got <- n
	}))
	t.Cleanup(s.Close)
	return s.URL + "/path-of-secret", got
}

// TestAlerts plays the office: the ten sixteen-minute phones are one message that names cause and check, and a restart does not
// tell it again.
func TestAlerts(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	play(t, p, "office", 7*24*time.Hour)
	p.settled()
	p.stop()

	to, got := webhook(t)
	settings := []string{"--alert-webhook", to, "--alert-webhook-key", "s3cret", "--alert-allow", "127.0.0.0/8", "--alert-gather", "0s", "--alert-on", "period"}
	p = serve(t, data, settings...)
	select {
	case n := <-got:
		a := n.Alert
		if n.State != notify.New || a.Kind != notify.Period || a.Cause.ID != "sip-refresh-first-packet-loss" || a.Count != 10 || len(n.New) != 10 || len(a.Cause.Checks) == 0 {
			t.Errorf("notice %+v", n)
		}
		if !strings.HasPrefix(a.Title, "10 devices drop every 18 min") {
			t.Errorf("title %q", a.Title)
		}
	case <-time.After(time.Minute):
		t.Fatalf("nobody was told\n%s", p.log.String())
	}
	p.wait("the counters say so", func() bool {
		_, _, text := p.call(http.MethodGet, "/metrics", "")
		return strings.Contains(string(text), `flapwatch_alerts_sent_total{channel="webhook"} 1`) && strings.Contains(string(text), `flapwatch_alerts_open{kind="period"} 1`)
	})
	p.stop()
	p = serve(t, data, settings...)
	p.wait("the alert is open", func() bool {
		_, _, text := p.call(http.MethodGet, "/metrics", "")
		return strings.Contains(string(text), `flapwatch_alerts_open{kind="period"} 1`)
	})
	if len(got) != 0 {
		t.Errorf("told again after a restart: %+v", <-got)
	}
	if log := p.log.String(); strings.Contains(log, "s3cret") || strings.Contains(log, "path-of-secret") {
		t.Error("a secret is in the log")
	}
}

// TestAlertTest sends a notice to each channel, and says which did not take it.
func TestAlertTest(t *testing.T) {
	to, got := webhook(t)
	out, stderr, exit := once(t, "", "alert", "test", "--alert-webhook", to, "--alert-webhook-key", "s3cret", "--alert-allow", "127.0.0.0/8")
	if exit != 0 || len(got) != 1 || (<-got).Alert.Kind != notify.Test || !strings.Contains(out, "webhook  good") {
		t.Errorf("exit %d: %s%s", exit, out, stderr)
	}
	out, stderr, exit = once(t, "", "alert", "test", "--alert-webhook", to, "--alert-alertmanager", "http://127.0.0.1:1", "--json")
	if exit != 1 || len(got) != 0 || strings.Count(out, "not public") != 2 || !strings.Contains(stderr, "2 of 2") || strings.Contains(out+stderr, "path-of-secret") {
		t.Errorf("exit %d: %s%s", exit, out, stderr)
	}
	f := func(says string, args ...string) {
		t.Helper()
		_, stderr, exit := once(t, "", args...)
		if exit != 2 || !strings.Contains(stderr, says) || strings.Contains(stderr, "s3cret") {
			t.Errorf("%v: exit %d, %s", args, exit, stderr)
		}
	}
	f("no channel is set", "alert", "test")
	f("--alert-slack", "alert", "test", "--alert-slack", "hooks.slack.com/s3cret")
	f("--report-mail-smtp", "alert", "test", "--alert-mail-to", "night@example.org")
	f("no --alert-webhook", "alert", "test", "--alert-webhook-key", "s3cret")
	f("--alert-lag: it is 1m", "serve", "--data", folder(t), "--http", "127.0.0.1:0", "--syslog", "udp://127.0.0.1:0", "--alert-lag", "1s", "--alert-slack", "http://127.0.0.1/")
}

// TestCheckAlerts: check names the channels and keeps their secrets.
func TestCheckAlerts(t *testing.T) {
	out, _, _ := once(t, "", "check", "--data", folder(t), "--alert-webhook", "https://alerts.example.org/s3cret?key=s3cret", "--alert-webhook-key", "s3cret",
		"--alert-slack", "https://hooks.example.org/services/s3cret", "--alert-mail-to", "night@example.org", "--report-mail-from", "flapwatch@example.org",
		"--report-mail-smtp", "smtp://user:s3cret@mail.example.org")
	if strings.Contains(out, "s3cret") {
		t.Errorf("a secret is printed:\n%s", out)
	}
	for _, want := range []string{"https://alerts.example.org/…", "night@example.org", "webhook, slack, mail; flapwatch alert test"} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	if out, _, _ := once(t, "", "check", "--data", folder(t)); !strings.Contains(out, "no channel is set") {
		t.Errorf("check says\n%s", out)
	}
}
