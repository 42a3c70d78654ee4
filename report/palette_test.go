package report

import (
	"fmt"
	"math"
	"regexp"
	"testing"
)

var (
	sheetBlock = regexp.MustCompile(`:root \{[^}]*--ink[^}]*\}`)
	colour     = regexp.MustCompile(`--([a-z]+): #([0-9a-f]{6})`)
)

// TestContrast works out the contrast of every colour in which something is written or drawn (WCAG 2.2, 1.4.3 and 1.4.11):
// light, dark and print.
func TestContrast(t *testing.T) {
	blocks := sheetBlock.FindAllString(style, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d palettes, want light, dark and print", len(blocks))
	}
	for i, name := range []string{"light", "dark", "print"} {
		colours := map[string]float64{}
		for _, m := range colour.FindAllStringSubmatch(blocks[i], -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		f := func(ink, paper string, least float64) {
			t.Helper()
			a, b := colours[ink], colours[paper]
			if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); got < least {
				t.Errorf("%s: %s on %s has %.2f, want %.1f", name, ink, paper, got, least)
			}
		}
		for _, paper := range []string{"paper", "tint"} {
			f("ink", paper, 7)
			for _, ink := range []string{"soft", "good", "bad"} {
				f(ink, paper, 4.5)
			}
		}
		for _, shape := range []string{"drop", "mark", "soft"} {
			f(shape, "paper", 3)
		}
		f("plan", "paper", 2.5) // its amount is told by the bar's height above the dark part, and by the totals
	}
}

// luminance after WCAG 2.2, relative luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var rgb [3]int
	if _, err := fmt.Sscanf(hex, "%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatal(err)
	}
	linear := func(c int) float64 {
		v := float64(c) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(rgb[0]) + 0.7152*linear(rgb[1]) + 0.0722*linear(rgb[2])
}
