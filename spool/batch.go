package spool

import (
	"encoding/binary"
	"slices"
)

// recordBytes is how many bytes of frames begin another record: what a reader holds in memory at a time. It is small enough
// for a processor's own cache, in which frames are packed, and from which those just read are decoded.
const recordBytes = 128 << 10

// Batch collects frames for Append, already in the form in which they go to disk: one record, or more if it grows
// beyond 128 KiB. The zero value is ready for use; Reset makes it so again and keeps the memory. A batch is for one
// goroutine.
type Batch struct {
	buf     []byte // records that are complete, but for their numbers
	records []int  // where each begins in buf
	frames  int    // in all

	// Of the record under way:
	body   []byte // its frames
	count  uint32
	oldest int64 // receive time of the first frame
	last   int64 // and of the one before
	source string

	first uint64 // number of the first frame, once appended
	done  chan error
}

// Len is the number of frames added.
func (b *Batch) Len() int { return b.frames }

// Bytes is the size on disk, the last record at the most.
func (b *Batch) Bytes() int {
	if b.count == 0 {
		return len(b.buf)
	}
	return len(b.buf) + headerSize + len(b.body)
}

// Reset empties the batch.
func (b *Batch) Reset() {
	b.buf, b.records, b.body, b.frames, b.count = b.buf[:0], b.records[:0], b.body[:0], 0, 0
}

// Add adds one frame: when it was received (ns since 1970), from where, and its bytes, which are copied.
// A source that equals the one before costs nothing.
//
// A frame is: zigzag varint of the nanoseconds since the frame before; varint of the data's length, doubled, plus one
// if a source follows; varint length and bytes of the source; the data.
func (b *Batch) Add(received int64, source string, data []byte) {
	if len(b.body) >= recordBytes {
		b.finish()
	}
	if b.count == 0 {
		b.oldest, b.last = received, received
	}
	n := len(b.body)
	body := slices.Grow(b.body, len(source)+len(data)+3*binary.MaxVarintLen64)
	body = body[:cap(body)]
	n += binary.PutVarint(body[n:], received-b.last)
	if b.count == 0 || source != b.source {
		n += binary.PutUvarint(body[n:], uint64(len(data))<<1|1)
		n += binary.PutUvarint(body[n:], uint64(len(source)))
		n += copy(body[n:], source)
		b.source = source
	} else {
		n += binary.PutUvarint(body[n:], uint64(len(data))<<1)
	}
	n += copy(body[n:], data)
	b.body = body[:n]
	b.last = received
	b.count++
	b.frames++
}

// finish completes the record under way, if there is one.
func (b *Batch) finish() {
	if b.count == 0 {
		return
	}
	at := len(b.buf)
	b.records = append(b.records, at)
	h := header{oldest: b.oldest, count: b.count}
	b.buf = slices.Grow(b.buf, headerSize)[:at+headerSize]
	b.buf, h.packed = pack(b.buf, b.body, b.count)
	body := b.buf[at+headerSize:]
	h.length, h.sum = uint32(len(body)), checksum(body)
	h.put(b.buf[at:])
	b.body, b.count = b.body[:0], 0
}

// seal makes the batch ready to be numbered and written. Frames added after this begin a record of their own.
func (b *Batch) seal() {
	b.finish()
	if b.done == nil {
		b.done = make(chan error, 1)
	}
}

// number gives the frames their numbers, from first on, and returns the number after the last.
func (b *Batch) number(first uint64, salt uint32) uint64 {
	b.first = first
	n := first
	for _, at := range b.records {
		h := getHeader(b.buf[at:])
		h.first = n
		h.put(b.buf[at:])
		sealHeader(b.buf[at:], salt)
		n += uint64(h.count)
	}
	return n
}
