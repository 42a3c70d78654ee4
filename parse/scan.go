package parse

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// isPlain tells whether s is printable ASCII without a backslash, so that its parts are values as they stand. It looks at eight
// bytes at once: the top bit of a byte is set if it is not ASCII, and that of the byte less a space if it is a control character.
func isPlain(s string) bool {
	const (
		tops   = 0x8080808080808080
		spaces = 0x2020202020202020
	)
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	if len(b) < 8 {
		for _, c := range b {
			if c < ' ' || c >= 0x80 || c == '\\' {
				return false
			}
		}
		return true
	}
	last := binary.LittleEndian.Uint64(b[len(b)-8:]) // some of these bytes are looked at twice
	odd := last | (last - spaces)
	for ; len(b) >= 32; b = b[32:] {
		w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		y, z := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		odd |= w | x | y | z | (w - spaces) | (x - spaces) | (y - spaces) | (z - spaces)
	}
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		odd |= w | (w - spaces)
	}
	return odd&tops == 0 && strings.IndexByte(s, '\\') < 0
}
