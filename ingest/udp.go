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

	"golang.org/x/net/ipv6"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"flapwatch/parse"
)

const (
	datagrams  = 128         // read by one system call
	apart      = 9 * 64      // bytes between their buffers, which would share a few lines of the processor's cache if they lay 64 KiB apart
	countDrops = time.Second // how often the kernel is asked what it dropped
)

// udpSocket receives datagrams in batches (recvmmsg). Several of them share an address by SO_REUSEPORT.
type udpSocket struct {
	*Listeners
	conn  *net.UDPConn
	drops uint32 // datagrams that the kernel dropped on this socket, as last seen
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

// udpOptions asks for a large receive buffer and for sharing, before the socket is bound.
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
	pc := ipv6.NewPacketConn(s.conn) // recvmmsg for both families
	messages := make([]ipv6.Message, datagrams)
	space := make([]byte, datagrams*(MaxFrame+apart))
	for i := range messages {
		from := i * (MaxFrame + apart)
		messages[i].Buffers = [][]byte{space[from : from+MaxFrame : from+MaxFrame]}
	}
	frames := make([]Frame, 0, datagrams)
	peers := newSources()
	for {
		n, err := pc.ReadBatch(messages, 0)
		if err == nil {
			s.deliver(s.frames(frames[:0], messages[:n], peers))
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
func (s *udpSocket) frames(frames []Frame, messages []ipv6.Message, peers *sources) []Frame {
	now := s.options.Now().UnixNano()
	for i := range messages {
		m := &messages[i]
		peer, ok := m.Addr.(*net.UDPAddr)
		if !ok || m.N == 0 {
			continue
		}
		a := peer.AddrPort().Addr().Unmap()
		if !s.allowed(a) {
			continue
		}
		if m.N == MaxFrame {
			s.options.Metrics.Overlong.Inc()
		}
		source := peers.name(a)
		eachLine(m.Buffers[0][:m.N], parse.Begins, func(line []byte) {
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
	if n, _ := s.intake.Offer(frames); n < len(frames) {
		s.intake.Lost("intake_full", uint64(len(frames)-n))
	}
}

// kernelDrops asks the kernel how many datagrams it has dropped on this socket since it was made (SO_MEMINFO, Linux 4.12). The
// counter is the one that SO_RXQ_OVFL sends along with the next datagram, if there is one.
func (s *udpSocket) kernelDrops() {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		const drops = 8 // SK_MEMINFO_DROPS, linux/sock_diag.h
		var info [drops + 1]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, failed := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if failed != 0 {
			return
		}
		if lost := info[drops] - s.drops; lost > 0 { // the counter may wrap
			s.drops = info[drops]
			s.intake.Lost("kernel_buffer", uint64(lost))
		}
	})
}

// sources remembers the names of addresses, so that a message costs no allocation for its sender. It is bounded.
type sources struct{ names map[netip.Addr]string }

func newSources() *sources { return &sources{names: map[netip.Addr]string{}} }

func (s *sources) name(a netip.Addr) string {
	if n, ok := s.names[a]; ok {
		return n
	}
	if len(s.names) >= 10_000 {
		clear(s.names)
	}
	n := a.String()
	s.names[a] = n
	return n
}
