package parse

import "strings"

// mark is the byte order mark of UTF-8.
const mark = "\ufeff"

// skipFraming passes what stands before the message proper: a byte order mark, before the PRI or behind it, what framing left of
// the record before, the octet count of RFC 6587 that a stream left on, and the PRI of RFC 5424 section 6.2.1.
func (r *record) skipFraming() {
	s := r.s
	i := 0
	if s != "" && s[0] != '<' {
		i = len(s) - len(strings.TrimLeft(strings.TrimPrefix(s, mark), "\x00 \t\n\v\f\r"))
		if n := digits(s[i:]); n > 0 && n <= 10 && i+n+1 < len(s) && s[i+n] == ' ' && s[i+n+1] == '<' {
			i += n + 1
		}
	}
	r.start = i + r.pri(s[i:])
	r.start = skipSpace(s, r.start)
	r.start = len(s) - len(strings.TrimPrefix(s[r.start:], mark))
	if !r.e.HasPRI && strings.Contains(s, "||") {
		r.observium()
	}
}

// pri reads "<187>" and gives its length, 0 where there is none.
func (r *record) pri(s string) int {
	pri, i := 0, 1
	for ; i < len(s) && i < 4 && isDigit(s[i]); i++ {
		pri = pri*10 + int(s[i]-'0')
	}
	if i < 2 || i >= len(s) || s[0] != '<' || s[i] != '>' || pri > 191 {
		return 0
	}
	r.e.PRI, r.e.HasPRI = uint8(pri), true
	return i + 1
}

// head reads what stands between the PRI and the '%' of the header: the time, and left of it the envelope. It is false if the
// header belongs to a message that an alert quotes.
func (r *record) head(h *header) bool {
	var t stamp
	r.enveloped = r.e.HasPRI || h.at > r.start
	dated := t.before(r.s, r.start, h.at) || r.unbreak(h, &t)
	end := h.at
	if dated {
		r.setTime(&t)
		end = t.start
	} else {
		r.noTime()
		end = skipSpaceBack(r.s, r.start, end)
		if end > r.start && r.s[end-1] == ':' && (end-1 == r.start || isSpace(r.s[end-2])) {
			end--
		}
	}
	if end <= r.start {
		return true
	}
	return r.envelope(r.s[r.start:end], h.body)
}

// unbreak takes the line breaks out of what stands before the header, if one of them was inside the time t.
func (r *record) unbreak(h *header, t *stamp) bool {
	front := r.s[r.start:h.at]
	if strings.IndexByte(front, '\n') < 0 {
		return false
	}
	whole := joinLines(front)
	if !t.before(whole, 0, len(whole)) {
		return false
	}
	r.s = r.s[:r.start] + whole + r.s[h.at:]
	h.at -= len(front) - len(whole)
	h.body -= len(front) - len(whole)
	t.start += r.start
	t.end += r.start
	return true
}

// endColumn ends the record with the quoted column that the message at body is in. A quote that belongs to the message is
// doubled, or escaped by a backslash.
func (r *record) endColumn(body int) {
	for i := body; i < len(r.s); i++ {
		switch r.s[i] {
		case '\\':
			i++
		case '"':
			if i+1 == len(r.s) || r.s[i+1] != '"' {
				r.s = trimEnd(r.s[:i])
				return
			}
			i++
		}
	}
}

// lead is the text left of the time, cut at its colons: "10500: : ccm: 41679: uc-ucm-01: " has five fields.
type lead struct {
	prefix string // what a relay or a syslog file put in front of the first field
	field  [8]string
	n      int
}

// split cuts s at every colon that has a space or the end behind it, since IPv6 addresses and clocks have colons too. What
// follows the last colon is a field if it could be a host name.
func (l *lead) split(s string) {
	from := 0
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], ':')
		if n < 0 {
			break
		}
		if i += n; i+1 == len(s) || isSpace(s[i+1]) {
			l.add(s, from, i)
			from = i + 1
		}
	}
	if from = skipSpace(s, from); from < len(s) {
		to := skipSpaceBack(s, from, len(s))
		if l.n == 0 || strings.IndexByte(s[from:to], ' ') < 0 {
			l.add(s, from, to)
		}
	}
}

// add appends s[from:to] as a field, and drops the oldest when there are too many. Fields are single words: of several the last
// is taken, and everything before it was no field.
func (l *lead) add(s string, from, to int) {
	from = skipSpace(s[:to], from)
	for i := to - 1; i >= from; i-- {
		if isSeparator(s[i]) {
			l.prefix, l.n, from = s[:i], 0, i+1
			break
		}
	}
	if l.n == len(l.field) {
		copy(l.field[:], l.field[1:])
		l.n--
	}
	l.field[l.n] = s[from:to]
	l.n++
}

// isSeparator tells what may stand between the columns of a file.
func isSeparator(c byte) bool { return classes[c]&separator != 0 }

// envelope reads sequence number, host and process out of s, what stands before the time, and is false if the message is one
// that an alert quotes. The fields, from the right:
//
//	[AGENTSEQ] [agent's host] [process] SEQ [HOST]
//
// The number nearest to the time is the alarm's own, unless two or more fields follow it: then the alarm has none.
func (r *record) envelope(s string, body int) bool {
	var l lead
	l.split(joinWords(r.relayed(s)))
	file := false
	if l.prefix != "" || s[0] == '"' {
		if strings.Contains(s, "MatchFound") || strings.Contains(s, "MatchedEvent") {
			return false
		}
		if strings.Count(s, `"`)%2 == 1 {
			r.endColumn(body)
		}
		file = r.prefix(l.prefix)
	}
	r.fields(&l, file)
	return true
}

// fields takes what the fields say. In a syslog file a single one is the process.
func (r *record) fields(l *lead, file bool) {
	seq := l.n - 1
	for seq >= 0 && digits(l.field[seq]) != len(l.field[seq]) || seq >= 0 && l.field[seq] == "" {
		seq--
	}
	switch {
	case seq < 0 && l.n == 1 && !file:
		r.setHost(l.field[0])
		return
	case seq < 0:
		r.origin(l.field[:l.n])
		return
	case l.n-seq > 2 || l.n-seq == 2 && l.field[seq+1] == "":
		r.agent(l.field[seq:l.n])
		return
	}
	if seq > 0 {
		r.agent(l.field[:seq])
	}
	r.setSeq(l.field[seq])
	if seq+1 < l.n {
		r.setHost(l.field[seq+1])
	}
}

// agent reads the fields that the Syslog Agent puts in front: its number, which a relay may have taken for the name of a program,
// its host, the process. A syslog file has the process alone.
func (r *record) agent(f []string) {
	if n, ok := number(f[0], 1<<32); ok {
		r.e.AgentSeq, r.e.HasAgentSeq = uint32(n), true
		f = f[1:]
	} else if r.e.HasSeq {
		r.e.AgentSeq, r.e.HasAgentSeq = r.e.Seq, true
	}
	if r.e.HasAgentSeq && len(f) > 0 {
		r.setHost(f[0])
		f = f[1:]
	}
	r.origin(f)
}

// origin takes the process from fields without a number, and the host of the message behind it.
func (r *record) origin(f []string) {
	for _, name := range f {
		if r.e.Process == "" {
			r.setProcess(name)
		} else {
			r.setHost(name)
		}
	}
}

// setProcess takes a name without the number that some put behind it ("sshd[201]").
func (r *record) setProcess(name string) {
	name, _, _ = strings.Cut(name, "[")
	if all(name, nameByte) && digits(name) < len(name) {
		r.e.Process = name
	}
}

func (r *record) setSeq(s string) {
	if n, ok := number(s, 1<<32); ok {
		r.e.Seq, r.e.HasSeq = uint32(n), true
	}
}

func (r *record) setHost(s string) {
	if s = strings.TrimPrefix(s, mark); all(s, hostByte) && (isAlnum(s[0]) || s[0] == ':') {
		r.e.Host = s
	}
}
