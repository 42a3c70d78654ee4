package ingest

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// A record of a file travels through the spool with its origin before its bytes, and with a mark before the name of its
// source, which no peer address has.
const (
	fileMark   = "file:"
	originSize = 8
)

// framed is a message as the spool gives it. raw lives as long as its record, which the strings of events hold on to.
type framed struct {
	number   uint64 // in the spool
	received int64  // Unix nanoseconds
	source   string
	origin   uint64 // place in a file, if file
	file     bool
	raw      string
}

// frameOf reads what the spool gives.
func frameOf(number uint64, received int64, source, data string) framed {
	f := framed{number: number, received: received, source: source, raw: data}
	if name, ok := strings.CutPrefix(source, fileMark); ok && len(data) >= originSize {
		f.file, f.source = true, name
		f.origin, f.raw = binary.LittleEndian.Uint64([]byte(data[:originSize])), data[originSize:]
	}
	return f
}

// position names the place of a record that has no identity of its own: a place in a file, or a frame of a spool.
func (f framed) position(spool string) string {
	if f.file {
		return "file/" + strconv.FormatUint(f.origin, 16)
	}
	return spool + "/" + strconv.FormatUint(f.number, 10)
}
