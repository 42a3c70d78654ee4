package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

func TestDefuse(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := defuse(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("SEP0011", "SEP0011")
	f("=1+1", "'=1+1")
	f("+49 30 1234", "'+49 30 1234")
	f("-1.5", "-1.5") // a number
	f("-2+3", "'-2+3")
	f("-", "'-")
	f("@SUM(A1)", "'@SUM(A1)")
	f("\tx", "'\tx")
	f("\rx", "'\rx")
}

func TestWantsTable(t *testing.T) {
	f := func(accept string, want bool) {
		t.Helper()
		if wantsTable(accept) != want {
			t.Errorf("Accept: %s: table %t", accept, !want)
		}
	}
	f("", false)
	f("text/csv", true)
	f("TEXT/CSV; charset=utf-8", true)
	f("text/html, text/csv;q=0.9, */*;q=0.1", true)
	f("application/json, text/csv", false)
	f("*/*", false)
}

func TestTable(t *testing.T) {
	registered := true
	two := uint32(2)
	list := List[Device]{Items: []Device{
		{Device: "SEP1", Description: "=x", DeviceType: &two, Registered: &registered, First: millis(1_000), Unregistrations: 3},
		{Device: "SEP2, \"b\""},
	}}
	var out strings.Builder
	if err := table.Marshal(&out, list); err != nil {
		t.Fatal(err)
	}
	want := "device,cluster,model,device_type,description,ip,protocol,node,last_alarm,registered,first,last,unregistrations,expected_unregistrations,registrations,attempts\r\n" +
		"SEP1,,,2,'=x,,,,,true,1970-01-01T00:00:01.000Z,,3,0,0,0\r\n" +
		"\"SEP2, \"\"b\"\"\",,,,,,,,,,,,0,0,0,0\r\n"
	if out.String() != want {
		t.Errorf("table is\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTokens(t *testing.T) {
	token, line := NewToken(Ingest, "from the relay")
	other, _ := NewToken(Admin, "")
	if token == other || len(token) < 40 || strings.Contains(line, token) || !strings.HasSuffix(line, " from the relay") {
		t.Errorf("token %s, line %s", token, line)
	}
	f := func(text, says string) {
		t.Helper()
		if _, err := ParseTokens(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	f("", "no token")
	f("# only a comment\n", "no token")
	f("read "+token, "line 1")
	f(line+"\nwrite sha256:00", "line 2")
	f(strings.Replace(line, "ingest", "open", 1), "line 1")
	f(strings.Replace(line, "sha256:", "", 1), "line 1")
	if _, err := ParseTokens(strings.NewReader("# mine\n\n  " + line + "\r\n")); err != nil {
		t.Error(err)
	}
}

func TestNeeds(t *testing.T) {
	f := func(method, path string, want Role) {
		t.Helper()
		if got := needs(method, path); got != want {
			t.Errorf("%s %s needs %s, want %s", method, path, got, want)
		}
	}
	f("GET", "/healthz", Open)
	f("POST", "/healthz", Admin)
	f("HEAD", "/readyz", Open)
	f("GET", "/readyz/", Read)
	f("GET", "/", Read)
	f("GET", "/api/v1/events", Read)
	f("POST", "/api/v1/decode", Read)
	f("POST", "/api/v1/import", Ingest)
	f("GET", "/api/v1/import", Read)
	f("POST", "/api/v1/login", Open)
	f("POST", "/api/v1/login/", Admin)
	f("DELETE", "/api/v1/events", Admin)
	f("POST", "/api/v1/later", Admin)
}

func TestLimiter(t *testing.T) {
	var l limiter
	now := time.Unix(0, 0)
	for i := range askBurst {
		if !l.spend("a", 1, now) {
			t.Fatalf("question %d of the burst was refused", i)
		}
	}
	if l.spend("a", 1, now) || !l.spend("b", 1, now) {
		t.Error("a has spent everything and b nothing")
	}
	if now = now.Add(time.Second / 2); !l.spend("a", askRate/2, now) || l.spend("a", 1, now) {
		t.Error("half a second gives half of a second's questions")
	}
	for i := range 2 * mostClients {
		l.spend(fmt.Sprint("c", i), 1, now)
	}
	if len(l.buckets) > mostClients {
		t.Errorf("%d clients are remembered", len(l.buckets))
	}
}

func TestSessions(t *testing.T) {
	var s sessions
	now := time.Unix(0, 0)
	value := s.open(digest{1}, now)
	if d, ok := s.token(value, now.Add(sessionLength-time.Second)); !ok || d != (digest{1}) {
		t.Error("a session ends too early")
	}
	if _, ok := s.token(value, now.Add(sessionLength)); ok {
		t.Error("a session does not end")
	}
	for range 2 * mostSessions {
		s.open(digest{2}, now)
	}
	if len(s.known) > mostSessions {
		t.Errorf("%d sessions are kept", len(s.known))
	}
}

// TestRanked pages through numbers while some arrive and some go.
func TestRanked(t *testing.T) {
	key := func(n int) string { return down(float64(n)) }
	numbers := []int{5, 1, 9, 3, 7}
	page, next, err := rank(numbers, key).page("", 2, all)
	if err != nil || !slices.Equal(page, []int{9, 7}) {
		t.Fatalf("%v %v", page, err)
	}
	page, next, err = rank([]int{5, 1, 10, 3, 8, 4}, key).page(next, 3, all) // 9 and 7 are gone, 10, 8 and 4 came
	if err != nil || !slices.Equal(page, []int{5, 4, 3}) {
		t.Fatalf("%v %v", page, err)
	}
	if page, next, err = rank(numbers, key).page(next, 3, all); err != nil || !slices.Equal(page, []int{1}) || next != "" {
		t.Fatalf("%v %q %v", page, next, err)
	}
	for _, cursor := range []string{"x", "!", writeRank("a")[:8]} {
		if _, _, err := rank(numbers, key).page(cursor, 3, all); !errors.Is(err, event.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

func TestLoopbackNames(t *testing.T) {
	f := func(host string, want bool) {
		t.Helper()
		if loopback(host) != want {
			t.Errorf("%s is loopback: %t", host, !want)
		}
	}
	f("localhost", true)
	f("LOCALHOST:8080", true)
	f("127.0.0.1:8080", true)
	f("127.9.9.9", true)
	f("[::1]:8080", true)
	f("[::ffff:127.0.0.1]:80", true)
	f("localhost.example", false)
	f("127.0.0.1.nip.io", false)
	f("0.0.0.0", false)
	f("", false)
}
