package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// Exported is a message outside of a spool, with its receipt. A text of such objects, one a line, is imported as if each message came
// again then and from there. Imported twice, all of it is a duplicate.
type Exported struct {
	Received time.Time `json:"received_at"`
	Source   string    `json:"source"`
	Raw      string    `json:"raw,omitempty"`
	Base64   []byte    `json:"base64,omitempty"` // instead of Raw, where the bytes are no UTF-8
}

// exportedHead is what a text of exported messages begins with.
const exportedHead = `{"received_at":"`

// Export gives a message as a spool gives it. What was imported has its file as its source.
func Export(received int64, source string, data []byte) Exported {
	f := frameOf(0, received, source, string(data))
	x := Exported{Received: time.Unix(0, received).UTC(), Source: f.source}
	if utf8.ValidString(f.raw) {
		x.Raw = f.raw
	} else {
		x.Base64 = []byte(f.raw)
	}
	return x
}

// Message is what was received.
func (x *Exported) Message() []byte {
	if x.Base64 != nil {
		return x.Base64
	}
	return []byte(x.Raw)
}

// place names the message by what it is: wherever and however often it is exported, it stays the same one.
func (x *Exported) place() uint64 {
	h := xxh3.New()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(x.Received.UnixNano())))
	_, _ = h.WriteString(x.Source + "\n")
	_, _ = h.Write(x.Message())
	return h.Sum64()
}

// readExported reads a line, and tells whether it is an exported message.
func readExported(line []byte) (x Exported, ok bool) {
	if !bytes.HasPrefix(line, []byte(exportedHead)) || json.Unmarshal(line, &x) != nil {
		return x, false
	}
	year, n := x.Received.Year(), len(x.Message())
	return x, n > 0 && n <= MaxFrame && year >= 1970 && year < 2100
}

// maxExported is how long a line can be: that of a message of MaxFrame bytes, each of them escaped.
const maxExported = 6*MaxFrame + 8<<10

// exported puts the messages of a text of exported ones into the intake.
func (t *tally) exported(ctx context.Context, name string, digest [16]byte, in io.Reader) error {
	lines := bufio.NewReaderSize(in, maxExported)
	source := fileMark + t.id + ":" + sourceName(name)
	for offset := int64(0); ; {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return reading(name, err) // the line is not whole
		}
		t.line(source, digest, offset, bytes.TrimRight(line, "\r\n"))
		offset += int64(len(line))
		for err == bufio.ErrBufferFull { // longer than any message: the rest is passed over
			line, err = lines.ReadSlice('\n')
			offset += int64(len(line))
		}
		if err == io.EOF {
			return nil
		}
		if err := t.drain(ctx); err != nil {
			return err
		}
	}
}

// line adds an exported message. A line that is none is a record like any other.
func (t *tally) line(source string, digest [16]byte, offset int64, line []byte) {
	x, ok := readExported(line)
	switch {
	case ok:
		t.add(x.Received.UnixNano(), fileMark+t.id+":"+sourceName(x.Source), x.place(), x.Message())
		return
	case len(line) > MaxFrame:
		line = line[:MaxFrame]
		t.Metrics.Overlong.Inc()
	}
	t.add(t.Now().UnixNano(), source, origin(digest, offset), line)
}
