package datagram

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const (
	childWord   = "receiver-child" // first argument of the test binary when it is the child
	programWord = "program"        // or when it is a program with a child, to be killed
)

func TestMain(m *testing.M) {
	run := map[string]func() error{
		childWord:   func() error { return Child(os.Args[2:]) },
		programWord: program,
	}
	if len(os.Args) > 1 && run[os.Args[1]] != nil {
		if err := run[os.Args[1]](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// reception is a receiver at work on one socket.
type reception struct {
	t        testing.TB
	receiver *Receiver
	socket   *net.UDPConn
	sender   net.Conn
	stop     func() // ends the receiver; what it has received can still be taken
}

func start(t testing.TB) *reception {
	t.Helper()
	r := &reception{t: t, socket: bind(t)}
	var err error
	if r.receiver, err = New([]string{os.Args[0], childWord}, []*net.UDPConn{r.socket}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if r.sender, err = net.Dial("udp", r.socket.LocalAddr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.sender.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.receiver.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		r.stop()
		r.receiver.Close()
	})
	return r
}

func bind(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	return c
}

// send sends one datagram that holds a number, and some more bytes.
func (r *reception) send(n, size int) {
	r.t.Helper()
	data := binary.BigEndian.AppendUint64(nil, uint64(n))
	if _, err := r.sender.Write(append(data, bytes.Repeat([]byte{byte(n)}, size-len(data))...)); err != nil {
		r.t.Fatal(err)
	}
}

// filled says whether data is what was sent with a number.
func filled(data []byte, n int) bool { return bytes.Count(data, []byte{byte(n)}) == len(data) }

// want takes datagrams with the numbers from one up to another.
func (r *reception) want(from, to int) {
	r.t.Helper()
	for from < to {
		got := r.receiver.Queue(0).Take()
		if len(got) == 0 {
			r.t.Fatalf("the queue ended before %d", from)
		}
		for _, d := range got {
			n := int(binary.BigEndian.Uint64(d.Data))
			if n != from || !filled(d.Data[8:], n) {
				r.t.Fatalf("received %d of %d bytes, want %d", n, len(d.Data), from)
			}
			if d.Peer != netip.MustParseAddr("127.0.0.1") {
				r.t.Fatalf("from %v", d.Peer)
			}
			if age := time.Since(time.Unix(0, d.Received)); age < 0 || age > time.Minute {
				r.t.Fatalf("received %v ago", age)
			}
			from++
		}
	}
}

// wantEnd takes nothing any more.
func (r *reception) wantEnd() {
	r.t.Helper()
	if got := r.receiver.Queue(0).Take(); len(got) > 0 {
		r.t.Errorf("%d more datagrams", len(got))
	}
}

// child is the process that receives.
func (r *reception) child() int {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if pids := children(os.Getpid()); len(pids) > 0 {
			return pids[0]
		}
	}
	r.t.Fatal("no process receives")
	return 0
}

// children are the processes that a process has started.
func children(pid int) (pids []int) {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

// TestReceive sends datagrams of all sizes, many times what the ring holds, one after the other is taken.
func TestReceive(t *testing.T) {
	r := start(t)
	sizes := []int{8, 9, 404, 1500, 65507}
	for n := range 1000 {
		r.send(n, sizes[n%len(sizes)])
		r.want(n, n+1)
	}
	r.stop()
	r.wantEnd()
}

// TestEnd ends the receiver while much waits in the socket and in the ring: all of it can be taken.
func TestEnd(t *testing.T) {
	r := start(t)
	const sent = 1000
	for n := range sent {
		r.send(n, 404)
	}
	r.stop()
	r.want(0, sent)
	r.wantEnd()
}

// TestSlow takes nothing until the ring is full and the socket holds the rest.
func TestSlow(t *testing.T) {
	r := start(t)
	const size = 60 << 10
	sent := 0
	for queue := r.receiver.Queue(0); queue.put.Load()+2*size < ringSize; sent++ {
		r.send(sent, size)
		for queue.put.Load() < uint64(sent)*size {
			time.Sleep(time.Millisecond)
		}
	}
	if !r.receiver.Queue(0).Behind() {
		t.Error("not behind")
	}
	for range 20 {
		r.send(sent, size)
		sent++
	}
	r.want(0, sent)
	if r.receiver.Queue(0).Behind() {
		t.Error("behind")
	}
}

// TestKilled kills the process: another one goes on, and the socket holds what comes meanwhile.
func TestKilled(t *testing.T) {
	r := start(t)
	r.send(0, 404)
	r.want(0, 1)
	first := r.child()
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 100; n++ {
		r.send(n, 404)
	}
	r.want(1, 100)
	if second := r.child(); second == first {
		t.Error("the process that was killed lives")
	}
}

// TestNoCommand cannot be started.
func TestNoCommand(t *testing.T) {
	r, err := New([]string{"/nowhere/flapwatch"}, []*net.UDPConn{bind(t)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Run(t.Context()); err == nil {
		t.Error("it runs")
	}
	if got := r.Queue(0).Take(); len(got) > 0 {
		t.Errorf("%d datagrams", len(got))
	}
}

// program receives and takes nothing.
func program() error {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	r, err := New([]string{os.Args[0], childWord}, []*net.UDPConn{c}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	fmt.Println(c.LocalAddr())
	return r.Run(context.Background())
}

// TestProgramKilled kills a program that takes nothing, with and without a full ring: the process that receives for it ends, and lets go
// of the socket.
func TestProgramKilled(t *testing.T) {
	for _, datagrams := range []int{0, 2 * ringSize / 60_000} {
		t.Run(strconv.Itoa(datagrams), func(t *testing.T) {
			c := exec.Command(os.Args[0], programWord)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			var address string
			if _, err := fmt.Fscan(out, &address); err != nil {
				t.Fatal(err)
			}
			for len(children(c.Process.Pid)) == 0 {
				time.Sleep(time.Millisecond)
			}
			sender, err := net.Dial("udp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer sender.Close()
			for range datagrams {
				if _, err := sender.Write(make([]byte, 60_000)); err != nil {
					t.Fatal(err)
				}
			}
			c.Process.Kill()
			c.Wait()
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
				again, err := net.ListenPacket("udp", address)
				if err == nil {
					again.Close()
					break
				}
				if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRing puts and takes datagrams of any size at once.
func TestRing(t *testing.T) {
	q, err := newQueue()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.end()
	const count = 20_000
	source := rand.New(rand.NewPCG(1, 2))
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = min(int(2000*source.ExpFloat64()), MaxSize)
	}
	peer := netip.MustParseAddr("2001:db8::1")
	go func() {
		r, at := q.ring, uint64(0)
		for i, size := range sizes {
			for ok := false; !ok; {
				if at, ok = r.add(at, int64(i), peer, bytes.Repeat([]byte{byte(i)}, size)); !ok {
					time.Sleep(time.Millisecond)
				}
				r.put.Store(at)
			}
		}
	}()
	seen, at := 0, uint64(0)
	for out := make([]Datagram, 0, 7); seen < count; q.taken.Store(at) {
		if out, at = q.take(at, out[:0]); len(out) == 0 {
			time.Sleep(time.Millisecond)
		}
		for _, d := range out {
			if d.Received != int64(seen) || d.Peer != peer || len(d.Data) != sizes[seen] || !filled(d.Data, seen) {
				t.Fatalf("datagram %d is %d of %d bytes from %v", seen, d.Received, len(d.Data), d.Peer)
			}
			seen++
		}
	}
}
