package api

import (
	"testing"
	"time"
)

// TestTime writes times as its layout says, to the millisecond, in UTC.
func TestTime(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for _, at := range []time.Time{
		time.Date(2026, 11, 20, 12, 0, 0, 123_999_999, time.UTC), time.Date(2026, 1, 1, 0, 30, 0, 7_000_000, berlin),
		time.Date(1970, 1, 1, 0, 0, 0, 40_000_000, time.UTC), time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		got, err := Time{at}.MarshalJSON()
		if want := `"` + at.UTC().Format(timeLayout) + `"`; err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if got, err := (Time{}).MarshalJSON(); err != nil || string(got) != "null" {
		t.Errorf("no time is %s, %v", got, err)
	}
}
