package parse

import "strings"

// isPlain tells whether s is printable ASCII without a backslash, so that its parts are values as they stand. It looks at eight
// bytes at once: the top bit of a byte is set if it is not ASCII, and that of the byte less a space if it is a control character.
func isPlain(s string) bool {
	const (
		tops   = 0x8080808080808080
		spaces = 0x2020202020202020
	)
	if len(s) < 8 {
		for _, c := range []byte(s) {
			if c < ' ' || c >= 0x80 || c == '\\' {
				return false
			}
		}
		return true
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
	return odd&tops == 0 && strings.IndexByte(s, '\\') < 0
}
