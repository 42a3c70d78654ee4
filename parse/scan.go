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
// is a control character. Only where either is so are the two told apart: all around is ASCII, which cuts no character in two.
func isPlain(s string) bool {
	from, to, i := len(s), 0, 0
	for ; i+32 <= len(s); i += 32 {
		b := s[i : i+32]
		w, x, y, z := word(b), word(b[8:]), word(b[16:]), word(b[24:])
		if (w|x|y|z|(w-spaces)|(x-spaces)|(y-spaces)|(z-spaces))&tops != 0 {
			from, to = min(from, i), i+32
		}
	}
	for ; i+8 <= len(s) && isASCII(word(s[i:])); i += 8 {
	}
	for ; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf {
			from, to = min(from, i), len(s)
			break
		}
	}
	return (from >= to || isText(s[from:to])) && strings.IndexByte(s, '\\') < 0
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
