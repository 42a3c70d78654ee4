package spool

import (
	"encoding/binary"
	"hash/crc32"
)

// A record is a header and the frames of one batch. Numbers are little-endian; checksums are CRC32C (RFC 3720,
// section 12.1), which the processor computes.
//
//	0   4  the bytes F7 'r' 'e' 'c'
//	4   4  checksum of bytes 8 to 36, begun with the salt
//	8   8  number of the first frame
//	16  8  when the first frame was received, ns since 1970
//	24  4  number of frames
//	28  4  bytes of frames
//	32  4  checksum of the frames
//	36     the frames (Batch.Add)
//
// The salt is the checksum of the spool's id: bytes inside a frame cannot pass for a record when a reader looks for
// the next one after damage.
const (
	headerSize  = 36
	recordMagic = "\xf7rec"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

type header struct {
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
	le := binary.LittleEndian
	le.PutUint64(b[8:], h.first)
	le.PutUint64(b[16:], uint64(h.oldest))
	le.PutUint32(b[24:], h.count)
	le.PutUint32(b[28:], h.length)
	le.PutUint32(b[32:], h.sum)
}

func sealHeader(b []byte, salt uint32) {
	binary.LittleEndian.PutUint32(b[4:], crc32.Update(salt, castagnoli, b[8:headerSize]))
}

func getHeader(b []byte) header {
	_ = b[headerSize-1]
	le := binary.LittleEndian
	return header{
		first:  le.Uint64(b[8:]),
		oldest: int64(le.Uint64(b[16:])),
		count:  le.Uint32(b[24:]),
		length: le.Uint32(b[28:]),
		sum:    le.Uint32(b[32:]),
	}
}

// validHeader says whether b begins with a header written by the spool of this salt.
func validHeader(b []byte, salt uint32) bool {
	return string(b[:4]) == recordMagic &&
		binary.LittleEndian.Uint32(b[4:]) == crc32.Update(salt, castagnoli, b[8:headerSize])
}
