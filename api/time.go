package api

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Time is written as RFC 3339 in UTC with milliseconds; a time that is not known as null.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z"

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	b := append(make([]byte, 0, len(timeLayout)+2), '"')
	b = t.UTC().AppendFormat(b, time.RFC3339) // which is many times faster than a layout of our own
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(b[:len(b)-1], '.', '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'Z', '"'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		t.Time = time.Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(b)
}

// Schema implements huma.SchemaProvider.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true, Description: "RFC 3339, UTC, with milliseconds"}
}

// millis makes a Time of Unix milliseconds; 0 is a time that is not known.
func millis(ms int64) Time {
	if ms == 0 {
		return Time{}
	}
	return Time{time.UnixMilli(ms).UTC()}
}

var relative = regexp.MustCompile(`^-(\d{1,9})(s|m|h|d|w)$`)

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// When is a point in time as people ask for it: RFC 3339, "now", or "-16m" before now.
type When struct {
	at     time.Time
	before time.Duration
}

// ParseWhen reads one.
func ParseWhen(s string) (When, error) {
	if s == "now" {
		return When{}, nil
	}
	if m := relative.FindStringSubmatch(s); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		if limit := int64(100 * 366 * units["d"] / units[m[2]]); n <= limit {
			return When{before: time.Duration(n) * units[m[2]]}, nil
		}
	}
	// A "+" of an offset arrives as a blank where it was not percent-encoded.
	t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1))
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return When{}, fmt.Errorf("write it as 2026-11-23T08:00:00Z, as now, or as -7d (units s, m, h, d, w)")
	}
	return When{at: t.UTC()}, nil
}

// On gives the point in time, now being now.
func (w When) On(now time.Time) time.Time {
	if w.at.IsZero() {
		return now.Add(-w.before).UTC()
	}
	return w.at
}
