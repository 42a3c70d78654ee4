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

	"flapwatch/ingest/datagram"
	"flapwatch/parse"
)

const (
	countDrops = time.Second // how often the kernel is asked what it dropped
	lettingGo  = time.Second // as long as an address may be taken that is then free
)

// udpAddress receives on an address, by several sockets that share it (SO_REUSEPORT).
type udpAddress struct {
	receiver *datagram.Receiver
	sockets  []*udpSocket
}

// udpSocket is one of them.
type udpSocket struct {
	*Listeners
	conn   *net.UDPConn
	queue  *datagram.Queue // what was received on it
	drops  uint32          // datagrams that the kernel dropped on this socket, as last seen
	behind bool            // as the intake was told
}

func (l *Listeners) bindUDP(ctx context.Context, host string) error {
	if err := free(ctx, host); err != nil {
		return bindError("udp", host, err)
	}
	config := net.ListenConfig{Control: l.udpOptions}
	var conns []*net.UDPConn
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		c, err := config.ListenPacket(ctx, "udp", host)
		if err != nil {
			closeAll(conns)
			return bindError("udp", host, err)
		}
		conns = append(conns, c.(*net.UDPConn))
		host = c.LocalAddr().String() // port 0 is chosen once
	}
	receiver, err := datagram.New(l.options.Receiver, conns, l.options.Log)
	if err != nil {
		closeAll(conns)
		return err
	}
	u := &udpAddress{receiver: receiver}
	for i, c := range conns {
		u.sockets = append(u.sockets, &udpSocket{Listeners: l, conn: c, queue: receiver.Queue(i)})
	}
	l.doers, l.addrs = append(l.doers, u), append(l.addrs, conns[0].LocalAddr())
	l.granted(conns[0])
	return nil
}

// free says whether nobody else has the address, by taking it alone for an instant: sockets that share it would share it with those of
// another flapwatch too, and each would get a part of the messages. A process that has received for a program that was killed may need a
// moment to let go.
func free(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, lettingGo)
	defer cancel()
	for {
		c, err := net.ListenPacket("udp", host)
		if err == nil {
			return c.Close()
		}
		if !errors.Is(err, unix.EADDRINUSE) || ctx.Err() != nil {
			return err
		}
		wait(ctx, 10*time.Millisecond)
	}
}

func closeAll(conns []*net.UDPConn) {
	for _, c := range conns {
		_ = c.Close()
	}
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

// Close gives back what Run needs.
func (u *udpAddress) Close() error {
	u.receiver.Close()
	for _, s := range u.sockets {
		_ = s.conn.Close()
	}
	return nil
}

// Run receives until ctx ends. What the sockets held then is delivered.
func (u *udpAddress) Run(ctx context.Context) error {
	defer u.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.receiver.Run(ctx) })
	for _, s := range u.sockets {
		g.Go(func() error {
			s.receive()
			return nil
		})
		g.Go(func() error {
			s.watchDrops(ctx)
			return nil
		})
	}
	err := g.Wait()
	for _, s := range u.sockets {
		s.kernelDrops()
	}
	return err
}

// receive delivers what comes in on the socket, until nothing does any more.
func (s *udpSocket) receive() {
	goFirst()
	defer s.calm(true)
	peers := newSources()
	frames := make([]Frame, 0, 256)
	for received := s.queue.Take(); len(received) > 0; received = s.queue.Take() {
		s.hurry()
		s.deliver(s.frames(frames[:0], received, peers))
	}
}

// watchDrops counts what the kernel drops until ctx ends.
func (s *udpSocket) watchDrops(ctx context.Context) {
	for ctx.Err() == nil {
		wait(ctx, countDrops)
		s.kernelDrops()
	}
}

// frames turns datagrams into messages. A datagram is one message (RFC 5426 section 3.1), but tools that send a text by UDP put
// several lines into one: it is cut before each line that starts like a record.
func (s *udpSocket) frames(frames []Frame, received []datagram.Datagram, peers *sources) []Frame {
	for _, d := range received {
		if len(d.Data) == 0 || !s.allowed(d.Peer) {
			continue
		}
		source := peers.name(d.Peer)
		eachLine(d.Data, parse.Begins, func(line []byte) {
			frames = append(frames, Frame{Received: d.Received, Source: source, Data: line})
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

// hurry tells the intake whether much of what came in waits here.
func (s *udpSocket) hurry() { s.calm(!s.queue.Behind()) }

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

// kernelDrops counts what the kernel has dropped on this socket since it was last asked.
func (s *udpSocket) kernelDrops() {
	if n, ok := s.allDrops(); ok && n != s.drops {
		lost := n - s.drops // the counter may wrap
		s.drops = n
		s.intake.Lost("kernel_buffer", uint64(lost))
	}
}

// Places in what SO_MEMINFO gives (Linux 4.12, linux/sock_diag.h).
const (
	memDrops  = 8 // SK_MEMINFO_DROPS
	memPlaces = 9
)

// allDrops asks the kernel how many datagrams it has dropped on this socket since it was made. The counter is the one that SO_RXQ_OVFL
// sends along with the next datagram, if there is one.
func (s *udpSocket) allDrops() (n uint32, ok bool) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		var info [memPlaces]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, failed := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		n, ok = info[memDrops], failed == 0
	})
	return n, ok && err == nil
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
