package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	leastRead = 4 << 10
	mostRead  = 256 << 10
	allReads  = 32 << 20        // what all connections together may have for reading, but leastRead for each
	handover  = 1024            // messages of one connection that are handed to the intake together
	undecided = 2 * time.Second // a connection without delimiters gets its message cut off after this silence
	quiet     = time.Second     // a connection gives the memory for large reads back after this silence
	handshake = 10 * time.Second
)

// tcpSocket accepts connections; each has a goroutine of its own.
type tcpSocket struct {
	*Listeners
	listener  net.Listener
	transport string // "tcp" or "tls"
	tls       *tls.Config
}

func (l *Listeners) bindTCP(ctx context.Context, host, transport string, config *tls.Config) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", host)
	if err != nil {
		return bindError("tcp", host, err)
	}
	l.addrs = append(l.addrs, boundAddr{listener.Addr(), transport})
	l.doers = append(l.doers, &tcpSocket{Listeners: l, listener: listener, transport: transport, tls: config})
	return nil
}

// boundAddr is an address whose network is what is spoken there: tcp or tls.
type boundAddr struct {
	net.Addr
	transport string
}

// Network implements net.Addr.
func (a boundAddr) Network() string { return a.transport }

// Close ends Run.
func (s *tcpSocket) Close() error { return s.listener.Close() }

// Run accepts until ctx ends and returns when the last connection is done.
func (s *tcpSocket) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = s.listener.Close() })()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		c, err := s.listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %s %s: %w", s.transport, s.listener.Addr(), err)
		case err != nil: // out of file descriptors and the like: it passes
			s.options.Log.Error("accept", "address", s.listener.Addr().String(), "error", err)
			wait(ctx, 100*time.Millisecond)
			continue
		}
		open.Go(func() { s.serve(ctx, c) })
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// serve reads one connection to its end.
func (s *tcpSocket) serve(ctx context.Context, c net.Conn) {
	defer func() { _ = c.Close() }()
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || !s.allowed(peer.Addr().Unmap()) {
		return
	}
	a := peer.Addr().Unmap()
	own := s.sit(a, c)
	if own == nil {
		return
	}
	defer s.conns.leave(own)
	gauge := s.options.Metrics.Conns.WithLabelValues(s.transport)
	gauge.Inc()
	defer gauge.Dec()

	c, err = s.shake(ctx, c)
	if err != nil {
		s.options.Metrics.Refused.WithLabelValues(handshakeReason(err)).Inc()
		s.options.Log.Info("tls handshake refused", "sender", a.String(), "error", err)
		return
	}
	// A stop cuts the wait for more, not what was read: the deadline lies in the past from then on.
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	late, cancel := graceful(ctx)
	defer cancel()
	r := stream{socket: s, seat: own, conn: c, source: a.String(), late: late, room: leastRead}
	r.run(ctx)
}

// sit takes one of the places that there are for connections, nil if there is none.
func (s *tcpSocket) sit(a netip.Addr, c net.Conn) *seat {
	own, gone := s.conns.enter(a, c, s.options.Now())
	if gone != nil {
		s.options.Metrics.Refused.WithLabelValues("silent_connection").Inc()
		s.options.Log.Info("connection closed: it was silent, and its place was wanted", "sender", gone.addr.String())
	}
	if own == nil {
		s.options.Metrics.Refused.WithLabelValues("too_many_connections").Inc()
	}
	return own
}

// shake makes the TLS handshake where there is one.
func (s *tcpSocket) shake(ctx context.Context, c net.Conn) (net.Conn, error) {
	if s.tls == nil {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshake)
	defer cancel()
	t := tls.Server(c, s.tls)
	return t, t.HandshakeContext(ctx)
}

// stream is one connection being read.
type stream struct {
	socket   *tcpSocket
	seat     *seat
	conn     net.Conn
	source   string
	late     context.Context // for what was read when the stop came
	splitter Splitter
	room     int // of the next read
	frames   []Frame
	now      int64
	overlong int
}

// run reads until the sender ends, is silent for too long, or ctx ends. Everything that was read is in the intake then.
func (r *stream) run(ctx context.Context) {
	for {
		_ = r.conn.SetReadDeadline(time.Now().Add(r.patience()))
		if ctx.Err() != nil { // the stop came before the deadline was set
			return
		}
		n, err := r.conn.Read(r.splitter.Free(r.room))
		r.now = r.socket.options.Now().UnixNano()
		if n > 0 {
			r.seat.silent.Store(busy)
		}
		r.splitter.Took(n, r.emit)
		r.widen(n)
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil && r.relax() {
			err = nil
		}
		if err != nil {
			r.splitter.Rest(r.emit)
		}
		r.deliver()
		if n > 0 {
			r.seat.silent.Store(r.now)
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, io.EOF) {
				r.socket.options.Log.Info("connection ended", "sender", r.source, "error", err)
			}
			return
		}
	}
}

// undecided says whether a message waits for an end that may never come.
func (r *stream) undecided() bool { return r.splitter.Pending() && !r.splitter.Delimited }

// patience is how long the next read may take.
func (r *stream) patience() time.Duration {
	switch {
	case r.undecided():
		return undecided
	case r.room > leastRead:
		return quiet
	}
	return r.socket.options.Idle
}

// relax does what a silence calls for; false when the sender was silent for too long.
func (r *stream) relax() bool {
	switch {
	case r.undecided():
		r.splitter.Rest(r.emit)
	case r.room > leastRead:
		r.room = leastRead
	default:
		return false
	}
	return true
}

// widen makes room for larger reads when n bytes have filled it, as far as there is memory for all connections.
func (r *stream) widen(n int) {
	if n == r.room {
		r.room = min(4*r.room, r.socket.conns.share())
	}
}

func (r *stream) emit(b []byte) {
	r.frames = append(r.frames, Frame{Received: r.now, Source: r.source, Data: b})
	if len(r.frames) >= handover {
		r.deliver()
	}
}

// deliver puts what was read into the intake, waiting for room: this is how a sender is held back.
func (r *stream) deliver() {
	if len(r.frames) == 0 {
		return
	}
	bytes := 0
	for i := range r.frames {
		bytes += len(r.frames[i].Data)
	}
	m := r.socket.options.Metrics
	m.Frames.WithLabelValues(r.socket.transport).Add(float64(len(r.frames)))
	m.Bytes.WithLabelValues(r.socket.transport).Add(float64(bytes))
	m.Overlong.Add(float64(r.splitter.Overlong - r.overlong))
	r.overlong = r.splitter.Overlong
	if left, _ := r.socket.intake.Put(r.late, r.frames); left > 0 {
		r.socket.intake.Lost("stopped", uint64(left))
	}
	r.frames = r.frames[:0]
}

// graceful gives a context that ends some time after ctx does.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return late, func() { stop(); cancel() }
}
