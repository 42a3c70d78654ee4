package event

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"
)

// ID identifies an event whatever envelope it came in: the copy from the service and the copy from the Syslog Agent have the same.
type ID [16]byte

// String gives 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Identify sets e.ID.
//
// A CUCM alarm with a time of its own gets the XXH3-128 hash of cluster, node, AppID, alarm, device, address, reason, time cut
// to the second and the alarm's own sequence number; where there is no sequence number, of the text from '%' on instead.
// Anything else is identified by position, which names the place where the record is kept: spool and offset, or a file's digest
// and offset. The rule is fixed: stored ids depend on it.
func (e *Event) Identify(status Status, position string) {
	var space [256]byte // enough for nearly all
	b := space[:0]
	if e.TimeSource == FromReceipt || (status != Alarm && status != Quoted) {
		b = field(append(b, 'p'), position)
		e.ID = xxh3.Hash128(b).Bytes()
		return
	}
	if e.Ending != nil {
		b = append(b, e.Ending.place...)
	} else {
		b = appendPlace(b, e)
	}
	b = field(b, e.Alarm)
	b = field(b, e.Device)
	b = field(b, e.IP)
	if e.HasReason {
		b = strconv.AppendUint(b, uint64(e.Reason), 10)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.Unix()))
	if e.HasSeq {
		b = binary.LittleEndian.AppendUint32(append(b, 's'), e.Seq)
	} else {
		b = field(append(b, 't'), body(e.Raw))
	}
	e.ID = xxh3.Hash128(b).Bytes()
}

// appendPlace appends where the alarm of e was raised.
func appendPlace(b []byte, e *Event) []byte {
	b = append(b, 'e')
	b = field(b, e.Cluster)
	b = field(b, e.Node)
	return field(b, e.AppID)
}

// field appends s with its length before it, so that no two lists of fields give the same bytes.
func field(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// body is the record from its first '%' on, without what framing may leave at the end.
func body(raw string) string {
	if i := strings.IndexByte(raw, '%'); i >= 0 {
		raw = raw[i:]
	}
	return strings.TrimRight(raw, "\r\n\x00 ")
}
