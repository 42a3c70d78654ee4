package spool

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/s2"
)

// A record is a header and the frames of one batch. Numbers are little-endian; checksums are CRC32C (RFC 3720,
// section 12.1), which the processor computes.
//
//	0   3  the bytes F7 'r' 'e'
//	3   1  'c': the body is the frames; '2': it is one S2 block of them
//	4   4  checksum of bytes 8 to 36, begun with the salt, or with its complement if the body is an S2 block
//	8   8  number of the first frame
//	16  8  when the first frame was received, ns since 1970
//	24  4  number of frames
//	28  4  bytes of the body
//	32  4  checksum of the body
//	36     the body: the frames (Batch.Add), or what they make in S2
//
// The salt is the checksum of the spool's id: bytes inside a frame cannot pass for a record when a reader looks for
// the next one after damage.
//
// S2 (github.com/klauspost/compress/s2, an extension of Snappy's block format) makes a thirteenth of alarms that follow each other, in
// less time than the disk, the kernel's memory and the checksums need for the rest.
const (
	headerSize  = 36
	recordMagic = "\xf7re"
	plainBody   = 'c'
	packedBody  = '2'
)

// worthPacking is the least number of bytes of frames that are packed. A disk writes as much at a time.
const worthPacking = 4 << 10

// pack appends the frames to b as the body of a record, and says whether they are packed. They are not where that would make them
// larger, or so small that damage of a few bytes might hide more frames than minFrame lets one reckon with.
func pack(b, frames []byte, count uint32) (with []byte, packed bool) {
	if len(frames) < worthPacking {
		return append(b, frames...), false
	}
	n := len(b)
	b = slices.Grow(b, s2.MaxEncodedLen(len(frames)))
	size := len(s2.Encode(b[n:cap(b)], frames))
	if size >= len(frames) || size < int(count)*minFrame {
		return append(b, frames...), false
	}
	return b[:n+size], true
}

// unpack gives the frames of a packed body, in buf if they fit: none if it was not made by pack.
func unpack(body, buf []byte) []byte {
	size := unpackedSize(body)
	if size == 0 {
		return buf[:0]
	}
	frames, err := s2.Decode(slices.Grow(buf[:0], size)[:size], body)
	if err != nil {
		return buf[:0]
	}
	return frames
}

// unpackedSize is the number of bytes of frames in a packed body, 0 if it is none.
func unpackedSize(body []byte) int {
	if n, err := s2.DecodedLen(body); err == nil && n <= maxBatch {
		return n
	}
	return 0
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

type header struct {
	packed bool
	first  uint64
	oldest int64
	count  uint32
	length uint32
	sum    uint32
}

func (h header) next() uint64 { return h.first + uint64(h.count) }
func (h header) size() int64  { return headerSize + int64(h.length) }

// put writes h; sealHeader makes it valid.
func (h header) put(b []byte) {
	_ = b[headerSize-1]
	copy(b, recordMagic)
	b[3] = plainBody
	if h.packed {
		b[3] = packedBody
	}
	le := binary.LittleEndian
	le.PutUint64(b[8:], h.first)
	le.PutUint64(b[16:], uint64(h.oldest))
	le.PutUint32(b[24:], h.count)
	le.PutUint32(b[28:], h.length)
	le.PutUint32(b[32:], h.sum)
}

func sealHeader(b []byte, salt uint32) {
	binary.LittleEndian.PutUint32(b[4:], headerSum(b, salt))
}

func headerSum(b []byte, salt uint32) uint32 {
	if b[3] == packedBody {
		salt = ^salt
	}
	return crc32.Update(salt, castagnoli, b[8:headerSize])
}

func getHeader(b []byte) header {
	_ = b[headerSize-1]
	le := binary.LittleEndian
	return header{
		packed: b[3] == packedBody,
		first:  le.Uint64(b[8:]),
		oldest: int64(le.Uint64(b[16:])),
		count:  le.Uint32(b[24:]),
		length: le.Uint32(b[28:]),
		sum:    le.Uint32(b[32:]),
	}
}

// validHeader says whether b begins with a header written by the spool of this salt.
func validHeader(b []byte, salt uint32) bool {
	return string(b[:3]) == recordMagic && (b[3] == plainBody || b[3] == packedBody) &&
		binary.LittleEndian.Uint32(b[4:]) == headerSum(b, salt)
}
