package pattern

import (
	"slices"
	"testing"
)

// The fifteen p-values of the worked example in Benjamini and Hochberg 1995, section 4.3: four pass at 5 %, of which only
// three would after Bonferroni's 0.05/15 = 0.0033.
func TestAdjust(t *testing.T) {
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000}
	for _, c := range []struct {
		q    float64
		want int
	}{{0.05, 4}, {0.01, 3}, {0.0001, 0}, {1, 15}} {
		got := Adjust(p, c.q)
		n := 0
		for i, keep := range got {
			if keep {
				n++
			} else if slices.Contains(got[i:], true) {
				t.Errorf("q %g: a larger p-value passes and %g does not", c.q, p[i])
			}
		}
		if n != c.want {
			t.Errorf("q %g: %d pass, want %d", c.q, n, c.want)
		}
	}
	reversed := slices.Clone(p)
	slices.Reverse(reversed)
	if got := Adjust(reversed, 0.05); !got[14] || got[10] {
		t.Errorf("the order matters: %v", got)
	}
	if got := Adjust(nil, 0.05); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
