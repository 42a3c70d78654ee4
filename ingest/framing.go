package ingest

import "bytes"

// Splitter cuts a TCP stream into messages. CUCM's framing on TCP is not documented, so each message decides for itself
// (RFC 6587 section 3.4): "123 <…" is octet counting, anything else ends at LF or NUL. Where a connection has shown no
// delimiter at all, a "<PRI>" begins a message, and its end is known when the next begins, or at Rest.
//
// The messages do not depend on how the stream was cut into reads. It never holds more than one message of MaxFrame bytes and
// one read.
type Splitter struct {
	buf       []byte
	at        int  // what lies before it was emitted
	seen      int  // bytes of the message at hand that hold no delimiter
	skip      int  // octets of an overlong counted message still to be thrown away
	skipLine  bool // the rest of an overlong line is thrown away
	Delimited bool // a delimiter or an octet count was seen
	Overlong  int  // messages cut so far
}

// Free gives room for the next read of n bytes; what was read is handed to Took. Messages emitted before are no longer valid.
// Memory that was needed for larger reads is given back.
func (s *Splitter) Free(n int) []byte {
	rest := s.buf[s.at:]
	need := len(rest) + n
	switch {
	case cap(s.buf) < need || cap(s.buf) > 4*need:
		s.buf = append(make([]byte, 0, need+len(rest)), rest...)
	case s.at > 0:
		s.buf = s.buf[:copy(s.buf, rest)]
	}
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
		if used > 0 {
			s.at += used
			s.seen = 0
		}
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
	case b[0] == '\n' || b[0] == '\r' || b[0] == 0: // what framing left behind
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
	end := delimiter(b, min(s.seen, len(b)))
	s.seen = len(b)
	if end > MaxFrame || (end < 0 && len(b) > MaxFrame) {
		return s.overlong(b[:MaxFrame], emit), true
	}
	if end < 0 {
		return 0, false
	}
	s.Delimited = true
	emit(trim(b[:end]))
	return end + 1, true
}

// delimiter is the place of the first LF or NUL in b at or after from, -1 if there is none.
func delimiter(b []byte, from int) int {
	rest := b[from:]
	end := bytes.IndexByte(rest, '\n')
	if end >= 0 {
		rest = rest[:end]
	}
	if nul := bytes.IndexByte(rest, 0); nul >= 0 {
		end = nul
	}
	if end < 0 {
		return -1
	}
	return from + end
}

// overlong handles MaxFrame bytes without an end: several messages without delimiters, or one that is too long.
func (s *Splitter) overlong(b []byte, emit func([]byte)) int {
	if !s.Delimited {
		if n := nextPRI(b); n < len(b) {
			emit(trim(b[:n]))
			return n
		}
	}
	emit(b)
	s.Overlong++
	s.skipLine = true
	return len(b)
}

// trim takes away what framing may leave at the end of a message.
func trim(b []byte) []byte { return bytes.TrimRight(b, "\r\n\x00") }

// endLine throws away the rest of an overlong line. Without delimiters, the next "<PRI>" ends it.
func (s *Splitter) endLine(b []byte) (int, bool) {
	i := bytes.IndexAny(b, "\n\x00")
	if !s.Delimited {
		if n := priAt(b, 0); n < len(b) && (i < 0 || n < i) {
			s.skipLine = false
			return n, true
		}
	}
	if i >= 0 {
		s.skipLine, s.Delimited = false, true
		return i + 1, true
	}
	return s.throwAway(b), false
}

// throwAway says how much of b, which holds no "<PRI>", can go: one may have begun at its end.
func (s *Splitter) throwAway(b []byte) int {
	const longest = len("<191>")
	if i := bytes.LastIndexByte(b, '<'); !s.Delimited && i >= 0 && len(b)-i < longest {
		return i
	}
	return len(b)
}

// Pending says whether a message has begun and not ended.
func (s *Splitter) Pending() bool { return s.at < len(s.buf) && !s.skipLine }

// Rest emits what is left at the end of a connection, or of a pause on one without delimiters: each "<PRI>" begins a message.
func (s *Splitter) Rest(emit func([]byte)) {
	if head, size := octetCount(s.buf[s.at:]); s.Pending() && size > 0 { // the end of a counted message is missing
		s.at += head
	}
	for s.Pending() {
		n := nextPRI(s.buf[s.at:])
		if m := trim(s.buf[s.at : s.at+n]); len(m) > 0 {
			emit(m)
		}
		s.at += n
	}
	s.at, s.seen = len(s.buf), 0
}

// nextPRI is the place in b, after its first byte, where a "<PRI>" stands that can begin a message; len(b) if there is none.
func nextPRI(b []byte) int { return priAt(b, 1) }

func priAt(b []byte, from int) int {
	for i := from; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			break
		}
		if i += n; priLen(b[i:]) > 0 {
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
	put := func(m []byte) {
		if m = trim(m); len(m) > 0 {
			emit(m)
		}
	}
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 || from+i+1 == len(b) {
			put(b)
			return
		}
		if cut := from + i + 1; starts(b[cut:]) {
			put(b[:cut])
			b, from = b[cut:], 0
		} else {
			from = cut
		}
	}
}
