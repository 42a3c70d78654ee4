package parse

import "strings"

// tagKey is the key of one [key=value], and where its value begins.
type tagKey struct {
	name    string
	value   int
	field   field
	unknown bool // marked UNKNOWN_PARAMNAME: or UNKNOWN_PARAMTYPE:
}

// keyAt reads the key behind the '[' at i.
func (r *record) keyAt(i int, k *tagKey) bool {
	s := r.s[i+1:]
	if n := strings.IndexByte(s[:min(len(s), maxKey)], '='); n > 0 {
		if f := fieldOf(s[:n]); f != none {
			k.name, k.value, k.field, k.unknown = s[:n], i+n+2, f, false
			return true
		}
	}
	return r.unusualKey(i+1, k)
}

// unusualKey reads a key that is not one of the fields, or not in their spelling: padded, marked, with spaces, broken into
// lines, or with OpenNMS' "%61" for '='.
func (r *record) unusualKey(i int, k *tagKey) bool {
	s := r.s[i:min(len(r.s), i+maxKey)]
	end, plain := 0, true
scan:
	for ; end < len(s); end++ {
		switch c := s[end]; {
		case isAlnum(c) || c == '_':
		case c == '=' || c == '%' && strings.HasPrefix(s[end:], codedEqual):
			break scan
		case c == '[' || c == ']' || c == '%' || c == '"' || c == '{' || c >= 0x80:
			return false
		default:
			plain = false
		}
	}
	if end == len(s) || end == 0 {
		return false
	}
	k.name, k.value, k.field, k.unknown = s[:end], i+end+1, none, false
	if s[end] == '%' {
		k.value += len(codedEqual) - 1
		r.coded = true
	}
	if !plain {
		r.normalise(k)
	} else {
		k.field = fieldOf(k.name)
	}
	return k.name != "" && isAlpha(k.name[0])
}

// normalise takes padding and mark off a key, and finds its field in other spellings: "App ID", "Reason code.". The three
// parameters that every alarm has get the spelling of today.
func (r *record) normalise(k *tagKey) {
	if strings.IndexByte(k.name, '\n') >= 0 {
		k.name = joinLines(k.name)
	}
	k.name = trim(k.name)
	if strings.HasPrefix(k.name, "UNKNOWN_PARAM") {
		if _, name, ok := strings.Cut(k.name, ":"); ok {
			k.name, k.unknown = trim(name), true
		}
	}
	if k.field = fieldOf(k.name); k.field != none {
		return
	}
	if spelled, ok := r.p.keys.spelling(k.name); ok && !all(k.name, alnum) {
		k.field = fieldOf(spelled)
		if k.field.common() {
			k.name = spelled
		}
	}
}
