package parse

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Reader reads UTF-16 as UTF-8. Surrogates without their other half become U+FFFD.
type utf16Reader struct {
	in   io.Reader
	big  bool
	err  error
	raw  [4096]byte
	n    int    // bytes in raw
	out  []byte // converted
	read int    // of out
}

// Read implements io.Reader.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for u.read == len(u.out) {
		if u.err != nil {
			return 0, u.err
		}
		var n int
		n, u.err = u.in.Read(u.raw[u.n:])
		u.n += n
		u.convert()
	}
	n := copy(p, u.out[u.read:])
	u.read += n
	return n, nil
}

// convert turns the whole characters of raw into UTF-8 and keeps half ones for later, unless nothing follows.
func (u *utf16Reader) convert() {
	u.out, u.read = u.out[:0], 0
	i := 0
	for ; i+1 < u.n; i += 2 {
		c := u.unit(i)
		if utf16.IsSurrogate(c) {
			if i+3 >= u.n && u.err == nil {
				break
			}
			var low rune
			if i+3 < u.n {
				low = u.unit(i + 2)
			}
			if c = utf16.DecodeRune(c, low); c != utf8.RuneError {
				i += 2
			}
		}
		u.out = utf8.AppendRune(u.out, c)
	}
	u.n = copy(u.raw[:], u.raw[i:u.n])
}

func (u *utf16Reader) unit(i int) rune {
	if u.big {
		return rune(u.raw[i])<<8 | rune(u.raw[i+1])
	}
	return rune(u.raw[i+1])<<8 | rune(u.raw[i])
}

// failing reads from in, whose last read may have failed already.
type failing struct {
	in  io.Reader
	err error
}

// Read implements io.Reader.
func (f *failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.in.Read(p)
}
