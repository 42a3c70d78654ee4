package spool

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is a file of records. Its header is
//
//	0   7  "fwspool"
//	7   1  format version
//	8   8  number of its first frame, as in its name
//	16  16 the spool's id
//	32  4  checksum of the bytes before
//	36     records
const (
	segmentHeaderSize = 36
	segmentMagic      = "fwspool"
	version           = 2 // 1 has no packed bodies (record.go), and is read as well
	segmentSuffix     = ".seg"
)

// segment is a segment file. Its size counts what may be read: header and fsynced records.
type segment struct {
	first   uint64
	size    int64 // guarded by folder.mu
	path    string
	current bool // of the format's version that is written today, so that it may go on
}

type spoolID [16]byte

func (id spoolID) String() string { return hex.EncodeToString(id[:]) }

// salt is what the header checksums of this spool begin with.
func (id spoolID) salt() uint32 { return checksum(id[:]) }

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// listSegments finds the segments of dir by their names, in order.
func listSegments(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segs []*segment
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		first, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil || len(digits) != 20 {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // acknowledged a moment ago, when another process owns the folder
		}
		if err != nil {
			return nil, err
		}
		segs = append(segs, &segment{first: first, size: info.Size(), path: filepath.Join(dir, e.Name())})
	}
	slices.SortFunc(segs, func(a, b *segment) int { return strings.Compare(a.path, b.path) })
	return segs, nil
}

// createSegment makes an empty segment file and its name durable.
func createSegment(dir string, id spoolID, first uint64) (*os.File, error) {
	path := segmentPath(dir, first)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(segmentHeader(id, first)); err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return f, nil
}

func segmentHeader(id spoolID, first uint64) []byte {
	b := append(make([]byte, 0, segmentHeaderSize), segmentMagic...)
	b = append(b, version)
	b = binary.LittleEndian.AppendUint64(b, first)
	b = append(b, id[:]...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// errSegmentHeader says that a segment's header is damaged; its name and the id file tell the same.
var errSegmentHeader = errors.New("segment header is damaged")

// readSegmentHeader gives the id of the spool that wrote the segment, and the format's version; an error other than errSegmentHeader
// means that we must not touch it.
func readSegmentHeader(path string) (id spoolID, written byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return id, 0, err
	}
	defer f.Close()
	b := make([]byte, segmentHeaderSize)
	if _, err := f.ReadAt(b, 0); err != nil {
		return id, 0, errSegmentHeader
	}
	if string(b[:7]) != segmentMagic || binary.LittleEndian.Uint32(b[32:]) != checksum(b[:32]) {
		return id, 0, errSegmentHeader
	}
	written = b[7]
	if written == 0 || written > version {
		return id, written, fmt.Errorf("%s has spool format version %d, this program knows %d", path, written, version)
	}
	return spoolID(b[16:32]), written, nil
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
