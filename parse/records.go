package parse

import (
	"bytes"
	"io"
	"strings"
	"unsafe"
)

// Records cuts a text file into records: its lines, with those joined that an export, a document or the alarm itself broke. A
// line goes on with the record before it unless it begins like a record; an empty line ends one.
//
// Files in UTF-16 with a byte order mark are read as UTF-8, and their offsets are those of the UTF-8 text.
type Records struct {
	in   io.Reader
	err  error // of in, io.EOF included
	max  int
	buf  []byte
	r, w int   // what is unread of buf; r is where the record begins
	base int64 // offset of buf[0]

	rest  bool // the rest of a line that was cut is to be passed over
	lines bool // and the lines that go on with it

	text   []byte
	offset int64
	cut    bool
}

// peek is how much of a line decides whether a record begins there.
const peek = 64

// readSize is what is read at once.
const readSize = 256 << 10

// maxLines is how many lines a record may have. The longest that were seen are Windows events with some fifteen.
const maxLines = 256

// NewRecords reads from in. A record is at most max bytes long; what it has beyond that is passed over.
func NewRecords(in io.Reader, max int) *Records {
	r := &Records{in: in, max: max, buf: make([]byte, max+peek+readSize)}
	r.skipMark()
	return r
}

// Next goes to the next record, and tells whether there is one.
func (r *Records) Next() bool {
	r.skipRest()
	r.skipEmpty()
	if r.r == r.w {
		return false
	}
	end, whole := r.line(0)
	p := pending{begins: beginsRecord(r.lineAt(0))}
	for lines := 1; whole; lines++ {
		next := end + 1
		line := r.lineAt(next)
		p.text = r.view(0, end)
		if r.r+next >= r.w || !p.goesOn(line) {
			break
		}
		end, whole = r.line(next)
		whole = whole && lines < maxLines
	}
	r.take(min(end, r.max), !whole)
	r.rest, r.lines = !whole, p.begins
	return true
}

// Text is the record, without the line break at its end, until the next call of Next.
func (r *Records) Text() []byte { return r.text }

// Offset is where the record begins in the file.
func (r *Records) Offset() int64 { return r.offset }

// Cut tells whether the record is longer than Text.
func (r *Records) Cut() bool { return r.cut }

// Err is the error that ended the records before the file did.
func (r *Records) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// take makes the first n bytes the record.
func (r *Records) take(n int, cut bool) {
	r.text, r.offset, r.cut = bytes.TrimRight(r.buf[r.r:r.r+n], "\r\n"), r.base+int64(r.r), cut
	r.r += n
	if !cut && r.r < r.w {
		r.r++
	}
}

// line finds the end of the line that holds the byte at from. It is not whole if the record becomes longer than max.
func (r *Records) line(from int) (end int, whole bool) {
	for {
		if n := bytes.IndexByte(r.buf[r.r+from:r.w], '\n'); n >= 0 {
			return from + n, from+n <= r.max
		}
		from = r.w - r.r
		if from > r.max {
			return from, false
		}
		if !r.need(from + 1) {
			return from, true
		}
	}
}

// need reads until there are n bytes from the beginning of the record on, and tells whether there are.
func (r *Records) need(n int) bool {
	for r.w-r.r < n && r.err == nil {
		if r.w == len(r.buf) || r.r > readSize {
			copy(r.buf, r.buf[r.r:r.w])
			r.base += int64(r.r)
			r.w -= r.r
			r.r = 0
		}
		r.read()
	}
	return r.w-r.r >= n
}

// read reads once more than nothing.
func (r *Records) read() {
	for range 100 {
		var n int
		n, r.err = r.in.Read(r.buf[r.w:])
		r.w += n
		if n > 0 || r.err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// view is what was read from byte i of the record to j, until the next read.
func (r *Records) view(i, j int) string {
	b := r.buf[min(r.r+i, r.w):min(r.r+j, r.w)]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// lineAt is the beginning of the line at byte i of the record, until the next read.
func (r *Records) lineAt(i int) string {
	r.need(i + peek)
	line, _, _ := strings.Cut(r.view(i, i+peek), "\n")
	return line
}

// skipMark passes the byte order mark, and reads through a decoder if it is that of UTF-16.
func (r *Records) skipMark() {
	r.need(3)
	switch head := r.view(0, 3); {
	case head == "\xef\xbb\xbf":
		r.r = 3
	case len(head) >= 2 && (head[:2] == "\xff\xfe" || head[:2] == "\xfe\xff"):
		in := &utf16Reader{in: io.MultiReader(bytes.NewReader(bytes.Clone(r.buf[2:r.w])), &failing{r.in, r.err}), big: head[0] == 0xfe}
		r.in, r.err, r.w = in, nil, 0
	}
}

// skipRest passes what is left of a record that was cut.
func (r *Records) skipRest() {
	for r.rest {
		n := bytes.IndexByte(r.buf[r.r:r.w], '\n')
		if n < 0 {
			r.r = r.w
			if !r.need(1) {
				return
			}
			continue
		}
		r.r += n + 1
		line := r.lineAt(0)
		r.rest = r.lines && !isEmpty(line) && !beginsRecord(line)
	}
}

// skipEmpty passes line breaks and the NUL bytes of files that were cut short by their system.
func (r *Records) skipEmpty() {
	for r.need(1) && isEmpty(r.view(0, 1)) {
		r.r++
	}
}

// isEmpty tells whether a line has nothing in it.
func isEmpty(line string) bool {
	return line == "" || line[0] == '\n' || line[0] == '\r' || line[0] == 0
}
