package parse

import "strings"

// prefix reads what a syslog file, a relay or an export put before the message:
//
//	Jul  2 08:22:31 uc-ucm-01 local7 3                      syslog file; the process follows
//	31 uc-ucm-01 local7 3                                   the same, its first column cut
//	"Jul 02 08:22:31","uc-ucm-01","local7","3","ccm","      row of a table
//	2015-07-02 08:22:31	Local7.Error	10.60.1.12          row of another
//	Jul  2 08:22:31 10.60.1.12                              relay
//	Jul  2 08:22:31 10.60.1.12 <187>                        relay that put a header in front of a whole message
//
// The time in it is local and of the relay, so it is not used. A syslog file names the process behind it.
func (r *record) prefix(s string) (file bool) {
	last, rest := lastWord(s)
	if last != "" && last[0] == '<' {
		if pri, ok := number(last[1:], 192); ok {
			r.e.PRI, r.e.HasPRI = uint8(pri), true
		}
		s = rest
		last, rest = lastWord(s)
	}
	if before, pri, ok := facilityAtEnd(s); ok {
		r.setPRI(pri)
		r.setHost(hostAtEnd(before))
		return true
	}
	if before, pri, ok := facilityAtEnd(rest); ok {
		r.setPRI(pri)
		if host := hostAtEnd(before); host != "" {
			r.setHost(host)
			r.setProcess(last)
		} else {
			r.setHost(last)
		}
		return false
	}
	if hasClock(rest) {
		r.setHost(last)
	}
	return false
}

// facilityAtEnd reads "local7 3" or "Local7.Error" at the end of s.
func facilityAtEnd(s string) (before string, pri uint8, ok bool) {
	severity, rest := lastWord(s)
	if facility, level, dotted := strings.Cut(severity, "."); dotted {
		pri, ok = facilitySeverity(facility, level)
		return rest, pri, ok
	}
	facility, before := lastWord(rest)
	pri, ok = facilitySeverity(facility, severity)
	return before, pri, ok
}

// hostAtEnd is the last word of s unless that is a time.
func hostAtEnd(s string) string {
	word, _ := lastWord(s)
	if clockAt(word, 0) {
		return ""
	}
	return word
}

func (r *record) setPRI(pri uint8) {
	if !r.e.HasPRI {
		r.e.PRI, r.e.HasPRI = pri, true
	}
}

// lastWord cuts the last word off s.
func lastWord(s string) (word, rest string) {
	end := len(s)
	for end > 0 && isSeparator(s[end-1]) {
		end--
	}
	start := end
	for start > 0 && !isSeparator(s[start-1]) {
		start--
	}
	return s[start:end], s[:start]
}

// hasClock tells whether s has HH:MM:SS in it that is no part of a MAC address.
func hasClock(s string) bool {
	for i := strings.IndexByte(s, ':'); i >= 2 && i+6 <= len(s); {
		if clockAt(s, i-2) && (i == 2 || s[i-3] != ':') && (i+6 == len(s) || s[i+6] != ':') {
			return true
		}
		n := strings.IndexByte(s[i+1:], ':')
		if n < 0 {
			break
		}
		i += 1 + n
	}
	return false
}

// facilities are the names of RFC 5424 section 6.2.1, table 1, as syslog files write them; some have two.
var facilities = map[string]uint8{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "security": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
	"authpriv": 10, "ftp": 11, "ntp": 12, "audit": 13, "alert": 14, "clock": 15,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

// severities are the names of table 2, short and long, and those of Windows.
var severities = map[string]uint8{
	"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 7,
	"emerg": 0, "emergency": 0, "alert": 1, "crit": 2, "critical": 2, "err": 3, "error": 3, "warning": 4, "warn": 4,
	"notice": 5, "info": 6, "informational": 6, "information": 6, "debug": 7,
}

// facilitySeverity gives the PRI of "local7" and "3", or "Local7" and "Error".
func facilitySeverity(facility, severity string) (uint8, bool) {
	if facility == "" || severity == "" || len(facility) > 8 || len(severity) > 13 {
		return 0, false
	}
	f, ok := facilities[strings.ToLower(facility)]
	if !ok {
		return 0, false
	}
	v, ok := severities[strings.ToLower(severity)]
	return f*8 + v, ok
}
