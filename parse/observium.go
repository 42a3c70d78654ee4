package parse

import "strings"

// observium passes the columns in which Observium hands a message on, and takes what they say:
//
//	host's system || facility || priority || level || tag || time received || message || program
//
// The tag is the number that the Syslog Agent put in front.
func (r *record) observium() {
	const columns = 8
	var column [columns]string
	rest, n := r.s[r.start:], 0
	for ; n < columns-1; n++ {
		var ok bool
		if column[n], rest, ok = strings.Cut(rest, "||"); !ok {
			return
		}
	}
	facility, ok := number(column[1], 24)
	severity, also := number(column[2], 8)
	if !ok || !also {
		return
	}
	r.e.PRI, r.e.HasPRI = uint8(facility*8+severity), true
	if seq, ok := number(strings.TrimSuffix(column[4], ":"), 1<<32); ok {
		r.e.AgentSeq, r.e.HasAgentSeq = uint32(seq), true
	}
	end := len(r.s) - len(rest) - len("||")
	r.start = end - len(column[6])
	r.s = trimEnd(r.s[:end])
	var t stamp
	if t.before(r.s, 0, r.start-len("||")) {
		r.setTime(&t)
	}
}
