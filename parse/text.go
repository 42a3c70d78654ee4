package parse

import (
	"strings"
	"unicode/utf8"
)

// clean gives a value that cannot be taken as it is.
func (r *record) clean(s string, wordy bool) string {
	s = trim(s)
	if strings.IndexByte(s, '\n') >= 0 {
		if wordy {
			s = strings.Join(strings.Fields(s), " ")
		} else {
			s = joinLines(s)
		}
	}
	if r.coded {
		s = decode(s)
	}
	return asUTF8(unescape(s))
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
