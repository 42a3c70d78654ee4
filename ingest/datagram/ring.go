package datagram

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ringSize is what a ring holds, in bytes, a power of two: some 80 ms of 400,000 alarms a second.
const ringSize = 16 << 20

// ring carries datagrams from one process to another in memory that both see. One goroutine puts and one takes. Positions count bytes
// since the ring was made; both are multiples of 8.
type ring struct {
	put     *atomic.Uint64 // all before it was put
	taken   *atomic.Uint64 // all before it was taken
	waiting *atomic.Uint32 // 1 while the one who takes wants to be told of more
	space   []byte
	whole   []byte
}

// Offsets of the counters, each in a line of the processor's cache of its own, and of the datagrams.
const (
	atPut, atTaken, atWaiting = 0, 128, 256
	atSpace                   = 4096
)

// A datagram lies behind its head: size (4 bytes), 4 unused, time of receipt (8), address (16, IPv4 mapped into IPv6). It does not go over
// the end of the space: where one would, skip stands in the place of a size, and it lies at the beginning.
const (
	headSize = 32
	skip     = 1<<32 - 1
)

// newRing maps the memory of a file, which is empty or in use on the other side.
func newRing(fd int) (*ring, error) {
	whole, err := unix.Mmap(fd, 0, atSpace+ringSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &ring{
		put:     (*atomic.Uint64)(unsafe.Pointer(&whole[atPut])),
		taken:   (*atomic.Uint64)(unsafe.Pointer(&whole[atTaken])),
		waiting: (*atomic.Uint32)(unsafe.Pointer(&whole[atWaiting])),
		space:   whole[atSpace:], whole: whole,
	}, nil
}

func (r *ring) close() error { return unix.Munmap(r.whole) }

// add writes a datagram at a position and gives the position behind it. The one who takes sees it once put says so. It is refused where
// there is no room.
func (r *ring) add(at uint64, received int64, peer netip.Addr, data []byte) (next uint64, ok bool) {
	need := entrySize(len(data))
	from, pass := at%ringSize, uint64(0)
	if from+need > ringSize {
		pass = ringSize - from
	}
	if at+pass+need-r.taken.Load() > ringSize {
		return at, false
	}
	if pass > 0 {
		binary.NativeEndian.PutUint32(r.space[from:], skip)
		from = 0
	}
	e := r.space[from : from+need]
	binary.NativeEndian.PutUint32(e, uint32(len(data)))
	binary.NativeEndian.PutUint64(e[8:], uint64(received))
	*(*[16]byte)(e[16:]) = peer.As16()
	copy(e[headSize:], data)
	return at + pass + need, true
}

// take gives the datagrams from a position on, as many as there are and as out has room for, and the position behind them. They are
// valid until taken says so.
func (r *ring) take(at uint64, out []Datagram) (_ []Datagram, next uint64) {
	for end := r.put.Load(); at < end && len(out) < cap(out); {
		e := r.space[at%ringSize:]
		size := binary.NativeEndian.Uint32(e)
		if size == skip {
			at += uint64(len(e))
			continue
		}
		out = append(out, Datagram{
			Received: int64(binary.NativeEndian.Uint64(e[8:])),
			Peer:     netip.AddrFrom16([16]byte(e[16:headSize])).Unmap(),
			Data:     e[headSize : headSize+size : headSize+size],
		})
		at += entrySize(int(size))
	}
	return out, at
}

// entrySize is how much of the ring a datagram takes, in bytes.
func entrySize(data int) uint64 { return uint64(headSize+data+7) &^ 7 }
