package ingest

import "bytes"

// Splitter cuts a TCP stream into messages. CUCM's framing on TCP is not documented, so each message decides for itself
// (RFC 6587 section 3.4): "123 <…" is octet counting, anything else ends at LF or NUL. Where a connection has shown no
// delimiter at all, Rest cuts at each "<PRI>".
//
// It never holds more than one message of MaxFrame bytes and one read.
type Splitter struct {
	buf       []byte
	at        int  // what lies before it was emitted
	skip      int  // octets of an overlong counted message still to be thrown away
	skipLine  bool // the rest of an overlong line is thrown away
	Delimited bool // a delimiter or an octet count was seen
	Overlong  int  // messages cut so far
}

// Free gives room for the next read of n bytes; what was read is handed to Took. Messages emitted before are no longer valid.
func (s *Splitter) Free(n int) []byte {
	rest := s.buf[s.at:]
	if cap(s.buf) < len(rest)+n {
		s.buf = make([]byte, 0, len(rest)+n+MaxFrame)
	}
	s.buf = s.buf[:copy(s.buf[:cap(s.buf)], rest)]
	s.at = 0
	return s.buf[len(s.buf) : len(s.buf)+n]
}

// Took says that n bytes were read into what Free gave, and calls emit for each message that is complete now.
// Messages are valid until the next Free.
func (s *Splitter) Took(n int, emit func([]byte)) {
	s.buf = s.buf[:len(s.buf)+n]
	for more := true; more; {
		var used int
		used, more = s.next(s.buf[s.at:], emit)
		s.at += used
	}
}

// next handles at most one message at the start of b. It reports how many bytes are done with, and whether to go on.
func (s *Splitter) next(b []byte, emit func([]byte)) (used int, more bool) {
	switch {
	case s.skip > 0:
		used = min(s.skip, len(b))
		s.skip -= used
		return used, used > 0 && s.skip == 0
	case len(b) == 0:
		return 0, false
	case s.skipLine:
		return s.endLine(b)
	case b[0] == '\n' || b[0] == '\r' || b[0] == 0 || b[0] == ' ': // what framing left behind
		return 1, true
	}
	if head, size := octetCount(b); size > 0 {
		return s.counted(b, head, size, emit)
	} else if head < 0 { // digits only so far: either may follow
		return 0, false
	}
	return s.line(b, emit)
}

// octetCount reads "123 <" at the start of b: head is the length up to the blank, size the octets that follow.
// size 0 means that b is not counted; head -1 that b is too short to tell. Counts are bounded by maxCount.
func octetCount(b []byte) (head, size int) {
	const maxDigits, maxCount = 10, 1 << 20
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < maxDigits:
			size = size*10 + int(c-'0')
		case c == ' ' && i > 0 && size > 0 && size <= maxCount:
			if i+1 == len(b) {
				return -1, 0
			}
			if b[i+1] != '<' {
				return 0, 0
			}
			return i + 1, size
		default:
			return 0, 0
		}
	}
	return -1, 0
}

func (s *Splitter) counted(b []byte, head, size int, emit func([]byte)) (int, bool) {
	s.Delimited = true
	keep := min(size, MaxFrame)
	if len(b) < head+keep {
		return 0, false
	}
	emit(trim(b[head : head+keep]))
	if size > keep {
		s.Overlong++
		s.skip = size - keep
	}
	return head + keep, true
}

func (s *Splitter) line(b []byte, emit func([]byte)) (int, bool) {
	end := bytes.IndexByte(b, '\n')
	if nul := bytes.IndexByte(b[:max(end, 0)], 0); nul >= 0 {
		end = nul
	} else if end < 0 {
		end = bytes.IndexByte(b, 0)
	}
	switch {
	case end > MaxFrame || (end < 0 && len(b) > MaxFrame):
		emit(b[:MaxFrame])
		s.Overlong++
		s.skipLine = true
		return MaxFrame, true
	case end < 0:
		return 0, false
	}
	s.Delimited = true
	emit(trim(b[:end]))
	return end + 1, true
}

// trim takes away what framing may leave at the end of a message.
func trim(b []byte) []byte { return bytes.TrimRight(b, "\r\n\x00 ") }

func (s *Splitter) endLine(b []byte) (int, bool) {
	if i := bytes.IndexAny(b, "\n\x00"); i >= 0 {
		s.skipLine = false
		s.Delimited = true
		return i + 1, true
	}
	return len(b), false
}

// Pending says whether a message has begun and not ended.
func (s *Splitter) Pending() bool { return s.at < len(s.buf) && !s.skipLine }

// Rest emits what is left at the end of a connection, or of a pause on one without delimiters: each "<PRI>" begins a message.
func (s *Splitter) Rest(emit func([]byte)) {
	for s.Pending() {
		n := nextPRI(s.buf[s.at:])
		emit(trim(s.buf[s.at : s.at+n]))
		s.at += n
	}
	s.at = len(s.buf)
}

// nextPRI is the place in b, after its first byte, where a "<PRI>" stands that can begin a message; len(b) if there is none.
func nextPRI(b []byte) int {
	for i := 1; i < len(b); i++ {
		if b[i] == '<' && priLen(b[i:]) > 0 {
			return i
		}
	}
	return len(b)
}

// priLen is the length of "<0>" to "<191>" (RFC 5424 section 6.2.1) at the start of b, 0 if there is none.
func priLen(b []byte) int {
	n := 0
	for i := 1; i < len(b) && i <= 4; i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case c == '>' && i > 1 && n <= 191:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// eachLine calls emit for the message in a datagram, or for each of several: a new one begins where a line starts like a record.
func eachLine(b []byte, starts func(line []byte) bool, emit func([]byte)) {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 || from+i+1 == len(b) {
			emit(trim(b))
			return
		}
		if cut := from + i + 1; starts(b[cut:]) {
			emit(trim(b[:cut]))
			b, from = b[cut:], 0
		} else {
			from = cut
		}
	}
}
