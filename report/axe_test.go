package report_test

import (
	"strings"
	"testing"

	"flapwatch/internal/browsertest"
)

// TestAccessible: axe finds nothing, on a telephone and on a desk, in both colour schemes, and the page is not wider than the window.
func TestAccessible(t *testing.T) {
	page := written(t, officeWeek(t), "html")
	for _, width := range []int{390, 1280} {
		for _, dark := range []bool{false, true} {
			s := browsertest.Inspect(t, page, nil, width, dark)
			for _, v := range s.Violations {
				t.Errorf("%d wide, dark %v: %s", width, dark, v)
			}
			if s.Wide > width {
				t.Errorf("%d wide, dark %v: the page is %d wide", width, dark, s.Wide)
			}
		}
	}
}

// TestAccessibleComplains sees that the test above would notice grey on grey.
func TestAccessibleComplains(t *testing.T) {
	page := strings.Replace(written(t, officeWeek(t), "html"), "<main>", `<main><p style="color:#888;background:#999">faint</p>`, 1)
	if s := browsertest.Inspect(t, page, nil, 1280, false); len(s.Violations) != 1 || !strings.HasPrefix(s.Violations[0], "color-contrast") {
		t.Errorf("found %q", s.Violations)
	}
}
