package report_test

import (
	"net/http"
	"strings"
	"testing"

	"flapwatch/internal/browsertest"
	"flapwatch/report"
)

// browser runs chromium once over a page under its policy and gives what it says, and what it asked for beside the page.
func browser(t *testing.T, page string, flags ...string) (out, log string, asked []string) {
	t.Helper()
	return browsertest.Browse(t, "/", func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", report.Policy()+"; frame-ancestors 'none'")
		_, _ = w.Write([]byte(page))
		return true
	}, flags...)
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
