package store

import (
	"strconv"
	"strings"
	"unsafe"

	"flapwatch/event"
)

// Nearly all bytes of a record stand in the columns of its row. What remains is its form: the record with {name} in the
// place of each value that a column holds, as in
//
//	<187>{seq}: {host}: {claimed} :  %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName={device}]…[NodeID={node}]: {text}
//
// {0}, {1} … are the values of the tags that have no column, and {{ is a brace of the record. All records of a kind have one
// form. A value is replaced only where the bytes of the record are those that the column gives back, so that fill makes of the
// form what it was made of, byte for byte. A record without a form (see limits) is kept whole, in the column rest.

// Limits of forms. Words of a block are kept apart from its rows only as long as they are few and short.
const (
	maxForm  = 2 << 10 // bytes of one
	maxForms = 4096    // different ones in a batch, with the words beside them
)

// Names of the values in a form.
const (
	inSeq      = "seq"
	inAgentSeq = "agent_seq"
	inHost     = "host"
	inClaimed  = "claimed"
	inText     = "text"
	inStamp    = "stamp" // the time as the file of a relay has it
)

const stampLayout = "Jan _2 15:04:05"

// former takes records apart. It belongs to one goroutine.
type former struct {
	form   []byte
	raw    string
	kept   int // bytes of raw that are in form
	number [32]byte

	layouts recent[laidOut, *laidOut]
	kinds   recent[knownForm, *knownForm]
}

// make makes the form of a record, or nil when it is better kept whole, and gives the tags to keep that no column holds.
func (f *former) make(e *event.Event, keep func(*event.Tag)) []byte {
	f.form, f.raw, f.kept = f.form[:0], e.Raw, 0
	f.header(e)
	kept := 0
	for i := range e.Tags {
		t := &e.Tags[i]
		if !t.Unknown {
			if name := columnOf(e, t); name != "" {
				f.tag(t, name)
				continue
			}
		}
		f.tag(t, strconv.Itoa(kept))
		kept++
		keep(t)
	}
	return f.end(e)
}

// value replaces value by name where it begins at byte at of the record.
func (f *former) value(at int, value, name string) {
	f.literal(at)
	f.form = append(append(append(f.form, '{'), name...), '}')
	f.kept = at + len(value)
}

// literal takes over the record up to byte end.
func (f *former) literal(end int) {
	part := f.raw[f.kept:end]
	f.kept = end
	for {
		i := strings.IndexByte(part, '{')
		if i < 0 {
			f.form = append(f.form, part...)
			return
		}
		f.form = append(append(f.form, part[:i+1]...), '{')
		part = part[i+1:]
	}
}

// find replaces the next place of value before byte end.
func (f *former) find(end int, value, name string) {
	if value == "" || end < f.kept {
		return
	}
	if i := strings.Index(f.raw[f.kept:end], value); i >= 0 {
		f.value(f.kept+i, value, name)
	}
}

// findNumber replaces the next place of n between the bytes start and end.
func (f *former) findNumber(start, end int, n uint32, has bool, name string) {
	start = max(start, f.kept)
	if !has || end < start {
		return
	}
	digits := strconv.AppendUint(f.number[:0], uint64(n), 10)
	for at := start; ; {
		i := strings.Index(f.raw[at:end], string(digits))
		if i < 0 {
			return
		}
		at += i
		after := at + len(digits)
		if (at == 0 || !isDigit(f.raw[at-1])) && (after == len(f.raw) || !isDigit(f.raw[after])) {
			f.value(at, f.raw[at:after], name)
			return
		}
		at = after
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// header replaces what stands before the tags.
func (f *former) header(e *event.Event) {
	end := strings.IndexByte(f.raw, '%')
	if end < 0 {
		end = len(f.raw)
	}
	claimed := end
	if e.Claimed != "" {
		if i := strings.Index(f.raw[:end], e.Claimed); i >= 0 {
			claimed = i
		}
	}
	if isLetter(first(f.raw)) {
		stamp := e.Time.UTC().AppendFormat(f.number[:0], stampLayout)
		if strings.HasPrefix(f.raw, string(stamp)) && claimed >= len(stamp) {
			f.value(0, stampLayout, inStamp)
		}
	}
	pri := 0 // its end: the same in all records of a kind
	if first(f.raw) == '<' {
		pri = strings.IndexByte(f.raw, '>') + 1
	}
	f.findNumber(pri, claimed, e.AgentSeq, e.HasAgentSeq, inAgentSeq)
	f.findNumber(pri, claimed, e.Seq, e.HasSeq, inSeq)
	f.find(claimed, e.Host, inHost)
	if claimed < end && f.kept <= claimed {
		f.value(claimed, e.Claimed, inClaimed)
	}
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' }

// tag replaces the value of a tag.
func (f *former) tag(t *event.Tag, name string) {
	rest := f.raw[f.kept:]
	i := strings.Index(rest, t.Key)
	if i < 0 || t.Value == "" {
		return
	}
	at := i + len(t.Key)
	for at < len(rest) && (rest[at] == ' ' || rest[at] == '=') {
		at++
	}
	if strings.HasPrefix(rest[at:], t.Value) {
		f.value(f.kept+at, t.Value, name)
	}
}

// end completes the form. It is nil when the record is better kept whole.
func (f *former) end(e *event.Event) []byte {
	f.find(len(f.raw), e.Text, inText)
	if len(f.raw)-f.kept > maxForm {
		return nil
	}
	f.literal(len(f.raw))
	if len(f.form) > maxForm {
		return nil
	}
	return f.form
}

// pieces yields what a form consists of: bytes as they are and the name of the value behind them, "" at the end and at a
// brace of the record.
func pieces(form string, yield func(literal, name string)) {
	for {
		i := strings.IndexByte(form, '{')
		switch {
		case i < 0:
			yield(form, "")
			return
		case strings.HasPrefix(form[i+1:], "{"):
			yield(form[:i+1], "")
			form = form[i+2:]
		default:
			name, rest, _ := strings.Cut(form[i+1:], "}")
			yield(form[:i], name)
			form = rest
		}
	}
}

// fill gives the record back that form was made of. e has the values.
func fill(form string, e *event.Event) string {
	b := make([]byte, 0, 512)
	pieces(form, func(literal, name string) {
		b = append(b, literal...)
		if name != "" {
			b = appendValue(b, name, e)
		}
	})
	return string(b)
}

// appendValue appends what stands for name in a form.
func appendValue(b []byte, name string, e *event.Event) []byte {
	switch place, at, _ := placeOf(name); place {
	case atText:
		return append(b, *at.text(e)...)
	case atNumber:
		return strconv.AppendUint(b, uint64(*at.number(e)), 10)
	case atTime:
		return e.Time.UTC().AppendFormat(b, stampLayout)
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(e.Tags) {
		return append(b, e.Tags[n].Value...)
	}
	return b
}

// field is where a value lies in an event.
type field uintptr

func (f field) text(e *event.Event) *string   { return (*string)(unsafe.Add(unsafe.Pointer(e), f)) }
func (f field) number(e *event.Event) *uint32 { return (*uint32)(unsafe.Add(unsafe.Pointer(e), f)) }
func (f field) flag(e *event.Event) *bool     { return (*bool)(unsafe.Add(unsafe.Pointer(e), f)) }

// texts are the columns that hold a value of a record as text.
var texts = func(e event.Event) map[string]field {
	return map[string]field{
		"device": field(unsafe.Offsetof(e.Device)), inHost: field(unsafe.Offsetof(e.Host)), inClaimed: field(unsafe.Offsetof(e.Claimed)),
		inText: field(unsafe.Offsetof(e.Text)), "mac": field(unsafe.Offsetof(e.MAC)), "ip": field(unsafe.Offsetof(e.IP)),
		"ipv6": field(unsafe.Offsetof(e.IPv6)), "protocol": field(unsafe.Offsetof(e.Protocol)),
		"description": field(unsafe.Offsetof(e.Description)), "signal": field(unsafe.Offsetof(e.Signal)),
		"state": field(unsafe.Offsetof(e.State)), "call_state": field(unsafe.Offsetof(e.CallState)),
		"app_id": field(unsafe.Offsetof(e.AppID)), "cluster": field(unsafe.Offsetof(e.Cluster)), "node": field(unsafe.Offsetof(e.Node)),
	}
}(event.Event{})

// numbers are those that hold one as a number, and say whether there is one.
var numbers = func(e event.Event) map[string][2]field {
	return map[string][2]field{
		inSeq:         {field(unsafe.Offsetof(e.Seq)), field(unsafe.Offsetof(e.HasSeq))},
		inAgentSeq:    {field(unsafe.Offsetof(e.AgentSeq)), field(unsafe.Offsetof(e.HasAgentSeq))},
		"reason":      {field(unsafe.Offsetof(e.Reason)), field(unsafe.Offsetof(e.HasReason))},
		"device_type": {field(unsafe.Offsetof(e.DeviceType)), field(unsafe.Offsetof(e.HasDeviceType))},
	}
}(event.Event{})

// placeOf says where the value called name is. No tag's value is called so.
func placeOf(name string) (where place, at, has field) {
	if at, ok := texts[name]; ok {
		return atText, at, 0
	}
	if n, ok := numbers[name]; ok {
		return atNumber, n[0], n[1]
	}
	if name == inStamp {
		return atTime, 0, 0
	}
	return nowhere, 0, 0
}

// claimed: the time as sent is kept as a pattern where the event's time gives it back.
const (
	claimedLayout  = "Jan 02 2006 15:04:05.000"
	claimedPattern = "%b %d %Y %H:%i:%S.%f" // in the words of ClickHouse's formatDateTime
	plainMark      = "%%"                   // before a text that could be taken for a pattern, or is empty
	usualZone      = " UTC"                 // with it nothing is kept: so does every record with a layout
)

// clockText writes times in claimedLayout and keeps the text of the last second.
type clockText struct {
	second int64
	text   []byte
}

// appendClaimed appends what is kept of the time as sent.
func (c *clockText) appendClaimed(b []byte, e *event.Event) []byte {
	if len(e.Claimed) >= len(claimedLayout) && e.Claimed[:len(claimedLayout)] == string(c.at(e)) {
		zone := e.Claimed[len(claimedLayout):]
		if zone == usualZone {
			return b
		}
		return append(append(b, claimedPattern...), zone...)
	}
	if e.Claimed == "" || strings.HasPrefix(e.Claimed, "%") {
		b = append(b, plainMark...)
	}
	return append(b, e.Claimed...)
}

func (c *clockText) at(e *event.Event) []byte {
	if second := e.Time.Unix(); second != c.second || c.text == nil {
		c.second, c.text = second, e.Time.UTC().AppendFormat(c.text[:0], claimedLayout)
	}
	ms := e.Time.Nanosecond() / 1e6
	c.text = append(c.text[:len(claimedLayout)-3], byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return c.text
}

// claimedOf gives the time as sent back.
func claimedOf(kept string, e *event.Event) string {
	if kept == "" {
		kept = claimedPattern + usualZone
	}
	if zone, found := strings.CutPrefix(kept, claimedPattern); found {
		return string(append(e.Time.UTC().AppendFormat(nil, claimedLayout), zone...))
	}
	text, _ := strings.CutPrefix(kept, plainMark)
	return text
}
