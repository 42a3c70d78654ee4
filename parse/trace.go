package parse

import (
	"slices"
	"strings"

	"flapwatch/event"
)

// unsaid is the severity of an alarm that is printed without one: notice, which RFC 3164 section 4.3.3 gives to messages
// without a PRI.
const unsaid = 5

// rendered reads alarms as traces and the Windows event log print them, without a CiscoLog header:
//
//	CCM|DeviceUnregistered - Device unregistered. Device name.:SEP.. App ID:.. Node ID:..|<CLID::..>      SDI trace
//	.. |AppInfo |CtiDeviceOpenFailure - Device Open failed .. App ID:.. Node ID:..                         SDL trace
//	.. |AlarmErr |AlarmClass: CallManager, AlarmName: X, AlarmSeverity: Error, .. AlarmParameters: K:V, K:V,
//	Error: Device TransientConnection – Transient connection attempted.\nConnecting Port: 0\n..            Windows event
func (r *record) rendered() bool {
	if !strings.Contains(r.s, "App") { // all of them have an App ID
		return false
	}
	if i := strings.Index(r.s[r.start:], "AlarmName:"); i >= 0 && r.alarmRecord(r.start+i) {
		return true
	}
	i := r.start
	for range maxDashes {
		dash, width := nextDash(r.s, i)
		if dash < 0 {
			break
		}
		if r.dashed(dash, dash+width) {
			return true
		}
		i = dash + width
	}
	return false
}

// maxDashes bounds the work on one record.
const maxDashes = 16

// nextDash finds " - " or " – " at or behind i.
func nextDash(s string, i int) (at, width int) {
	const hyphen, en = " - ", " – "
	a, b := strings.Index(s[i:], hyphen), strings.Index(s[i:], en)
	switch {
	case a >= 0 && (b < 0 || a < b):
		return i + a, len(hyphen)
	case b >= 0:
		return i + b, len(en)
	}
	return -1, 0
}

// dashed reads "NAME - text labels", the dash of which is at dash and the text at body. Without an App ID behind it,
// it is no alarm.
func (r *record) dashed(dash, body int) bool {
	name, from := alarmNameBefore(r.s, r.start, dash)
	if name == "" {
		return false
	}
	end := traceEnd(r.s, body)
	found := r.labels(body, end)
	if !slices.ContainsFunc(found, func(l label) bool { return l.key.field == appID }) {
		return false
	}
	r.rendering(name, severityBefore(r.s, r.start, from))
	r.flat(body, end, false)
	return true
}

// alarmNameBefore reads a name such as "Device TransientConnection", which ends at end, without its spaces.
func alarmNameBefore(s string, lowest, end int) (name string, from int) {
	from = end
	for from > lowest && end-from < 80 && (isAlpha(s[from-1]) || s[from-1] == ' ') {
		from--
	}
	if from > lowest && strings.IndexByte("|:\",\n\t", s[from-1]) < 0 {
		return "", 0
	}
	name = strings.ReplaceAll(s[from:end], " ", "")
	humps := 0
	for i := 1; i < len(name); i++ {
		if isUpper(name[i]) && !isUpper(name[i-1]) {
			humps++
		}
	}
	if humps == 0 || !isUpper(name[0]) {
		return "", 0
	}
	return name, from
}

// severityBefore reads the "Error:" that ends at end.
func severityBefore(s string, lowest, end int) uint8 {
	if end <= lowest || s[end-1] != ':' {
		return unsaid
	}
	word := end - 1
	for word > lowest && isAlpha(s[word-1]) {
		word--
	}
	return severityOf(s[word : end-1])
}

func severityOf(word string) uint8 {
	if n, ok := severities[strings.ToLower(word)]; ok {
		return n
	}
	return unsaid
}

// traceEnd finds the end of the trace record whose text begins at i: "|<CLID::..", or where the next SDL record begins.
func traceEnd(s string, i int) int {
	end := len(s)
	for c := i; ; c++ {
		n := strings.IndexByte(s[c:], '|')
		if n < 0 {
			return end
		}
		c += n
		if c+1 < len(s) && s[c+1] == '<' {
			return c
		}
		number := skipSpaceBack(s, i, c)
		j := number
		for j > i && (isDigit(s[j-1]) || s[j-1] == '.') {
			j--
		}
		if number-j > 4 && strings.IndexByte(s[j:number], '.') > 0 {
			return skipSpaceBack(s, i, j)
		}
	}
}

// alarmRecord reads the SDL record with the key AlarmName at i.
func (r *record) alarmRecord(i int) bool {
	name := sdlValue(r.s[i:], "AlarmName:")
	if !all(name, nameByte) {
		return false
	}
	from := strings.LastIndexByte(r.s[:i], '|') + 1
	end := traceEnd(r.s, i)
	r.rendering(name, severityOf(sdlValue(r.s[i:end], "AlarmSeverity:")))
	if class := sdlValue(r.s[from:end], "AlarmClass:"); all(class, nameByte) {
		r.e.Facility = class
	}
	text, parameters, _ := strings.Cut(r.s[i:end], "AlarmParameters:")
	r.addLabels(r.parameters(end-len(parameters), end), end)
	if _, text, found := strings.Cut(text, "AlarmDescription:"); found {
		r.e.Text = r.readable(trim(strings.TrimSuffix(trim(text), ",")))
	}
	return true
}

// parameters finds the keys of "Key:value, Key:value,".
func (r *record) parameters(i, end int) []label {
	var found []label
	for ; i < end && len(found) < maxLabels; i++ {
		from := skipSpace(r.s, i)
		to := from
		for to < end && (isAlnum(r.s[to]) || r.s[to] == '_') {
			to++
		}
		if to > from && to < end && r.s[to] == ':' {
			name := r.s[from:to]
			found = append(found, label{key: tagKey{name: name, field: fieldOf(name)}, from: from, value: to + 1})
		}
		n := strings.IndexByte(r.s[to:end], ',')
		if n < 0 {
			break
		}
		i = to + n
	}
	return unquoted(found)
}

// sdlValue is what stands between key and the next comma.
func sdlValue(s, key string) string {
	i := strings.Index(s, key)
	if i < 0 {
		return ""
	}
	s = s[i+len(key):]
	if n := strings.IndexByte(s, ','); n >= 0 {
		s = s[:n]
	}
	return trim(s)
}

// rendering sets what all these have in common. Their times are local: SDI traces have a date too, SDL traces have not.
func (r *record) rendering(name string, severity uint8) {
	r.e.Alarm, r.e.Severity = name, severity
	var t stamp
	if r.firstStamp(&t) {
		r.setTime(&t)
	}
}

// firstStamp reads the time that the record begins with, behind a quote or a clock mark.
func (r *record) firstStamp(t *stamp) bool {
	s := r.s[:min(len(r.s), r.start+48)]
	for q := r.start + 5; q+8 <= len(s); q++ {
		if s[q+2] == ':' {
			return t.at(r.s, r.start, q) && t.start <= r.start+1
		}
	}
	return false
}

// quotedAlert reads an RTMT alert that came without its header, as ticket systems and SNMP notifications carry it: the tags of
// the alert stand before the header of the alarm that it quotes.
func (r *record) quotedAlert(h *header) (event.Status, *Error) {
	r.noTime()
	e := r.e
	e.Facility, e.Alarm, e.Severity = "UC_RTMT", "RTMT_ALERT", unsaid
	if i := strings.Index(r.s[r.start:h.at], "%["); i >= 0 {
		r.message(r.start + i)
	} else {
		e.Text = r.readable(r.s[r.start:])
	}
	return event.Quoted, nil
}
