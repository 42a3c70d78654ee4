package parse

import "strings"

// header is the middle of a CiscoLog message: "%UC_CALLMANAGER-3-EndPointUnregistered:".
type header struct {
	facility string
	name     string
	at       int   // of the '%', or of the facility where there is none
	body     int   // of what follows the colon
	severity uint8 // 0..7
	cucm     bool  // facility UC_ or CCM_
	cut      bool  // the record ends inside the header: only at and cucm are sure
	broken   bool  // only at is sure: something that begins like a CUCM header
}

// Longest header looked for, '%' and colon not counted. The longest facility and the longest name of the 15 catalogue have
// together 84 bytes.
const maxHeader = 160

// find finds the first header at or behind from. A CUCM header may lack the '%' (bodies of the audit log), or end with the
// record; a header of another product has both '%' and colon.
func (h *header) find(s string, from int) bool {
	cut, broken := -1, -1
	for i := from; ; i++ {
		n := strings.IndexByte(s[i:], '%')
		if n < 0 {
			break
		}
		i += n
		switch ok := h.read(s, i, i+1); {
		case ok && !h.cut:
			return true
		case ok:
			cut = i
		case h.cucm && broken < 0:
			broken = i
		}
	}
	if cut >= 0 {
		return h.read(s, cut, cut+1)
	}
	if h.findBare(s, from) {
		return true
	}
	h.at, h.broken = broken, broken >= 0
	return false
}

// read reads the header whose facility begins at i or behind one space; at is what it reports as its place.
func (h *header) read(s string, at, i int) bool {
	if i < len(s) && s[i] == ' ' {
		i++
	}
	h.at, h.cucm, h.cut = at, cucmFacility(s[i:]), false
	if !h.cucm && (i >= len(s) || !isUpper(s[i])) {
		return false
	}
	rest := s[i:min(len(s), i+maxHeader)]
	end := strings.IndexByte(rest, ':')
	if end >= 0 {
		h.body = i + end + 1
		if h.split(rest[:end]) {
			return true
		}
	}
	if list := strings.Index(rest, "%["); h.cucm && list >= 0 && (end < 0 || list < end) {
		h.body = i + list
		return h.split(rest[:list])
	}
	h.cut = h.cucm && end < 0 && i+len(rest) == len(s)
	return h.cut
}

// split takes "UC_CALLMANAGER-3-EndPointUnregistered " apart. In CUCM the first -N- is the severity, since names may hold
// dashes ("RTMT-ERROR-ALERT"); in the other products the last, since their facilities may hold whole thread names
// ("CCBU_pool-21-thread-1-6-QUEUE_STATISTICS_REQUEST") and their names spaces.
func (h *header) split(region string) bool {
	if h.splitLine(region) {
		return true
	}
	return strings.IndexByte(region, '\n') >= 0 && h.splitLine(joinLines(region))
}

func (h *header) splitLine(region string) bool {
	if !h.cucm {
		for i := len(region) - 4; i > 0; i-- {
			if region[i] == '-' && isSeverity(region[i:]) {
				return h.set(region, i) && all(h.name, otherName) && all(h.facility, nameByte)
			}
		}
		return false
	}
	for i := 0; i+2 < len(region) && classes[region[i]]&otherName != 0; i++ {
		if region[i] == '-' && isSeverity(region[i:]) {
			return h.set(region, i) && all(h.name, nameByte)
		}
	}
	return false
}

func (h *header) set(region string, i int) bool {
	h.facility, h.severity, h.name = region[:i], region[i+1]-'0', trim(region[i+3:])
	return true
}

// isSeverity tells whether s begins with -N-, N from 0 to 7.
func isSeverity(s string) bool {
	return s[0] == '-' && s[2] == '-' && s[1] >= '0' && s[1] <= '7'
}

// cucmFacility tells whether s begins with UC_ or CCM_, in any case.
func cucmFacility(s string) bool {
	if len(s) < 4 {
		return len(s) == 3 && strings.EqualFold(s, "UC_")
	}
	switch s[0] | 0x20 {
	case 'u':
		return s[2] == '_' && s[1]|0x20 == 'c'
	case 'c':
		return s[3] == '_' && s[1]|0x20 == 'c' && s[2]|0x20 == 'm'
	}
	return false
}

// findBare finds a CUCM header without '%': "CCM_TOMCAT-GENERIC-3-ServiceFailed:".
func (h *header) findBare(s string, from int) bool {
	for i := from; ; i++ {
		n := strings.IndexByte(s[i:], '_')
		if n < 0 {
			return false
		}
		i += n
		for _, facility := range [...]int{len("UC"), len("CCM")} {
			start := i - facility
			if start < from || start > from && !isSpace(s[start-1]) && s[start-1] != ':' || !cucmFacility(s[start:]) {
				continue
			}
			if h.read(s, start, start) && !h.cut {
				return true
			}
		}
	}
}
