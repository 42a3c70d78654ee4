package parse

import (
	"strings"

	"flapwatch/event"
)

// alarm reads a record with a UC_ or CCM_ header.
func (r *record) alarm(h *header) (event.Status, *Error) {
	if !r.head(h) {
		return r.quotedAlert(h)
	}
	e := r.e
	if h.cut {
		e.Truncated = true
		return event.Unparsed, &Error{len(r.s), "header: the record ends before the colon behind the name of the alarm"}
	}
	e.Facility, e.Severity, e.Alarm = h.facility, h.severity, h.name
	r.message(h.body)
	if quotes(e) {
		return event.Quoted, nil
	}
	return event.Alarm, nil
}

// message reads what follows the header: tags and text, or the flat body of versions before 8.
func (r *record) message(i int) {
	s := r.s
	i = skipSpace(s, i)
	if i < len(s) && s[i] == '%' && i+1 < len(s) && s[i+1] == '[' {
		i++
	}
	if i < len(s) && s[i] == '[' {
		if r.keyAt(i, new(tagKey)) {
			i = r.tags(i)
			r.text(i)
			return
		}
	}
	r.flat(i, len(s), r.enveloped)
}

// text takes what follows the list: the colon and the words.
func (r *record) text(i int) {
	i = skipSpace(r.s, i)
	if i < len(r.s) && r.s[i] == ':' {
		i = skipSpace(r.s, i+1)
	}
	r.e.Text = r.readable(r.s[i:])
}

// readable is s as valid UTF-8.
func (r *record) readable(s string) string {
	if r.plain {
		return s
	}
	if r.coded {
		s = r.decodeText(s)
	}
	return asUTF8(withoutCutRune(s))
}

// quotes tells whether e is an alert of RTMT or of the Syslog Agent about a message, which it quotes.
func quotes(e *event.Event) bool {
	if e.Alarm == "SyslogSeverityMatchFound" || e.Alarm == "SyslogStringMatchFound" {
		return true
	}
	if !strings.Contains(e.Facility, "RTMT") {
		return false
	}
	name, _ := e.Tag("AlertName")
	detail, _ := e.Tag("AlertDetail")
	return strings.HasPrefix(name, "Syslog") || strings.Contains(detail, "MatchedEvent")
}
