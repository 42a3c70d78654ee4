package datagram

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// batch is how many datagrams are read, and taken, at once.
const batch = 128

// Queue holds what came in on a socket. It is for one goroutine.
type Queue struct {
	*ring
	memory     *os.File // the ring's
	told, tell *os.File // a pipe: a byte in it says that there is more in the ring
	next       uint64
	out        []Datagram
}

func newQueue() (*Queue, error) {
	fd, err := unix.MemfdCreate("datagrams", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	q := &Queue{memory: os.NewFile(uintptr(fd), "datagrams"), out: make([]Datagram, 0, batch)}
	if err = q.memory.Truncate(atSpace + ringSize); err == nil {
		q.ring, err = newRing(fd)
	}
	if err == nil {
		q.told, q.tell, err = os.Pipe()
	}
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

// Take waits for datagrams and gives them, none when nothing comes any more. They are valid until the next call.
func (q *Queue) Take() []Datagram {
	for ended := false; ; {
		q.taken.Store(q.next)
		if q.out, q.next = q.take(q.next, q.out[:0]); len(q.out) > 0 || ended {
			return q.out
		}
		q.waiting.Store(1)
		if q.put.Load() == q.next {
			var words [64]byte
			_, err := q.told.Read(words[:])
			ended = err != nil
		}
		q.waiting.Store(0)
	}
}

// Behind says that much waits to be taken.
func (q *Queue) Behind() bool { return q.put.Load()-q.next > ringSize/crowded }

// crowded is the part of a ring from which on it is behind.
const crowded = 16

// end lets the queue end behind what was put.
func (q *Queue) end() { q.tell.Close() }

// Close gives back the memory. What was taken is not valid any more.
func (q *Queue) Close() error {
	return errors.Join(q.ring.close(), q.memory.Close(), q.told.Close())
}
