package ingest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/parse"
	"flapwatch/reasons"
)

// TestAllocationBounded cuts and parses good messages of which bytes were changed, doubled and taken away, and counts the bytes
// allocated for each: never more than a fixed amount and a small multiple of what came in.
func TestAllocationBounded(t *testing.T) {
	const fixed, factor = 64 << 10, 16
	inputs := 1_000
	if os.Getenv("FLAPWATCH_TORTURE") != "" {
		inputs = 100_000
	}
	catalogue, err := reasons.New()
	if err != nil {
		t.Fatal(err)
	}
	seeds := []string{
		alarm(1), one, counted(alarm(2)), counted(one) + two + "\n", "9223372036854775808 <13>x", "99999999999 <13>x", "<1><2><3\n",
		strings.Repeat("[A=", 3000), strings.Repeat("]", 9000), strings.Repeat("\xff", 70_000), alarm(3) + strings.Repeat("[X=1]", 5000),
	}
	random := rand.New(rand.NewPCG(5, 5))
	parser, worst, most := parse.New(catalogue.Keys()), 0.0, uint64(0)
	var e event.Event
	var before, after runtime.MemStats
	for range inputs {
		input := mutate(random, []byte(seeds[random.IntN(len(seeds))]))
		runtime.ReadMemStats(&before)
		var s Splitter
		n := copy(s.Free(len(input)), input)
		understand := func(b []byte) { _, _ = parser.Parse(string(b), parse.Context{Received: time.Unix(1e9, 0)}, &e) }
		s.Took(n, understand)
		s.Rest(understand)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		worst, most = max(worst, float64(used)/float64(len(input)+1)), max(most, used)
		if used > fixed+factor*uint64(len(input)) {
			t.Fatalf("%d bytes allocated for %d: %.300q", used, len(input), input)
		}
	}
	t.Logf("%d inputs, no panic; at most %.1f bytes allocated for a byte that came in, at most %d for one input", inputs, worst, most)
}

// mutate changes a few places of b.
func mutate(random *rand.Rand, b []byte) []byte {
	for range random.IntN(6) {
		if len(b) == 0 {
			break
		}
		i := random.IntN(len(b))
		end := min(len(b), i+random.IntN(40))
		switch random.IntN(4) {
		case 0:
			b[i] = byte(random.IntN(256))
		case 1:
			b[i] = "[]:=%<>\n\x00 0"[random.IntN(11)]
		case 2:
			b = slices.Delete(b, i, end)
		default:
			b = slices.Insert(b, i, slices.Clone(b[i:end])...)
		}
	}
	return b
}

// TestStalledHandshakes has clients that connect to the TLS port and say nothing. Others come through.
func TestStalledHandshakes(t *testing.T) {
	const silent = 100
	r, ours, _ := secure(t)
	for range silent {
		dial(t, "tcp", r.address(0))
	}
	r.eventually("connections", "tls", silent)
	began := time.Now()
	c, err := dialTLS(r, ours.pool, ours.issue("ucm-01", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	write(t, c, one+"\n")
	r.want("127.0.0.1 " + one)
	t.Logf("%d handshakes stalled: a message over a new connection took %v", silent, time.Since(began).Round(time.Millisecond))
}

// TestTLSReloadUnderLoad renews the certificate again and again while connections are busy: none is dropped.
func TestTLSReloadUnderLoad(t *testing.T) {
	senders, each := 4, 500
	if os.Getenv("FLAPWATCH_TORTURE") != "" {
		senders, each = 16, 20_000
	}
	r, ours, dir := secure(t)
	own := ours.issue("ucm-01", time.Hour)
	sent := make(chan error, senders)
	for s := range senders {
		c, err := dialTLS(r, ours.pool, own)
		if err != nil {
			t.Fatal(err)
		}
		go func(c net.Conn) {
			for i := range each {
				if _, err := fmt.Fprintf(c, "<13>%d of %d\n", i, s); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}(c)
	}
	renewals := 0
	for done := 0; done < senders; {
		save(t, dir, ours.issue("receiver.example.net", time.Hour+time.Duration(renewals)*time.Minute))
		c, err := dialTLS(r, ours.pool, own)
		if err != nil {
			t.Fatalf("after renewal %d: %v", renewals, err)
		}
		_ = c.Close()
		renewals++
		select {
		case err := <-sent:
			if done++; err != nil {
				t.Errorf("a connection was dropped: %v", err)
			}
		default:
		}
	}
	got := r.next(senders * each)
	slices.Sort(got)
	if kinds := len(slices.Compact(got)); kinds != senders*each {
		t.Errorf("%d different messages, want %d", kinds, senders*each)
	}
	t.Logf("%d renewals under load: none of %d connections dropped, %d messages", renewals, senders, senders*each)
}
