package parse

import (
	"hash/maphash"
	"strings"

	"flapwatch/event"
)

// endings are the ends of records that came again, each from behind the tags that tell one device from another: see event.Ending.
// To find one takes a tenth of the time of reading it.
type endings struct {
	known [256]*ending
	once  [256]uint64 // hashes of those that came lately and are not known
}

// ending is the end of a record.
type ending struct {
	bytes  string // from the '[' of its first tag on
	list   int    // place in it of the colon that ends the list
	seen   uint32 // the fields that its tags fill, by bit
	shared *event.Ending
}

// seed of the hashes by which things are found that came before.
var seed = maphash.MakeSeed()

// longestEnding bounds what is remembered, in bytes.
const longestEnding = 512

// cursor is how far a list is read.
type cursor struct {
	at, tags int    // in the record and in the event
	seen     uint32 // the fields that were filled before, by bit
	hash     uint64 // of all that follows
}

// find gives the ending that s has from c on, or nil.
func (l *endings) find(s string, c *cursor) *ending {
	s = s[c.at:]
	c.hash = maphash.String(seed, s)
	i := c.hash % uint64(len(l.known))
	for _, k := range [...]*ending{l.known[i], l.known[i^1]} {
		if k != nil && k.shared.Hash == c.hash && k.bytes == s {
			return k
		}
	}
	return nil
}

// learn remembers how a record goes on from c, of which the list is read up to the colon at list. It has to come twice: most of what
// is said once is not said again.
func (l *endings) learn(r *record, c *cursor, list int) {
	i := c.hash % uint64(len(l.known))
	if l.once[i] != c.hash || len(r.s)-c.at > longestEnding {
		l.once[i] = c.hash
		return
	}
	k := &ending{bytes: strings.Clone(r.s[c.at:]), list: list - c.at, seen: r.seen &^ c.seen}
	var e event.Event
	fields := record{e: &e}
	at := 0
	for _, t := range r.e.Tags[c.tags:] {
		at += len("[") + len(t.Key) + len("=")
		t.Value = k.bytes[at : at+len(t.Value)]
		at += len(t.Value) + len("]")
		e.Tags = append(e.Tags, t)
		fields.set(fieldOf(t.Key), t.Value)
	}
	e.Text = k.bytes[skipSpace(k.bytes, k.list+1):]
	if e.Node == "" || strings.IndexByte(k.bytes[k.list:], ']') >= 0 {
		return
	}
	k.shared = event.NewEnding(&e, c.hash)
	if l.known[i] != nil {
		l.known[i^1] = l.known[i]
	}
	l.known[i] = k
}

// end finishes the event.
func (r *record) end(k *ending) {
	e, from := r.e, k.shared
	e.Tags = append(e.Tags, from.Tags...)
	e.Signal, e.CallState, e.Text = from.Signal, from.CallState, from.Text
	e.AppID, e.Cluster, e.Node = from.AppID, from.Cluster, from.Node
	e.Ending = from
	r.seen |= k.seen
}
