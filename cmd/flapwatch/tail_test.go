package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
)

// follower reads a tail until it has seen enough.
type follower struct {
	last string // id of the last event
	seqs []uint32
}

// follow connects, calls connected when the stream has begun, and reads until seen says that it is enough.
func (f *follower) follow(t *testing.T, p *program, query string, connected func(), enough func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.web+"/api/v1/tail"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	if f.last != "" {
		r.Header.Set("Last-Event-ID", f.last)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "" || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("tail: %s %v", response.Status, response.Header)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
		case "id":
			f.last = value
			if connected != nil {
				connected()
				connected = nil
			}
		case "data":
			var e api.Event
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				t.Fatal(err)
			}
			f.seqs = append(f.seqs, *e.Seq)
		}
		if enough() {
			return
		}
	}
	t.Fatalf("the tail ended after %d events: %v", len(f.seqs), lines.Err())
}

func numberedLines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintln(&b, strings.Replace(wireForm, "<187>41679", fmt.Sprintf("<187>%d", n), 1))
	}
	return b.String()
}

// stored waits until so many events are stored.
func (p *program) stored(n uint64) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%d events are stored", n), func() bool { return p.stats().Stored >= n })
}

// TestTail follows 3,000 events over three connections, the last of which begins after the service was killed: each event comes
// exactly once.
func TestTail(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	send(t, "tcp", p.tcp, numberedLines(1, 101)) // before anybody follows
	p.stored(100)
	var f follower
	f.follow(t, p, "?device=SEPE0D1730A8137", func() { send(t, "tcp", p.tcp, numberedLines(1000, 2000)) }, func() bool { return len(f.seqs) >= 300 })
	send(t, "tcp", p.tcp, numberedLines(2000, 3000)) // while nobody does
	p.stored(2100)
	f.follow(t, p, "", nil, func() bool { return len(f.seqs) >= 1500 })
	p.kill()
	p = serve(t, data)
	send(t, "tcp", p.tcp, numberedLines(3000, 4000))
	f.follow(t, p, "?protocol=SIP", nil, func() bool { return len(f.seqs) >= 3000 })
	seen := map[uint32]bool{}
	for _, n := range f.seqs {
		if n < 1000 || n >= 4000 || seen[n] {
			t.Fatalf("event %d came and should not, or came twice", n)
		}
		seen[n] = true
	}
	if len(seen) != 3000 {
		t.Errorf("%d events, want 3000", len(seen))
	}
	for _, c := range []struct{ query, last string }{{"?reason=x", ""}, {"?from=-1d", ""}, {"", "nonsense"}, {"", "dGFpbA"}} {
		status, h, body := p.call(http.MethodGet, "/api/v1/tail"+c.query, "", "Last-Event-ID", c.last)
		if c.last == "" && c.query == "" || status != http.StatusUnprocessableEntity || !isProblem(status, h, body) {
			t.Errorf("%+v: %d %s", c, status, body)
		}
	}
	tooMany(t, p)
}

// tooMany opens more streams than a client may have.
func tooMany(t *testing.T, p *program) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refused := 0
	for range 10 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.web+"/api/v1/tail", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of 10 streams refused, want 2", refused)
	}
}
