package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// split cuts a stream that arrives in reads of the given sizes, again and again, and says what was cut off.
func split(stream []byte, sizes ...int) (messages []string, s *Splitter) {
	s = new(Splitter)
	emit := func(b []byte) { messages = append(messages, string(b)) }
	for i := 0; len(stream) > 0; i++ {
		n := min(len(stream), sizes[i%len(sizes)])
		copy(s.Free(n), stream[:n])
		s.Took(n, emit)
		stream = stream[n:]
	}
	s.Rest(emit)
	return messages, s
}

const (
	one   = "<187>1: ucm-01: Jul 02 2015 06:22:31.123 UTC :  %UC_-3-One: %[A=1]: one"
	two   = "<190>2: ucm-02: Jul 02 2015 06:22:31.124 UTC :  %UC_-6-Two: %[A=2]: two"
	three = "no PRI at all"
)

func counted(m string) string { return fmt.Sprintf("%d %s", len(m), m) }

func TestSplitter(t *testing.T) {
	long := strings.Repeat("x", MaxFrame)
	f := func(name, stream string, want ...string) {
		t.Helper()
		for _, sizes := range [][]int{{len(stream) + 1}, {1}, {7, 64, 1, 1000}, {4096}} {
			if len(stream) > 50_000 && sizes[0] < 10 {
				continue
			}
			if got, _ := split([]byte(stream), sizes...); !slices.Equal(got, want) {
				t.Errorf("%s, reads of %v: %.200q, want %.200q", name, sizes, got, want)
			}
		}
	}
	f("nothing", "")
	f("LF", one+"\n"+two+"\n", one, two)
	f("CRLF", one+"\r\n"+two+"\r\n", one, two)
	f("NUL", one+"\x00"+two+"\x00", one, two)
	f("LF and NUL", one+"\n\x00"+two+"\n\x00", one, two)
	f("octets", counted(one)+counted(two), one, two)
	f("octets that count an LF", counted(one+"\n")+counted(two+"\n"), one, two)
	f("octets and LF behind them", counted(one)+"\n"+counted(two)+"\n", one, two)
	f("octets over an LF", counted(one+"\n"+three), one+"\n"+three)
	f("mixed", counted(one)+two+"\n"+counted(two)+three+"\r\n"+one+"\x00"+counted(one), one, two, two, three, one, one)
	f("no end at the end", one+"\n"+two, one, two)
	f("PRI only", one+two+one, one, two, one)
	f("PRI out of range", one+"<192>x\n", one+"<192>x")
	f("blank lines", "\n\r\n\x00\n"+one+"\n\n\n", one)
	f("blanks are kept", "  a line  \n", "  a line  ")
	f("no PRI", three+"\n"+three+"\n", three, three)
	f("junk, then good ones", "\xff\xfe<<>>garbage\n"+one+"\n", "\xff\xfe<<>>garbage", one)
	f("digits that are no count", "41679: text\n12 monkeys\n007", "41679: text", "12 monkeys", "007")
	f("a count of nothing", "0 <13>x\n", "0 <13>x")
	f("a count of 2^63", "9223372036854775808 <13>x\n"+one+"\n", "9223372036854775808 <13>x", one)
	f("a count of ten digits", "4294967296 <13>x\n"+one+"\n", "4294967296 <13>x", one)
	f("a count above the limit", "1048577 <13>x\n"+one+"\n", "1048577 <13>x", one)
	f("a counted message cut off", "500 "+one, one)
	f("just as long as allowed", long+"\n"+one+"\n", long, one)
	f("one byte too long", long+"y\n"+one+"\n", long, one)
	f("much too long", one+"\n"+long+long+long+"\n"+two+"\n", one, long, two)
	f("counted and too long", counted("<13>"+long)+counted(one), "<13>"+long[4:], one)
	f("too long, then a PRI", one+long+two, (one + long)[:MaxFrame], two)
	many := slices.Repeat([]string{one, two}, MaxFrame/len(one))
	f("PRI only, more than one buffer", strings.Join(many, ""), many...)
}

// TestSplitterCuts cuts a stream of all framings in two at every byte.
func TestSplitterCuts(t *testing.T) {
	stream := []byte(counted(one) + two + "\r\n" + three + "\x00" + counted(two+"\n") + "\n" + one + "\n\x00" + two)
	want := []string{one, two, three, two, one, two}
	for cut := 1; cut < len(stream); cut++ {
		if got, _ := split(stream, cut, len(stream)); !slices.Equal(got, want) {
			t.Fatalf("cut at %d: %q, want %q", cut, got, want)
		}
	}
}

func TestSplitterCountsOverlong(t *testing.T) {
	long := strings.Repeat("x", 3*MaxFrame)
	_, s := split([]byte(long+"\n"+one+"\n"+counted("<13>"+long)+one+"\n"), 4096)
	if s.Overlong != 2 {
		t.Errorf("%d overlong messages counted, want 2", s.Overlong)
	}
}

// TestSplitterMemory sends what never ends: no line may take more than one message and one read.
func TestSplitterMemory(t *testing.T) {
	for _, endless := range []string{"x", "<", "1", "<187>1: a", "65536 <", "99999 <13>abc", "\n"} {
		s, chunk := new(Splitter), bytes.Repeat([]byte(endless), 10_000/len(endless))
		for range 100 {
			copy(s.Free(len(chunk)), chunk)
			s.Took(len(chunk), func(b []byte) {
				if len(b) > MaxFrame {
					t.Fatalf("%q: a message of %d bytes", endless, len(b))
				}
			})
			if most := 4 * (MaxFrame + 2*len(chunk)); cap(s.buf) > most {
				t.Fatalf("%q: %d bytes held, want at most %d", endless, cap(s.buf), most)
			}
		}
	}
}

// TestSplitterGivesBack says that memory for large reads goes when reads are small again.
func TestSplitterGivesBack(t *testing.T) {
	s := new(Splitter)
	copy(s.Free(mostRead), one+"\n")
	s.Took(len(one)+1, func([]byte) {})
	s.Free(leastRead)
	if cap(s.buf) > 4*leastRead {
		t.Errorf("%d bytes held for reads of %d", cap(s.buf), leastRead)
	}
}

// FuzzSplitter: whatever the sizes of reads, the same messages come out, none of them too long, and nothing but what was sent.
func FuzzSplitter(f *testing.F) {
	for _, s := range []string{counted(one) + two + "\n", one + two, three + "\r\n\x00" + counted(one+"\n"), "9223372036854775808 <13>x", "7 <13>abc8 <13>abcd", "<1><2><3\n"} {
		f.Add([]byte(s), uint16(1), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint16, scale uint8) {
		if scale%4 == 0 && len(stream) > 0 { // the limits lie far out
			stream = bytes.Repeat(stream, 1+2*MaxFrame/len(stream))
		}
		whole, _ := split(stream, len(stream)+1)
		parts, _ := split(stream, int(size)+1, int(scale)+1)
		if !slices.Equal(whole, parts) {
			t.Fatalf("in one read %.300q, in reads of %d and %d %.300q", whole, int(size)+1, int(scale)+1, parts)
		}
		rest := stream
		for _, m := range whole {
			if len(m) == 0 || len(m) > MaxFrame {
				t.Fatalf("a message of %d bytes", len(m))
			}
			i := bytes.Index(rest, []byte(m))
			if i < 0 {
				t.Fatalf("%.100q was not sent, or not in this order", m)
			}
			rest = rest[i+len(m):]
		}
	})
}

func TestEachLine(t *testing.T) {
	starts := func(b []byte) bool { return b[0] == '<' }
	f := func(datagram string, want ...string) {
		t.Helper()
		var got []string
		eachLine([]byte(datagram), starts, func(b []byte) { got = append(got, string(b)) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", datagram, got, want)
		}
	}
	f("")
	f("\r\n\x00")
	f("<1>a", "<1>a")
	f("<1>a\r\n", "<1>a")
	f("<1>a\n\x00", "<1>a")
	f("<1>a\n<2>b\n", "<1>a", "<2>b")
	f("<1>a\nmore\n<2>b", "<1>a\nmore", "<2>b")
	f("\n<1>a", "<1>a")
}

// BenchmarkSplitter cuts lines of 404 bytes out of reads of 256 KiB.
func BenchmarkSplitter(b *testing.B) {
	line := one + strings.Repeat(".", 403-len(one)) + "\n"
	stream := []byte(strings.Repeat(line, mostRead/len(line)))
	s, n := new(Splitter), 0
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if n == 0 {
			copy(s.Free(len(stream)), stream)
			s.Took(len(stream), func([]byte) { n++ })
		}
		n--
	}
}
