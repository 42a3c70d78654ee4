package store

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"

	"flapwatch/event"
)

// A cursor names the last row of a page by its place in the order of the list, so that rows that arrive meanwhile move
// nothing. To its users it is a word without meaning: the kind of list and the place, sealed with a checksum.

// kind is the list that a cursor belongs to.
type kind byte

const (
	eventsKind   kind = 'e'
	devicesKind  kind = 'd'
	unparsedKind kind = 'u'
	tailKind     kind = 't'
)

const sealSize = 4

// writeCursor makes a cursor of a place.
func writeCursor(k kind, place []byte) string {
	b := append([]byte{byte(k)}, place...)
	b = binary.LittleEndian.AppendUint32(b, uint32(xxh3.Hash(b)))
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor gives the place back. Anything that writeCursor has not made for this kind is event.ErrCursor.
func readCursor(k kind, cursor string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 1+sealSize {
		return nil, fmt.Errorf("%w: %q", event.ErrCursor, cursor)
	}
	body, seal := b[:len(b)-sealSize], b[len(b)-sealSize:]
	if binary.LittleEndian.Uint32(seal) != uint32(xxh3.Hash(body)) || kind(body[0]) != k {
		return nil, fmt.Errorf("%w: %q", event.ErrCursor, cursor)
	}
	return body[1:], nil
}

// point is a place in a list that is ordered by time and, at the same time, by a number.
type point struct {
	ms  int64 // Unix
	tie uint64
}

// start is before every event, newest first.
var start = point{ms: latestTime.UnixMilli()}

func (p point) compare(q point) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.tie, q.tie))
}

func writePoint(k kind, p point) string {
	b := binary.LittleEndian.AppendUint64(nil, uint64(p.ms))
	return writeCursor(k, binary.LittleEndian.AppendUint64(b, p.tie))
}

// readPoint gives start for the empty cursor.
func readPoint(k kind, cursor string) (point, error) {
	if cursor == "" {
		return start, nil
	}
	b, err := readCursor(k, cursor)
	if err == nil && len(b) != 16 {
		err = fmt.Errorf("%w: %q", event.ErrCursor, cursor)
	}
	if err != nil {
		return point{}, err
	}
	return point{int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint64(b[8:])}, nil
}
