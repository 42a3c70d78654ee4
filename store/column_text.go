package store

import (
	"bytes"
	"encoding/binary"
	"iter"
	"net"
	"strings"

	"flapwatch/event"
)

// text is a column of strings. It holds each with its length before it, as Native wants them, in pieces of memory that are never moved.
// Nothing is held of it as long as all rows are empty.
type text struct {
	rows   int
	pieces [][]byte // no row is in two; none while all rows are empty
	marks  []spot   // where every stride-th row begins
	spare  [][]byte // pieces to be used again
}

// spot is a place in the pieces of a text.
type spot struct{ piece, offset uint32 }

const (
	stride    = 64
	pieceSize = 256 << 10 // a longer row has a piece of its own
)

func (c *text) add(s string) {
	if len(c.pieces) == 0 && s == "" {
		c.rows++
		return
	}
	c.end(appendString(c.begin(len(s)), s))
}

func (c *text) addBytes(b []byte) {
	c.end(append(appendLength(c.begin(len(b)), len(b)), b...))
}

// begin begins a row of size bytes: these and their length are to be appended to what it gives, for end.
func (c *text) begin(size int) []byte {
	if len(c.pieces) == 0 {
		c.fill()
	}
	last := c.pieces[len(c.pieces)-1]
	if cap(last)-len(last) < binary.MaxVarintLen64+size {
		last = c.more(size)
	}
	if c.rows%stride == 0 {
		c.marks = append(c.marks, spot{uint32(len(c.pieces) - 1), uint32(len(last))})
	}
	c.rows++
	return last
}

// end ends a row.
func (c *text) end(piece []byte) { c.pieces[len(c.pieces)-1] = piece }

// more begins a piece that has room for a row of size bytes.
func (c *text) more(size int) []byte {
	var piece []byte
	most, last := binary.MaxVarintLen64+size, len(c.spare)-1
	if most <= pieceSize && last >= 0 {
		piece, c.spare = c.spare[last], c.spare[:last]
	} else {
		piece = make([]byte, 0, max(most, pieceSize))
	}
	c.pieces = append(c.pieces, piece)
	return piece
}

// fill gives the empty rows so far a place.
func (c *text) fill() {
	empty := c.rows
	c.rows = 0
	c.more(0)
	for range empty {
		c.end(appendString(c.begin(0), ""))
	}
}

func (c *text) kind() string { return "String" }

func (c *text) reset() {
	for _, piece := range c.pieces {
		if cap(piece) == pieceSize {
			c.spare = append(c.spare, piece[:0])
		}
	}
	clear(c.pieces)
	c.rows, c.pieces, c.marks = 0, c.pieces[:0], c.marks[:0]
}

// bytes is what the rows take, with their lengths.
func (c *text) bytes() (n int) {
	for _, piece := range c.pieces {
		n += len(piece)
	}
	return n
}

// string is the text of a row.
func (c *text) string(row int32) string {
	if len(c.pieces) == 0 {
		return ""
	}
	wire := c.at(row)
	_, n := binary.Uvarint(wire)
	return string(wire[n:])
}

// at is a row with its length.
func (c *text) at(row int32) []byte {
	m := c.marks[row/stride]
	rest := c.pieces[m.piece][m.offset:]
	for passed := row / stride * stride; ; passed++ {
		for len(rest) == 0 {
			m.piece++
			rest = c.pieces[m.piece]
		}
		length, n := binary.Uvarint(rest)
		if end := n + int(length); passed == row {
			return rest[:end]
		} else {
			rest = rest[end:]
		}
	}
}

func (c *text) native(out *net.Buffers, rows []int32) {
	switch {
	case len(c.pieces) == 0:
		*out = repeated(*out, appendString(nil, ""), chosen(rows, c.rows))
	case rows == nil:
		*out = append(*out, c.pieces...)
	default:
		var picked []byte
		for _, row := range rows {
			picked = append(picked, c.at(row)...)
		}
		*out = append(*out, picked)
	}
}

// chosen is how many rows those are, of n.
func chosen(rows []int32, n int) int {
	if rows == nil {
		return n
	}
	return len(rows)
}

// repeated appends the same bytes n times.
func repeated(out net.Buffers, one []byte, n int) net.Buffers {
	const atOnce = 1 << 10
	many := bytes.Repeat(one, min(n, atOnce))
	for ; n > 0; n -= atOnce {
		out = append(out, many[:min(n, atOnce)*len(one)])
	}
	return out
}

func (c *text) take(from column, rows []int32) {
	for _, row := range rows {
		c.add(from.(*text).string(row))
	}
}

func (c *text) values(rows []int32) any {
	var v []string
	for row := range every(rows, c.rows) {
		v = append(v, c.string(row))
	}
	return v
}

// every yields the chosen rows, or all n.
func every(rows []int32, n int) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		if rows == nil {
			for i := range int32(n) {
				if !yield(i) {
					return
				}
			}
		}
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
	}
}

// word is a column of strings that repeat: each different one is sent once, the rows hold its number.
type word struct {
	number map[string]uint32
	words  []string   // by number; 0 is the empty string
	rows   []uint32   // numbers
	recent [64]uint32 // numbers of words added lately; a slot is a guess, which is checked
}

func (c *word) add(s string) {
	if n := len(c.rows); n > 0 && s == c.words[c.rows[n-1]] {
		c.addNumber(c.rows[n-1])
		return
	}
	c.addNumber(c.numberOf(s))
}

// addNumber adds the word with that number.
func (c *word) addNumber(n uint32) { c.rows = append(doubled(c.rows), n) }

// numberOf gives the number of a word, which is learned if it is new.
func (c *word) numberOf(s string) uint32 {
	slot := &c.recent[guess(s)%uint32(len(c.recent))]
	if *slot == 0 || c.words[*slot] != s {
		n, known := c.number[s]
		if !known {
			n = c.learn(s)
		}
		*slot = n
	}
	return *slot
}

// guess is a hash for what differs in few places, most of all at the end.
func guess(s string) uint32 {
	n := len(s)
	if n == 0 {
		return 0
	}
	return uint32(n) + 7*uint32(s[n-1]) + 31*uint32(s[n/2])
}

func (c *word) at(row int32) string { return c.words[c.rows[row]] }

func (c *word) learn(s string) uint32 {
	if len(c.words) == 0 {
		c.number, c.words = map[string]uint32{"": 0}, append(c.words, "")
		if s == "" {
			return 0
		}
	}
	s = strings.Clone(s)
	n := uint32(len(c.words))
	c.number[s] = n
	c.words = append(c.words, s)
	return n
}

func (c *word) kind() string { return "LowCardinality(String)" }

func (c *word) reset() {
	clear(c.words) // let the strings go
	c.number, c.words, c.rows = nil, c.words[:0], c.rows[:0]
	clear(c.recent[:])
}

// LowCardinality in Native: a version, then for each block its flags and the width of a number, the words, the numbers.
// https://github.com/ClickHouse/ClickHouse/blob/master/src/DataTypes/Serializations/SerializationLowCardinality.cpp
const (
	sharedDictionaries = 1       // version
	wordsFollow        = 1 << 9  // has additional keys
	wordsAreNew        = 1 << 10 // need update dictionary
)

func (c *word) native(out *net.Buffers, rows []int32) {
	*out = append(*out, binary.LittleEndian.AppendUint64(nil, sharedDictionaries))
	numbers := (&number[uint32]{c.rows}).pick(rows)
	if len(numbers) == 0 {
		return
	}
	narrow, width := narrowed(numbers, len(c.words))
	b := binary.LittleEndian.AppendUint64(nil, wordsFollow|wordsAreNew|width)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(c.words)))
	for _, w := range c.words {
		b = appendString(b, w)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(numbers)))
	*out = append(*out, b, narrow)
}

// narrowed writes numbers below n in as few bytes as they need: 1, 2 or 4, which is width 0, 1 or 2.
func narrowed(numbers []uint32, n int) (b []byte, width uint64) {
	switch {
	case n <= 1<<8:
		b = make([]byte, len(numbers))
		for i, v := range numbers {
			b[i] = byte(v)
		}
		return b, 0
	case n <= 1<<16:
		b = make([]byte, 0, 2*len(numbers))
		for _, v := range numbers {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		return b, 1
	}
	return littleEndian(numbers), 2
}

func (c *word) take(from column, rows []int32) {
	for _, row := range rows {
		c.add(from.(*word).at(row))
	}
}

func (c *word) values(rows []int32) any {
	numbers := (&number[uint32]{c.rows}).pick(rows)
	v := make([]string, len(numbers))
	for i, n := range numbers {
		v[i] = c.words[n]
	}
	return v
}

// identity is a column of ids.
type identity struct{ v []event.ID }

func (c *identity) add(id event.ID) { c.v = append(doubled(c.v), id) }
func (c *identity) kind() string    { return "FixedString(16)" }
func (c *identity) reset()          { c.v = c.v[:0] }

func (c *identity) native(out *net.Buffers, rows []int32) {
	b := make([]byte, 0, 16*len(c.v))
	for row := range every(rows, len(c.v)) {
		b = append(b, c.v[row][:]...)
	}
	*out = append(*out, b)
}

func (c *identity) take(from column, rows []int32) {
	for _, row := range rows {
		c.add(from.(*identity).v[row])
	}
}

func (c *identity) values(rows []int32) any {
	var v []string
	for row := range every(rows, len(c.v)) {
		v = append(v, string(c.v[row][:]))
	}
	return v
}
