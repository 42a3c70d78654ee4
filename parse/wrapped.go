package parse

import (
	"strings"
	"unsafe"
)

// pending is a record that may go on in the next line.
type pending struct {
	text   string
	begins bool // it begins like a record
}

// goesOn tells whether line, of which the beginning is given, belongs to the record before it.
func (p *pending) goesOn(line string) bool {
	if !p.begins {
		return false
	}
	if p.text[0] == '"' && strings.Count(p.text, `"`)%2 == 1 {
		return true
	}
	if isEmpty(line) {
		return false
	}
	switch beginning(line) {
	case surely:
		return false
	case maybe:
		return p.open(line)
	}
	return true
}

// open tells whether the record cannot be whole: its header is cut, its tag list is not closed, or it ends with the colon that
// stands before a time or a header, or inside a host or a time. A date or a header does not continue a list.
func (p *pending) open(line string) bool {
	text := trimEnd(p.text)
	if alertLine(line) && strings.Contains(text, "MatchFound") {
		return true
	}
	if h := (header{}); h.find(text, 0) {
		list := strings.Index(text[h.body:], "%[")
		return h.cut || list >= 0 && quotesOpenList(text[h.body:]) && line[0] != '%' && dated(line) == no
	}
	switch last, rest := lastWord(text); {
	case last == ":":
		return line[0] == '%' || dated(line) != no
	case strings.HasSuffix(last, ":") && all(strings.TrimSuffix(last, ":"), hostByte):
		return true
	case all(last, hostByte) && strings.HasSuffix(rest, ": ") && inWord(line[0]): // a part of the host, with the number before it
		number, _ := lastWord(rest[:len(rest)-len(": ")])
		return number != "" && digits(number) == len(number)
	}
	return brokenTime(strings.TrimRight(p.text, "\r\n"), line)
}

// alertLine tells whether line is one of those with a time that the detail of an RTMT alert consists of.
func alertLine(line string) bool {
	line = trim(line)
	return strings.HasPrefix(line, "MatchedEvent :") || strings.HasPrefix(line, "TimeStamp :")
}

// brokenTime tells whether text ends inside a time that line goes on with.
func brokenTime(text, line string) bool {
	const date = "03 2026 17:08:09."
	i := len(text)
	for i > 0 && len(text)-i < len(date)+2 && (isDigit(text[i-1]) || strings.IndexByte(" :.", text[i-1]) >= 0) {
		i--
	}
	if i -= 3; i < 0 || month(text[i:]) == 0 {
		return false
	}
	for _, between := range [...]string{"", " "} {
		whole := text[i:] + between + line
		for q := max(len("Nov 3"), len(text)-i-len("17:08:0")); q+8 <= min(len(whole), len("Nov  ")+len(date)); q++ {
			var t stamp
			if t.at(whole, 0, q) && t.start == 0 && t.year != 0 {
				return true
			}
		}
	}
	return false
}

// Begins tells whether a record can begin with line, so that a text of several can be cut there.
func Begins(line []byte) bool {
	return beginsRecord(unsafe.String(unsafe.SliceData(line), min(len(line), peek)))
}

// beginsRecord tells whether a record can begin with line.
func beginsRecord(line string) bool { return beginning(line) != no }

// certainty is how sure a line begins a record.
type certainty uint8

const (
	no certainty = iota
	maybe
	surely
)

// beginning looks at how a line begins:
//
//	<187>..                        surely: PRI
//	41679: ..                      surely: sequence number
//	Jul  2 08:22:31 ..             surely: syslog file
//	2015-07-02T08:22:31 ..         surely: relay
//	"..                            surely: row of a table
//	cisco-uc||23||3||..            surely: Observium
//	syslogmessage=..               surely: OpenNMS
//	Custom Message: ..             surely: alert in an SNMP notification
//	Jul 02 2015 06:22:31 ..        maybe: the time in a message
//	%UC_..                         maybe: header
//	.. 08:22:31 ..                 maybe: any log
//	31 uc-ucm-01 local7 3 ..       maybe: row with a cut column
//	Error: .., CCM|..              maybe: Windows event, trace
func beginning(line string) certainty {
	if line == "" {
		return no
	}
	switch c := line[0]; {
	case c == '<':
		if n := digits(line[1:]); n > 0 && n < 4 && n+1 < len(line) && line[n+1] == '>' {
			return surely
		}
	case c == '"':
		return surely
	case strings.HasPrefix(line, "%["):
		return no
	case strings.HasPrefix(line, "syslogmessage="), strings.HasPrefix(line, "Custom Message:"), hasColumns(line):
		return surely
	case c == '%':
		return maybe
	case isDigit(c):
		return numberBeginning(line)
	case isUpper(c):
		return wordBeginning(line)
	}
	if hasClock(line) {
		return maybe
	}
	return no
}

// hasColumns tells whether line begins with the first columns of Observium: a word, and a number.
func hasColumns(line string) bool {
	word, rest, _ := strings.Cut(line, "||")
	facility, _, more := strings.Cut(rest, "||")
	_, ok := number(facility, 24)
	return ok && more && word != "" && nextWord(word) == word
}

func numberBeginning(line string) certainty {
	n := digits(line)
	rest := line[n:]
	switch {
	case n <= 10 && (strings.HasPrefix(rest, ": ") || strings.HasPrefix(rest, " <")):
		return surely
	case n == 4 && len(rest) > 6 && rest[0] == '-' && rest[3] == '-' && hasClock(rest):
		return surely
	case hasClock(line):
		return maybe
	case n <= 2 && strings.HasPrefix(rest, " "):
		if _, facility, found := strings.Cut(rest[1:], " "); found {
			name, severity, _ := strings.Cut(facility, " ")
			if _, ok := facilitySeverity(name, nextWord(severity)); ok {
				return maybe
			}
		}
	}
	return no
}

func wordBeginning(line string) certainty {
	if d := dated(line); d != no {
		return d
	}
	word := 0
	for word < len(line) && isAlpha(line[word]) {
		word++
	}
	if word < len(line) && (line[word] == '|' || line[word] == ':' && severities[strings.ToLower(line[:word])] > 0) {
		return maybe
	}
	if hasClock(line) {
		return maybe
	}
	return no
}

// dated looks for "Jul  2 08:22:31" or "Jul 02 2015 06" at the beginning of line.
func dated(line string) certainty {
	if len(line) < 16 || month(line) == 0 || line[3] != ' ' {
		return no
	}
	i := skipSpace(line, 4)
	day := digits(line[i:])
	i = skipSpace(line, i+day)
	switch {
	case day == 0 || day > 2:
	case clockAt(line, i):
		return surely
	case digits(line[i:]) == 4:
		return maybe
	}
	return no
}

// clockAt tells whether HH:MM:SS stands at i.
func clockAt(s string, i int) bool {
	return i+8 <= len(s) && s[i+2] == ':' && s[i+5] == ':' && two(s, i) < 24 && two(s, i+3) < 60 && two(s, i+6) < 61
}
