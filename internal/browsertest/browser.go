// Package browsertest shows pages in a real browser, for tests: what chromium says about a page and asks for, and what axe-core finds
// that some people cannot read. Where chromium or axe-core is missing a test is skipped with the reason, and fails where CI is set.
package browsertest

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
)

// Serve answers a request, or says that it does not know what is asked for.
type Serve func(http.ResponseWriter, *http.Request) bool

// Browse runs chromium once over what serve gives at path, and gives what it says; every request that serve does not know is noted, and so is every connection
// that is not for us, which a proxy refuses.
func Browse(t *testing.T, path string, serve Serve, flags ...string) (out, log string, asked []string) {
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
	c := exec.CommandContext(ctx, chromium, append(args, server.URL+path)...)
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
