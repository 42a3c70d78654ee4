package spool

import (
	"encoding/binary"
	"slices"
)

// recordBytes is the size at which a batch begins another record: what a reader holds in memory at a time. It is small enough
// for a processor's own cache, from which a record that was just read and checked is then decoded.
const recordBytes = 128 << 10

// Batch collects frames for Append, already in the form in which they go to disk: one record, or more if it grows
// beyond 128 KiB. The zero value is ready for use; Reset makes it so again and keeps the memory. A batch is for one
// goroutine.
type Batch struct {
	buf     []byte
	records []int // where each record begins in buf
	summed  int   // of them that have their checksum
	frames  int

	// Of the record under way:
	count  uint32
	last   int64 // receive time of the frame before
	source string

	first uint64 // number of the first frame, once appended
	done  chan error
}

// Len is the number of frames added.
func (b *Batch) Len() int { return b.frames }

// Bytes is the size on disk.
func (b *Batch) Bytes() int { return len(b.buf) }

// Reset empties the batch.
func (b *Batch) Reset() {
	b.buf, b.records, b.summed, b.frames, b.count, b.source = b.buf[:0], b.records[:0], 0, 0, 0, ""
}

// Add adds one frame: when it was received (ns since 1970), from where, and its bytes, which are copied.
// A source that equals the one before costs nothing.
//
// A frame is: zigzag varint of the nanoseconds since the frame before; varint of the data's length, doubled, plus one
// if a source follows; varint length and bytes of the source; the data.
func (b *Batch) Add(received int64, source string, data []byte) {
	if b.count == 0 || len(b.buf)-b.records[len(b.records)-1] >= recordBytes {
		b.begin(received)
	}
	n := len(b.buf)
	buf := slices.Grow(b.buf, len(source)+len(data)+3*binary.MaxVarintLen64)
	buf = buf[:cap(buf)]
	n += binary.PutVarint(buf[n:], received-b.last)
	if b.count == 0 || source != b.source {
		n += binary.PutUvarint(buf[n:], uint64(len(data))<<1|1)
		n += binary.PutUvarint(buf[n:], uint64(len(source)))
		n += copy(buf[n:], source)
		b.source = source
	} else {
		n += binary.PutUvarint(buf[n:], uint64(len(data))<<1)
	}
	n += copy(buf[n:], data)
	b.buf = buf[:n]
	b.last = received
	b.count++
	b.frames++
}

// begin starts a record; its header is filled in later, except for what only now is known.
func (b *Batch) begin(received int64) {
	b.finish()
	b.records = append(b.records, len(b.buf))
	var head [headerSize]byte
	header{oldest: received}.put(head[:])
	b.buf = append(b.buf, head[:]...)
	b.last, b.count = received, 0
}

// finish notes the size and count of the record under way.
func (b *Batch) finish() {
	if b.count == 0 {
		return
	}
	rec := b.buf[b.records[len(b.records)-1]:]
	h := getHeader(rec)
	h.count, h.length = b.count, uint32(len(rec)-headerSize)
	h.put(rec)
}

// seal makes the batch ready to be numbered and written. The checksums are computed here rather than while frames are added, for
// who adds them has more of them coming.
func (b *Batch) seal() {
	b.finish()
	b.count = 0 // frames added after this begin a record of their own
	for ; b.summed < len(b.records); b.summed++ {
		rec := b.buf[b.records[b.summed]:]
		h := getHeader(rec)
		h.sum = checksum(rec[headerSize:h.size()])
		h.put(rec)
	}
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
