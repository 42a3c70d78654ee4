package parse

import (
	"strings"
	"unicode/utf8"
)

// Eight bytes at once.
const (
	tops   = 0x8080808080808080
	spaces = 0x2020202020202020
)

// isPlain tells whether s is UTF-8 without control characters of ASCII and backslashes, so that its parts are values as they
// stand. It looks at eight bytes at once: the top bit of a byte is set if it is not ASCII, and that of the byte less a space if it
// is a control character. Only where either is so are the two told apart.
func isPlain(s string) bool {
	if len(s) < 8 {
		for _, c := range []byte(s) {
			if c < ' ' || c == '\\' {
				return false
			}
		}
		return utf8.ValidString(s)
	}
	last := word(s[len(s)-8:]) // some of these bytes are looked at twice
	odd := last | (last - spaces)
	b := s
	for ; len(b) >= 32; b = b[32:] {
		w, x := word(b), word(b[8:])
		y, z := word(b[16:]), word(b[24:])
		odd |= w | x | y | z | (w - spaces) | (x - spaces) | (y - spaces) | (z - spaces)
	}
	for ; len(b) >= 8; b = b[8:] {
		w := word(b)
		odd |= w | (w - spaces)
	}
	return (odd&tops == 0 || isText(s)) && strings.IndexByte(s, '\\') < 0
}

// isText tells whether s is valid UTF-8 without control characters of ASCII. It is fast where few bytes are not ASCII, and close
// together: what is before and behind them is cut off.
func isText(s string) bool {
	for len(s) >= 8 && isASCII(word(s)) {
		s = s[8:]
	}
	for len(s) >= 8 && isASCII(word(s[len(s)-8:])) {
		s = s[:len(s)-8]
	}
	for _, c := range []byte(s) {
		if c < ' ' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// isASCII tells whether all bytes of w are ASCII and no control characters.
func isASCII(w uint64) bool { return (w|(w-spaces))&tops == 0 }
