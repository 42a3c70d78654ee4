package parse

import "strings"

// skipFraming passes what stands before the message proper: a byte order mark, the octet count of RFC 6587 that a stream left
// on, and the PRI of RFC 5424 section 6.2.1.
func (r *record) skipFraming() {
	s := r.s
	i := 0
	if strings.HasPrefix(s, "\ufeff") {
		i = len("\ufeff")
	}
	i = skipSpace(s, i)
	if n := digits(s[i:]); n > 0 && n <= 10 && i+n+1 < len(s) && s[i+n] == ' ' && s[i+n+1] == '<' {
		i += n + 1
	}
	r.start = i + r.pri(s[i:])
	r.start = skipSpace(s, r.start)
	if !r.e.HasPRI && strings.Contains(s, "||") {
		r.observium()
	}
}

// pri reads "<187>" and gives its length, 0 where there is none.
func (r *record) pri(s string) int {
	if len(s) < 3 || s[0] != '<' {
		return 0
	}
	n := digits(s[1:min(len(s), 5)])
	pri, ok := number(s[1:1+n], 192)
	if !ok || 1+n >= len(s) || s[1+n] != '>' {
		return 0
	}
	r.e.PRI, r.e.HasPRI = uint8(pri), true
	return n + 2
}

// head reads what stands between the PRI and the '%' of the header: the time, and left of it the envelope. It is false if the
// header belongs to a message that an alert quotes.
func (r *record) head(h *header) bool {
	var t stamp
	end := h.at
	r.enveloped = r.e.HasPRI || end > r.start
	if t.before(r.s, r.start, end) {
		r.setTime(&t)
		end = t.start
	} else {
		r.noTime()
		end = skipSpaceBack(r.s, end)
		if end > r.start && r.s[end-1] == ':' && (end-1 == r.start || isSpace(r.s[end-2])) {
			end--
		}
	}
	if end <= r.start || r.direct(r.s[r.start:end]) {
		return true
	}
	lead := r.s[r.start:end]
	if strings.Contains(lead, "MatchFound") || strings.Contains(lead, "MatchedEvent") {
		return false
	}
	r.envelope(lead)
	return true
}

// direct reads the envelope of an alarm that comes straight from its service, "41679: uc-ucm-01: " or "41679: ".
func (r *record) direct(s string) bool {
	n := digits(s)
	seq, ok := number(s[:n], 1<<32)
	if !ok || n+2 > len(s) || s[n] != ':' || s[n+1] != ' ' {
		return false
	}
	if host := s[n+2:]; host != "" {
		n := len(host) - 2
		if n < 1 || host[n] != ':' || host[n+1] != ' ' || isDigit(host[0]) || !all(host[:n], nameByte) {
			return false
		}
		r.e.Host = host[:n]
	}
	r.e.Seq, r.e.HasSeq = uint32(seq), true
	return true
}

// lead is the text left of the time, cut at its colons: "10500: : ccm: 41679: uc-ucm-01: " has five fields.
type lead struct {
	prefix string // what a relay or a syslog file put in front of the first field
	field  [8]string
	n      int
}

// splitLead cuts s at every colon that has a space or the end behind it, since IPv6 addresses and clocks have colons too. What
// follows the last colon is a field if it could be a host name.
func splitLead(s string) (l lead) {
	from := 0
	for i := 0; i < len(s); i++ {
		if s[i] != ':' || i+1 < len(s) && !isSpace(s[i+1]) {
			continue
		}
		l.add(s[from:i])
		from = i + 1
	}
	if rest := trim(s[from:]); rest != "" && (l.n == 0 || strings.IndexByte(rest, ' ') < 0) {
		l.add(rest)
	}
	return l
}

// add appends a field, and drops the oldest when there are too many. Of the first it keeps the last word.
func (l *lead) add(f string) {
	if l.n == 0 && l.prefix == "" {
		for i := len(f) - 1; i >= 0; i-- {
			if isSeparator(f[i]) {
				l.prefix, f = f[:i], f[i+1:]
				break
			}
		}
	}
	if l.n == len(l.field) {
		copy(l.field[:], l.field[1:])
		l.n--
	}
	l.field[l.n] = trim(f)
	l.n++
}

// isSeparator tells what may stand between the columns of a file.
func isSeparator(c byte) bool {
	return isSpace(c) || c == '"' || c == ',' || c == ';' || c == '|'
}

// envelope reads sequence number, host and process. The fields, from the right:
//
//	[AGENTSEQ] [agent's host] [process] SEQ [HOST]
//
// The number nearest to the time is the alarm's own, unless two or more fields follow it: then the alarm has none.
func (r *record) envelope(s string) {
	l := splitLead(s)
	file := l.prefix != "" && r.prefix(l.prefix)
	r.relayed(s)
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
	r.setSeq(l.field[seq])
	if seq > 0 {
		r.agent(l.field[:seq])
	}
	if seq+1 < l.n {
		r.setHost(l.field[seq+1])
	}
}

// agent reads the fields that the Syslog Agent puts in front: its number, its host, the process. A syslog file has the process alone.
func (r *record) agent(f []string) {
	if n, ok := number(f[0], 1<<32); ok {
		r.e.AgentSeq, r.e.HasAgentSeq = uint32(n), true
		f = f[1:]
		if len(f) > 0 {
			r.setHost(f[0])
			f = f[1:]
		}
	}
	r.origin(f)
}

// origin takes the process from fields without a number.
func (r *record) origin(f []string) {
	for _, name := range f {
		if name != "" && r.e.Process == "" {
			r.e.Process = name
		}
	}
}

func (r *record) setSeq(s string) {
	if n, ok := number(s, 1<<32); ok {
		r.e.Seq, r.e.HasSeq = uint32(n), true
	}
}

func (r *record) setHost(s string) {
	if s = strings.TrimPrefix(s, "\ufeff"); all(s, hostByte) {
		r.e.Host = s
	}
}
