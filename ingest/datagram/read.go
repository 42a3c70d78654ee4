package datagram

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// apart is how many bytes lie between the buffers of a reader, which would share a few lines of the processor's cache if they were 64 KiB
// apart.
const apart = 9 * 64

// reader reads datagrams, many by one system call (recvmmsg(2)). Unlike ipv6.PacketConn.ReadBatch it makes no address for each,
// and does not let go of the processor for a call that never waits.
type reader struct {
	heads [batch]mmsghdr
	parts [batch]unix.Iovec
	peers [batch]unix.RawSockaddrInet6 // or Inet4, which is shorter
	space []byte
}

// mmsghdr is what recvmmsg fills in for a datagram.
type mmsghdr struct {
	head unix.Msghdr
	size uint32
}

func newReader() *reader {
	r := &reader{space: make([]byte, batch*(MaxSize+apart))}
	for i := range r.heads {
		r.parts[i].Base = &r.space[i*(MaxSize+apart)]
		r.parts[i].SetLen(MaxSize)
		h := &r.heads[i].head
		h.Iov, h.Name = &r.parts[i], (*byte)(unsafe.Pointer(&r.peers[i]))
		h.SetIovlen(1)
	}
	return r
}

// read reads the datagrams that are there and says how many; it does not wait.
func (r *reader) read(socket int) (int, error) {
	for i := range r.heads {
		r.heads[i].head.Namelen = uint32(unsafe.Sizeof(r.peers[i]))
	}
	for {
		n, _, failed := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(socket), uintptr(unsafe.Pointer(&r.heads)), batch, unix.MSG_DONTWAIT, 0, 0)
		switch failed {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, failed
	}
}

// get gives the i-th of those that were read last. Its data is valid until the next read.
func (r *reader) get(i int) (peer netip.Addr, data []byte) {
	from, size := i*(MaxSize+apart), int(r.heads[i].size)
	data = r.space[from : from+size : from+size]
	if p := &r.peers[i]; p.Family == unix.AF_INET6 {
		return netip.AddrFrom16(p.Addr).Unmap(), data
	}
	return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&r.peers[i])).Addr), data
}
