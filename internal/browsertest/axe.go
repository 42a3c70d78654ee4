package browsertest

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// axeVersion of axe-core, which checks pages against the accessibility guidelines (WCAG 2.2 A and AA, and good practice).
const axeVersion = "4.10.3"

// axe gives its script from the cache; npm fetches it once. Where that cannot be, the test is skipped, and fails where CI is set.
func axe(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "flapwatch", "axe-core-"+axeVersion)
	script := filepath.Join(folder, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(script); err != nil {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@"+axeVersion).CombinedOutput()
		if err != nil && os.Getenv("CI") != "" {
			t.Fatalf("axe-core cannot be fetched: %v\n%s", err, out)
		} else if err != nil {
			t.Skipf("axe-core cannot be fetched: %v\n%s", err, out)
		}
	}
	return script
}

// runAxe is added to the page; what was found goes to the page around it, with the width and the colours that the page was shown in.
const runAxe = `<script src="/axe.js"></script><script>
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => {
  const found = parent.document.createElement("pre");
  found.textContent = JSON.stringify({
    width: innerWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches, wide: document.documentElement.scrollWidth, passes: r.passes.length,
    violations: r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200))),
  });
  parent.document.body.append(found);
});
</script></body>`

// Seen is what axe says about a page.
type Seen struct {
	Width, Wide, Passes int
	Dark                bool
	Violations          []string
}

// Inspect shows a page in a frame of a width, in one of the colour schemes, and lets axe look at it. What the page loads comes from serve,
// which may be nil.
func Inspect(t *testing.T, page string, serve Serve, width int, dark bool) (s Seen) {
	t.Helper()
	script := axe(t)
	scheme := map[bool]int{true: 0, false: 1}[dark]                                                          // blink's PreferredColorScheme
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "") // it lets no script run
	page = strings.Replace(page, "</body>", runAxe, 1)
	out, log, _ := Browse(t, "/", func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = fmt.Fprintf(w, `<!doctype html><title>frame</title><iframe src="/page" width="%d" height="900" style="border:0"></iframe>`, width)
		case "/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, page)
		case "/axe.js":
			http.ServeFile(w, r, script)
		default:
			return serve != nil && serve(w, r)
		}
		return true
	}, "--dump-dom", "--window-size=1400,1000", "--virtual-time-budget=60000", fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme))
	_, found, _ := strings.Cut(out, "<pre>")
	found, _, _ = strings.Cut(found, "</pre>")
	if err := json.Unmarshal([]byte(html.UnescapeString(found)), &s); err != nil {
		t.Fatalf("axe said nothing: %v\n%.300s\n%s", err, out, log)
	}
	if s.Width != width || s.Dark != dark || s.Passes < 20 {
		t.Errorf("shown %d wide, dark %v, %d rules passed; want %d, %v", s.Width, s.Dark, s.Passes, width, dark)
	}
	return s
}
