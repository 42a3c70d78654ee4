package event_test

import (
	"testing"

	"flapwatch/event"
)

func TestSpan(t *testing.T) {
	f := func(seconds float64, want string) {
		t.Helper()
		if got := event.Span(seconds); got != want {
			t.Errorf("%g seconds: %q, want %q", seconds, got, want)
		}
	}
	f(0, "0.0 s")
	f(22.34, "22.3 s")
	f(59.96, "1 min")
	f(963, "16 min 3 s")
	f(120, "2 min")
	f(3599.9, "1 h")
	f(3600+1799, "1 h 30 min")
	f(8*3600, "8 h")
	f(24*3600, "24 h")
	f(48*3600-1, "48 h")
	f(48*3600, "2 d")
	f(76*3600+1500, "3 d 4 h")
}
