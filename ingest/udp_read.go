package ingest

import (
	"net/netip"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	datagrams = 128    // read by one system call
	apart     = 9 * 64 // bytes between their buffers, which would share a few lines of the processor's cache if they lay 64 KiB apart
)

// datagramReader reads datagrams, many by one system call (recvmmsg(2)). Unlike ipv6.PacketConn.ReadBatch it makes no address for each,
// and does not let go of the processor for a call that never waits.
type datagramReader struct {
	heads [datagrams]mmsghdr
	parts [datagrams]unix.Iovec
	peers [datagrams]unix.RawSockaddrInet6 // or Inet4, which is shorter
	space []byte
}

// mmsghdr is what recvmmsg fills in for a datagram.
type mmsghdr struct {
	head unix.Msghdr
	size uint32
}

func newDatagramReader() *datagramReader {
	r := &datagramReader{space: make([]byte, datagrams*(MaxFrame+apart))}
	for i := range r.heads {
		r.parts[i].Base = &r.space[i*(MaxFrame+apart)]
		r.parts[i].SetLen(MaxFrame)
		h := &r.heads[i].head
		h.Iov, h.Name = &r.parts[i], (*byte)(unsafe.Pointer(&r.peers[i]))
		h.SetIovlen(1)
	}
	return r
}

// read waits for datagrams and says how many it has read.
func (r *datagramReader) read(conn syscall.RawConn) (n int, err error) {
	var failed error
	err = conn.Read(func(fd uintptr) (done bool) {
		n, failed = r.ask(fd)
		return failed != unix.EAGAIN
	})
	runtime.KeepAlive(r)
	if err == nil {
		err = failed
	}
	return n, err
}

// ask reads what is there.
func (r *datagramReader) ask(fd uintptr) (int, error) {
	for i := range r.heads {
		r.heads[i].head.Namelen = uint32(unsafe.Sizeof(r.peers[i]))
	}
	for {
		n, _, failed := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.heads)), datagrams, unix.MSG_DONTWAIT, 0, 0)
		switch failed {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, failed
	}
}

// datagram gives the i-th of those that were read last. Its data is valid until the next read.
func (r *datagramReader) datagram(i int) (peer netip.Addr, data []byte) {
	from, size := i*(MaxFrame+apart), int(r.heads[i].size)
	data = r.space[from : from+size : from+size]
	if p := &r.peers[i]; p.Family == unix.AF_INET6 {
		return netip.AddrFrom16(p.Addr).Unmap(), data
	}
	return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&r.peers[i])).Addr), data
}
