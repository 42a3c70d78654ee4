package pattern

import (
	"math"
	"testing"
)

func TestTables(t *testing.T) {
	for x := -690.0; x < 690; x += 0.0917 {
		if e := exp(x)/math.Exp(x) - 1; math.Abs(e) > 1e-12 {
			t.Fatalf("exp(%v) is off by %.1e of it", x, e)
		}
		if e := ln(math.Exp(x)) - math.Log(math.Exp(x)); math.Abs(e) > 1e-12 {
			t.Fatalf("ln(exp(%v)) is off by %.1e", x, e)
		}
	}
	for i := range 2 * tableSize {
		for _, x := range []float64{1 + float64(i)/(2*tableSize), math.Nextafter(1+float64(i+1)/(2*tableSize), 0)} {
			if e := ln(x) - math.Log(x); math.Abs(e) > 1e-13 {
				t.Fatalf("ln(%v) is off by %.1e", x, e)
			}
		}
	}
}
