package parse

import (
	"hash/maphash"
	"strings"
	"time"

	"flapwatch/event"
)

// direct reads the form in which services send their alarms themselves, in one pass from left to right up to the header:
//
//	<187>41679: uc-ucm-01: Jul 02 2015 06:22:31.123 UTC :  %UC_CALLMANAGER-3-EndPointUnregistered:
//
// It is false at the first byte that is not of that form; then it has filled nothing but the PRI. The general way reads the same;
// FuzzParse compares the two.
func (r *record) direct(h *header) bool {
	s := r.s
	digits := r.pri(s)
	if digits == 0 {
		return false
	}
	i, seq := digits, uint64(0)
	for i < len(s) && isDigit(s[i]) && seq < 1<<32 {
		seq = seq*10 + uint64(s[i]-'0')
		i++
	}
	if i == digits || seq >= 1<<32 || !separated(s, i) {
		return false
	}
	i += len(": ")
	host := r.p.hosts.at(s, i)
	i += len(host)
	if host == "" || !separated(s, i) {
		return false
	}
	i += len(": ")
	from := i
	i += len(usualTime)
	if i >= len(s) {
		return false
	}
	claimed, end := s[from:i], i
	at, exact, ok := r.p.day.at(claimed)
	if i = skipSpace(s, i); i < len(s) && s[i] == ':' {
		i = skipSpace(s, i+1)
	}
	if !ok || i == len(s) || s[i] != '%' {
		return false
	}
	whole := r.p.headers.at(s, i, h)
	if !whole {
		if !h.read(s, i, i+1) || !h.cucm || h.cut {
			return false
		}
		whole = r.p.headers.keep(s, h)
	}
	if whole && exact && s[1] != '0' && s[digits] != '0' && len(s) == len(r.e.Raw) {
		r.layout = layoutOf(s[end:i])
	}
	e := r.e
	e.Seq, e.HasSeq, e.Host = uint32(seq), true, host
	e.Time, e.TimeSource, e.Claimed = at, event.FromMessage, claimed
	r.enveloped = true
	return true
}

// fore is the layout of what stands before the list, where two spaces follow the colon behind the time.
const fore event.Layout = 1 << 30

// layoutOf gives the layout of a record that has the form of direct with gap between time and '%', 0 if that is none.
func layoutOf(gap string) event.Layout {
	switch gap {
	case " :  ":
		return fore
	case " : ":
		return fore | event.OneSpace
	}
	return 0
}

// hosts are the names of nodes that came lately, so that the events of a node share one.
type hosts [64]string

// longestHost is that of a domain name (RFC 1035, section 2.3.4).
const longestHost = 255

// at gives the name that stands before the first colon behind i, "" if none does.
func (l *hosts) at(s string, i int) string {
	end, n := i, 8
	for n == 8 && end+8 <= len(s) && end-i < longestHost {
		n = first(':', word(s[end:]))
		end += n
	}
	if n == 8 || end == i {
		return ""
	}
	name := s[i:end]
	known := &l[maphash.String(seed, name)%uint64(len(l))]
	if *known != name {
		if !isAlpha(name[0]) || !all(name, hostByte) {
			return ""
		}
		*known = strings.Clone(name)
	}
	return *known
}

// separated tells whether a colon and a space are at i.
func separated(s string, i int) bool { return i+1 < len(s) && s[i] == ':' && s[i+1] == ' ' }

// usualTime is the form of time that direct reads.
const usualTime = "Jul 02 2015 06:22:31.123 UTC"

// day is the date of the message before, which that of the next mostly is.
type day struct {
	head, tail uint64 // "Jul 02 2" and " 02 2015"
	midnight   int64  // in seconds since 1970
	usual      bool   // written as in usualTime
}

// at is the time c, of the form of usualTime, and exact where it is written just so: not "JUL", and no leap second.
func (d *day) at(c string) (at time.Time, exact, ok bool) {
	if c[11] != ' ' || c[14] != ':' || c[17] != ':' || c[20] != '.' || c[24:] != " UTC" || !isDigit(c[23]) {
		return at, false, false
	}
	hour, minute, second, centis := two(c, 12), two(c, 15), two(c, 18), two(c, 21)
	if hour > 23 || minute > 59 || second > 60 || centis > 99 {
		return at, false, false
	}
	if (word(c) != d.head || word(c[3:]) != d.tail) && !d.set(c) {
		return at, false, false
	}
	nanos := (centis*10 + int(c[23]-'0')) * int(time.Millisecond)
	return time.Unix(d.midnight+int64(hour*3600+minute*60+second), int64(nanos)).UTC(), d.usual && second < 60, true
}

// set makes the date that c begins with the day, unless it is none.
func (d *day) set(c string) bool {
	if c[3] != ' ' || c[6] != ' ' {
		return false
	}
	t := stamp{month: month(c), day: two(c, 4)}
	midnight, ok := t.in(two(c, 7)*100 + two(c, 9))
	if !ok || t.day < 1 {
		return false
	}
	d.head, d.tail, d.midnight = word(c), word(c[3:]), midnight
	const date = "Jan 02 2006"
	d.usual = time.Unix(midnight, 0).UTC().Format(date) == c[:len(date)]
	return true
}

// word is the first eight bytes of s as a number.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
