package store

import (
	"bytes"
	"strconv"
	"strings"
)

// packed makes one word of several values that go together, so that ClickHouse has one column where it would have many: see
// migrations/0004. Between two values stands a separator; in a value the separator and the escape are two bytes each.
type packed struct {
	b      []byte
	count  int // values
	passes int
	plain  bool
}

const (
	separator = 0x1f // unit separator of ASCII
	escape    = 0x1e
)

var (
	escaper   = strings.NewReplacer("\x1e", "\x1ee", "\x1f", "\x1ef")
	unescaper = strings.NewReplacer("\x1ee", "\x1e", "\x1ef", "\x1f")
)

// begin begins a word. Its values are added as often as more says:
//
//	for p.begin(false); p.more(); {
//		p.text(…)
//	}
//	p.word()
//
// plain says that no value has a control character, so that none has to be escaped.
func (p *packed) begin(plain bool) { p.passes, p.plain = 0, plain }

// more says whether the values have to be added, once, or once more: hardly one has to be escaped, and that is seen in the word, which
// has a separator too many then.
func (p *packed) more() bool {
	if p.passes > 1 || p.passes == 1 && (p.plain || bytes.Count(p.b, []byte{separator}) == p.count && bytes.IndexByte(p.b, escape) < 0) {
		return false
	}
	p.b, p.count = p.b[:0], 0
	p.passes++
	return true
}

// word gives the word; it is valid until the next begins.
func (p *packed) word() []byte { return p.b[:len(p.b)-1] } // without the last separator

func (p *packed) end() {
	p.count++
	p.b = append(p.b, separator)
}

func (p *packed) text(s string) {
	if p.passes > 1 {
		s = escaper.Replace(s)
	}
	p.b = append(p.b, s...)
	p.end()
}

// number adds a number in decimal digits, nothing for one that is absent.
func (p *packed) number(n uint32, has bool) {
	if has {
		p.b = strconv.AppendUint(p.b, uint64(n), 10)
	}
	p.end()
}

func (p *packed) flag(is bool) {
	if is {
		p.b = append(p.b, '1')
	}
	p.end()
}

// unpack gives the values of a word.
func unpack(word string) []string {
	values := strings.Split(word, string(rune(separator)))
	if strings.IndexByte(word, escape) < 0 {
		return values
	}
	for i, v := range values {
		values[i] = unescaper.Replace(v)
	}
	return values
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

// packedWord is a column of words that are packed from values of type T. It remembers what words added lately were made of: most
// rows say what one before them said, and need only be compared with it.
type packedWord[T words[T]] struct {
	word
	recent [256]remembered[T]
}

// words are values whose word repeats.
type words[T any] interface {
	comparable
	pack(*packed)
	lasting(raw string) T // the same, without texts that are parts of raw
}

type remembered[T any] struct {
	values T
	number uint32 // of the word; 0 is none
}

// addPacked adds the word of some values of a record. hint is the same for the same values, and seldom for others.
func (c *packedWord[T]) addPacked(p *packed, hint uint64, values *T, raw string) {
	i := hint % uint64(len(c.recent))
	slot, beside := &c.recent[i], &c.recent[i^1]
	switch {
	case slot.number != 0 && slot.values == *values:
	case beside.number != 0 && beside.values == *values:
		slot = beside
	default:
		for p.begin(false); p.more(); {
			(*values).pack(p)
		}
		n, known := c.number[string(p.word())]
		if !known {
			n = c.learn(string(p.word()))
		}
		*beside = *slot
		slot.number, slot.values = n, (*values).lasting(raw)
	}
	c.rows = append(c.rows, slot.number)
}

func (c *packedWord[T]) take(from column, rows []int32) {
	c.word.take(&from.(*packedWord[T]).word, rows)
}

// hint is the same for the same text, and seldom for another of those that come together. It looks at both ends and the middle.
func hint(s string) uint64 {
	n := len(s)
	if n < 8 {
		return uint64(guess(s))
	}
	return (wordOf(s) + 3*wordOf(s[n/2-4:]) + 5*wordOf(s[n-8:]) + uint64(n)) * 0x9e3779b97f4a7c15 >> 32 // Knuth, section 6.4
}

func (c *packedWord[T]) reset() {
	c.word.reset()
	clear(c.recent[:])
}
