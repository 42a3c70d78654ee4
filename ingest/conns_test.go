package ingest

import (
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"flapwatch/spool"
)

func TestTCPLimits(t *testing.T) {
	r := bind(t, spool.Options{}, ListenOptions{Addresses: []string{"tcp://127.0.0.1:0"}, MaxConns: 3, MaxPerSender: 2}).run()
	first, second := dial(t, "tcp", r.address(0)), dial(t, "tcp", r.address(0))
	r.eventually("connections", "tcp", 2)
	ended(t, dial(t, "tcp", r.address(0)))
	r.eventually("refused_total", "too_many_connections", 1)
	_ = first.Close()
	r.eventually("connections", "tcp", 1)
	write(t, dial(t, "tcp", r.address(0)), one+"\n")
	write(t, second, one+"\n")
	r.want("127.0.0.1 "+one, "127.0.0.1 "+one)
}

// TestTCPGivesWay has connections that are silent keep others out no longer than a minute: the one that has been silent for longest
// is closed, of the same sender where that has too many.
func TestTCPGivesWay(t *testing.T) {
	var later atomic.Int64 // nanoseconds
	r := bind(t, spool.Options{}, ListenOptions{
		Addresses: []string{"tcp://127.0.0.1:0"}, MaxConns: 3, MaxPerSender: 2,
		Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
	}).run()
	from := func(ip string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		c, err := d.Dial("tcp", r.address(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	silent := from("127.0.0.2")
	r.eventually("connections", "tcp", 1)
	later.Add(int64(time.Second))
	talks := from("127.0.0.3")
	r.eventually("connections", "tcp", 2)
	also := from("127.0.0.3")
	r.eventually("connections", "tcp", 3)
	later.Add(int64(giveWay - 2*time.Second))
	ended(t, from("127.0.0.4")) // nobody has been silent for long enough
	later.Add(int64(2 * time.Second))
	write(t, talks, one+"\n")
	r.want("127.0.0.3 " + one)
	other := from("127.0.0.3") // has two already, of which one is silent
	ended(t, also)
	write(t, other, two+"\n")
	r.want("127.0.0.3 " + two)
	fresh := from("127.0.0.4")
	ended(t, silent)
	write(t, fresh, one+"\n")
	write(t, talks, two+"\n")
	got := r.next(2)
	slices.Sort(got)
	if want := []string{"127.0.0.3 " + two, "127.0.0.4 " + one}; !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
	r.eventually("refused_total", "too_many_connections", 1)
	r.eventually("refused_total", "silent_connection", 2)
	r.eventually("connections", "tcp", 3)
}

func TestTCPIdle(t *testing.T) {
	r := bind(t, spool.Options{}, ListenOptions{Addresses: []string{"tcp://127.0.0.1:0"}, Idle: 50 * time.Millisecond}).run()
	c := dial(t, "tcp", r.address(0))
	ended(t, c)
	r.eventually("connections", "tcp", 0)
}
