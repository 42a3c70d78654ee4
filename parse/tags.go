package parse

import (
	"slices"
	"strings"
)

// tagKey is the key of one [key=value], and where its value begins.
type tagKey struct {
	name    string
	value   int
	field   field
	unknown bool // marked UNKNOWN_PARAMNAME: or UNKNOWN_PARAMTYPE:
}

// Longest key looked for, its mark and padding counted.
const maxKey = 96

// tags reads the list whose first '[' is at i and gives the index behind it.
//
// CiscoLog asks for brackets in values to be escaped, CUCM does not do it. So a value ends at a ']' with "[key=" behind it, or
// with the colon that ends the list; and of a Description, which may hold anything but " < > \ & %, only at a known key that
// was not seen yet, or, if there is one, at the last "][Reason=" with a number.
func (r *record) tags(list int) int {
	var pair [2]tagKey
	k, next := &pair[0], &pair[1]
	r.keyAt(list, k)
	for {
		end, last := r.valueEnd(k, next)
		if end < 0 {
			r.cutValue(k)
			return len(r.s)
		}
		r.add(k, r.s[k.value:end])
		if last {
			if r.spoofed(end) {
				r.forget()
				return r.tags(list)
			}
			return end + 1
		}
		k, next = next, k
	}
}

// keyAt reads the key behind the '[' at i.
func (r *record) keyAt(i int, k *tagKey) bool {
	s := r.s[i+1:]
	n := strings.IndexByte(s, '=')
	if n > 0 && n <= maxKey {
		if f := fieldOf(s[:n]); f != none {
			k.name, k.value, k.field, k.unknown = s[:n], i+n+2, f, false
			return true
		}
	}
	return r.unusualKey(i+1, k)
}

// keyAfter reads the key behind the '[' at i, which follows a tag of field f.
func (r *record) keyAfter(f field, i int, k *tagKey) bool {
	if int(f) < len(usualNext) {
		if u := &usualNext[f]; u.key != "" && strings.HasPrefix(r.s[i+1:], u.key) {
			k.name, k.value, k.field, k.unknown = u.key[:len(u.key)-1], i+1+len(u.key), u.field, false
			return true
		}
	}
	return r.keyAt(i, k)
}

// unusualKey reads a key that is not one of the fields, or not in their spelling: padded, marked, with spaces, broken into
// lines, or with OpenNMS' "%61" for '='.
func (r *record) unusualKey(i int, k *tagKey) bool {
	s := r.s[i:min(len(r.s), i+maxKey)]
	end, plain := 0, true
scan:
	for ; end < len(s); end++ {
		switch c := s[end]; {
		case isAlnum(c) || c == '_':
		case c == '=' || c == '%' && strings.HasPrefix(s[end:], codedEqual):
			break scan
		case c == '[' || c == ']' || c == '%' || c == '"' || c == '{' || c >= 0x80:
			return false
		default:
			plain = false
		}
	}
	if end == len(s) || end == 0 {
		return false
	}
	*k = tagKey{name: s[:end], value: i + end + 1}
	if s[end] == '%' {
		k.value += len(codedEqual) - 1
		r.coded, r.plain = true, false
	}
	if !plain {
		r.normalise(k)
	} else {
		k.field = fieldOf(k.name)
	}
	return k.name != "" && isAlpha(k.name[0])
}

// normalise takes padding and mark off a key, and finds its field in other spellings: "App ID", "Reason code.". The three
// parameters that every alarm has get the spelling of today.
func (r *record) normalise(k *tagKey) {
	if strings.IndexByte(k.name, '\n') >= 0 {
		k.name = joinLines(k.name)
	}
	k.name = trim(k.name)
	if strings.HasPrefix(k.name, "UNKNOWN_PARAM") {
		if _, name, ok := strings.Cut(k.name, ":"); ok {
			k.name, k.unknown = trim(name), true
		}
	}
	if k.field = fieldOf(k.name); k.field != none {
		return
	}
	if spelled, ok := r.p.keys.spelling(k.name); ok && !all(k.name, alnum) {
		k.field = fieldOf(spelled)
		if k.field.common() {
			k.name = spelled
		}
	}
}

// valueEnd finds the ']' that ends the value of k, and reads the key that follows into next unless it was the last. The end
// is negative if the record ends inside the value.
func (r *record) valueEnd(k, next *tagKey) (end int, last bool) {
	s := r.s
	if k.field.free() {
		if end, ok := r.freeEnd(k, next); ok {
			return end, false
		}
	} else if n := strings.IndexByte(s[k.value:], ']'); n >= 0 {
		if c := k.value + n; c+1 < len(s) && s[c+1] == '[' && r.keyAfter(k.field, c+1, next) {
			return c, false
		}
	}
	for c := k.value; ; c++ {
		n := strings.IndexByte(s[c:], ']')
		if n < 0 {
			return r.unclosed(k), true
		}
		c += n
		j := skipSpace(s, c+1)
		switch {
		case j == len(s):
			r.e.Truncated = true
			return c, true
		case s[j] == '[':
			ok := r.keyAfter(k.field, j, next)
			if ok && (!k.field.free() || r.fresh(next)) {
				return c, false
			}
			if !ok && strings.IndexAny(s[j:], "=]") < 0 {
				r.e.Truncated = true
				return c, true
			}
		case s[j] == ':' && !r.escaped(c) && r.listEnds(k, c):
			return c, true
		}
	}
}

// freeEnd finds the end of a free text by what must follow it, if that is known beforehand. Inside a list that an alert quotes
// the end is negative: the record is cut there.
func (r *record) freeEnd(k, next *tagKey) (end int, ok bool) {
	if k.field == description {
		if r.lastReason == 0 {
			return 0, false
		}
		return r.lastReason, r.keyAt(skipSpace(r.s, r.lastReason+1), next)
	}
	end, ok = r.lastTag(k.value, "App", appID, next)
	if !ok {
		end = len(r.s)
	}
	if quotesOpenList(r.s[k.value:end]) {
		r.e.Truncated = true
		return -1, true
	}
	return end, ok
}

// quotesOpenList tells whether s, which is quoted in an alert, ends inside the tag list of a quoted message.
func quotesOpenList(s string) bool {
	i := strings.LastIndex(s, "%[")
	return i >= 0 && !strings.Contains(s[i:], "]:") && !strings.Contains(s[i:], "] :")
}

// lastTag finds the last tag of field f behind from, whose key begins with word: the ']' before it, and its key. A Reason
// counts only with a number.
func (r *record) lastTag(from int, word string, f field, k *tagKey) (end int, ok bool) {
	for to := len(r.s); ; {
		n := strings.LastIndex(r.s[from:to], word)
		if n < 0 {
			return 0, false
		}
		to = from + n
		open := strings.LastIndexByte(r.s[from:to], '[') + from
		if open < from || to-open > maxKey {
			continue
		}
		end = skipSpaceBack(r.s, open) - 1
		if end < from || r.s[end] != ']' {
			continue
		}
		if r.keyAt(open, k) && k.field == f && (f != reason || r.numberAt(k.value)) {
			return end, true
		}
	}
}

// numberAt tells whether a value that is a number and closed begins at i.
func (r *record) numberAt(i int) bool {
	i = skipSpace(r.s, i)
	n := digits(r.s[i:])
	i = skipSpace(r.s, i+n)
	return n > 0 && i < len(r.s) && r.s[i] == ']'
}

// fresh tells whether k is known and was not seen yet.
func (r *record) fresh(k *tagKey) bool {
	if k.field > noted {
		return r.seen&(1<<k.field) == 0
	}
	_, seen := r.e.Tag(k.name)
	return !seen && r.p.keys.known[k.name]
}

// escaped tells whether the byte at i has an odd number of backslashes before it.
func (r *record) escaped(i int) bool {
	n := 0
	for i-n > 0 && r.s[i-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

// listEnds tells whether the ']' at c, with a colon behind it, ends the list: surely so once NodeID was read, otherwise if no
// known parameter follows.
func (r *record) listEnds(k *tagKey, c int) bool {
	var next tagKey
	if !k.field.free() && (k.field == node || r.seen&(1<<node) != 0) {
		return true
	}
	for {
		n := strings.IndexByte(r.s[c+1:], ']')
		if n < 0 {
			return true
		}
		c += 1 + n
		if j := skipSpace(r.s, c+1); j < len(r.s) && r.s[j] == '[' {
			if r.keyAt(j, &next) && r.fresh(&next) {
				return false
			}
		}
	}
}

// unclosed deals with a value that nothing ends: of the parameters that have no brackets in them it ends at the first one,
// though the colon is missing; otherwise the record is cut.
func (r *record) unclosed(k *tagKey) int {
	r.e.Truncated = true
	if k.field.common() {
		if n := strings.IndexByte(r.s[k.value:], ']'); n >= 0 {
			return k.value + n
		}
	}
	return -1
}

// cutValue keeps what there is of a value that is cut, if it is free text; half an address or half a number would be a wrong one.
func (r *record) cutValue(k *tagKey) {
	if k.field.free() {
		r.add(k, withoutCutRune(r.s[k.value:]))
	}
}

// add appends a tag and fills its field.
func (r *record) add(k *tagKey, value string) {
	switch {
	case !r.plain:
		value = r.clean(value, k.field.wordy())
	case value != "" && (value[0] == ' ' || value[len(value)-1] == ' '):
		value = trim(value)
	}
	tags := r.e.Tags
	if len(tags) == cap(tags) {
		tags = slices.Grow(tags, 16)
	}
	tags = tags[:len(tags)+1]
	t := &tags[len(tags)-1]
	t.Key, t.Value, t.Unknown = k.name, value, k.unknown
	r.e.Tags = tags
	if k.field <= noted {
		return
	}
	switch k.field {
	case reason:
		r.twice = r.twice || r.described != 0 && r.seen&(1<<reason) != 0
	case description:
		if r.seen&(1<<reason) == 0 {
			r.described = k.value
		}
	}
	r.seen |= 1 << k.field
	r.set(k.field, value)
}

// spoofed tells, with the list read up to end, whether the Description held something like a Reason: then it ends later than
// was thought, and r.lastReason says where.
func (r *record) spoofed(end int) bool {
	if r.described == 0 || r.lastReason != 0 || !r.twice && strings.IndexByte(r.s[end+1:], ']') < 0 {
		return false
	}
	var ok bool
	r.lastReason, ok = r.lastTag(r.described, "Reason", reason, new(tagKey))
	return ok
}

// forget empties what tags filled.
func (r *record) forget() {
	e := r.e
	r.seen, r.twice, r.described = 0, false, 0
	e.Tags = e.Tags[:0]
	e.Device, e.MAC, e.IP, e.IPv6, e.Protocol, e.Description, e.Signal = "", "", "", "", "", "", ""
	e.State, e.CallState, e.AppID, e.Cluster, e.Node, e.Part = "", "", "", "", "", ""
	e.DeviceType, e.HasDeviceType, e.Reason, e.HasReason, e.Truncated = 0, false, 0, false, false
}

// clean gives a value that cannot be taken as it is.
func (r *record) clean(s string, wordy bool) string {
	s = trim(s)
	if strings.IndexByte(s, '\n') >= 0 {
		if wordy {
			s = strings.Join(strings.Fields(s), " ")
		} else {
			s = joinLines(s)
		}
	}
	if r.coded {
		s = decode(s)
	}
	return asUTF8(unescape(s))
}
