package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
)

const asCrowd = "FLAPWATCH_TEST_AS_CROWD"

// crowd opens connections that never end a message, says how many there are and holds them until its input ends. It is a process
// of its own, because a process may have only so many files. No address has more than some of the connections.
func crowd(address string, n int) error {
	const ofAnAddress = 100
	var held []net.Conn
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i/ofAnAddress/250), byte(1+i/ofAnAddress%250))}, Timeout: 10 * time.Second}
		c, err := d.Dial("tcp", address)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(c, "<")
		held = append(held, c)
	}
	fmt.Println(len(held))
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// TestHostileSenders lets a crowd of idle connections, endless lines, absurd octet counts and one byte at a time come in, while a
// good sender goes on. Its messages arrive, and memory is bounded.
func TestHostileSenders(t *testing.T) {
	idle, endless := 500, 16
	if torture() {
		idle, endless = 10_000, 256
	}
	p := serve(t, folder(t))
	good, err := net.Dial("tcp", p.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = good.Close() }()
	before := p.memory()

	held := command(t)
	held.Env = append(held.Env, asCrowd+"="+p.tcp+" "+strconv.Itoa(idle))
	stdin, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		_ = held.Wait()
	}()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); strings.TrimSpace(line) != strconv.Itoa(idle) {
		t.Fatalf("the crowd says %q: %v", line, err)
	}
	hostile := func(text string, times int) {
		c, err := net.Dial("tcp", p.tcp)
		if err != nil {
			return // the crowd has taken all places
		}
		t.Cleanup(func() { _ = c.Close() })
		for range times {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
	hostile(strings.Repeat("x", 1<<20), endless)
	hostile("9223372036854775808 <13>x", 1)
	hostile("99999999999 <13>x", 1)
	hostile("<", 1)

	began := time.Now()
	send := newNumbered().flood
	const messages = 200
	for range messages {
		if _, err := good.Write(append(send.Next(nil), '\n')); err != nil {
			t.Fatalf("the good sender was cut off: %v", err)
		}
	}
	p.wait("the good sender's messages are stored", func() bool { return p.stats().Stored == messages })
	took, peak := time.Since(began), p.memory()
	if most := before + 150; peak > most {
		t.Errorf("%d MiB of memory, %d before: want at most %d", peak, before, most)
	}
	t.Logf("%d idle connections, a line of %d MiB, octet counts without end: a good sender's %d messages were stored after %v; peak %d MiB, %d before",
		idle, endless, messages, took.Round(time.Millisecond), peak, before)
}

// TestFlood sends datagrams faster than anybody takes them. What is missing is counted as dropped, exactly.
func TestFlood(t *testing.T) {
	sent := uint64(20_000)
	if torture() {
		sent = 3_000_000
	}
	p := serve(t, folder(t))
	c, err := net.Dial("udp", p.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	flood, began := newNumbered().flood, time.Now()
	var line []byte
	for flood.Count() < sent {
		line = flood.Next(line[:0])
		if _, err := c.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	rate := float64(sent) / time.Since(began).Seconds()
	var s api.Stats
	p.wait("all is accounted for", func() bool {
		if p.status("/readyz") == http.StatusOK {
			s = p.stats()
		}
		return s.Received >= sent && s.InSpool == 0
	})
	if s.Received != sent || s.Stored+s.Dropped != sent {
		t.Errorf("%d datagrams sent, stats say %+v", sent, s)
	}
	t.Logf("%d datagrams at %.0f a second: %d stored, %d dropped, each of them counted", sent, rate, s.Stored, s.Dropped)
}

// TestClocks has senders whose clocks, zones and forms of time are wrong or unusual. Each event is in its week, and the skew is told.
func TestClocks(t *testing.T) {
	p := serve(t, folder(t))
	now := time.Now().UTC().Truncate(time.Second)
	cases := []struct {
		node, layout string
		at           time.Time
		skew         float64 // seconds
	}{
		{"exact", "Jan 02 2006 15:04:05.000 UTC", now, 0},
		{"ahead", "Jan 02 2006 15:04:05.000 UTC", now.Add(3 * time.Hour), 3 * 3600},
		{"old", "Jan 02 2006 15:04:05.000 UTC", now.AddDate(-1, 0, 0), now.AddDate(-1, 0, 0).Sub(now).Seconds()},
		{"noon", "Jan 02 2006 03:04:05 PM.000 UTC", now, 0},
		{"noyear", "Jan 02 15:04:05.000 UTC", now.Add(-time.Hour), -3600},
		{"berlin", "Jan 02 2006 15:04:05.000 MST", now.In(time.FixedZone("CEST", 2*3600)), 0},
	}
	var text strings.Builder
	for i, c := range cases {
		text.WriteString(strings.NewReplacer("uc-ucm-01", c.node, "<187>41679", fmt.Sprintf("<187>%d", 100+i),
			"Jul 02 2015 06:22:31.123 UTC", c.at.Format(c.layout)).Replace(wireForm) + "\n")
	}
	send(t, "tcp", p.tcp, text.String())
	p.stored(uint64(len(cases)))
	var list api.List[api.Sender]
	p.get("/sources", nil, &list)
	skews := map[string]*float64{}
	for _, s := range list.Items {
		skews[s.Node] = s.Skew
	}
	for _, c := range cases {
		var events api.List[api.Event]
		p.get("/events", query("node", c.node, "from", now.AddDate(-2, 0, 0).Format(time.RFC3339), "to", now.AddDate(1, 0, 0).Format(time.RFC3339)), &events)
		if len(events.Items) != 1 {
			t.Errorf("%s: %d events", c.node, len(events.Items))
			continue
		}
		year, week := c.at.UTC().ISOWeek()
		gotYear, gotWeek := events.Items[0].Time.UTC().ISOWeek()
		if year != gotYear || week != gotWeek {
			t.Errorf("%s: in week %d of %d, want %d of %d", c.node, gotWeek, gotYear, week, year)
		}
		if skew := skews[c.node]; skew == nil || *skew < c.skew-60 || *skew > c.skew+60 {
			t.Errorf("%s: skew %v, want %.0f s", c.node, skew, c.skew)
		}
	}
	t.Logf("%d clocks, each event in its week, each skew told within a minute", len(cases))
}
