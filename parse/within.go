package parse

import "strings"

// peersCode reads the reason that a trunk alarm gives behind each of its peers, "gw1, 10.1.2.3, 5060, Remote=503", if it is the
// same for all of them.
func peersCode(s string) (n uint32, ok bool) {
	for {
		local, remote := strings.Index(s, "Local="), strings.Index(s, "Remote=")
		i := local + len("Local=")
		if local < 0 || remote >= 0 && remote < local {
			i = remote + len("Remote=")
		}
		if local < 0 && remote < 0 {
			return n, ok
		}
		s = s[i:]
		c, is := code(s[:digits(s)])
		if !is || ok && c != n {
			return 0, false
		}
		n, ok = c, true
	}
}

// setStation takes reason and device out of the text that a phone sends about the end of its last connection:
// "25: Name=SEP001122334455 Load=SCCP42.9-3-1SR2-1S Last=Initialized".
func (r *record) setStation(text string) {
	number, rest, _ := strings.Cut(text, ":")
	name, found := strings.CutPrefix(trim(rest), "Name=")
	n, ok := code(trim(number))
	if !found || !ok {
		return
	}
	r.setReason(otherReason, n)
	name, _, _ = strings.Cut(name, " ")
	keep(&r.e.Device, name)
}
