package simulate

import (
	"bytes"
	"testing"
	"time"
)

// Lines are of the same grammar and length as those of a node, each an event of its own.
func TestFlood(t *testing.T) {
	const lines = 50_000
	f := NewFlood(7, monday, time.Millisecond, 1000)
	next := map[string]uint64{"ucm-01": FloodFirst, "ucm-02": 2 * FloodFirst}
	devices, reasons, nodes := map[string]int{}, map[int]int{}, map[string]int{}
	total := 0
	buf := []byte("kept")
	for i := range lines {
		buf = f.Next(buf[:4])
		if !bytes.HasPrefix(buf, []byte("kept")) {
			t.Fatal("what stood in the buffer is gone")
		}
		l := Line{monday.Add(time.Duration(i) * time.Millisecond), []string{"ucm-01", "ucm-02"}[i%2], buf[4:]}
		if i%10 == 0 {
			if err := check(l); err != nil {
				t.Fatal(err)
			}
		}
		s := read(l)
		if s.seq != next[s.node] {
			t.Fatalf("number %d of %s, want %d", s.seq, s.node, next[s.node])
		}
		next[s.node]++
		devices[s.device]++
		reasons[s.reason]++
		nodes[s.node]++
		total += len(s.text)
	}
	if mean := total / lines; mean < 402 || mean > 406 {
		t.Errorf("%d bytes a line", mean)
	}
	if f.Count() != lines || len(devices) != 1000 || len(reasons) != 6 || nodes["ucm-01"] != lines/2 {
		t.Errorf("%d lines, %d devices, %v, %v", f.Count(), len(devices), reasons, nodes)
	}
}

// Truth of the scenario is what an outsider counts.
func TestFloodTruth(t *testing.T) {
	o := aWeek("flood")
	o.Phones = 100
	all, truth := playAll(t, o)
	if len(all) != 10_000 || len(truth.Devices) != 100 {
		t.Fatalf("%d lines of %d devices in ten seconds", len(all), len(truth.Devices))
	}
	counted := map[string]uint64{}
	for _, l := range all {
		counted[l.device]++
	}
	for _, d := range truth.Devices {
		if d.Lines != counted[d.Device] || d.Alarms != int(d.Lines) {
			t.Errorf("counted %d, truth %+v", counted[d.Device], d)
		}
	}
}

func BenchmarkFlood(b *testing.B) {
	f := NewFlood(1, monday, time.Millisecond, 10_000)
	var buf []byte
	b.ReportAllocs()
	b.SetBytes(404)
	for b.Loop() {
		buf = f.Next(buf[:0])
	}
}
