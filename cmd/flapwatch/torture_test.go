package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/simulate"
	"flapwatch/spool"
)

// kills is how often TestKilled kills, if not as often as its form asks: go test -run TestKilled -kills 50.
var kills = flag.Int("kills", 0, "how often TestKilled kills")

// outage is how long TestOutage lasts, if not as long as its form asks.
var outage = flag.Duration("outage", 0, "how long TestOutage lasts")

// torture says whether the long forms run: make torture.
func torture() bool { return os.Getenv("FLAPWATCH_TORTURE") != "" }

// numbered sends messages that carry numbers, so that each can be told apart in the end.
type numbered struct {
	flood *simulate.Flood
	from  time.Time
	pause time.Duration // between bursts
}

const burst = 200 // messages

func newNumbered() *numbered {
	from := time.Now().Add(-time.Hour).Truncate(time.Second)
	return &numbered{flood: simulate.NewFlood(3, from, 100*time.Microsecond, 2000), from: from, pause: 20 * time.Millisecond}
}

// until sends over one connection until the receiver is gone or stop is closed, and says which numbers went out: from ≤ n < to.
func (s *numbered) until(stop <-chan struct{}, address string) (from, to uint64) {
	from = s.flood.Count()
	c, err := net.Dial("tcp", address)
	if err != nil {
		return from, from
	}
	defer func() { _ = c.Close() }()
	var buf []byte
	for err == nil {
		buf = buf[:0]
		for range burst {
			buf = append(s.flood.Next(buf), '\n')
		}
		_, err = c.Write(buf)
		select {
		case <-stop:
			return from, s.flood.Count()
		case <-time.After(s.pause):
		}
	}
	return from, s.flood.Count()
}

// numbers are those from ≤ n < to.
type numbers struct{ from, to uint64 }

// imports posts until the service is gone, and gives the numbers that it acknowledged.
func (s *numbered) imports(web string) (acknowledged []numbers) {
	for {
		from, buf := s.flood.Count(), []byte(nil)
		for range burst {
			buf = append(s.flood.Next(buf), '\n')
		}
		r, err := http.Post(web+"/api/v1/import", "text/plain", bytes.NewReader(buf))
		if err != nil {
			return acknowledged
		}
		_ = r.Body.Close()
		if r.StatusCode == http.StatusOK {
			acknowledged = append(acknowledged, numbers{from, s.flood.Count()})
		}
		time.Sleep(s.pause)
	}
}

// number is the place in the order of sending that a stored event had.
func number(e api.Event) uint64 {
	seq := uint64(*e.Seq)
	return 2*(seq%simulate.FloodFirst) + seq/simulate.FloodFirst - 1
}

// stored asks for all events that s has sent, and how often each is there.
func (s *numbered) stored(p *program) []uint8 {
	p.t.Helper()
	times := make([]uint8, s.flood.Count())
	q := query("from", s.from.Add(-time.Minute).Format(time.RFC3339), "to", s.from.Add(2*time.Hour).Format(time.RFC3339), "limit", "1000")
	for {
		var page api.List[api.Event]
		p.get("/events", q, &page)
		for _, e := range page.Items {
			times[number(e)]++
		}
		if page.NextCursor == "" {
			return times
		}
		q.Set("cursor", page.NextCursor)
	}
}

// memory is the most that the service has taken so far, in MiB.
func (p *program) memory() (peak int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			peak, _ = strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return peak >> 10
}

// TestKilled kills the service at random moments under load, again and again, on one data folder. Of what was imported and
// acknowledged nothing is missing. Of what a connection sent, only an unbroken run at its end may be: what had not reached the spool.
// Nothing is there twice, and the accounts agree.
func TestKilled(t *testing.T) {
	times, most, seed := 5, 400, uint64(time.Now().UnixNano())
	if torture() {
		times, most = 200, 1500
	}
	if *kills > 0 {
		times = *kills
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	data, sender, importer := folder(t), newNumbered(), newNumbered()
	importer.from = importer.from.Add(-10 * time.Hour)
	importer.flood = simulate.NewFlood(4, importer.from, 100*time.Microsecond, 2000)
	var sent, acknowledged []numbers
	var recovery, longest time.Duration
	peak := 0
	for range times {
		began := time.Now()
		p := serve(t, data)
		took := time.Since(began)
		recovery, longest = recovery+took, max(longest, took)
		time.AfterFunc(time.Duration(50+random.IntN(most))*time.Millisecond, func() {
			peak = max(peak, p.memory())
			_ = p.command.Process.Kill()
		})
		imported := make(chan []numbers)
		go func() { imported <- importer.imports(p.web) }()
		from, to := sender.until(nil, p.tcp)
		acknowledged = append(acknowledged, <-imported...)
		_ = p.command.Wait()
		sent = append(sent, numbers{from, to})
	}
	p := serve(t, data)
	stats := p.settled()
	there, posted := sender.stored(p), importer.stored(p)
	total, lost, accepted := uint64(0), uint64(0), uint64(0)
	for _, a := range acknowledged {
		accepted += a.to - a.from
		for n := a.from; n < a.to; n++ {
			if posted[n] != 1 {
				t.Fatalf("message %d was acknowledged and is there %d times", n, posted[n])
			}
		}
	}
	for n, times := range posted {
		if total += uint64(times); times > 1 {
			t.Errorf("imported message %d is there %d times", n, times)
		}
	}
	for _, c := range sent {
		end := c.from
		for n := c.from; n < c.to; n++ {
			if there[n] > 1 {
				t.Errorf("message %d is there %d times", n, there[n])
			}
			if there[n] > 0 {
				if end != n {
					t.Fatalf("messages %d to %d of the connection %+v are missing, and later ones are there", end, n, c)
				}
				end, total = n+1, total+1
			}
		}
		lost += c.to - end
	}
	if stats.Stored != total || stats.Received != total || stats.Duplicate+stats.Unparsed+stats.Other+stats.Dropped != 0 {
		t.Errorf("%d messages are there, stats say %+v", total, stats)
	}
	if total == 0 || accepted == 0 {
		t.Errorf("%d messages stored, %d acknowledged: nothing was tested", total, accepted)
	}
	t.Logf("%d kills: %d messages acknowledged, of them lost 0, twice 0; %d sent over TCP, %d of them lost in sockets; %d stored, twice 0; ready again after %v, at most %v; peak %d MiB",
		times, accepted, sender.flood.Count(), lost, total, (recovery / time.Duration(times)).Round(time.Millisecond), longest.Round(time.Millisecond), peak)
}

// TestEngineAway keeps the engine away under load: killed again and again, stopped, and absent at the start. Nothing is lost and
// nothing is there twice.
func TestEngineAway(t *testing.T) {
	length := time.Second
	if torture() {
		length = time.Minute
	}
	f := func(name string, away func(t *testing.T, p *program)) {
		t.Run(name, func(t *testing.T) {
			p, sender := launch(t, folder(t)), newNumbered()
			stop, ended := make(chan struct{}), make(chan struct{})
			var from, to uint64
			go func() {
				from, to = sender.until(stop, p.tcp)
				close(ended)
			}()
			away(t, p)
			close(stop)
			<-ended
			back := time.Now()
			p.wait("all is received", func() bool { return p.status("/readyz") == http.StatusOK && p.stats().Received == to-from })
			s := p.settled()
			took := time.Since(back)
			for n, times := range sender.stored(p) {
				if times != 1 {
					t.Fatalf("message %d is there %d times", n, times)
				}
			}
			if s.Stored != to-from || s.Dropped != 0 || s.Duplicate != 0 {
				t.Errorf("%d messages sent, stats say %+v", to-from, s)
			}
			t.Logf("%d messages, all stored once, %v after the end; peak %d MiB", to-from, took.Round(time.Millisecond), p.memory())
		})
	}
	f("killed", func(t *testing.T, p *program) {
		p.wait("ready", func() bool { return p.status("/readyz") == http.StatusOK })
		for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(length / 2) {
			p.wait("the engine runs", func() bool { return p.status("/readyz") == http.StatusOK })
			_ = syscall.Kill(engineOf(t, p), syscall.SIGKILL)
		}
	})
	f("stopped", func(t *testing.T, p *program) {
		p.wait("ready", func() bool { return p.status("/readyz") == http.StatusOK })
		pause(t, p, length)
	})
	f("absent at the start", func(t *testing.T, p *program) { pause(t, p, length) })
}

// TestOutage lets ClickHouse hang under 20,000 messages a second, for ten minutes in the long form. Nothing is lost, nothing is there
// twice, and the rest is stored much faster than it came in.
func TestOutage(t *testing.T) {
	length := 2 * time.Second
	if torture() {
		length = 10 * time.Minute
	}
	if *outage > 0 {
		length = *outage
	}
	p, sender := serve(t, folder(t)), newNumbered()
	sender.pause = 10 * time.Millisecond // 200 each
	stop, ended := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		sender.until(stop, p.tcp)
		close(ended)
	}()
	pause(t, p, length)
	close(stop)
	<-ended
	live := float64(sender.flood.Count()) / time.Since(began).Seconds()
	back := time.Now()
	deadline := back.Add(length + time.Minute)
	var s api.Stats
	for s.Stored < sender.flood.Count() && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
		s = api.Stats{}
		if p.status("/readyz") == http.StatusOK {
			s = p.stats()
		}
	}
	again := float64(s.Stored) / time.Since(back).Seconds()
	if s = p.settled(); s.Stored != sender.flood.Count() || s.Received != s.Stored || s.Dropped+s.Duplicate != 0 {
		t.Errorf("%d messages sent, stats say %+v", sender.flood.Count(), s)
	}
	const most = 300 // MiB
	if peak := p.memory(); torture() && peak > most {
		t.Errorf("%d MiB of memory, want at most %d", peak, most)
	}
	t.Logf("away for %v at %.0f messages/s: %d messages, all stored once; caught up at %.1f times that rate; peak %d MiB",
		length, live, s.Stored, again/live, p.memory())
}

// pause keeps the engine, and whatever the service starts in its place, from answering for some time.
func pause(t *testing.T, p *program, length time.Duration) {
	t.Helper()
	engineOf(t, p)
	stopped := map[int]bool{}
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, pid := range enginesOf(t, p) {
			if !stopped[pid] {
				stopped[pid] = syscall.Kill(pid, syscall.SIGSTOP) == nil
			}
		}
	}
	for pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGCONT) // the service has ended those that it replaced
	}
}

// TestPoison puts lines that no table takes as they are among good ones. Each is kept where it can be found, and no other suffers.
func TestPoison(t *testing.T) {
	p := serve(t, folder(t))
	seq := 50_000
	with := func(old, new string) string {
		seq++
		return strings.Replace(strings.Replace(wireForm, "<187>41679", fmt.Sprintf("<187>%d", seq), 1), old, new, 1)
	}
	poison := []string{
		with("2015", "1815"), with("2015", "9999"), with("Jul 02", "Feb 31"), // times
		with("DeviceType=592", "DeviceType=99999999999999999999"), with("Reason=13", "Reason=-1"), // numbers
		with("Phone", "\xff\xfe\xc0"), with("Phone", "a\x01b\x7f\u202e"), // characters
		with("SEPE0D1730A8137", strings.Repeat("x", 30_000)), // sizes
		with("[Description=Phone]", strings.Repeat("[X=1]", 5000)),
		"<187>41679: uc-ucm-01: %UC_CALLMANAGER-3-", "<999>", "%", "\xff",
	}
	good := 10_000 - len(poison)
	var text bytes.Buffer
	for i := range good {
		fmt.Fprintln(&text, strings.Replace(wireForm, "<187>41679", fmt.Sprintf("<187>%d", 100_000+i), 1))
		if i%(good/len(poison)) == 0 && i/(good/len(poison)) < len(poison) {
			fmt.Fprintln(&text, poison[i/(good/len(poison))])
		}
	}
	send(t, "tcp", p.tcp, text.String())
	all := uint64(good + len(poison))
	p.wait("all is received", func() bool { return p.stats().Received == all })
	s := p.settled()
	if s.Stored < uint64(good) || s.Dropped != 0 || s.Duplicate != 0 || s.Stored+s.Unparsed+s.Other != all || s.Unparsed == 0 {
		t.Errorf("%d good lines and %d others, stats say %+v", good, len(poison), s)
	}
	var kept api.List[api.Line]
	p.get("/unparsed", query("from", "-1h"), &kept)
	for _, l := range kept.Items {
		raw := l.Raw
		if l.Base64 != nil {
			raw = string(l.Base64)
		}
		if l.Reason == "" || !slices.Contains(poison, raw) {
			t.Errorf("kept as %+v", l)
		}
	}
	if uint64(len(kept.Items)) != s.Unparsed {
		t.Errorf("%d lines are kept, want %d", len(kept.Items), s.Unparsed)
	}
	t.Logf("%d lines that no table takes as they are among %d: others lost 0; %d stored all the same, %d no alarm, %d kept with the reason",
		len(poison), all, s.Stored-uint64(good), s.Other, s.Unparsed)
}

// TestSpoolDamaged damages a record of the spool on disk before it was stored. Its messages are counted as dropped, all others are
// stored.
func TestSpoolDamaged(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	child := engineOf(t, p)
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	sender := newNumbered()
	stop := make(chan struct{})
	time.AfterFunc(300*time.Millisecond, func() { close(stop) })
	_, to := sender.until(stop, p.tcp)
	queue := filepath.Join(data, "spool")
	p.wait("all is in the spool", func() bool {
		in, err := spool.Inspect(t.Context(), queue)
		return err == nil && in.Next == to
	})
	p.kill()
	_ = syscall.Kill(child, syscall.SIGKILL)
	spooled := filepath.Join(queue, fmt.Sprintf("%020d.seg", 0))
	text, err := os.ReadFile(spooled)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0x10
	if err := os.WriteFile(spooled, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p = serve(t, data)
	s := p.settled()
	missing := uint64(0)
	for n, times := range sender.stored(p) {
		switch times {
		case 0:
			missing++
		case 1:
		default:
			t.Errorf("message %d is there %d times", n, times)
		}
	}
	if missing == 0 || missing == to || s.Dropped != missing || s.Stored != to-missing || s.Received != to {
		t.Errorf("%d of %d messages are missing, stats say %+v", missing, to, s)
	}
	t.Logf("a flipped bit in the queue: %d of %d messages dropped and counted, %d stored, twice 0", missing, to, s.Stored)
}
