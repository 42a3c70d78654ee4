package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
)

// The ack file has two slots of 64 bytes, in disk sectors of their own. They are written in turn, in place, so that one
// is whole whatever happens, and a full disk does not matter once the file is there. The valid one with the greater
// turn counts.
//
//	0   8  "fwspack" and the format version
//	8   8  turn
//	16  8  frames below are done
//	24  8  damaged records below
//	32  8  frames lost in them
//	40  8  torn bytes cut
//	60  4  checksum of the bytes before
const (
	ackName  = "ack"
	ackMagic = "fwspack\x01"
	slotSize = 64
	slotStep = 512
)

// ackState is what the ack file remembers.
type ackState struct {
	turn  uint64
	acked uint64
	tally tally
}

func (a ackState) slot() []byte {
	b := append(make([]byte, 0, slotSize), ackMagic...)
	for _, v := range []uint64{a.turn, a.acked, a.tally.damaged, a.tally.lost, a.tally.torn} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = b[:slotSize-4]
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

func parseSlot(b []byte) (a ackState, ok bool) {
	le := binary.LittleEndian
	if len(b) < slotSize || string(b[:8]) != ackMagic || le.Uint32(b[slotSize-4:]) != checksum(b[:slotSize-4]) {
		return a, false
	}
	a.turn, a.acked = le.Uint64(b[8:]), le.Uint64(b[16:])
	a.tally = tally{damaged: le.Uint64(b[24:]), lost: le.Uint64(b[32:]), torn: le.Uint64(b[40:])}
	return a, true
}

// errAckFile says that no slot is whole.
var errAckFile = errors.New("ack file is damaged")

// readAckFile reads what is known; nothing if there is no file.
func readAckFile(path string) (ackState, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return ackState{}, nil
	}
	if err != nil {
		return ackState{}, err
	}
	one, ok1 := parseSlot(b)
	two, ok2 := parseSlot(b[min(len(b), slotStep):])
	switch {
	case ok2 && two.turn > one.turn:
		return two, nil
	case ok1 || len(b) == 0:
		return one, nil
	}
	return ackState{}, errAckFile
}

// ackFile is the ack file of a spool that is open for writing.
type ackFile struct {
	mu   sync.Mutex // one Ack at a time
	file *os.File
	turn uint64
}

func openAckFile(path string, turn uint64) (*ackFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	return &ackFile{file: f, turn: turn}, err
}

func (a *ackFile) write(st ackState) error {
	a.turn++
	st.turn = a.turn
	_, err := a.file.WriteAt(st.slot(), int64(a.turn%2)*slotStep)
	return err
}

func (a *ackFile) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return errors.Join(a.file.Sync(), a.file.Close())
}

// Ack says that the consumer is done with the frames below next. Segments with none but such frames are deleted. The
// position is written down without fsync: after a power cut it may be behind, and frames are delivered again.
// A next that is not beyond the last one changes nothing. An error of the disk means just that: the position may not be
// written down, or a segment not deleted; the ack holds for this process.
func (s *Spool) Ack(next uint64) error {
	s.acks.mu.Lock()
	defer s.acks.mu.Unlock()
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case next > s.next:
		defer s.mu.Unlock()
		return fmt.Errorf("ack of frames below %d: the spool has none from %d on", next, s.next)
	case next <= s.acked:
		s.mu.Unlock()
		return nil
	}
	s.acked = next
	s.losses.settle(next)
	s.mu.Unlock()
	return s.letGo()
}

// letGo writes down the ack position and deletes the segments that only have frames below it.
func (s *Spool) letGo() error {
	s.mu.Lock()
	st := ackState{acked: s.acked, tally: s.losses.past}
	var done []*segment
	for len(s.segs) > 1 && s.segs[1].first <= s.acked {
		done = append(done, s.segs[0])
		s.segs = s.segs[1:]
	}
	s.mu.Unlock()
	err := s.acks.write(st)
	if len(done) > 0 && err == nil {
		err = s.acks.file.Sync() // the counts of what the segments had lost outlive them
	}
	for _, seg := range done {
		if gone := os.Remove(seg.path); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range done {
		s.bytes -= seg.size
	}
	s.relent()
	return err
}
