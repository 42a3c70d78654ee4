package parse

import (
	"strings"
	"time"

	"flapwatch/event"
)

// stamp is a time as it was sent, taken apart. The forms (wire samples in testdata):
//
//	Jul 02 2015 06:22:31.123 UTC      services in C++
//	Oct 14 2015 05:50:19 AM.484 UTC   services in Java: twelve hours, the fraction behind AM or PM
//	May 30 15:33:20.636 UTC           before 8.x: no year
//	*Feb 14 2003 01:02:03.005 EST     clock never synchronised; '.' synchronisation lost
//	Jun 22 2003 05:11:52.525 -0300
//	--- 00 0000 00:00:00.000 ---      no clock
//	2015-07-02T08:22:31.5+02:00       relays and files
//	03/15/2011 10:22:33.123           traces
type stamp struct {
	start, end int // in the record; start is that of the clock mark
	mark       string
	zone       string // "" when there is none
	year       int    // 0 when there is none
	month, day int
	hour, min  int
	sec, nsec  int
	unknown    bool // the sender has no clock, or sent what no clock shows
}

const noClock = "--- 00 0000 00:00:00.000 ---"

// claimed is the time as sent, with its zone and without its mark.
func (t *stamp) claimed(s string) string { return s[t.start+len(t.mark) : t.end] }

// before finds the last time of s[from:end], what a header has before its '%'. A time that does not reach up to the end must
// have a year or a zone, or else it is the local time that a relay or a syslog file put in front.
func (t *stamp) before(s string, from, end int) bool {
	i := skipSpaceBack(s, end)
	if i > from && s[i-1] == ':' {
		i = skipSpaceBack(s, i-1)
	}
	if t.usual(s[from:i], from) {
		return true
	}
	for k := i; ; {
		k = from + strings.LastIndexByte(s[from:k], ':')
		if k < from {
			return false
		}
		if t.at(s, from, k-5) && (t.end == i || t.end < i && (t.year != 0 || t.zone != "")) {
			return true
		}
		if k-5 >= from && strings.HasSuffix(s[from:i], noClock) {
			*t = stamp{start: i - len(noClock), end: i, unknown: true}
			return true
		}
	}
}

// usual reads the form that CallManager itself sends, "Jul 02 2015 06:22:31.123 UTC", at the end of s; s begins at from. It is
// what at reads too, in a third of the time.
func (t *stamp) usual(s string, from int) bool {
	const form = "Jul 02 2015 06:22:31.123 UTC"
	if len(s) < len(form)+1 {
		return false
	}
	start := len(s) - len(form)
	c := s[start:]
	if c[3] != ' ' || c[6] != ' ' || c[11] != ' ' || c[14] != ':' || c[17] != ':' || c[20] != '.' || c[24:] != " UTC" || s[start-1] != ' ' {
		return false
	}
	*t = stamp{
		start: from + start, end: from + len(s), zone: "UTC", month: month(c), day: two(c, 4), year: two(c, 7)*100 + two(c, 9),
		hour: two(c, 12), min: two(c, 15), sec: two(c, 18),
	}
	millis := two(c, 21)*10 + int(c[23]-'0')
	t.nsec = millis * int(time.Millisecond)
	return t.month > 0 && t.day >= 1 && t.day <= 31 && t.year <= 9999 && t.hour <= 23 && t.min <= 59 && t.sec <= 60 && millis <= 999 && isDigit(c[23])
}

// at reads the time whose HH:MM:SS is at q, leftwards to its date, not beyond from, and rightwards to its zone.
func (t *stamp) at(s string, from, q int) bool {
	if q < from || q+8 > len(s) || s[q+2] != ':' || s[q+5] != ':' {
		return false
	}
	*t = stamp{hour: two(s, q), min: two(s, q+3), sec: two(s, q+6)}
	if t.hour > 99 || t.min > 99 || t.sec > 99 || !t.date(s, from, q) {
		return false
	}
	t.tail(s, q+8)
	if t.start > from && (s[t.start-1] == '*' || s[t.start-1] == '.') {
		t.start--
		t.mark = s[t.start : t.start+1]
	}
	if t.hour > 23 || t.min > 59 || t.sec > 60 || t.day < 1 || t.day > 31 || t.month < 1 {
		t.unknown = true
	}
	return true
}

// two reads two digits, and gives 100 or more where they are none.
func two(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return 100
	}
	return int(a)*10 + int(b)
}

// tail reads what stands behind HH:MM:SS: fraction, AM or PM, fraction, zone.
func (t *stamp) tail(s string, i int) {
	i = t.fraction(s, i)
	if j := skipSpace(s, i); j+2 <= len(s) && s[j+1]|0x20 == 'm' && (j+2 == len(s) || !isAlnum(s[j+2])) {
		switch half := s[j] | 0x20; {
		case half == 'p' && t.hour < 12:
			t.hour += 12
			i = t.fraction(s, j+2)
		case half == 'a' && t.hour == 12:
			t.hour = 0
			i = t.fraction(s, j+2)
		case half == 'a' || half == 'p':
			i = t.fraction(s, j+2)
		}
	}
	t.end = i
	if j := skipSpace(s, i); j < len(s) {
		if n := zoneToken(s[j:]); n > 0 {
			t.zone, t.end = s[j:j+n], j+n
		}
	}
}

// fraction reads ".123" or ",123" at i. Up to three digits are milliseconds without leading zeros, as ".1" after ".999" in one
// counter shows; more digits are a decimal fraction.
func (t *stamp) fraction(s string, i int) int {
	if i+1 >= len(s) || s[i] != '.' && s[i] != ',' {
		return i
	}
	n := digits(s[i+1:])
	if n == 0 {
		return i
	}
	value, scale := 0, int(time.Second)
	for _, c := range []byte(s[i+1 : i+1+min(n, 9)]) {
		value, scale = value*10+int(c-'0'), scale/10
	}
	if n <= 3 {
		scale = int(time.Millisecond)
	}
	t.nsec = value * scale
	return i + 1 + n
}

// date reads the date that ends before q.
func (t *stamp) date(s string, from, q int) bool {
	i := q
	if i > from && s[i-1] == 'T' {
		i--
	} else {
		i = skipSpaceBack(s[from:], q-from) + from
	}
	if i == q || i < from+5 {
		return false
	}
	if i-10 >= from && (s[i-3] == '-' && s[i-6] == '-' || s[i-5] == '/' && s[i-8] == '/') {
		return t.numericDate(s, i-10)
	}
	n := digitsBack(s, from, i)
	if n == 4 {
		t.year = two(s, i-4)*100 + two(s, i-2)
		i = skipSpaceBack(s, i-4)
		n = digitsBack(s, from, i)
	}
	if n < 1 || n > 2 {
		return false
	}
	for ; n > 0; n-- {
		t.day = t.day*10 + int(s[i-n]-'0')
	}
	i -= digitsBack(s, from, i)
	i = skipSpaceBack(s, i)
	if i-3 < from {
		return false
	}
	t.start = i - 3
	t.month = month(s[t.start:i])
	return t.month > 0 && (t.start == from || !isAlpha(s[t.start-1]))
}

// digitsBack is how many digits s has before i, five at most.
func digitsBack(s string, from, i int) int {
	n := 0
	for n < 5 && i-n > from && isDigit(s[i-n-1]) {
		n++
	}
	return n
}

// numericDate reads YYYY-MM-DD or MM/DD/YYYY at i.
func (t *stamp) numericDate(s string, i int) bool {
	t.start = i
	if s[i+4] == '-' {
		t.year, t.month, t.day = two(s, i)*100+two(s, i+2), two(s, i+5), two(s, i+8)
	} else {
		t.year, t.month, t.day = two(s, i+6)*100+two(s, i+8), two(s, i), two(s, i+3)
	}
	return t.year <= 9999 && t.month <= 12 && t.day <= 31
}

// month gives 1 to 12 for "Jan" to "Dec" in any case, else 0.
func month(s string) int {
	switch (uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])) | 0x202020 {
	case 'j'<<16 | 'a'<<8 | 'n':
		return 1
	case 'f'<<16 | 'e'<<8 | 'b':
		return 2
	case 'm'<<16 | 'a'<<8 | 'r':
		return 3
	case 'a'<<16 | 'p'<<8 | 'r':
		return 4
	case 'm'<<16 | 'a'<<8 | 'y':
		return 5
	case 'j'<<16 | 'u'<<8 | 'n':
		return 6
	case 'j'<<16 | 'u'<<8 | 'l':
		return 7
	case 'a'<<16 | 'u'<<8 | 'g':
		return 8
	case 's'<<16 | 'e'<<8 | 'p':
		return 9
	case 'o'<<16 | 'c'<<8 | 't':
		return 10
	case 'n'<<16 | 'o'<<8 | 'v':
		return 11
	case 'd'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}

// noTime leaves the event with its receive time.
func (r *record) noTime() {
	r.e.Time, r.e.TimeSource, r.e.Claimed, r.e.Clock = r.e.Received, event.FromReceipt, "", ""
}

// setTime puts t into the event: its instant if it tells one, else the claim alone and the receive time.
func (r *record) setTime(t *stamp) {
	r.noTime()
	r.e.Claimed, r.e.Clock = t.claimed(r.s), t.mark
	if t.unknown {
		return
	}
	year, source := t.year, event.FromMessage
	if year == 0 {
		source = event.FromMessageNoYear
		if year = t.nearestYear(r.e.Received); year == 0 {
			return
		}
	}
	wall, ok := t.in(year)
	if !ok {
		return
	}
	offset, ok := t.offset(wall, r.zone)
	if !ok {
		return
	}
	r.e.Time, r.e.TimeSource = wall.Add(-time.Duration(offset)*time.Second), source
}

// offset is that of t's zone, or of the sender's where t has none.
func (t *stamp) offset(wall time.Time, sender *time.Location) (int, bool) {
	if t.zone != "" {
		if offset, ok := zoneOffset(t.zone); ok {
			return offset, true
		}
	}
	return localOffset(wall, t.zone, sender)
}

// in is t as if it were UTC, in the given year; not ok for days that the month does not have, and for years that a
// nanosecond count cannot hold.
func (t *stamp) in(year int) (time.Time, bool) {
	if year < 1970 || year > 2261 || t.day > daysIn(year, t.month) {
		return time.Time{}, false
	}
	seconds := (daysSinceEpoch(year, t.month, t.day)*24+t.hour)*3600 + t.min*60 + t.sec
	return time.Unix(int64(seconds), int64(t.nsec)).UTC(), true
}

// nearestYear is the year that puts t closest to now; of 29 February the closest that has one.
func (t *stamp) nearestYear(now time.Time) int {
	best, distance := 0, time.Duration(1<<63-1)
	for _, d := range [...]int{0, -1, 1, -2, 2, -3, 3, -4, 4} {
		if best != 0 && d < -1 {
			break
		}
		if wall, ok := t.in(now.Year() + d); ok && wall.Sub(now).Abs() < distance {
			best, distance = now.Year()+d, wall.Sub(now).Abs()
		}
	}
	return best
}

func daysIn(year, month int) int {
	if month == 2 && (year%4 != 0 || year%100 == 0 && year%400 != 0) {
		return 28
	}
	return [...]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month]
}

// daysSinceEpoch counts from 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap day is the
// last of its year.
func daysSinceEpoch(year, month, day int) int {
	if month < 3 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}
