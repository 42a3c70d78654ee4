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

// joinWords undoes the breaks inside words behind the first colon of s; before it are the columns of a file, with spaces between.
func joinWords(s string) string {
	if strings.IndexByte(s, '\n') < 0 {
		return s
	}
	from := strings.Index(s, ": ")
	if from < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:from]...)
	for i := from; i < len(s); i++ {
		n := lineBreak(s[i:])
		if n > 0 && i+n < len(s) && inWord(s[i-1]) && inWord(s[i+n]) {
			i += n
		}
		b = append(b, s[i])
	}
	return string(b)
}

// lineBreak is the length of the line break that s begins with.
func lineBreak(s string) int {
	switch {
	case s[0] == '\n':
		return 1
	case strings.HasPrefix(s, "\r\n"):
		return 2
	}
	return 0
}

// inWord tells whether c may stand inside the name of a host or in a number.
func inWord(c byte) bool { return c != ':' && classes[c]&hostByte != 0 }

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
