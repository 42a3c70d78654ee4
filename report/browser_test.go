package report_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"flapwatch/report"
)

// browser runs chromium once over a page under its policy and gives what it says, and what it asked for beside the page.
func browser(t *testing.T, page string, flags ...string) (out, log string, asked []string) {
	t.Helper()
	return browse(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", report.Policy()+"; frame-ancestors 'none'")
		_, _ = w.Write([]byte(page))
		return true
	}, flags...)
}

// browse runs chromium once over what serve gives at /; every request that serve does not know is noted, and so is every connection
// that is not for us, which a proxy refuses.
func browse(t *testing.T, serve func(http.ResponseWriter, *http.Request) bool, flags ...string) (out, log string, asked []string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is missing: apt-get install chromium")
		}
		t.Skip("chromium is not installed")
	}
	var mu sync.Mutex
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, what)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ownErrand(r.Host) {
			note("proxy " + r.Method + " " + r.RequestURI)
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/favicon.ico": // browsers ask on their own
			w.WriteHeader(http.StatusNoContent)
		case !serve(w, r):
			note(r.URL.Path)
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-extensions", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir(),
		"--proxy-server=" + proxy.Listener.Addr().(*net.TCPAddr).String()}, flags...)
	c := exec.CommandContext(ctx, chromium, append(args, server.URL)...)
	var said, errs strings.Builder
	c.Stdout, c.Stderr = &said, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, errs.String())
	}
	mu.Lock()
	defer mu.Unlock()
	return said.String(), errs.String(), asked
}

// ownErrand: chromium asks its maker for updates, the time and an account, whatever page it shows.
func ownErrand(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return strings.HasSuffix(name, ".google.com") || strings.HasSuffix(name, ".googleapis.com") && !strings.HasPrefix(name, "fonts.")
}

// TestBrowser shows the report in a real browser: it is drawn, complains about nothing and asks nobody anything.
func TestBrowser(t *testing.T) {
	out, log, asked := browser(t, written(t, officeWeek(t), "html"), "--dump-dom")
	if !strings.Contains(out, "Phones in week 2026-W47</h1>") || !strings.Contains(out, `role="img"`) {
		t.Errorf("the page was not drawn: %.300s", out)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}
	for _, a := range asked {
		t.Errorf("the page asked for %s", a)
	}
}

// TestBrowserComplains sees that the test above would notice: a page with a foreign style and a script is told so on the console.
func TestBrowserComplains(t *testing.T) {
	page := strings.Replace(written(t, officeWeek(t), "html"), "<main>", "<main><script>1</script><p style='color:red'>", 1)
	_, log, _ := browser(t, page, "--dump-dom")
	if strings.Count(log, "CONSOLE") < 2 {
		t.Errorf("the browser did not complain: %s", log)
	}
}
