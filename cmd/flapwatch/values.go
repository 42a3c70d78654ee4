package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// version is set by the build.
var version = "development"

// days is a length of time that may be written in days: 400d, 36h.
type days time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *days) UnmarshalText(b []byte) error {
	text := string(b)
	if n, ok := strings.CutSuffix(text, "d"); ok {
		v, err := strconv.ParseUint(n, 10, 16)
		if err != nil || v == 0 {
			return fmt.Errorf("write it as 400d or 36h")
		}
		*d = days(time.Duration(v) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("write it as 400d or 36h")
	}
	*d = days(v)
	return nil
}

// size is a number of bytes: 8GiB, 512MiB, 1000000.
type size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *size) UnmarshalText(b []byte) error {
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(string(b), u.name); ok {
			v, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			if err != nil || v <= 0 || v > (1<<62)/u.bytes {
				return fmt.Errorf("write it as 8GiB or 512MiB")
			}
			*s = size(v * u.bytes)
			return nil
		}
	}
	return nil
}
