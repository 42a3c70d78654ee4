package parse

import "strings"

// lastHeader is the header of the alarm before, which the next alarm mostly has too: comparing takes a tenth of the time of
// reading it.
type lastHeader struct {
	text     [maxHeader + 2]byte
	length   int // of the text, from '%' to colon
	facility int // lengths
	name     int
}

// again tells whether the first '%' of s behind from begins the same header, and fills h then.
func (l *lastHeader) again(s string, from int, h *header) bool {
	at := from + strings.IndexByte(s[from:], '%')
	body := at + l.length
	if at < from || l.length == 0 || body > len(s) || s[at:body] != string(l.text[:l.length]) {
		return false
	}
	h.at, h.body, h.cucm = at, body, true
	h.facility, h.severity, h.name = s[at+1:at+1+l.facility], s[at+2+l.facility]-'0', s[body-1-l.name:body-1]
	return true
}

// keep remembers the header h of s, if it is written without spaces and line breaks.
func (l *lastHeader) keep(s string, h *header) {
	l.length = 0
	if h.cut || s[h.at] != '%' || h.body-h.at != len("%-3-:")+len(h.facility)+len(h.name) {
		return
	}
	l.length, l.facility, l.name = copy(l.text[:], s[h.at:h.body]), len(h.facility), len(h.name)
}
