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
	if h.cut {
		r.e.Truncated = true
		return event.Unparsed, &Error{len(r.s), "header: the record ends before the colon behind the name of the alarm"}
	}
	return r.body(h)
}

// body reads what follows the header.
func (r *record) body(h *header) (event.Status, *Error) {
	e := r.e
	e.Facility, e.Severity, e.Alarm = h.facility, h.severity, h.name
	if i, listed := r.message(h.body); !listed {
		r.flat(i, len(r.s), r.enveloped)
	}
	if quotes(e) {
		return event.Quoted, nil
	}
	return event.Alarm, nil
}

// message reads the tags that follow the header, and the text behind them. Without tags it gives where the body begins.
func (r *record) message(i int) (body int, listed bool) {
	begin := i
	i = skipSpace(r.s, i)
	list := i
	if list < len(r.s) && r.s[list] == '%' {
		list = skipSpace(r.s, list+1)
	}
	switch {
	case list == len(r.s):
		r.e.Truncated = true
		return i, true
	case r.s[list] != '[':
		r.plain = !r.slow && isPlain(r.s[i:])
		return i, false
	}
	if end, ok := r.tags(list); ok {
		if !r.cutKey && r.e.Ending == nil {
			r.text(end)
		}
		if list == begin+len(" %") && r.s[begin] == ' ' && r.s[list-1] == '%' && end+len(": ")+len(r.e.Text) == len(r.e.Raw) {
			r.e.Layout = r.layout
		}
		return end, true
	}
	if list > i && !strings.ContainsAny(r.s[list:], "=]") {
		r.e.Truncated = true
		return i, true
	}
	return i, false
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
	if r.plain && !r.coded {
		return s
	}
	if r.coded {
		s = r.decodeText(s)
	}
	return asUTF8(trimEnd(withoutCutRune(s)))
}

// quotes tells whether e is an alert of RTMT or of the Syslog Agent about a message, which it quotes.
func quotes(e *event.Event) bool {
	if e.Alarm == "SyslogSeverityMatchFound" || e.Alarm == "SyslogStringMatchFound" {
		return true
	}
	if !strings.HasSuffix(e.Facility, "RTMT") {
		return false
	}
	name, _ := e.Tag("AlertName")
	detail, _ := e.Tag("AlertDetail")
	return strings.HasPrefix(name, "Syslog") || strings.Contains(detail, "MatchedEvent")
}
