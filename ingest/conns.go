package ingest

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// giveWay is the silence after which a connection is closed where its place is wanted by another.
const giveWay = time.Minute

// busy stands for a connection that is not silent: what was read from it is on its way into the intake.
const busy = math.MaxInt64

// connLimits bounds open connections, in total and of one sender. Senders of alarms are silent for days, and what they send first
// after their connection was closed is lost: so silence alone does not close it for long, but a crowd must not keep others out.
type connLimits struct {
	mu             sync.Mutex
	total, perPeer int
	open           map[*seat]struct{}
	peers          map[netip.Addr]int
}

// seat is the place of a connection among those that are open.
type seat struct {
	addr   netip.Addr
	conn   net.Conn
	silent atomic.Int64 // since when, Unix nanoseconds
}

func newConnLimits(total, perPeer int) *connLimits {
	return &connLimits{total: total, perPeer: perPeer, open: map[*seat]struct{}{}, peers: map[netip.Addr]int{}}
}

// enter takes a place, if need be that of the connection that has been silent for longest, which is closed and given back as gone. It
// gives nil where none is silent.
func (l *connLimits) enter(a netip.Addr, c net.Conn, now time.Time) (own, gone *seat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	crowded := l.peers[a] >= l.perPeer
	if crowded || len(l.open) >= l.total {
		since := now.Add(-giveWay).UnixNano() + 1
		for s := range l.open {
			if t := s.silent.Load(); t < since && (!crowded || s.addr == a) {
				gone, since = s, t
			}
		}
		if gone == nil {
			return nil, nil
		}
		l.remove(gone)
		_ = gone.conn.Close()
	}
	own = &seat{addr: a, conn: c}
	own.silent.Store(now.UnixNano())
	l.open[own] = struct{}{}
	l.peers[a]++
	return own, gone
}

// leave gives the place back, unless it was taken before.
func (l *connLimits) leave(s *seat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(s)
}

// remove is leave. The caller holds mu.
func (l *connLimits) remove(s *seat) {
	if _, sits := l.open[s]; !sits {
		return
	}
	delete(l.open, s)
	if l.peers[s.addr]--; l.peers[s.addr] == 0 {
		delete(l.peers, s.addr)
	}
}

// share is how much one connection may read at once, so that all together stay within allReads.
func (l *connLimits) share() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(leastRead, min(mostRead, allReads/max(1, len(l.open))))
}
