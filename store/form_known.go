package store

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"

	"flapwatch/event"
)

// knownForm is a form that was made, so that the next record of the kind needs only to be compared with it: where all its
// pieces are met, its form is the same.
type knownForm struct {
	form   string
	pieces []piece
	tags   []kindTag
	kept   []int // places of the tags that are kept
}

// piece is a stretch of a form: bytes as they are, then a value, if any.
type piece struct {
	literal
	place place
	field field
	tag   int // of the event
}

// place says where the value of a piece is.
type place uint8

const (
	nowhere place = iota
	atText
	atNumber
	atTag
	atTime
)

type kindTag struct {
	key     string
	place   place // of the column that may hold its value; nowhere if there is none
	field   field
	has     field // says whether there is a number
	unknown bool
	kept    bool // in the column rest
}

// learn remembers the form of an event's record, and says whether it gives the record back.
func (f *former) learn(e *event.Event, form string) bool {
	k := knownForm{form: form}
	for i := range e.Tags {
		t := &e.Tags[i]
		want := kindTag{key: ownKey(t.Key), unknown: t.Unknown, kept: t.Unknown || columnOf(e, t) == ""}
		if !t.Unknown {
			want.place, want.field, want.has = placeOf(tagColumns[t.Key])
		}
		if k.tags = append(k.tags, want); want.kept {
			k.kept = append(k.kept, i)
		}
	}
	pieces(form, func(text, name string) {
		p := piece{literal: literalOf(text)}
		if n, err := strconv.Atoi(name); err == nil {
			p.place, p.tag = atTag, k.kept[n]
		} else {
			p.place, p.field, _ = placeOf(name)
		}
		k.pieces = append(k.pieces, p)
	})
	if !k.matches(e) {
		return false
	}
	f.kinds.keep(k)
	return true
}

// recent are the latest few of what was made of records, to be found by the next record that it matches.
type recent[T any, P matcher[T]] struct {
	list         []T
	last, oldest int // in list
}

type matcher[T any] interface {
	*T
	matches(*event.Event) bool
}

const maxKinds = 32 // remembered

// of finds what matches an event, nil if nothing does.
func (r *recent[T, P]) of(e *event.Event) P {
	if r.last < len(r.list) && P(&r.list[r.last]).matches(e) {
		return &r.list[r.last]
	}
	for i := range r.list {
		if i != r.last && P(&r.list[i]).matches(e) {
			r.last = i
			return &r.list[i]
		}
	}
	return nil
}

// keep remembers one more.
func (r *recent[T, P]) keep(one T) P {
	if len(r.list) < maxKinds {
		r.list = append(r.list, one)
		return &r.list[len(r.list)-1]
	}
	r.oldest = (r.oldest + 1) % maxKinds
	r.list[r.oldest] = one
	return &r.list[r.oldest]
}

// matches says whether the form gives the record of e back, and its tags are those of the kind.
func (k *knownForm) matches(e *event.Event) bool {
	return len(e.Tags) == len(k.tags) && k.gives(e) && k.sorts(e)
}

func (k *knownForm) gives(e *event.Event) bool {
	rest := e.Raw
	for i := range k.pieces {
		p := &k.pieces[i]
		if !p.begins(rest) {
			return false
		}
		rest = rest[len(p.text):]
		var value string
		switch p.place {
		case nowhere:
			continue
		case atText:
			value = *p.field.text(e)
		case atTag:
			value = e.Tags[p.tag].Value
		case atNumber:
			n := leads(rest, *p.field.number(e))
			if n == 0 {
				return false
			}
			rest = rest[n:]
			continue
		case atTime:
			value = e.Time.UTC().Format(stampLayout)
		}
		if len(rest) < len(value) || !same(rest[:len(value)], value) {
			return false
		}
		rest = rest[len(value):]
	}
	return rest == ""
}

// sorts says whether the same tags of e are held by columns.
func (k *knownForm) sorts(e *event.Event) bool {
	for i := range k.tags {
		t, want := &e.Tags[i], &k.tags[i]
		if !same(t.Key, want.key) || t.Unknown != want.unknown {
			return false
		}
		held := false
		switch want.place {
		case atText:
			held = same(t.Value, *want.field.text(e))
		case atNumber:
			n := leads(t.Value, *want.field.number(e))
			held = n > 0 && n == len(t.Value) && *want.has.flag(e)
		}
		if held == want.kept {
			return false
		}
	}
	return true
}

// same says whether a and b are equal. Mostly they are the very same bytes, at which there is no need to look.
func same(a, b string) bool {
	return len(a) == len(b) && (unsafe.StringData(a) == unsafe.StringData(b) || a == b)
}

// leads says how many bytes of s are n in decimal digits, without a zero before them; 0 if s does not begin with n.
func leads(s string, n uint32) int {
	v, i := uint64(0), 0
	for i < len(s) && i < 10 && isDigit(s[i]) {
		v = v*10 + uint64(s[i]-'0')
		i++
	}
	if v != uint64(n) || i > 1 && s[0] == '0' || i < len(s) && isDigit(s[i]) {
		return 0
	}
	return i
}

// literal is a text to compare with. Most are of 8 to 16 bytes, which are two words.
type literal struct {
	text       string
	head, tail uint64
}

func literalOf(text string) literal {
	l := literal{text: strings.Clone(text)}
	if n := len(text); n >= 8 {
		l.head, l.tail = wordOf(text), wordOf(text[n-8:])
	}
	return l
}

// begins says whether s begins with the literal.
func (l *literal) begins(s string) bool {
	n := len(l.text)
	if len(s) < n {
		return false
	}
	if n < 8 || n > 16 {
		return s[:n] == l.text
	}
	return wordOf(s) == l.head && wordOf(s[n-8:]) == l.tail
}

// wordOf is the first eight bytes of s as a number.
func wordOf(s string) uint64 {
	return binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s), 8))
}

// ownKey gives a key that may be kept. Keys that come often are constants, which are compared without a look at their bytes
// where the parser has the same.
func ownKey(key string) string {
	if own, ok := usualKeys[key]; ok {
		return own
	}
	return strings.Clone(key)
}

var usualKeys = func() map[string]string {
	keys := map[string]string{"IPAddrAttributes": "IPAddrAttributes", "IPV6AddrAttributes": "IPV6AddrAttributes"}
	for key := range tagColumns {
		keys[key] = key
	}
	return keys
}()
