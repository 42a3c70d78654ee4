package pattern

import (
	"fmt"
	"strings"
	"testing"
)

// sixteenMinutes is the cycle of the Cisco note (TAC 200410, second case) in n turns: 963 s on the primary, 5 s on the way,
// 120 s on the secondary, 2 s home; 1090 s from alarm to alarm.
func sixteenMinutes(n int) string {
	var b strings.Builder
	for i := range n {
		t := i * 1090
		fmt.Fprintf(&b, "A+%d A-%d:13 B+%d B-%d:28e ", t, t+963, t+968, t+1088)
	}
	return b.String()
}

func TestFailovers(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"none", "A+0 A-963:13 A+970", ""},
		{"there and back", "A+0 A-963:13 B+968 B-1088:28e A+1090", "A>B 963 968 1090 registered 963 return 122"},
		{"secondary before the timer ran out", "A+0 B+955 A-963:13 B-1075:10e A+1077", "A>B 963 955 1077 registered 963 return 122"},
		{"not yet back", "A+0 A-963:13 B+968", "A>B 963 968 0 registered 963 return -"},
		{"no end of the secondary seen", "A+0 A-963:13 B+968 A+1090", "A>B 963 968 1090 registered 963 return 122"},
		{"no end of the primary seen", "A+0 B+968 B-1088:28e A+1090", "A>B 968 968 1090 registered 968 return 122"},
		{"beginning before the window", "A-963:13 B+968 B-1088:28e A+1090", "A>B 963 968 1090 registered - return 122"},
		{"an hour later is no fail-over", "A+0 A-963:13 B+4563 B-5000:13", ""},
		{"the sign of going home beats the longer time", "B+0 B-600:28e A+602 A-700:13 B+702 B-1500:28e A+1502 A-1600:13 B+1602",
			"A>B 700 702 1502 registered 98 return 800; A>B 1600 1602 0 registered 98 return -"},
		{"three nodes", "A+0 A-963:13 B+968 B-1088:28e A+1090 A-1900:6 C+1905 C-2030:28e A+2031",
			"A>B 963 968 1090 registered 963 return 122; A>C 1900 1905 2031 registered 810 return 126"},
	} {
		var got []string
		for _, f := range Failovers(Sessions(story(c.in), until(9000))) {
			got = append(got, fmt.Sprintf("%s>%s %g %g %g registered %s return %s", f.Primary, f.Secondary, seconds(f.Down), seconds(f.SecondaryUp),
				seconds(f.ReturnUp), optional("%g", f.RegisteredSeconds), optional("%g", f.ReturnSeconds)))
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestSummarize(t *testing.T) {
	if s := Summarize(nil); s != nil {
		t.Errorf("a summary of nothing: %+v", s)
	}
	s := Summarize(Failovers(Sessions(story(sixteenMinutes(40)), until(40*1090))))
	got := fmt.Sprint(s.Primary, s.Node, s.Count, s.Returns, optional(" %g", s.ReturnSeconds), optional(" %g", s.RegisteredSeconds))
	if want := "AB40 39 122 963"; got != want { // 963 + 5 + 120 + 2 = 1090; 120 + 2 = 122
		t.Errorf("got %s, want %s", got, want)
	}
}
