package ingest

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// A record of a file travels through the spool with its origin before its bytes. Before the name of its source stand a mark, which
// no peer address has, and the id of its import: "file:ID:NAME". The mark of the last record of an import is another, so that
// nothing of it is waited for any longer.
const (
	fileMark   = "file:"
	lastMark   = "last:"
	markSize   = len(fileMark)
	originSize = 8
)

// framed is a message as the spool gives it. raw lives as long as its record, which the strings of events hold on to.
type framed struct {
	number   uint64 // in the spool
	received int64  // Unix nanoseconds
	source   string
	raw      string
	imported string // id of the import, empty if it came from a socket
	origin   uint64 // place in a file, if imported
	last     bool   // of the import
}

// frameOf reads what the spool gives.
func frameOf(number uint64, received int64, source, data string) framed {
	f := framed{number: number, received: received, source: source, raw: data}
	if len(source) < markSize || len(data) < originSize {
		return f
	}
	mark := source[:markSize]
	if mark != fileMark && mark != lastMark {
		return f
	}
	f.imported, f.source, _ = strings.Cut(source[markSize:], ":")
	f.origin, f.raw = binary.LittleEndian.Uint64([]byte(data[:originSize])), data[originSize:]
	f.last = mark == lastMark
	return f
}

// position names the place of a record that has no identity of its own: a place in a file, or a frame of a spool.
func (f framed) position(spool string) string {
	if f.imported != "" {
		return "file/" + strconv.FormatUint(f.origin, 16)
	}
	return spool + "/" + strconv.FormatUint(f.number, 10)
}

// place is the source of a part of a message while it waits for the others, with all that position needs.
func (f framed) place() string {
	if f.imported == "" {
		return f.source
	}
	return fileMark + f.imported + ":" + strconv.FormatUint(f.origin, 16) + ":" + f.source
}

// frameAt gives back the frame whose place is given.
func frameAt(number uint64, place string) framed {
	rest, ok := strings.CutPrefix(place, fileMark)
	if !ok {
		return framed{number: number, source: place}
	}
	id, rest, _ := strings.Cut(rest, ":")
	origin, name, _ := strings.Cut(rest, ":")
	f := framed{number: number, source: name, imported: id}
	f.origin, _ = strconv.ParseUint(origin, 16, 64)
	return f
}
