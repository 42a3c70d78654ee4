package parse

import "strings"

// label is the name of a parameter in a flat body, and where its value begins.
type label struct {
	key         tagKey
	from, value int
}

// maxLabels bounds the work on one flat body.
const maxLabels = 64

// flat reads the body of versions before 8, where nothing but the next label ends a value:
//
//	Device unregistered. Device name.:SEP000B5F327F9A Device IP address.:10.1.2.3 Device type. [Optional]:8
//	Device description [Optional].:xyz Reason Code [Optional].:12 App ID:Cisco CallManager Cluster ID:C Node ID:N
//
// Windows events and RTMT's detail pane print one parameter a line. The body is s[i:end]; enveloped says that the record came
// with a header in front, whose message always goes on to Node ID: if it does not, its last value is cut.
func (r *record) flat(i, end int, enveloped bool) {
	found := r.labels(i, end)
	text := end
	if n := len(found); n > 0 {
		text = found[0].from
		if last := found[n-1].key.field; enveloped && last != node {
			r.e.Truncated = true
			if !last.free() {
				found, end = found[:n-1], found[n-1].from
			}
		}
	}
	r.addLabels(found, end)
	r.e.Text = r.readable(trim(r.s[i:text]))
}

// addLabels takes the values between the labels, the last up to end. A line behind a value is no part of it if it is the last
// one, or has a label that is not known.
func (r *record) addLabels(found []label, end int) {
	for n, l := range found {
		stop := end
		if n+1 < len(found) {
			stop = found[n+1].from
		}
		value := r.s[l.value:stop]
		if line := strings.IndexByte(value, '\n'); line >= 0 && !l.key.field.free() && (n+1 == len(found) || strings.IndexByte(value[line:], ':') >= 0) {
			value = value[:line]
		}
		if l.key.field == node { // a word: what follows explains the alarm
			value, _, _ = strings.Cut(trim(value), " ")
		}
		r.add(&l.key, trim(strings.TrimSuffix(trim(value), ",")))
	}
}

// labels finds the labels of s[i:end]. What looks like labels inside a Description, which ends at the last Reason Code, or
// inside the detail of an alert, which ends at the last App ID, are none.
func (r *record) labels(i, end int) []label {
	var found []label
	lowest := i
	for c := i; c < end && len(found) < maxLabels; c++ {
		n := strings.IndexByte(r.s[c:end], ':')
		if n < 0 {
			break
		}
		c += n
		l, ok := r.labelBefore(lowest, c)
		if !ok && len(found) > 0 {
			l, ok = r.newLabelBefore(lowest, c)
		}
		if ok {
			l.value = skipOptional(r.s, c+1, end)
			found, lowest, c = append(found, l), l.value, max(c, l.value-1)
		}
	}
	return unquoted(found)
}

// unquoted drops what looks like labels inside free text.
func unquoted(found []label) []label {
	found = unquote(found, description, func(f field) bool { return f == reason || f == otherReason })
	return unquote(found, alert, func(f field) bool { return f == appID })
}

// unquote drops the labels between the first of field f and the last that may end it.
func unquote(found []label, f field, ends func(field) bool) []label {
	open := -1
	for i := range found {
		if found[i].key.field == f {
			open = i
			break
		}
	}
	if open < 0 {
		return found
	}
	for last := len(found) - 1; last > open; last-- {
		if ends(found[last].key.field) {
			return append(found[:open+1], found[last:]...)
		}
	}
	return found
}

// labelBefore reads the label that ends at the colon at c: up to four words that together are a known name, "[Optional]" and
// dots aside. The longest name wins: "Device type" is not "type".
func (r *record) labelBefore(lowest, c int) (l label, ok bool) {
	end := skipOptionalBack(r.s, lowest, c)
	start := end
	for range 4 {
		word := start
		for word > lowest && (isAlnum(r.s[word-1]) || r.s[word-1] == '_') {
			word--
		}
		if word == start {
			break
		}
		start = word
		if name, known := r.p.keys.spelling(r.s[start:end]); known {
			l, ok = label{key: tagKey{name: name, field: fieldOf(name)}, from: start}, true
		}
		next := skipSpaceBack(r.s, lowest, start)
		if next == start {
			break
		}
		start = next
	}
	if ok {
		l.unmark(r.s, lowest)
	}
	return l, ok
}

// newLabelBefore reads a label that nobody knows, one word such as "IPAddressAttributes", which counts behind a known one only.
func (r *record) newLabelBefore(lowest, c int) (l label, ok bool) {
	word := c
	for word > lowest && isAlnum(r.s[word-1]) {
		word--
	}
	if c-word < 3 || c+1 == len(r.s) || isSpace(r.s[c+1]) || !isUpper(r.s[word]) || word == lowest || !isSpace(r.s[word-1]) {
		return l, false
	}
	name := r.s[word:c]
	l = label{key: tagKey{name: name, field: fieldOf(name)}, from: word}
	l.unmark(r.s, lowest)
	return l, true
}

// unmark takes the mark for parameters that the node did not know to the label.
func (l *label) unmark(s string, lowest int) {
	for _, mark := range [...]string{"UNKNOWN_PARAMTYPE:", "UNKNOWN_PARAMNAME:"} {
		if strings.HasSuffix(s[lowest:l.from], mark) {
			l.from -= len(mark)
			l.key.unknown = true
		}
	}
}

const optional = "optional"

// skipOptionalBack goes left from i over spaces, dots and "[Optional]" or "(Optional)".
func skipOptionalBack(s string, lowest, i int) int {
	for {
		j := skipSpaceBack(s, lowest, i)
		for j > lowest && s[j-1] == '.' {
			j--
		}
		word := j - 1 - len(optional)
		if word > lowest && (s[j-1] == ']' || s[j-1] == ')') && strings.EqualFold(s[word:j-1], optional) {
			j = word - 1
		}
		if j == i {
			return i
		}
		i = j
	}
}

// skipOptional goes right from i over "(Optional):", which Windows events print behind the colon of the label.
func skipOptional(s string, i, end int) int {
	j := skipSpace(s, i)
	if j+len(optional)+3 <= end && (s[j] == '(' || s[j] == '[') && strings.EqualFold(s[j+1:j+1+len(optional)], optional) {
		if k := j + 2 + len(optional); s[k] == ':' {
			return k + 1
		}
	}
	return i
}
