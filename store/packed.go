package store

import (
	"bytes"
	"strconv"
	"strings"
)

// packed makes one word of several values that go together, so that ClickHouse has one column where it would have many: see
// migrations/0004. Between two values stands a separator; in a value the separator and the escape are two bytes each.
type packed struct {
	b     []byte
	count int // values
}

const (
	separator = 0x1f // unit separator of ASCII
	escape    = 0x1e
)

var (
	escaper   = strings.NewReplacer("\x1e", "\x1ee", "\x1f", "\x1ef")
	unescaper = strings.NewReplacer("\x1ee", "\x1e", "\x1ef", "\x1f")
)

func (p *packed) begin() { p.b, p.count = p.b[:0], 0 }

func (p *packed) next() {
	if p.count++; p.count > 1 {
		p.b = append(p.b, separator)
	}
}

func (p *packed) text(s string) {
	p.next()
	if strings.IndexByte(s, separator) >= 0 || strings.IndexByte(s, escape) >= 0 {
		s = escaper.Replace(s)
	}
	p.b = append(p.b, s...)
}

func (p *packed) bytes(s []byte) {
	if bytes.IndexByte(s, separator) >= 0 || bytes.IndexByte(s, escape) >= 0 {
		p.text(string(s))
		return
	}
	p.next()
	p.b = append(p.b, s...)
}

// number adds a number in decimal digits, nothing for one that is absent.
func (p *packed) number(n uint32, has bool) {
	p.next()
	if has {
		p.b = strconv.AppendUint(p.b, uint64(n), 10)
	}
}

func (p *packed) flag(is bool) {
	p.next()
	if is {
		p.b = append(p.b, '1')
	}
}

// end gives the word; it is valid until begin.
func (p *packed) end() []byte { return p.b }

// unpack gives the values of a word.
func unpack(word string) []string {
	values := strings.Split(word, string(rune(separator)))
	for i, v := range values {
		values[i] = unescaper.Replace(v)
	}
	return values
}
