package store

import (
	"strconv"
	"strings"

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

// piece is a stretch of a form: bytes as they are, then the value called name, if any.
type piece struct {
	literal string
	place   place
	name    string
	field   field // of a column
	tag     int   // of the event; -1 if the value is no tag's
}

// place says where the value of a piece is.
type place uint8

const (
	nowhere place = iota
	inColumn
	inNumber
	inTag
)

type kindTag struct {
	key     string
	column  string // that may hold its value
	field   field  // of the column
	unknown bool
	kept    bool // in the column tags
}

const maxKinds = 32 // remembered

// learn remembers the form of an event's record.
func (f *former) learn(e *event.Event, form string) {
	k := knownForm{form: form}
	for i := range e.Tags {
		t := &e.Tags[i]
		k.tags = append(k.tags, kindTag{strings.Clone(t.Key), tagColumns[t.Key], fields[tagColumns[t.Key]], t.Unknown, t.Unknown || columnOf(e, t) == ""})
		if k.tags[i].kept {
			k.kept = append(k.kept, i)
		}
	}
	pieces(form, func(literal, name string) {
		p := piece{literal: literal, name: name, tag: -1}
		switch n, err := strconv.Atoi(name); {
		case err == nil:
			p.place, p.tag = inTag, k.kept[n]
		case textOf(e, name) != nil:
			p.place, p.field = inColumn, fields[name]
		case name != "":
			p.place = inNumber
		}
		k.pieces = append(k.pieces, p)
	})
	if len(f.kinds) < maxKinds {
		f.kinds = append(f.kinds, k)
		return
	}
	f.oldest = (f.oldest + 1) % maxKinds
	f.kinds[f.oldest] = k
}

// known finds the kind of an event's record.
func (f *former) known(e *event.Event) *knownForm {
	if f.last < len(f.kinds) && f.kinds[f.last].matches(e, f.number[:0]) {
		return &f.kinds[f.last]
	}
	for i := range f.kinds {
		if i != f.last && f.kinds[i].matches(e, f.number[:0]) {
			f.last = i
			return &f.kinds[i]
		}
	}
	return nil
}

// matches says whether the form gives the record of e back, and its tags are those of the kind.
func (k *knownForm) matches(e *event.Event, space []byte) bool {
	return len(e.Tags) == len(k.tags) && k.gives(e, space) && k.sorts(e)
}

func (k *knownForm) gives(e *event.Event, space []byte) bool {
	rest := e.Raw
	for i := range k.pieces {
		p := &k.pieces[i]
		if !strings.HasPrefix(rest, p.literal) {
			return false
		}
		rest = rest[len(p.literal):]
		var value string
		switch p.place {
		case nowhere:
			continue
		case inColumn:
			value = *p.field.of(e)
		case inTag:
			value = e.Tags[p.tag].Value
		case inNumber:
			digits := appendValue(space, p.name, e)
			if len(rest) < len(digits) || rest[:len(digits)] != string(digits) {
				return false
			}
			rest = rest[len(digits):]
			continue
		}
		if !strings.HasPrefix(rest, value) {
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
		if t.Key != want.key || t.Unknown != want.unknown {
			return false
		}
		held := false
		switch {
		case t.Unknown || want.column == "":
			continue
		case want.field != 0:
			held = t.Value == *want.field.of(e)
		default:
			held = holds(e, t, want.column)
		}
		if held == want.kept {
			return false
		}
	}
	return true
}
