package parse

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"flapwatch/event"
)

// sibling reads a message of another Cisco product: "%HSRP-5-STATECHANGE: text", "%CCBU_..-6-NAME: %[key=value]: text".
func (r *record) sibling(h *header) (event.Status, *Error) {
	if !r.head(h) {
		return r.quotedAlert(h)
	}
	e := r.e
	e.Facility, e.Severity, e.Alarm = h.facility, h.severity, h.name
	if e.Process == "" {
		e.Process = product(h.facility)
	}
	if i, listed := r.message(h.body); !listed {
		e.Text = r.readable(r.s[i:])
	}
	return event.Other, nil
}

// product is what a facility begins with: "CCBU" of "CCBU_pool-21-thread-1", so that counting by program stays bounded.
func product(facility string) string {
	for i := 0; i < len(facility); i++ {
		if !isAlnum(facility[i]) {
			return facility[:i]
		}
	}
	return facility
}

// noHeader reads a record without any CiscoLog header: alarms in other renderings first, then lines of the operating system and
// of other products, of which time, host and program are taken.
func (r *record) noHeader(h *header) (event.Status, *Error) {
	r.plain = !r.slow && isPlain(r.s[r.start:])
	r.e.Severity = unsaid
	if r.e.HasPRI {
		r.e.Severity = r.e.PRI & 7
	}
	if err := r.binary(); err != nil {
		return event.Unparsed, err
	}
	if r.rendered() {
		return event.Alarm, nil
	}
	i, understood := r.front(r.start)
	i, named := r.program(i)
	r.e.Text = r.readable(r.s[min(skipSpace(r.s, i), len(r.s)):])
	switch {
	case h.broken && !named:
		return event.Unparsed, &Error{h.at, "header: no -SEVERITY-NAME: behind the facility"}
	case (r.e.Text == "" || r.timeAlone(i)) && !named:
		return event.Unparsed, &Error{len(r.s), "the record ends behind its envelope"}
	case !understood && !named && !r.e.HasPRI:
		return event.Unparsed, &Error{r.start, "no alarm, no PRI, no time and no program"}
	}
	return event.Other, nil
}

// timeAlone tells whether nothing but a time follows i.
func (r *record) timeAlone(i int) bool {
	var t stamp
	if !t.before(r.s, i, len(r.s)) || t.start > skipSpace(r.s, i) || t.end < trimColon(r.s) {
		return false
	}
	r.setTime(&t)
	return true
}

// trimColon is the length of s without a colon at its end.
func trimColon(s string) int { return len(trimEnd(strings.TrimSuffix(s, ":"))) }

// binary finds what no text has, in what plain speaks of: behind the framing.
func (r *record) binary() *Error {
	if r.plain {
		return nil
	}
	for i := r.start; i < len(r.s); {
		c, n := utf8.DecodeRuneInString(r.s[i:])
		if c < ' ' && !unicode.IsSpace(c) && c != 0x1b {
			return &Error{i, fmt.Sprintf("control character %#02x", c)}
		}
		i += n
	}
	return nil
}

// front reads what may stand in front of a program name, and tells whether it was anything at all:
//
//	1 2015-07-02T06:22:31.500Z host app 123 ID -      RFC 5424, behind the PRI
//	Jul  2 08:22:31 host                              RFC 3164, and files
//	Jul  2 08:22:31 host local7 6                     syslog file of CUCM
//	1362992: :                                        Syslog Agent
func (r *record) front(i int) (int, bool) {
	s := r.s[i:]
	if len(s) > 2 && r.e.HasPRI && isDigit(s[0]) && s[1] == ' ' {
		if m, behind := r.ietf(s); behind > 0 {
			r.fromRelay(&m.Base)
			if m.Timestamp != nil && m.Timestamp.Year() >= firstYear && m.Timestamp.Year() <= lastYear {
				r.e.Time, r.e.TimeSource = m.Timestamp.UTC(), event.FromMessage
			}
			return i + behind, true
		}
	}
	if n := digits(s); n > 0 && n+1 < len(s) && s[n] == ':' && isSpace(s[n+1]) {
		return i + n + 1 + r.agentFront(s[:n], s[n+1:]), true
	}
	var t stamp
	if !r.firstStamp(&t) {
		return i, false
	}
	r.setTime(&t)
	return r.hostAndFacility(skipColumn(r.s, t.end)), true
}

// agentFront reads the host, mostly empty, behind the number that the Syslog Agent put in front.
func (r *record) agentFront(seq, s string) int {
	if n, ok := number(seq, 1<<32); ok {
		r.e.AgentSeq, r.e.HasAgentSeq = uint32(n), true
	}
	word := skipSpace(s, 0)
	for j := word; j < len(s); j++ {
		if s[j] == ':' && (j+1 == len(s) || isSpace(s[j+1])) {
			r.setHost(s[word:j])
			return j + 1
		}
		if isSpace(s[j]) || s[j] == '[' || s[j] == ':' && j == word {
			break
		}
	}
	return 0
}

// hostAndFacility reads "host" or "host local7 6".
func (r *record) hostAndFacility(i int) int {
	word := nextWord(r.s[i:])
	if word == "" || strings.ContainsAny(word, "=[") || strings.HasSuffix(word, ":") {
		return i
	}
	r.setHost(word)
	i = skipColumn(r.s, i+len(word))
	facility := nextWord(r.s[i:])
	j := skipColumn(r.s, i+len(facility))
	severity := nextWord(r.s[j:])
	if pri, ok := facilitySeverity(facility, severity); ok {
		r.setPRI(pri)
		r.e.Facility, r.e.Severity = facility, pri&7
		return skipColumn(r.s, j+len(severity))
	}
	return i
}

// nextWord is s up to the next separator.
func nextWord(s string) string {
	for i := 0; i < len(s); i++ {
		if isSeparator(s[i]) {
			return s[:i]
		}
	}
	return s
}

// skipColumn goes right over what separates columns.
func skipColumn(s string, i int) int {
	for i < len(s) && isSeparator(s[i]) {
		i++
	}
	return i
}

// program reads "crond[9538]:" or "audispd:".
func (r *record) program(i int) (int, bool) {
	i = skipSpace(r.s, i)
	for i < len(r.s) && r.s[i] == ':' {
		i = skipSpace(r.s, i+1)
	}
	s := r.s[i:]
	n := 0
	for n < len(s) && n < 64 && (isAlnum(s[n]) || strings.IndexByte("_-./()", s[n]) >= 0) {
		n++
	}
	if n == 0 || n == len(s) || !strings.ContainsFunc(s[:n], unicode.IsLetter) {
		return i, false
	}
	end := n
	if s[end] == '[' {
		pid := digits(s[end+1:])
		if end+pid+1 >= len(s) || s[end+pid+1] != ']' {
			return i, false
		}
		end += pid + 2
	}
	if end >= len(s) || s[end] != ':' {
		return i, false
	}
	r.e.Process = s[:n]
	return i + end + 1, true
}
