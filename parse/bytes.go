package parse

// What a byte may be part of.
const (
	alnum     = 1 << iota
	nameByte  // of the name of an alarm
	hostByte  // of a host name or an address
	otherName // of the name of an alarm, or a facility, of another product
	separator // between the columns of a file
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
	}{{"_.()-", nameByte}, {"_.-:", hostByte}, {"_.- ", otherName}, {" \t\n\v\f\r\",;|>", separator}} {
		for _, b := range []byte(set.bytes) {
			c[b] |= set.class
		}
	}
	return c
}()

// all tells whether s is not empty and consists of bytes of class.
func all(s string, class uint8) bool {
	for _, c := range []byte(s) {
		if classes[c]&class == 0 {
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

// number reads s, digits only and with leading zeros at most nineteen, as a number below limit.
func number(s string, limit uint64) (uint64, bool) {
	var n uint64
	for _, c := range []byte(s) {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, s != "" && len(s) < 20 && n < limit
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

// skipSpaceBack is the first index down from i, not below from, that has no space before it.
func skipSpaceBack(s string, from, i int) int {
	for i > from && isSpace(s[i-1]) {
		i--
	}
	return i
}
