package parse

import "strings"

// headers are those of the alarms before, of which the next alarm mostly has one: comparing takes a tenth of the time of reading.
type headers [8]lastHeader

// lastHeader is a header that was read, from '%' to colon.
type lastHeader struct {
	text     string
	facility int // lengths
	name     int
}

// at fills h if the header whose '%' is at i was seen before.
func (l *headers) at(s string, i int, h *header) bool {
	n := strings.IndexByte(s[i:], ':') + 1
	last := &l[n%len(l)]
	if n == 0 || s[i:i+n] != last.text {
		return false
	}
	h.at, h.body, h.cucm = i, i+n, true
	h.facility, h.severity, h.name = last.text[1:1+last.facility], last.text[2+last.facility]-'0', last.text[n-1-last.name:n-1]
	return true
}

// keep remembers the header h of s, if it is written without spaces and line breaks, and tells whether it is.
func (l *headers) keep(s string, h *header) bool {
	f := len(h.facility)
	if h.cut || h.body-h.at != len("%-3-:")+f+len(h.name) {
		return false
	}
	text := s[h.at:h.body]
	level, name := text[1+f:4+f], text[4+f:]
	if text[0] != '%' || text[1:1+f] != h.facility || !isSeverity(level) || name[:len(h.name)] != h.name || name[len(h.name)] != ':' {
		return false
	}
	last := &l[len(text)%len(l)]
	last.text, last.facility, last.name = strings.Clone(text), f, len(h.name)
	return true
}
