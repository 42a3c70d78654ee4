package parse

import (
	"strings"
	"time"
)

// zones are the named zones that mean one thing: UTC, those of RFC 5322 section 4.3 except CST, which is China's and Cuba's
// too, and regional names of the IANA time zone database that only one region uses. CiscoLog has no list. A name that is not
// here (IST, BST, AST, ..) leaves the event with its receive time.
var zones = map[string]int{ // minutes east of Greenwich
	"UTC": 0, "GMT": 0, "utc": 0, "gmt": 0, "UT": 0, "Z": 0, "WET": 0,
	"EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
	"AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150,
	"CET": 60, "CEST": 120, "MET": 60, "MEST": 120, "WEST": 60, "EET": 120, "EEST": 180, "MSK": 180, "SAST": 120,
	"HKT": 480, "JST": 540, "KST": 540, "AWST": 480, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}

// zoneOffset gives the seconds east of Greenwich of "UTC", "EDT", "-0300", "+05:30", "GMT+05:30".
func zoneOffset(zone string) (int, bool) {
	if zone == "UTC" {
		return 0, true
	}
	if len(zone) > 3 && isGreenwich(zone) {
		zone = zone[3:]
	}
	if !isSign(zone[0]) {
		minutes, ok := zones[zone]
		return minutes * 60, ok
	}
	hour, minute := two(zone, 1), two(zone, len(zone)-2)
	if hour > 14 || minute > 59 {
		return 0, false
	}
	seconds := hour*3600 + minute*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// isGreenwich tells whether s begins with the name of the zone that others are counted from.
func isGreenwich(s string) bool {
	return strings.HasPrefix(s, "UTC") || strings.HasPrefix(s, "GMT") || strings.HasPrefix(s, "utc") || strings.HasPrefix(s, "gmt")
}

func isSign(c byte) bool { return c == '+' || c == '-' }

// zoneToken is the length of the zone that s begins with: ±hhmm, ±hh:mm, also behind UTC or GMT, a name of zones, or up to seven
// capitals with nothing but a colon or a '%' behind them.
func zoneToken(s string) int {
	if isGreenwich(s) {
		switch {
		case len(s) == 3 || !isAlnum(s[3]) && !isSign(s[3]):
			return 3
		case isSign(s[3]):
			if n := zoneToken(s[3:]); n > 0 {
				return 3 + n
			}
			return 0
		}
	}
	if len(s) >= 5 && isSign(s[0]) {
		switch {
		case digits(s[1:5]) == 4:
			return 5
		case len(s) >= 6 && digits(s[1:3]) == 2 && s[3] == ':' && digits(s[4:6]) == 2:
			return 6
		}
		return 0
	}
	n := 0
	for n < len(s) && n < 8 && isUpper(s[n]) {
		n++
	}
	if n == 0 || n > 7 {
		return 0
	}
	if j := skipSpace(s, n); j == len(s) || s[j] == ':' || s[j] == '%' {
		return n
	}
	if _, known := zones[s[:n]]; known && isSpace(s[n]) {
		return n
	}
	return 0
}

// localOffset gives the offset of wall time t in at's zone, for times without a zone of their own, and for names that at's
// zone uses itself ("IST" from a sender in Asia/Kolkata).
func localOffset(t time.Time, name string, zone *time.Location) (int, bool) {
	if zone == nil {
		return 0, name == ""
	}
	t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	used, offset := t.Zone()
	return offset, name == "" || name == used
}
