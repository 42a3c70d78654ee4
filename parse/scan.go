package parse

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// isPlain tells whether s is printable ASCII without a backslash, so that its parts are values as they stand. It looks at
// thirty-two bytes at once: the top bit of a byte is set if it is not ASCII, and that of the byte less a space if it is a
// control character.
func isPlain(s string) bool {
	const (
		tops   = 0x8080808080808080
		spaces = 0x2020202020202020
	)
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	var odd uint64
	for ; len(b) >= 32; b = b[32:] {
		w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		y, z := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		odd |= w | x | y | z | (w - spaces) | (x - spaces) | (y - spaces) | (z - spaces)
	}
	for _, c := range b {
		odd |= uint64(c) | (uint64(c) - ' ')
	}
	return odd&tops == 0 && strings.IndexByte(s, '\\') < 0
}
