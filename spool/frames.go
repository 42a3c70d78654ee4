package spool

import (
	"encoding/binary"
	"sync"
)

// Record is a stretch of frames as they were appended together, Count of them from number First on. It and all that
// Frames hands out belong to the consumer until Release.
type Record struct {
	First uint64
	Count int

	reader *Reader
	head   header
	stored []byte // the body as it was read
	frames []byte // of a packed body; memory for the next one otherwise
}

// Release gives the record's memory back to its reader: nothing that Frames handed out, the sources aside, may be
// used any more. A record that is never released is left to the garbage collector.
func (r *Record) Release() { r.reader.pool.Put(r) }

// Size is how many bytes the frames take.
func (r *Record) Size() int {
	if !r.head.packed {
		return len(r.stored)
	}
	return unpackedSize(r.stored)
}

// Frames calls each with every frame, in order, until it returns false. The data is not copied: it lives as long as
// the record. A packed record is unpacked by whoever calls this, into the cache of the processor that goes on with it.
func (r *Record) Frames(each func(n uint64, received int64, source string, data []byte) bool) {
	body := r.stored
	if r.head.packed {
		r.frames = unpack(r.stored, r.frames)
		body = r.frames
	}
	d := decoder{rest: body, received: r.head.oldest}
	var source string
	for n := r.head.first; n < r.head.next(); n++ {
		data, fresh, ok := d.frame()
		if !ok {
			r.reader.folder.lose(n, r.head.next(), "") // the checksum was right: it was written so
			return
		}
		if fresh != nil {
			source = r.reader.names.intern(fresh)
		}
		if n >= r.First && !each(n, d.received, source, data) {
			return
		}
	}
}

// minFrame is the least number of bytes of a frame: of its time and of its length.
const minFrame = 2

// decoder takes frames, as Batch.Add writes them, off the front of rest.
type decoder struct {
	rest     []byte
	received int64
}

// frame gives the data of the next frame, and the source if it is not that of the frame before.
func (d *decoder) frame() (data, source []byte, ok bool) {
	delta, n := binary.Varint(d.rest)
	if n <= 0 {
		return nil, nil, false
	}
	size, m := binary.Uvarint(d.rest[n:])
	if m <= 0 {
		return nil, nil, false
	}
	d.rest = d.rest[n+m:]
	d.received += delta
	if size&1 != 0 {
		length, n := binary.Uvarint(d.rest)
		if n <= 0 || length > uint64(len(d.rest)-n) {
			return nil, nil, false
		}
		source, d.rest = d.rest[n:n+int(length)], d.rest[n+int(length):]
	}
	size >>= 1
	if size > uint64(len(d.rest)) {
		return nil, nil, false
	}
	data, d.rest = d.rest[:size:size], d.rest[size:]
	return data, source, true
}

// names keeps one string for each source. It forgets them all when there are too many, for senders may come and go.
type names struct {
	mu    sync.Mutex
	known map[string]string
}

const maxNames = 4096

func (n *names) intern(b []byte) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[string]string{}
	}
	s := string(b)
	n.known[s] = s
	return s
}
