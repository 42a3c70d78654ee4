package store

import (
	"strconv"
	"strings"
)

// packed makes one word of several values that go together, so that ClickHouse has one column where it would have many: see
// migrations/0004. Between two values stands a separator; in a value the separator and the escape are two bytes each.
//
// Most rows say what one before them said. So a word can be expected: then values are compared with it and nothing is written.
type packed struct {
	b      []byte
	count  int // values
	digits [10]byte

	comparing, same bool
	rest            string // of the word that is expected
}

const (
	separator = 0x1f // unit separator of ASCII
	escape    = 0x1e
)

var (
	escaper   = strings.NewReplacer("\x1e", "\x1ee", "\x1f", "\x1ef")
	unescaper = strings.NewReplacer("\x1ee", "\x1e", "\x1ef", "\x1f")
)

func (p *packed) begin() { p.b, p.count, p.comparing = p.b[:0], 0, false }

// expect begins a word that may be the one given, which must hold no escape: then it has as many separators as values less
// one, and a value with a separator or an escape in it cannot be the same.
func (p *packed) expect(word string) { p.rest, p.count, p.comparing, p.same = word, 0, true, true }

// met says whether the values were those of the word expected.
func (p *packed) met() bool { return p.same && p.rest == "" }

// compare takes the next value off the word expected.
func (p *packed) compare(s string) {
	if p.count++; p.count > 1 {
		if p.rest == "" || p.rest[0] != separator {
			p.same = false
			return
		}
		p.rest = p.rest[1:]
	}
	if len(p.rest) < len(s) || p.rest[:len(s)] != s {
		p.same = false
		return
	}
	p.rest = p.rest[len(s):]
}

func (p *packed) next() {
	if p.count++; p.count > 1 {
		p.b = append(p.b, separator)
	}
}

func (p *packed) text(s string) {
	if p.comparing {
		if p.same {
			p.compare(s)
		}
		return
	}
	p.next()
	if s == "" {
		return
	}
	if strings.IndexByte(s, separator) >= 0 || strings.IndexByte(s, escape) >= 0 {
		s = escaper.Replace(s)
	}
	p.b = append(p.b, s...)
}

// number adds a number in decimal digits, nothing for one that is absent.
func (p *packed) number(n uint32, has bool) {
	switch {
	case !has:
		p.text("")
	case n < 100:
		p.text(strconv.Itoa(int(n))) // which has these ready
	default:
		p.long(strconv.AppendUint(p.digits[:0], uint64(n), 10))
	}
}

// long adds digits.
func (p *packed) long(digits []byte) {
	if !p.comparing {
		p.next()
		p.b = append(p.b, digits...)
		return
	}
	if p.same {
		p.compare("")
		p.same = p.same && len(p.rest) >= len(digits) && p.rest[:len(digits)] == string(digits)
	}
	if p.same {
		p.rest = p.rest[len(digits):]
	}
}

func (p *packed) flag(is bool) {
	if is {
		p.text("1")
	} else {
		p.text("")
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
