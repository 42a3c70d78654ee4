package parse

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

// deal hands lines to a Joiner, one a second, and writes down what comes out.
func deal(t *testing.T, j *Joiner, lines ...string) []string {
	t.Helper()
	p := New(knownKeys(t))
	var out []string
	for i, line := range lines {
		var e event.Event
		at := received.Add(time.Duration(i) * time.Second)
		if _, err := p.Parse(line, Context{Received: at, Source: fmt.Sprint("s", i)}, &e); err != nil {
			t.Fatal(err)
		}
		for _, w := range j.Expire(at) {
			out = append(out, "expired "+shown(w))
		}
		ready, repeated := j.Add(&e, uint64(i), at)
		for _, w := range ready {
			out = append(out, shown(w))
		}
		if repeated {
			out = append(out, fmt.Sprint("repeated ", i))
		}
	}
	return out
}

func shown(w Joined) string {
	return fmt.Sprintf("%d %s %d %v %s", w.Position, w.Source, w.Parts, w.Complete, w.Raw[strings.IndexByte(w.Raw, '%'):])
}

// of is one part of a message.
func of(host, part, tags, text string) string {
	return "<187>16: " + host + ": Jul 02 2015 06:22:31.123 UTC: %UC_A-3-B: %[part=" + part + "]" + tags + ":" + text
}

func TestJoin(t *testing.T) {
	f := func(name string, lines []string, want ...string) {
		t.Helper()
		if got := deal(t, NewJoiner(10*time.Second, 2), lines...); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
	f("in order", []string{of("a", "16.1/2", "[DeviceName=D]", " An endpoint"), of("a", "16.2/2", "[DeviceName=D]", "  has gone\n")},
		"0 s0 2 true %UC_A-3-B: %[part=16.1/2][DeviceName=D]: An endpoint has gone")
	f("the wrong way round", []string{of("a", "16.3/3", "", "  c"), of("a", "16.2/3", "", "  b"), of("a", "16.1/3", "", " a")},
		"0 s0 3 true %UC_A-3-B: %[part=16.1/3]: a b c")
	f("tags in several parts", []string{of("a", "16.1/2", "[DeviceName=D]", " a"), of("a", "16.2/2", "[DeviceName=D][Reason=13][X=\\]]", "  b")},
		`0 s0 2 true %UC_A-3-B: %[part=16.1/2][DeviceName=D][Reason=13][X=\]]: a b`)
	f("two hosts", []string{of("a", "16.1/2", "", " a"), of("b", "16.1/2", "", " c"), of("b", "16.2/2", "", "  d"), of("a", "16.2/2", "", "  b")},
		"1 s1 2 true %UC_A-3-B: %[part=16.1/2]: c d", "0 s0 2 true %UC_A-3-B: %[part=16.1/2]: a b")
	f("two processes", []string{of("a", "16.1/2", "[AppID=x]", " a"), of("a", "16.1/2", "[AppID=y]", " c"), of("a", "16.2/2", "[AppID=x]", "  b")},
		"0 s0 2 true %UC_A-3-B: %[part=16.1/2][AppID=x]: a b")
	f("repeated", []string{of("a", "16.1/2", "", " a"), of("a", "16.1/2", "", " a"), of("a", "16.2/2", "", "  b")},
		"repeated 1", "0 s0 2 true %UC_A-3-B: %[part=16.1/2]: a b")
	f("more than it may hold", []string{of("a", "1.1/2", "", " a"), of("a", "2.1/2", "", " b"), of("a", "3.2/2", "", " c")},
		"0 s0 1 false %UC_A-3-B: %[part=1.1/2]: a")
	f("one of one", []string{of("a", "16.1/1", "", " a")}, "0 s0 1 true %UC_A-3-B: %[part=16.1/1]: a")
	f("no part at all", []string{of("a", "16", "", " a"), of("a", "16.3/2", "", " a"), of("a", "16.1/65", "", " a"), of("a", "-1.1/2", "", " a")},
		"0 s0 1 false %UC_A-3-B: %[part=16]: a", "1 s1 1 false %UC_A-3-B: %[part=16.3/2]: a",
		"2 s2 1 false %UC_A-3-B: %[part=16.1/65]: a", "3 s3 1 false %UC_A-3-B: %[part=-1.1/2]: a")
	late := []string{of("a", "16.1/2", "", " a")}
	for range 10 {
		late = append(late, of("b", "16.1/1", "", " x"))
	}
	got := deal(t, NewJoiner(10*time.Second, 2), late...)
	if want := "expired 0 s0 1 false %UC_A-3-B: %[part=16.1/2]: a"; got[9] != want || len(got) != 11 {
		t.Errorf("late: got %q, want tenth %q", got, want)
	}
}

func TestJoinBounded(t *testing.T) {
	j := NewJoiner(time.Hour, 4)
	long := strings.Repeat("x", 40<<10)
	got := deal(t, j, of("a", "16.1/3", "", " "+long), of("a", "16.2/3", "", " "+long))
	if len(got) != 1 || !strings.HasPrefix(got[0], "0 s0 2 false ") {
		t.Errorf("%d messages, want the one that became too long", len(got))
	}
	if _, _, waiting := j.Oldest(); waiting {
		t.Error("something is still held")
	}
}

func TestJoinOldest(t *testing.T) {
	j := NewJoiner(time.Hour, 4)
	deal(t, j, of("a", "1.1/2", "", " a"), of("a", "2.1/2", "", " b"))
	if at, _, ok := j.Oldest(); at != 0 || !ok {
		t.Errorf("oldest %d, %v", at, ok)
	}
	deal(t, j, of("a", "1.2/2", "", " b"))
	if at, _, ok := j.Oldest(); at != 1 || !ok {
		t.Errorf("oldest %d, %v", at, ok)
	}
	if left := j.Take(func(source string) bool { return source == "s0" }); len(left) != 0 {
		t.Errorf("taken for another source: %v", left)
	}
	if left := j.Take(func(source string) bool { return source == "s1" }); len(left) != 1 || left[0].Complete {
		t.Errorf("taken %v", left)
	}
	if _, _, ok := j.Oldest(); ok {
		t.Error("something is left")
	}
}

// TestJoinedParses: the joined message is one event with everything in it.
func TestJoinedParses(t *testing.T) {
	j := NewJoiner(time.Hour, 4)
	p := New(knownKeys(t))
	var e event.Event
	var whole []Joined
	for _, line := range []string{
		"<187>16: uc: Jul 02 2015 06:22:31.123 UTC : %UC_CALLMANAGER-3-EndPointUnregistered: %[part=16.1/2][DeviceName=SEP1][Description=a [b]: An endpoint",
		"<187>17: uc: Jul 02 2015 06:22:31.123 UTC : %UC_CALLMANAGER-3-EndPointUnregistered: %[part=16.2/2][Reason=13][NodeID=uc]:  has unregistered",
	} {
		if _, err := p.Parse(line, Context{Received: received}, &e); err != nil {
			t.Fatal(err)
		}
		whole, _ = j.Add(&e, 0, received)
	}
	if len(whole) != 1 {
		t.Fatal("not joined")
	}
	if _, err := p.Parse(whole[0].Raw, Context{Received: received}, &e); err != nil {
		t.Fatal(err)
	}
	if e.Device != "SEP1" || e.Reason != 13 || e.Node != "uc" || e.Text != "An endpoint has unregistered" || e.Seq != 16 || e.Truncated {
		t.Errorf("%+v", e)
	}
}

// TestJoinIsBounded has somebody send first parts and never the others: the oldest are given out, so that those held take no more
// than 16 MiB.
func TestJoinIsBounded(t *testing.T) {
	const size, sent = 60_000, 1000
	j := NewJoiner(time.Hour, 10_000)
	p := New(knownKeys(t))
	text := strings.Repeat("x", size)
	given := 0
	for i := range sent {
		var e event.Event
		if _, err := p.Parse(of("a", fmt.Sprintf("%d.1/2", i), "", text), Context{Received: received}, &e); err != nil {
			t.Fatal(err)
		}
		ready, _ := j.Add(&e, uint64(i), received)
		for _, w := range ready {
			if w.Position != uint64(given) || w.Complete {
				t.Fatalf("message %d given out, complete %v: want %d", w.Position, w.Complete, given)
			}
			given++
		}
	}
	left := len(j.Take(func(string) bool { return true }))
	if given+left != sent || left*size > maxHeld || (left+2)*size < maxHeld {
		t.Errorf("%d of %d given out, %d held of %d bytes each", given, sent, left, size)
	}
}
