package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

// numberedAt is a message with a number, made so many seconds after noon; of so many parts, where it has any.
type numberedAt struct {
	second float64
	seq    uint32
	parts  int
}

// steady is a process that sends n messages a second apart.
func steady(second float64, seq uint32, n int) (list []numberedAt) {
	for i := range n {
		list = append(list, numberedAt{second: second + float64(i), seq: seq + uint32(i)})
	}
	return list
}

// TestCounters: what is missing of a process's numbers, in how many places, and how often it began anew.
func TestCounters(t *testing.T) {
	s := open(t)
	w := event.Window{From: noon.Add(-time.Hour), To: noon.Add(48 * time.Hour)}
	cases := map[string][3]uint64{}
	var rows []*event.Row
	f := func(node, process string, missing, gaps, restarts uint64, sent ...[]numberedAt) {
		for _, list := range sent {
			for _, m := range list {
				row := sample(len(rows))
				row.Node, row.AppID, row.Seq = node, process, m.seq
				row.Time = noon.Add(time.Duration(m.second * float64(time.Second)))
				row.Received = row.Time
				if m.parts > 0 {
					row.Part = fmt.Sprintf("%d.1/%d", m.seq, m.parts)
				}
				if process == "" {
					row.Facility = "UC_" + node
				}
				row.Identify(event.Alarm, "")
				rows = append(rows, row)
			}
		}
		cases[node+" "+process] = [3]uint64{missing, gaps, restarts}
	}
	const end = 4_294_967_295
	f("whole", "a", 0, 0, 0, steady(0, 7, 50))
	f("whole", "b", 0, 0, 0, steady(0.5, 1_000_000, 50)) // another process of the node has its own
	f("one gap", "a", 4, 1, 0, steady(0, 10, 5), steady(5, 19, 5))
	f("two gaps", "a", 7, 2, 0, steady(0, 10, 5), steady(5, 19, 5), steady(10, 27, 1))
	f("restart", "a", 0, 0, 1, steady(0, 41_000, 5), steady(60, 0, 5))
	f("restarts soon", "a", 0, 0, 3, steady(0, 0, 3), steady(20, 0, 3), steady(40, 0, 4), steady(60, 1, 2))
	f("restart and gap", "a", 3+2, 2, 1, steady(0, 500, 2), steady(2, 505, 2), steady(90, 0, 2), steady(92, 4, 2))
	f("overtaken in a second", "a", 0, 0, 0, []numberedAt{{0.1, 5, 0}, {0.9, 6, 0}, {0.2, 8, 0}, {0.3, 7, 0}})
	f("overtaken over the edge", "a", 0, 0, 0, []numberedAt{{0.9, 5, 0}, {0.95, 7, 0}, {1.05, 6, 0}, {1.1, 8, 0}})
	f("overtaken and a gap", "a", 2, 1, 0, []numberedAt{{0.9, 5, 0}, {0.95, 7, 0}, {1.05, 6, 0}, {1.1, 8, 0}, {3, 11, 0}})
	f("wrap", "a", 0, 0, 0, steady(0, end-2, 3), steady(3, 0, 4))
	f("wrap with a gap", "a", 3, 1, 0, steady(0, end-4, 3), steady(3, 1, 4))
	f("parts", "a", 0, 0, 0, []numberedAt{{0, 16, 3}, {1, 19, 0}, {2, 20, 2}, {3, 22, 0}})
	f("parts and a gap", "a", 1, 1, 0, []numberedAt{{0, 16, 3}, {1, 20, 0}})
	f("elsewhere", "a", 0, 0, 1, steady(0, 16, 3), steady(3, 2_000_000_000, 3)) // nobody sends as much in a second
	f("quiet for a day", "a", 0, 0, 0, steady(0, 16, 3), steady(86_400, 19, 3))
	f("gap at midnight", "a", 4, 1, 0, steady(43_197, 10, 3), steady(43_200, 17, 3))
	f("restart at midnight", "a", 0, 0, 1, steady(43_197, 10, 3), steady(43_230, 0, 3))
	f("wrap at midnight", "a", 2, 1, 0, steady(43_197, end-2, 3), steady(43_200, 2, 3))
	f("overtaken at midnight", "a", 0, 0, 0, []numberedAt{{43_199.9, 5, 0}, {43_199.95, 7, 0}, {43_200.05, 6, 0}, {43_200.1, 8, 0}})
	f("sent again by another node", "a", 0, 0, 0, steady(0, 16, 3), []numberedAt{{2.5, 18, 0}}, steady(3, 19, 2))
	f("nameless", "", 0, 0, 0, steady(0, 16, 3))
	commit(t, s, "q", 0, uint64(len(rows)), rows, event.Counts{Received: uint64(len(rows)), Stored: uint64(len(rows))})
	senders, err := s.Sources(context.Background(), event.Filter{Window: w})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][3]uint64{}
	for _, o := range senders.List {
		for _, c := range o.Counters {
			name := o.Node + " " + c.AppID
			if c.AppID == "UC_"+o.Node {
				name = o.Node + " "
			}
			got[name] = [3]uint64{c.Missing, c.Gaps, c.Restarts}
		}
	}
	for name, want := range cases {
		if got[name] != want {
			t.Errorf("%s: missing, gaps and restarts are %v, want %v", name, got[name], want)
		}
	}
	if len(got) != len(cases) {
		t.Errorf("%d counters, want %d: %v", len(got), len(cases), got)
	}
}

// TestManySources has somebody send under more names than the answer has room for: who sends more is among them.
func TestManySources(t *testing.T) {
	s := open(t)
	rows := samples(0, mostSources+10)
	for i, row := range rows {
		row.Source, row.Node = "10.0.0.1", fmt.Sprintf("n%05d", i)
		if i%5000 == 17 || i > mostSources+7 {
			row.Source, row.Node = "10.0.0.2", "cucm"
		}
		row.Identify(event.Alarm, "")
	}
	commit(t, s, "q", 0, uint64(len(rows)), rows, event.Counts{Stored: uint64(len(rows))})
	senders, err := s.Sources(context.Background(), event.Filter{Window: event.Window{From: noon, To: noon.Add(24 * time.Hour)}})
	list := senders.List
	if err != nil || len(list) != mostSources || senders.Others != 10-4+1 || senders.Uncounted != 0 {
		t.Fatalf("%d sources and %d others, %v", len(list), senders.Others, err)
	}
	if last := list[len(list)-1]; last.Source != "10.0.0.2" || last.Messages != 4 {
		t.Errorf("the last is %+v", last)
	}
	if !slices.IsSortedFunc(list, func(a, b event.Source) int { return strings.Compare(a.Source+"/"+a.Node, b.Source+"/"+b.Node) }) {
		t.Error("not in order")
	}
}

// TestManyCounters has more processes count their messages than are followed: how many others there are is told.
func TestManyCounters(t *testing.T) {
	s := open(t)
	rows := make([]*event.Row, mostCounters+3)
	for i := range rows {
		rows[i] = sample(i % 100)
		rows[i].AppID = fmt.Sprintf("p%06d", i)
		rows[i].Identify(event.Alarm, "")
	}
	commit(t, s, "q", 0, uint64(len(rows)), rows, event.Counts{Stored: uint64(len(rows))})
	senders, err := s.Sources(t.Context(), event.Filter{Window: event.Window{From: noon, To: noon.Add(24 * time.Hour)}})
	if err != nil || len(senders.List) != 1 || len(senders.List[0].Counters) != mostCounters || senders.Uncounted != 3 {
		t.Fatalf("%d sources, %d counters not followed, %v", len(senders.List), senders.Uncounted, err)
	}
}
