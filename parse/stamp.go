package parse

import (
	"strings"
	"time"
)

// stamp is a time as it was sent, taken apart. The forms (wire samples in testdata):
//
//	Jul 02 2015 06:22:31.123 UTC      services in C++
//	Oct 14 2015 05:50:19 AM.484 UTC   services in Java: twelve hours, the fraction behind AM or PM
//	May 30 15:33:20.636 UTC           before 8.x: no year
//	*Feb 14 2003 01:02:03.005 EST     clock never synchronised; '.' synchronisation lost
//	Jun 22 2003 05:11:52.525 -0300
//	Jul 02 06:22:31 UTC 2015          programs that print a time as C and Java do
//	Jul 02, 2015 06:22:31 GMT+05:30   the same in words, and zones that have no short name
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
	numeric    bool // the month is a number, as in RFC 3339
	unknown    bool // the sender has no clock, or sent what no clock shows
}

const noClock = "--- 00 0000 00:00:00.000 ---"

// claimed is the time as sent, with its zone and without its mark.
func (t *stamp) claimed(s string) string { return s[t.start+len(t.mark) : t.end] }

// before finds the last time of s[from:end], what a header has before its '%'. A time that does not reach up to the end must
// begin with its month and have a zone, or else it is the time of a relay or of a syslog file.
func (t *stamp) before(s string, from, end int) bool {
	i := skipSpaceBack(s, from, end)
	if i > from && s[i-1] == ':' {
		i = skipSpaceBack(s, from, i-1)
	}
	if t.usual(s[from:i], from) {
		return true
	}
	for k := i; ; {
		k = from + strings.LastIndexByte(s[from:k], ':')
		if k < from {
			return false
		}
		if t.at(s, from, k-5) && (t.end == i || t.zone != "" && !t.numeric) {
			return true
		}
		if k-5 >= from && strings.HasSuffix(s[from:i], noClock) {
			*t = stamp{start: i - len(noClock), end: i, unknown: true}
			t.marked(s, from)
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
	*t = stamp{}
	t.start, t.end, t.zone = from+start, from+len(s), "UTC"
	t.year, t.month, t.day = two(c, 7)*100+two(c, 9), month(c), two(c, 4)
	t.hour, t.min, t.sec = two(c, 12), two(c, 15), two(c, 18)
	millis := two(c, 21)*10 + int(c[23]-'0')
	t.nsec = millis * int(time.Millisecond)
	return t.month > 0 && t.day >= 1 && t.day <= 31 && t.year <= 9999 && t.hour <= 23 && t.min <= 59 && t.sec <= 60 && millis <= 999 && isDigit(c[23])
}

// at reads the time whose HH:MM:SS is at q, leftwards to its date, not beyond from, and rightwards to its zone.
func (t *stamp) at(s string, from, q int) bool {
	if q < from || q+8 > len(s) || s[q+2] != ':' || s[q+5] != ':' {
		return false
	}
	*t = stamp{}
	t.hour, t.min, t.sec = two(s, q), two(s, q+3), two(s, q+6)
	clock := q
	if s[q] == ' ' && isDigit(s[q+1]) { // an hour of one digit
		t.hour = int(s[q+1] - '0')
		clock++
	}
	if t.hour > 99 || t.min > 99 || t.sec > 99 || !t.date(s, from, clock) {
		return false
	}
	t.tail(s, q+8)
	t.marked(s, from)
	if t.hour > 23 || t.min > 59 || t.sec > 60 || t.day < 1 || t.day > 31 || t.month < 1 {
		t.unknown = true
	}
	return true
}

// marked takes the clock mark in front of the time.
func (t *stamp) marked(s string, from int) {
	if t.start > from && (s[t.start-1] == '*' || s[t.start-1] == '.') {
		t.start--
		t.mark = s[t.start : t.start+1]
	}
}

// two reads two digits, and gives more than any number of four where they are none.
func two(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return 1 << 20
	}
	return int(a)*10 + int(b)
}

// tail reads what stands behind HH:MM:SS: fraction, AM or PM, fraction, zone.
func (t *stamp) tail(s string, i int) {
	i = t.fraction(s, i)
	if j := skipSpace(s, i); isHalf(s[j:], t.year != 0) {
		switch half := s[j] | 0x20; {
		case half == 'p' && t.hour < 12:
			t.hour += 12
		case half == 'a' && t.hour == 12:
			t.hour = 0
		}
		i = t.fraction(s, j+2)
	}
	t.end = i
	if j := skipSpace(s, i); j < len(s) {
		if n := zoneToken(s[j:]); n > 0 {
			t.zone, t.end = s[j:j+n], j+n
			t.lateYear(s)
		}
	}
}

// lateYear reads a year behind the zone.
func (t *stamp) lateYear(s string) {
	j := skipSpace(s, t.end)
	if t.year != 0 || j == t.end || digits(s[j:]) != 4 {
		return
	}
	if k := skipSpace(s, j+4); k == len(s) || s[k] == ':' || s[k] == '%' {
		t.year, t.end = two(s, j)*100+two(s, j+2), j+4
	}
}

// isHalf tells whether s begins with AM or PM, or with am or pm if small letters may stand for them and not for a host.
func isHalf(s string, small bool) bool {
	if len(s) < 2 || s[1]|0x20 != 'm' || s[0]|0x20 != 'a' && s[0]|0x20 != 'p' || !small && !isUpper(s[0]) {
		return false
	}
	switch {
	case len(s) == 2 || isSpace(s[2]) || s[2] == ':':
		return true
	case s[2] == '.' || s[2] == ',':
		return len(s) > 3 && isDigit(s[3])
	}
	return false
}

// fraction reads ".123" or ",123" at i. Up to three digits are taken as milliseconds without leading zeros: neighbours with .19
// and .21 were seen. That they lost zeros at their end instead cannot be excluded; the error stays below a second. More digits,
// and those of a numeric time, are a decimal fraction.
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
	if n <= 3 && !t.numeric {
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
		i = skipSpaceBack(s, from, q)
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
		t.unknown = t.year == 0
		i = skipSpaceBack(s, from, i-4)
		if i > from && s[i-1] == ',' {
			i--
		}
		n = digitsBack(s, from, i)
	}
	if n < 1 || n > 2 {
		return false
	}
	for ; n > 0; n-- {
		t.day = t.day*10 + int(s[i-n]-'0')
	}
	i -= digitsBack(s, from, i)
	i = skipSpaceBack(s, from, i)
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
	t.start, t.numeric = i, true
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
