package store

import (
	"bytes"
	"strconv"
	"strings"
	"unsafe"
)

// packed makes one word of several values that go together, so that ClickHouse has one column where it would have many: see
// migrations/0004. Between two values stands a separator; in a value the separator and the escape are two bytes each.
type packed struct {
	b       []byte
	numbers [64]printed
}

// printed is a number that was packed lately.
type printed struct {
	n    uint32
	text string
}

const (
	separator = 0x1f // unit separator of ASCII
	escape    = 0x1e
)

var (
	escaper   = strings.NewReplacer("\x1e", "\x1ee", "\x1f", "\x1ef")
	unescaper = strings.NewReplacer("\x1ee", "\x1e", "\x1ef", "\x1f")
)

// pack gives the word of some values; it is valid until the next is made.
func (p *packed) pack(values ...string) string {
	p.b = join(p.b[:0], values)
	if bytes.Count(p.b, []byte{separator}) >= len(values) || bytes.IndexByte(p.b, escape) >= 0 {
		escaped := make([]string, len(values))
		for i, v := range values {
			escaped[i] = escaper.Replace(v)
		}
		p.b = join(p.b[:0], escaped)
	}
	return unsafe.String(unsafe.SliceData(p.b), len(p.b))
}

// join appends values with separators between them.
func join(b []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, separator)
		}
		b = append(b, v...)
	}
	return b
}

// addPlain adds the word of some values that have no control characters: then none has to be escaped, as hardly one has.
func (c *text) addPlain(values ...string) {
	size := len(values) - 1
	for _, v := range values {
		size += len(v)
	}
	c.end(join(appendLength(c.begin(size), size), values))
}

// number gives a number in decimal digits, nothing for one that is absent.
func (p *packed) number(n uint32, has bool) string {
	if !has {
		return ""
	}
	printed := &p.numbers[n%uint32(len(p.numbers))]
	if printed.n != n || printed.text == "" {
		printed.n, printed.text = n, strconv.FormatUint(uint64(n), 10)
	}
	return printed.text
}

func flagText(is bool) string {
	if is {
		return "1"
	}
	return ""
}

// values takes one value after the other off a word. One with fewer than there should be, which somebody else wrote, leaves the
// last ones empty.
type values struct{ rest string }

func (v *values) next() string {
	value, rest, _ := strings.Cut(v.rest, string(rune(separator)))
	v.rest = rest
	if strings.IndexByte(value, escape) >= 0 {
		value = unescaper.Replace(value)
	}
	return value
}

// number gives a number that may be absent.
func (v *values) number(bits int) (uint64, bool) {
	n, err := strconv.ParseUint(v.next(), 10, bits)
	if err != nil {
		return 0, false
	}
	return n, true
}

// hint is the same for the same text, and seldom for another of those that come together. It looks at both ends and the middle.
func hint(s string) uint64 {
	n := len(s)
	if n < 8 {
		return uint64(guess(s))
	}
	return (wordOf(s) + 3*wordOf(s[n/2-4:]) + 5*wordOf(s[n-8:]) + uint64(n)) * 0x9e3779b97f4a7c15 >> 32 // Knuth, section 6.4
}
