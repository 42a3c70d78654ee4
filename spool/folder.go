package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// folder is what a process knows of a spool folder: the segments in it, and which frames they hold.
type folder struct {
	dir  string
	id   spoolID
	salt uint32
	log  *slog.Logger
	live bool // this process writes to it; otherwise it is as it was when we looked

	mu     sync.Mutex
	segs   []*segment
	bytes  int64  // sum of the segments' sizes
	next   uint64 // number of the next frame to be accepted
	acked  uint64 // frames below are done
	turn   uint64 // of the ack file when it was read
	losses losses
	closed bool
	bell   chan struct{}

	ageing ageing
}

// errNoID says that the folder holds no spool yet.
var errNoID = errors.New("no spool in the folder")

// readFolder reads names, headers and the ack file, and no records. The end of the last segment is left to readTail.
// With errNoID the folder can be used, once it has an id.
func readFolder(dir string, log *slog.Logger) (*folder, error) {
	segs, err := listSegments(dir)
	if err != nil {
		return nil, err
	}
	past, err := readAckFile(filepath.Join(dir, ackName))
	if errors.Is(err, errAckFile) {
		log.Warn("spool ack file damaged: frames are delivered again", "folder", dir)
	} else if err != nil {
		return nil, err
	}
	fo := &folder{dir: dir, log: log, segs: segs, acked: past.acked, losses: losses{past: past.tally}, turn: past.turn}
	for _, seg := range segs {
		fo.bytes += seg.size
	}
	if len(segs) > 0 {
		fo.acked = max(fo.acked, segs[0].first)
		fo.next = segs[len(segs)-1].first
	}
	fo.next = max(fo.next, fo.acked)
	return fo, fo.identify()
}

// identify finds the spool's id in its file or, should that be unreadable, in the segments, which all must agree.
func (fo *folder) identify() error {
	var known bool
	if b, err := os.ReadFile(filepath.Join(fo.dir, idName)); err == nil {
		fo.id, known = parseID(b)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, seg := range fo.segs {
		id, written, err := readSegmentHeader(seg.path)
		seg.current = written == version
		if errors.Is(err, errSegmentHeader) {
			fo.log.Warn("spool segment header damaged", "segment", seg.path)
			continue
		}
		if err != nil {
			return err
		}
		if known && id != fo.id {
			return fmt.Errorf("%s belongs to spool %s, this folder to %s", seg.path, id, fo.id)
		}
		fo.id, known = id, true
	}
	if !known && len(fo.segs) > 0 {
		return fmt.Errorf("%s: no segment tells what spool it belongs to, and neither does the file %s", fo.dir, idName)
	}
	if !known {
		return errNoID
	}
	fo.salt = fo.id.salt()
	return nil
}

// extent says how far seg may be read, in bytes and in frame numbers, and whether that will not change any more.
func (fo *folder) extent(seg *segment) (limit int64, end uint64, final bool) {
	fo.mu.Lock()
	defer fo.mu.Unlock()
	if after := fo.after(seg); after != nil {
		return seg.size, after.first, true
	}
	return seg.size, fo.next, false
}

// after is the segment that follows seg, also when seg itself is gone. The caller holds mu.
func (fo *folder) after(seg *segment) *segment {
	i, _ := slices.BinarySearchFunc(fo.segs, seg.first+1, bySegment)
	if i == len(fo.segs) {
		return nil
	}
	return fo.segs[i]
}

// holding is the segment with frame n or, should that be missing, the next one. The caller holds mu.
func (fo *folder) holding(n uint64) *segment {
	i, found := slices.BinarySearchFunc(fo.segs, n, bySegment)
	if !found && i > 0 {
		i--
	}
	if i == len(fo.segs) {
		return nil
	}
	return fo.segs[i]
}

func bySegment(seg *segment, first uint64) int {
	switch {
	case seg.first < first:
		return -1
	case seg.first > first:
		return 1
	}
	return 0
}

// watch gives a channel that is closed when there is more to read, or room again, or the spool is closed; nil if
// nothing will change. Who looks at the folder after watch and finds nothing may wait for it.
func (fo *folder) watch() (<-chan struct{}, error) {
	fo.mu.Lock()
	defer fo.mu.Unlock()
	if fo.closed {
		return nil, ErrClosed
	}
	if fo.bell == nil && fo.live {
		fo.bell = make(chan struct{})
	}
	return fo.bell, nil
}

// wake tells those who watch. The caller holds mu.
func (fo *folder) wake() {
	if fo.bell != nil {
		close(fo.bell)
		fo.bell = nil
	}
}
