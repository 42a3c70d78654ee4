package parse

import (
	"slices"
	"strings"

	"flapwatch/event"
)

// Bounds of what is looked for: the length of a key, its mark and padding counted, and the number of tags, of which no alarm of
// the catalogue has more than thirty. What follows the last is text.
const (
	maxKey  = 96
	maxTags = 256
)

// room is how many tags there is space for in an event at first.
const room = 16

// tags reads the list whose first '[' is at list and gives the index behind it, if that is a list.
//
// CiscoLog asks for brackets in values to be escaped, CUCM does not do it. So a value ends at a ']' with "[key=" behind it, or
// with the colon that ends the list; and of a Description, which may hold anything but " < > \ & %, only at a known key that
// was not seen yet, or, if there is one, at the last "][Reason=" with a number.
func (r *record) tags(list int) (end int, ok bool) {
	from, whole := r.usualTags(list)
	if whole && (r.e.Ending != nil || !r.spoofed(from-1)) {
		if r.layout != 0 {
			r.layout |= event.Layout(r.seen)
		}
		return from, true
	}
	r.layout = 0
	if whole {
		r.forget()
		from = list
	}
	var k, next tagKey
	if !r.keyAt(from, &k) {
		return 0, false
	}
	for {
		end, last := r.valueEnd(&k, &next)
		if end < 0 {
			r.cutValue(&k)
			return len(r.s), true
		}
		r.add(&k, r.s[k.value:end])
		if last || len(r.e.Tags) == maxTags {
			if r.spoofed(end) {
				r.forget()
				return r.tags(list)
			}
			return end + 1, true
		}
		k.name, k.value, k.field, k.unknown = next.name, next.value, next.field, next.unknown
	}
}

// padded tells whether s begins or ends with a space.
func padded(s string) bool { return s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') }

// valueEnd finds the ']' that ends the value of k, and reads the key that follows into next unless it was the last. The end
// is negative if the record ends inside the value.
func (r *record) valueEnd(k, next *tagKey) (end int, last bool) {
	if k.field.free() {
		if end, ok := r.freeEnd(k, next); ok {
			return end, false
		}
	}
	s := r.s
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
			if k.field.free() && r.escaped(c) {
				return -1, true
			}
			return c, true
		case s[j] == '[':
			ok := r.keyAt(j, next)
			if ok && (!k.field.free() || r.fresh(next)) {
				return c, false
			}
			if !ok && !strings.ContainsAny(s[j:], "=]") {
				r.e.Truncated, r.cutKey = true, true
				return c, true
			}
		case s[j] == ':' && !r.escaped(c) && r.listEnds(k, c):
			return c, true
		}
	}
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

// cutValue keeps what there is of a value that is cut, without half a character or half an escape, if it is free text; half an
// address or half a number would be a wrong one.
func (r *record) cutValue(k *tagKey) {
	if !k.field.free() {
		return
	}
	end := len(r.s)
	if r.escaped(end) {
		end--
	}
	r.add(k, withoutCutRune(r.s[k.value:end]))
}

// add appends a tag and fills its field.
func (r *record) add(k *tagKey, value string) {
	switch {
	case !r.plain || r.coded:
		value = r.clean(value, k.field.wordy())
	case padded(value):
		value = trim(value)
	}
	r.append(k.name, value, k.unknown)
	if k.field <= noted {
		return
	}
	bit := uint32(1) << k.field
	if r.seen&bit != 0 {
		r.twice = r.twice || r.described != 0
	} else if k.field == description && r.seen&(1<<reason) == 0 {
		r.described = k.value
	} else if k.field == reason && r.described != 0 {
		r.apart = len(r.e.Tags) < 2 || fieldOf(r.e.Tags[len(r.e.Tags)-2].Key) != description
	}
	r.seen |= bit
	r.set(k.field, value)
}

// append appends a tag, word by word: a tag as a whole would be written twice, and waited for in between.
func (r *record) append(key, value string, unknown bool) {
	e := r.e
	if len(e.Tags) == cap(e.Tags) {
		e.Tags = slices.Grow(e.Tags, room)
	}
	e.Tags = e.Tags[:len(e.Tags)+1]
	t := &e.Tags[len(e.Tags)-1]
	t.Key, t.Value, t.Unknown = key, value, unknown
}
