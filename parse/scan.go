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
// stand. It looks at eight bytes at once: the top bit of a byte is set if it is not ASCII, and the subtraction of a space from each
// sets one that was not if a byte is a control character. UTF-8 is looked for only where there is more than ASCII: all around is
// ASCII, which cuts no character in two.
func isPlain(s string) bool {
	from, to, i, control := len(s), 0, 0, uint64(0)
	for ; i+32 <= len(s); i += 32 {
		b := s[i : i+32]
		w, x, y, z := word(b), word(b[8:]), word(b[16:]), word(b[24:])
		control |= (w-spaces)&^w | (x-spaces)&^x | (y-spaces)&^y | (z-spaces)&^z
		if (w|x|y|z)&tops != 0 {
			from, to = min(from, i), i+32
		}
	}
	for ; i+8 <= len(s); i += 8 {
		w := word(s[i:])
		control |= (w - spaces) &^ w
		if w&tops != 0 {
			from, to = min(from, i), i+8
		}
	}
	for ; i < len(s); i++ {
		if s[i] < ' ' {
			return false
		}
		if s[i] >= utf8.RuneSelf {
			from, to = min(from, i), i+1
		}
	}
	return control&tops == 0 && (from >= to || isUTF8(s[from:to])) && strings.IndexByte(s, '\\') < 0
}

// isUTF8 tells whether s is valid UTF-8, which is fast where what is not ASCII stands close together.
func isUTF8(s string) bool {
	for len(s) >= 8 && word(s)&tops == 0 {
		s = s[8:]
	}
	for len(s) >= 8 && word(s[len(s)-8:])&tops == 0 {
		s = s[:len(s)-8]
	}
	return utf8.ValidString(s)
}
