package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"flapwatch/parse"
)

const (
	countDrops = time.Second // how often the kernel is asked what it dropped
	crowded    = 16          // a socket is behind from this part of its buffer on
)

// udpSocket receives datagrams in batches (recvmmsg). Several of them share an address by SO_REUSEPORT.
type udpSocket struct {
	*Listeners
	conn   *net.UDPConn
	drops  uint32 // datagrams that the kernel dropped on this socket, as last seen
	behind bool   // as the intake was told
}

func (l *Listeners) bindUDP(ctx context.Context, host string) error {
	config := net.ListenConfig{Control: l.udpOptions}
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		c, err := config.ListenPacket(ctx, "udp", host)
		if err != nil {
			return bindError("udp", host, err)
		}
		conn := c.(*net.UDPConn)
		if len(l.addrs) == 0 || l.addrs[len(l.addrs)-1].String() != conn.LocalAddr().String() {
			l.addrs = append(l.addrs, conn.LocalAddr())
			l.granted(conn)
		}
		host = conn.LocalAddr().String() // port 0 is chosen once
		l.doers = append(l.doers, &udpSocket{Listeners: l, conn: conn})
	}
	return nil
}

// udpOptions asks for a large receive buffer and for sharing, before the socket is bound. It does not ask for several datagrams of one
// sender in one piece (UDP_GRO), which would cost less: the kernel counts such a piece, when it drops it, as one.
func (l *Listeners) udpOptions(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		s := int(fd)
		failed = unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		if unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, l.options.ReceiveBuffer) != nil {
			_ = unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUF, l.options.ReceiveBuffer)
		}
	})
	return errors.Join(err, failed)
}

// granted compares the receive buffer with what was asked for. The kernel reports twice the usable size (socket(7)).
func (l *Listeners) granted(conn *net.UDPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			return
		}
		l.options.Metrics.Buffer.WithLabelValues(conn.LocalAddr().String()).Set(float64(n / 2))
		if n/2 < l.options.ReceiveBuffer {
			l.options.Log.Warn("receive buffer smaller than asked for; bursts may be lost",
				"asked", l.options.ReceiveBuffer, "granted", n/2, "mend", fmt.Sprintf("sysctl -w net.core.rmem_max=%d", l.options.ReceiveBuffer))
		}
	})
}

// Close ends Run.
func (s *udpSocket) Close() error { return s.conn.Close() }

// Run receives until ctx ends.
func (s *udpSocket) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return s.watchDrops(ctx) })
	g.Go(func() error { return s.receive(ctx) })
	return g.Wait()
}

// receive reads until the socket is closed. What was read is delivered.
func (s *udpSocket) receive(ctx context.Context) error {
	goFirst()
	defer s.calm(true)
	conn, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	r, peers := newDatagramReader(), newSources()
	frames := make([]Frame, 0, datagrams)
	for {
		n, err := r.read(conn)
		if err == nil {
			s.hurry(n == datagrams)
			s.deliver(s.frames(frames[:0], r, n, peers))
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("receive on udp %s: %w", s.conn.LocalAddr(), err)
	}
}

// watchDrops counts what the kernel drops, and closes the socket when ctx ends.
func (s *udpSocket) watchDrops(ctx context.Context) error {
	for ctx.Err() == nil {
		wait(ctx, countDrops)
		s.kernelDrops()
	}
	return s.conn.Close()
}

// frames turns datagrams into messages. A datagram is one message (RFC 5426 section 3.1), but tools that send a text by UDP put
// several lines into one: it is cut before each line that starts like a record.
func (s *udpSocket) frames(frames []Frame, r *datagramReader, n int, peers *sources) []Frame {
	now := s.options.Now().UnixNano()
	for i := range n {
		peer, data := r.datagram(i)
		if len(data) == 0 || !s.allowed(peer) {
			continue
		}
		if len(data) == MaxFrame {
			s.options.Metrics.Overlong.Inc()
		}
		source := peers.name(peer)
		eachLine(data, parse.Begins, func(line []byte) {
			frames = append(frames, Frame{Received: now, Source: source, Data: line})
		})
	}
	return frames
}

// deliver puts frames into the intake. What does not fit is lost, and counted.
func (s *udpSocket) deliver(frames []Frame) {
	bytes := 0
	for i := range frames {
		bytes += len(frames[i].Data)
	}
	s.options.Metrics.Frames.WithLabelValues("udp").Add(float64(len(frames)))
	s.options.Metrics.Bytes.WithLabelValues("udp").Add(float64(bytes))
	if n := s.intake.Offer(frames); n < len(frames) {
		s.intake.Lost("intake_full", uint64(len(frames)-n))
	}
}

// hurry tells the intake whether this socket is behind: there was more to read than one call takes, and much is left.
func (s *udpSocket) hurry(more bool) {
	behind := false
	if more {
		m, ok := s.memory()
		behind = ok && m[memUsed] > m[memRoom]/crowded
	}
	s.calm(!behind)
}

// calm says whether this socket is no more, or not behind.
func (s *udpSocket) calm(yes bool) {
	switch {
	case yes && s.behind:
		s.intake.Behind(-1)
	case !yes && !s.behind:
		s.intake.Behind(1)
	}
	s.behind = !yes
}

// kernelDrops asks the kernel how many datagrams it has dropped on this socket since it was made. The counter is the one that
// SO_RXQ_OVFL sends along with the next datagram, if there is one.
func (s *udpSocket) kernelDrops() {
	if m, ok := s.memory(); ok && m[memDrops] != s.drops {
		lost := m[memDrops] - s.drops // the counter may wrap
		s.drops = m[memDrops]
		s.intake.Lost("kernel_buffer", uint64(lost))
	}
}

// Places in what SO_MEMINFO gives (Linux 4.12, linux/sock_diag.h).
const (
	memUsed  = 0 // SK_MEMINFO_RMEM_ALLOC: bytes of what waits to be read, with the kernel's own
	memRoom  = 1 // SK_MEMINFO_RCVBUF
	memDrops = 8 // SK_MEMINFO_DROPS
)

// memory asks the kernel about the socket's memory.
func (s *udpSocket) memory() (info [memDrops + 1]uint32, ok bool) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return info, false
	}
	err = raw.Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(info))
		_, _, failed := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		ok = failed == 0
	})
	return info, ok && err == nil
}

// sources remembers the names of addresses, so that a message costs no allocation for its sender. It is bounded.
type sources struct {
	last  netip.Addr
	is    string
	names map[netip.Addr]string
}

func newSources() *sources { return &sources{names: map[netip.Addr]string{}} }

func (s *sources) name(a netip.Addr) string {
	if a == s.last {
		return s.is
	}
	n, ok := s.names[a]
	if !ok {
		if len(s.names) >= 10_000 {
			clear(s.names)
		}
		n = a.String()
		s.names[a] = n
	}
	s.last, s.is = a, n
	return n
}
