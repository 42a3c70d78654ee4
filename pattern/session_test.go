package pattern

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flapwatch/event"
)

// story reads "A+0 A-963:13 B+965 B-1085:28e": node, beginning (+) or end (-), second, reason and an e for expected.
func story(text string) event.History {
	h := event.History{Cluster: "c", Device: "SEP000000000001"}
	for _, word := range strings.Fields(text) {
		i := strings.IndexAny(word, "+-")
		c := event.Change{Node: word[:i], Role: event.Up}
		when, reason, has := strings.Cut(word[i+1:], ":")
		if word[i] == '-' {
			c.Role = event.Down
		}
		if has {
			n, expected := strings.CutSuffix(reason, "e")
			r, err := strconv.ParseUint(n, 10, 32)
			if err != nil {
				panic(err)
			}
			c.Reason, c.HasReason, c.Expected = uint32(r), true, expected
		}
		s, err := strconv.ParseFloat(when, 64)
		if err != nil {
			panic(err)
		}
		c.At = int64(s * 1000)
		h.Changes = append(h.Changes, c)
	}
	return h
}

// until is the window from second 0 on.
func until(s int64) event.Window {
	return event.Window{From: time.UnixMilli(0), To: time.UnixMilli(s * 1000)}
}

// told prints sessions as "A 0..963 13"; a question mark follows an open side.
func told(sessions []Session) string {
	var words []string
	for _, s := range sessions {
		w := fmt.Sprintf("%s %g%s..%g%s", s.Node, seconds(s.From), mark(s.OpenStart), seconds(s.Until), mark(s.OpenEnd))
		if s.HasEndReason {
			w += fmt.Sprintf(" %d", s.EndReason)
		}
		words = append(words, w)
	}
	return strings.Join(words, "; ")
}

func mark(open bool) string {
	if open {
		return "?"
	}
	return ""
}

func TestSessions(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"one stay", "A+10 A-973:13", "A 10..973 13"},
		{"still there", "A+10", "A 10..2000?"},
		{"there before", "A-100:13", "A 0?..100 13"},
		{"twice", "A+10 A-973:13 A+1000 A-1963:13", "A 10..973 13; A 1000..1963 13"},
		{"fail-over and home", "A+0 A-963:13 B+965 B-1085:28e A+1086", "A 0..963 13; B 965..1085 28; A 1086..2000?"},
		{"next node first", "A+0 B+950 A-963:13 B-1070:28e A+1071", "A 0..963 13; B 950..1070 28; A 1071..2000?"},
		{"end lost", "A+0 A+1000 A-1500:13", "A 0..1000?; A 1000..1500 13"},
		{"end lost, next node tells", "A+0 B+700 B-820:28e A+822", "A 0..700?; B 700..820 28; A 822..2000?"},
		{"beginning lost", "A+0 A-500:13 A-1500:13", "A 0..500 13; A 500?..1500 13"},
		{"beginning lost, other node tells", "A+0 A-100:13 B+110 B-230:28e A-1500:13", "A 0..100 13; B 110..230 28; A 230?..1500 13"},
		{"both messages between two ends lost", "A+0 B+700 A-1500:13", "A 0..700?; A 700?..1500 13; B 700..2000?"},
		{"slow timer is no lost beginning", "B+895 A-900:13", "A 0?..900 13; B 895..2000?"},
		{"only ends", "A-100:13 A-200:13 A-300:13", "A 0?..100 13; A 100?..200 13; A 200?..300 13"},
		{"copies", "A+10 A+11 A-973:13 A-973:13 A-975:13", "A 10..973 13"},
		{"ends overtaken by beginnings", "A+10 A+970 A-971:13 A-1900:13", "A 10..970 13; A 971..1900 13"},
		{"beginning overtaken by end", "A+0 A-100 A-500:13 A+501 A+900", "A 0..100; A 500..501 13; A 900..2000?"},
		{"in order as they came", "A+0 A-100 A-500:13 A+501 A-900:6", "A 0..100; A 100?..500 13; A 501..900 6"},
		{"outside the window", "A+-50 A+10 A-2000:13", "A 10..2000?"},
	} {
		if got := told(Sessions(story(c.in), until(2000))); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.in, got, c.want)
		}
	}
}

func TestSessionsOtherRoles(t *testing.T) {
	h := event.History{Changes: []event.Change{{At: 1, Role: event.Attempt}, {At: 2, Role: event.Action}, {At: 3, Role: event.Node}, {At: 4}}}
	if got := Sessions(h, event.Window{}); len(got) != 0 {
		t.Errorf("sessions out of messages that are neither beginning nor end: %s", told(got))
	}
}

func TestSessionsCopyWithSignal(t *testing.T) {
	h := story("A+0 A-963:2 A-963.5:13")
	h.Changes[2].Signal = "SIPStationDPrimaryLineTimeout"
	got := Sessions(h, until(2000))
	if len(got) != 1 || got[0].Until != 963_000 || got[0].EndReason != 13 || got[0].EndSignal == "" {
		t.Errorf("the copy that knows the signal should speak for both, at the first one's time: %+v", got)
	}
}

func TestZeroWindow(t *testing.T) {
	h := story("A-100:13 A+110 A-200:13 A+230")
	if got, want := told(Sessions(h, event.Window{})), "A 100?..100 13; A 110..200 13; A 230..230?"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMeasure(t *testing.T) {
	for _, c := range []struct {
		in                       string
		registered, out, unknown float64
		median, outage           string
		availability             string
	}{
		{"", 0, 0, 2000, "-", "-", "-"},
		{"A+100 A-1000:13 A+1100", 900 + 900, 100, 100, "900", "100", "0.947"}, // 1800/1900
		{"A-1000:13 A+1100", 1000 + 900, 100, 0, "-", "100", "0.950"},
		{"A-1000:13", 0, 0, 2000, "-", "-", "-"},                                 // only ends
		{"A+0 A-500:13", 500, 1500, 0, "500", "-", "0.250"},                      // gone for good
		{"A+0 A-500:13 A-1500:13", 500, 500, 1000, "500", "-", "0.500"},          // 500..1500 unknown
		{"A+0 A-100:13 A+110 A-310:9e A+350", 1950, 50, 0, "100", "25", "0.975"}, // the reset at 310 was meant
		{"A+0 B+950 A-963:13 B-1070:28e A+1075", 1070 + 925, 5, 0, "963", "5", "0.998"},
	} {
		w := until(2000)
		p := Measure(Sessions(story(c.in), w), w)
		got := fmt.Sprint(p.Registered, p.Out, p.Unknown, optional("%g", p.MedianRegistered), optional("%g", p.MedianOutage), optional("%.3f", p.Availability()))
		want := fmt.Sprint(c.registered, c.out, c.unknown, c.median, c.outage, c.availability)
		if got != want {
			t.Errorf("%q: got %s, want %s", c.in, got, want)
		}
	}
}

func optional(format string, v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

func TestGaps(t *testing.T) {
	w := until(2000)
	got := Gaps(Sessions(story("A+0 A-963:13 A+1000 A-1500:13"), w), w)
	want := []Gap{{From: 963_000, Until: 1_000_000}, {From: 1_500_000, Until: 2_000_000, OpenEnd: true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// anyHistory is messages of up to three nodes, some of them lost, repeated or shuffled.
func anyHistory(t *rapid.T) event.History {
	h := event.History{Cluster: "c", Device: "d"}
	for range rapid.IntRange(0, 40).Draw(t, "messages") {
		h.Changes = append(h.Changes, event.Change{
			At:        rapid.Int64Range(-100_000, 2_100_000).Draw(t, "at"),
			Role:      rapid.SampledFrom([]event.Role{event.Down, event.Up, event.Down, event.Up, event.Attempt, event.Action}).Draw(t, "role"),
			Node:      rapid.SampledFrom([]string{"A", "B", ""}).Draw(t, "node"),
			Reason:    rapid.SampledFrom([]uint32{0, 6, 13, 28}).Draw(t, "reason"),
			HasReason: rapid.Bool().Draw(t, "has reason"),
			Expected:  rapid.Bool().Draw(t, "expected"),
			Signal:    rapid.SampledFrom([]string{"", "SIPStationDPrimaryLineTimeout"}).Draw(t, "signal"),
		})
	}
	return h
}

func TestSessionProperties(t *testing.T) {
	w := until(2000)
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t)
		sessions := Sessions(h, w)
		last := map[string]int64{}
		for _, s := range sessions {
			if s.From > s.Until || s.From < 0 || s.Until > 2_000_000 {
				t.Fatalf("session outside the window or backwards: %s", told(sessions))
			}
			if until, ok := last[s.Node]; ok && s.From < until {
				t.Fatalf("sessions of node %q overlap: %s", s.Node, told(sessions))
			}
			last[s.Node] = s.Until
		}
		p := Measure(sessions, w)
		if total := p.Registered + p.Out + p.Unknown; total < 2000-1e-6 || total > 2000+1e-6 {
			t.Fatalf("%g + %g + %g = %g s of 2000", p.Registered, p.Out, p.Unknown, total)
		}
		if a := p.Availability(); a != nil && (*a < 0 || *a > 1) {
			t.Fatalf("availability %g", *a)
		}
		before := slices.Clone(h.Changes)
		rand.Shuffle(len(h.Changes), reflect.Swapper(h.Changes))
		if again := told(Sessions(h, w)); again != told(sessions) {
			t.Fatalf("another order gives other sessions:\n%s\n%s", told(sessions), again)
		}
		if len(before) != len(h.Changes) {
			t.Fatal("changes were modified")
		}
	})
}

// A history without losses comes back as it was made, and losing any single message spoils at most the stays beside it.
func TestSessionsSurviveLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var made []Session
		var h event.History
		now := int64(0)
		for i := range rapid.IntRange(2, 12).Draw(t, "stays") {
			s := Session{Node: string(rune('A' + i%2)), HasEndReason: true, EndReason: 13}
			s.From = now + rapid.Int64Range(10_000, 300_000).Draw(t, "away")
			s.Until = s.From + rapid.Int64Range(140_000, 900_000).Draw(t, "there")
			now = s.Until
			made = append(made, s)
			h.Changes = append(h.Changes, event.Change{At: s.From, Node: s.Node, Role: event.Up},
				event.Change{At: s.Until, Node: s.Node, Role: event.Down, Reason: 13, HasReason: true})
		}
		w := until(now/1000 + 1)
		if got := Sessions(h, w); !slices.Equal(got, made) {
			t.Fatalf("got %s, want %s", told(got), told(made))
		}
		lost := rapid.IntRange(0, len(h.Changes)-1).Draw(t, "lost")
		h.Changes = slices.Delete(h.Changes, lost, lost+1)
		got := Sessions(h, w)
		for i, s := range made {
			if i != lost/2 && !slices.Contains(got, s) {
				t.Fatalf("message %d lost, stay %d is gone: %s", lost, i, told(got))
			}
		}
	})
}

func FuzzSessions(f *testing.F) {
	f.Add([]byte("A\x01\x00\x10B\x02\x20\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h event.History
		at := int64(0)
		for ; len(b) >= 4; b = b[4:] {
			at += int64(int8(b[2]))<<8 + int64(b[3])
			h.Changes = append(h.Changes, event.Change{Node: string(b[:1]), Role: event.Role(b[1] % 6), At: at, Expected: b[1] > 127,
				Reason: uint32(b[3]), HasReason: b[3] > 0})
		}
		for _, w := range []event.Window{{}, until(30)} {
			sessions := Sessions(h, w)
			FlapSessions(sessions, w, FlapOptions{})
			Summarize(Failovers(sessions))
			Outages(slices.Values([]event.History{h, h, h, h, h, h}), w, OutageOptions{})
		}
	})
}
