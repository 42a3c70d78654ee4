package spool

import (
	"bytes"
	"errors"
	"io"
	"syscall"
)

// cursor walks the records of one segment.
type cursor struct {
	file io.ReaderAt
	salt uint32
	off  int64
	head [headerSize]byte
}

var (
	errEnd    = errors.New("end of segment")
	errHeader = errors.New("record header is damaged")
	errShort  = errors.New("record is cut off")
	errBody   = errors.New("record is damaged")
)

// header reads the record header at the cursor; limit is where the readable part of the segment ends.
// errEnd: nothing more; errShort: begun and not finished; errHeader: no record; anything else came from the disk.
func (c *cursor) header(limit int64) (header, error) {
	left := limit - c.off
	if left <= 0 {
		return header{}, errEnd
	}
	if left < headerSize {
		return header{}, errShort
	}
	if _, err := c.file.ReadAt(c.head[:], c.off); unreadable(err) {
		return header{}, errHeader
	} else if err != nil {
		return header{}, err
	}
	if !validHeader(c.head[:], c.salt) {
		return header{}, errHeader
	}
	h := getHeader(c.head[:])
	if h.size() > left {
		return h, errShort
	}
	return h, nil
}

// body reads what belongs to h, into buf if it fits. errBody: it is not what was written.
func (c *cursor) body(h header, buf []byte) ([]byte, error) {
	if cap(buf) < int(h.length) {
		buf = make([]byte, h.length)
	}
	buf = buf[:h.length]
	if _, err := c.file.ReadAt(buf, c.off+headerSize); unreadable(err) {
		return buf, errBody
	} else if err != nil {
		return buf, err
	}
	if checksum(buf) != h.sum {
		return buf, errBody
	}
	return buf, nil
}

// resync finds the next place after the cursor at which a record of number least or above begins; limit if there is
// none.
func (c *cursor) resync(limit int64, least uint64) (int64, error) {
	const window = 1 << 20
	buf := make([]byte, window+headerSize-1)
	for at := c.off + 1; at+headerSize <= limit; at += window {
		b := buf[:min(int64(len(buf)), limit-at)]
		if _, err := c.file.ReadAt(b, at); unreadable(err) {
			continue
		} else if err != nil {
			return limit, err
		}
		for i := 0; ; i++ {
			n := bytes.Index(b[i:], []byte(recordMagic))
			if n < 0 || i+n+headerSize > len(b) {
				break
			}
			i += n
			h := getHeader(b[i:])
			if validHeader(b[i:], c.salt) && h.first >= least && at+int64(i)+h.size() <= limit {
				return at + int64(i), nil
			}
		}
	}
	return limit, nil
}

// unreadable says that the disk cannot give the bytes back, or has them no more, and trying again is no use.
func unreadable(err error) bool { return errors.Is(err, syscall.EIO) || err == io.EOF }
