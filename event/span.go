package event

import (
	"fmt"
	"time"
)

// Span writes seconds for people, in at most two units: 22.3 s, 18 min 9 s, 8 h, 3 d 4 h.
func Span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	switch {
	case d >= 48*time.Hour:
		return units(d.Round(time.Hour), 24*time.Hour, "d", time.Hour, "h")
	case d >= time.Hour:
		return units(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	case d >= time.Minute:
		return units(d, time.Minute, "min", time.Second, "s")
	}
	return fmt.Sprintf("%.1f s", seconds)
}

func units(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	if rest := d % big / small; rest > 0 {
		return fmt.Sprintf("%d %s %d %s", d/big, bigName, rest, smallName)
	}
	return fmt.Sprintf("%d %s", d/big, bigName)
}
