package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/ingest/datagram"
	"flapwatch/spool"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
)

const receiverChild = "receiver-child" // first argument of the test binary when it is the process that receives datagrams

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == receiverChild {
		if err := datagram.Child(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// reception is listeners, intake and spool at work, as far as the spool.
type reception struct {
	t         *testing.T
	spool     *spool.Spool
	reader    *spool.Reader
	intake    *Intake
	listeners *Listeners
	registry  *prometheus.Registry
	stop      func() // in the order of the water; may be called twice
}

// bind makes a reception that does not run yet.
func bind(t *testing.T, so spool.Options, o ListenOptions) *reception {
	t.Helper()
	r := &reception{t: t, registry: prometheus.NewRegistry()}
	var err error
	if r.spool, err = spool.Open(t.TempDir(), so); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.spool.Close() })
	if r.reader, err = r.spool.Reader(0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.reader.Close() })
	o.Metrics = NewMetrics(r.registry)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Receiver = []string{os.Args[0], receiverChild}
	r.intake = NewIntake(r.spool, int(so.Cap)/32, o.Metrics, o.Log)
	if r.listeners, err = Listen(t.Context(), r.intake, o); err != nil {
		t.Fatal(err)
	}
	return r
}

// run lets it receive until the test ends or calls stop.
func (r *reception) run() *reception {
	ctx, stopListeners := context.WithCancel(context.Background())
	late, stopIntake := context.WithCancel(context.Background())
	listening, taking := make(chan error, 1), make(chan error, 1)
	go func() { listening <- r.listeners.Run(ctx) }()
	go func() { taking <- r.intake.Run(late) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		stopListeners()
		err := <-listening
		stopIntake()
		if err := errors.Join(err, <-taking); err != nil {
			r.t.Error(err)
		}
	}
	r.t.Cleanup(r.stop)
	return r
}

func receive(t *testing.T, addresses ...string) *reception {
	t.Helper()
	return bind(t, spool.Options{}, ListenOptions{Addresses: addresses}).run()
}

// address is the n-th of those bound.
func (r *reception) address(n int) string { return r.listeners.Addrs()[n].String() }

// next reads n messages from the spool, as "source text", and acknowledges them.
func (r *reception) next(n int) (messages []string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for len(messages) < n {
		rec, err := r.reader.Next(ctx)
		if err != nil {
			r.t.Fatalf("after %d of %d messages: %v", len(messages), n, err)
		}
		rec.Frames(func(_ uint64, _ int64, source string, data []byte) bool {
			messages = append(messages, source+" "+string(data))
			return true
		})
		if err := r.spool.Ack(rec.First + uint64(rec.Count)); err != nil {
			r.t.Fatal(err)
		}
	}
	return messages
}

func (r *reception) want(messages ...string) {
	r.t.Helper()
	if got := r.next(len(messages)); !slices.Equal(got, messages) {
		r.t.Errorf("received %q, want %q", got, messages)
	}
}

// count gives the sum of a metric over the labels that contain the word.
func (r *reception) count(name, word string) (sum float64) {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "flapwatch_"+name && slices.ContainsFunc(append(m.GetLabel(), new(dto.LabelPair)), func(l *dto.LabelPair) bool { return strings.Contains(l.GetValue(), word) }) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// eventually waits until a counter has a value.
func (r *reception) eventually(name, word string, want float64) {
	r.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for r.count(name, word) != want {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s %q is %v, want %v", name, word, r.count(name, word), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// ended waits until the other side has closed the connection.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); err == nil || (errors.As(err, &timeout) && timeout.Timeout()) {
		t.Fatalf("the connection is still open: %v", err)
	}
}

func TestUDP(t *testing.T) {
	r := receive(t, "udp://127.0.0.1:0")
	c := dial(t, "udp", r.address(0))
	write(t, c, one+"\n")
	write(t, c, "\n")
	write(t, c, two+"\r\n"+one)
	r.want("127.0.0.1 "+one, "127.0.0.1 "+two, "127.0.0.1 "+one)
	r.stop()
	if n, b := r.count("received_messages_total", "udp"), r.count("received_bytes_total", "udp"); n != 3 || int(b) != len(one+two+one) {
		t.Errorf("counted %v messages of %v bytes", n, b)
	}
}

// TestUDPDrops floods a small buffer before anybody reads: what the kernel dropped is what is missing.
func TestUDPDrops(t *testing.T) {
	const sent = 3000
	r := bind(t, spool.Options{}, ListenOptions{Addresses: []string{"udp://127.0.0.1:0"}, ReceiveBuffer: 20_000})
	c := dial(t, "udp", r.address(0))
	for range sent {
		write(t, c, one)
	}
	r.run()
	r.eventually("received_messages_total", "udp", sent-r.kernelDrops())
	if kept := r.count("received_messages_total", "udp"); kept == 0 || kept == sent {
		t.Errorf("%v of %d messages received: nothing was tested", kept, sent)
	}
	lost := r.intake.TakeLost()["kernel_buffer"]
	if float64(lost) != r.count("dropped_messages_total", "kernel_buffer") {
		t.Errorf("%d lost, %v counted", lost, r.count("dropped_messages_total", "kernel_buffer"))
	}
	t.Logf("%d datagrams into a small buffer: %v received, %d missing, as many counted as the kernel's drops", sent, r.count("received_messages_total", "udp"), lost)
}

// TestUDPFirst has a socket of which much was received: until it is taken what is behind the spool waits, unless the spool is crowded.
func TestUDPFirst(t *testing.T) {
	r := bind(t, spool.Options{}, ListenOptions{Addresses: []string{"udp://127.0.0.1:0"}})
	roomy, full := func() bool { return false }, func() bool { return true }
	r.intake.Calm(t.Context(), roomy)

	u := r.listeners.doers[0].(*udpAddress)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- u.receiver.Run(ctx) }()
	c, s := dial(t, "udp", r.address(0)), u.sockets[0]
	for !s.queue.Behind() {
		write(t, c, one)
	}
	s.hurry()
	r.intake.Calm(t.Context(), full)
	r.wantWait(roomy, "for the socket")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.receive()
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	r.intake.Calm(t.Context(), roomy)
}

// TestDiskFirst has groups that wait for the disk: until they are few what is behind the spool waits.
func TestDiskFirst(t *testing.T) {
	r := bind(t, spool.Options{}, ListenOptions{Addresses: []string{"udp://127.0.0.1:0"}})
	roomy := func() bool { return false }
	group := Frame{Source: "10.0.0.1", Data: noise(1, MaxFrame)}
	offered := 0
	for r.intake.Offer([]Frame{group}) == 1 {
		offered++
	}
	r.wantWait(roomy, "for the disk")
	r.run().next(offered)
	r.intake.Calm(t.Context(), roomy)
}

// TestFullFirst has groups that wait for room in the spool: what makes room does not wait for them.
func TestFullFirst(t *testing.T) {
	r := bind(t, spool.Options{Cap: 4 << 20}, ListenOptions{Addresses: []string{"udp://127.0.0.1:0"}}).run()
	group := Frame{Source: "10.0.0.1", Data: noise(1, MaxFrame)}
	for deadline := time.Now().Add(30 * time.Second); r.intake.Ready() == nil || r.intake.Offer([]Frame{group}) == 1; {
		if time.Now().After(deadline) {
			t.Fatal("the spool does not become full")
		}
		r.intake.Offer([]Frame{group})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if r.intake.Calm(ctx, func() bool { return false }); ctx.Err() != nil {
		t.Error("waits for the disk that it has to make room on")
	}
	if err := r.spool.Ack(r.spool.Stats().Appended); err != nil { // who empties it is not here, and the end would wait for room
		t.Fatal(err)
	}
}

// noise is bytes that no packing makes smaller.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

// wantWait checks that Calm waits.
func (r *reception) wantWait(crowded func() bool, what string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	waited := make(chan struct{})
	go func() {
		r.intake.Calm(ctx, crowded)
		close(waited)
	}()
	select {
	case <-waited:
		r.t.Error("did not wait " + what)
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	<-waited
}

// kernelDrops waits until the kernel's drops are counted.
func (r *reception) kernelDrops() float64 {
	r.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if n := r.count("dropped_messages_total", "kernel_buffer"); n > 0 {
			return n
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.t.Skip("this kernel does not tell what it drops (SO_MEMINFO)")
	return 0
}

func TestTCP(t *testing.T) {
	r := receive(t, "tcp://127.0.0.1:0")
	c := dial(t, "tcp", r.address(0))
	write(t, c, one[:20])
	write(t, c, one[20:]+"\n"+counted(two)+three)
	_ = c.Close()
	r.want("127.0.0.1 "+one, "127.0.0.1 "+two, "127.0.0.1 "+three)
	r.eventually("connections", "tcp", 0)
	r.stop()
	if n := r.count("received_messages_total", "tcp"); n != 3 {
		t.Errorf("counted %v messages", n)
	}
}

// TestTCPWithoutDelimiters: the sender goes on after a pause, and what came before it is not held back.
func TestTCPWithoutDelimiters(t *testing.T) {
	r := receive(t, "tcp://127.0.0.1:0")
	c := dial(t, "tcp", r.address(0))
	write(t, c, one+two)
	r.want("127.0.0.1 "+one, "127.0.0.1 "+two)
	write(t, c, one)
	r.want("127.0.0.1 " + one)
}

// TestTCPLarge sends more than fits into one read, so that reads grow, and checks every message.
func TestTCPLarge(t *testing.T) {
	r := receive(t, "tcp://127.0.0.1:0")
	c := dial(t, "tcp", r.address(0))
	var want []string
	var text strings.Builder
	for i := range 20_000 {
		m := fmt.Sprintf("<13>%d %s", i, strings.Repeat("x", i%97))
		want = append(want, "127.0.0.1 "+m)
		text.WriteString(m + "\n")
	}
	go func() { _, _ = io.WriteString(c, text.String()) }()
	r.want(want...)
}

// TestStop stops while a sender is busy: all that was counted as received is in the spool.
func TestStop(t *testing.T) {
	r := receive(t, "tcp://127.0.0.1:0")
	c := dial(t, "tcp", r.address(0))
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := io.WriteString(c, one+"\n"); err != nil {
				return
			}
		}
	}()
	r.next(1000)
	r.stop()
	<-gone
	if received, kept := r.count("received_messages_total", "tcp"), r.spool.Stats().Appended; received != float64(kept) {
		t.Errorf("%v received, %d in the spool", received, kept)
	}
}

func TestAllow(t *testing.T) {
	r := bind(t, spool.Options{}, ListenOptions{
		Addresses: []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"}, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}).run()
	ended(t, dial(t, "tcp", r.address(0)))
	write(t, dial(t, "udp", r.address(1)), one)
	r.eventually("refused_total", "sender_not_allowed", 2)
	if n := r.count("received_messages_total", ""); n != 0 {
		t.Errorf("%v messages received", n)
	}
}

// TestFull fills the spool: TCP is held back, UDP drops are counted, and it goes on by itself once there is room.
func TestFull(t *testing.T) {
	r := bind(t, spool.Options{Cap: 1 << 20}, ListenOptions{Addresses: []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"}}).run()
	c, d := dial(t, "tcp", r.address(0)), dial(t, "udp", r.address(1))
	const sent = 40_000 // of 100 bytes
	message := func(i int) string { return fmt.Sprintf("<13>%d %x", i, noise(uint64(i), 45)) }
	go func() {
		for i := range sent {
			if _, err := fmt.Fprintln(c, message(i)); err != nil {
				return
			}
		}
	}()
	deadline := time.Now().Add(30 * time.Second)
	for r.intake.Ready() == nil {
		if time.Now().After(deadline) {
			t.Fatal("the spool does not get full")
		}
		time.Sleep(5 * time.Millisecond)
	}
	for r.count("dropped_messages_total", "intake_full") == 0 && time.Now().Before(deadline) {
		write(t, d, one)
	}
	lost := int(r.count("dropped_messages_total", "intake_full"))
	if lost == 0 {
		t.Fatal("no datagram was dropped")
	}
	seen := 0
	for seen < sent {
		for _, m := range r.next(1) {
			if m == "127.0.0.1 "+one {
				continue
			}
			if want := "127.0.0.1 " + message(seen); m != want {
				t.Fatalf("message %q, want %q", m, want)
			}
			seen++
		}
	}
	if err := r.intake.Ready(); err != nil {
		t.Errorf("not ready again: %v", err)
	}
}

// TestHostile lets clients misbehave while a good one works.
func TestHostile(t *testing.T) {
	r := bind(t, spool.Options{}, ListenOptions{Addresses: []string{"tcp://127.0.0.1:0"}, MaxConns: 1000, MaxPerSender: 1000}).run()
	for range 500 {
		write(t, dial(t, "tcp", r.address(0)), "<13>begun and never ended"[:1])
	}
	endless := dial(t, "tcp", r.address(0))
	for range 80 {
		write(t, endless, strings.Repeat("x", 256<<10))
	}
	huge := dial(t, "tcp", r.address(0))
	write(t, huge, "9223372036854775808 <13>x\n")
	good := dial(t, "tcp", r.address(0))
	write(t, good, one+"\n")
	for !slices.Contains(r.next(1), "127.0.0.1 "+one) { // the others' rubbish comes too
	}
	r.eventually("overlong_messages_total", "", 1)
	r.stop()
}

func TestListenErrors(t *testing.T) {
	r := receive(t, "tcp://127.0.0.1:0", "udp://127.0.0.1:0")
	f := func(address, says string) {
		t.Helper()
		l, err := Listen(t.Context(), r.intake, ListenOptions{
			Addresses: []string{"udp://127.0.0.1:0", address}, Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()), Now: time.Now,
		})
		if err == nil {
			l.Close()
			t.Errorf("%s was taken", address)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
	}
	f("5514", "write it as")
	f("udp://:514/x", "write it as")
	f("udp://127.0.0.1", "needs a port")
	f("tcp://:99999", "needs a port")
	f("http://:1", "is not udp, tcp or tls")
	f("tcp://"+r.address(0), "taken by another program")
	f("udp://"+r.address(1), "taken by another program")
	f("tls://127.0.0.1:0", "needs cert")
	f("tls://127.0.0.1:0?cert=none&key=none", "read certificate")
	f("tls://127.0.0.1:0?cert=a&key=b&client_name=c", "client_ca")
}
