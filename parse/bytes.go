package parse

import (
	"strings"
	"unicode/utf8"
)

// What a byte may be part of.
const (
	alnum     = 1 << iota
	nameByte  // of the name of an alarm
	hostByte  // of a host name or an address
	otherName // of the name of an alarm, or a facility, of another product
)

var classes = func() (c [256]uint8) {
	for b := range c {
		if isAlnum(byte(b)) {
			c[b] = alnum | nameByte | hostByte | otherName
		}
	}
	for _, set := range []struct {
		bytes string
		class uint8
	}{{"_.()-", nameByte}, {"_.-:", hostByte}, {"_.- ", otherName}} {
		for _, b := range []byte(set.bytes) {
			c[b] |= set.class
		}
	}
	return c
}()

// all tells whether s is not empty and consists of bytes of class.
func all(s string, class uint8) bool {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool { return c-'0' <= 9 }
func isUpper(c byte) bool { return c-'A' <= 'Z'-'A' }
func isAlpha(c byte) bool { return c|0x20-'a' <= 'z'-'a' }
func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }
func isSpace(c byte) bool { return c == ' ' || c-'\t' <= '\r'-'\t' }

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// number reads s, digits only, as a number below limit.
func number(s string, limit uint64) (uint64, bool) {
	var n uint64
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) || n >= limit {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, s != "" && n < limit
}

// trimEnd takes off what framing leaves at the end of a record.
func trimEnd(s string) string {
	for len(s) > 0 && (isSpace(s[len(s)-1]) || s[len(s)-1] == 0) {
		s = s[:len(s)-1]
	}
	return s
}

// trim takes spaces off both ends.
func trim(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// skipSpace is the first index from i on that is no space.
func skipSpace(s string, i int) int {
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	return i
}

// skipSpaceBack is the first index down from i that has no space before it.
func skipSpaceBack(s string, i int) int {
	for i > 0 && isSpace(s[i-1]) {
		i--
	}
	return i
}

// joinLines undoes a break inside a word.
func joinLines(s string) string {
	return strings.NewReplacer("\r\n", "", "\n", "").Replace(s)
}

// asUTF8 is s where it is valid UTF-8; other bytes are taken as ISO 8859-1, of which each byte is the rune of its number.
func asUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n == 1 {
			c = rune(s[i])
		}
		b = utf8.AppendRune(b, c)
		i += n
	}
	return string(b)
}

// withoutCutRune is s without the beginning of a rune at its end.
func withoutCutRune(s string) string {
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if c := s[len(s)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRuneInString(s[len(s)-n:]) {
				return s[:len(s)-n]
			}
			break
		}
	}
	return s
}

// unescape takes off the backslash before '[', ']' and '\', as CiscoLog asks its writers to put it. CUCM's writers were never
// seen to do so; any other backslash is part of the value ("DOMAIN\user").
func unescape(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '[' || s[i+1] == ']' || s[i+1] == '\\') {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
