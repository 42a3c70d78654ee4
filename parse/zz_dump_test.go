package parse

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"flapwatch/event"
)

func TestZZDump(t *testing.T) {
	path := os.Getenv("DUMP")
	if path == "" {
		t.Skip()
	}
	p := New(knownKeys(t))
	f, _ := os.Open(path)
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	n := 0
	for sc.Scan() {
		n++
		var s struct{ Raw, Kind string }
		json.Unmarshal(sc.Bytes(), &s)
		var e event.Event
		st, err := p.Parse(s.Raw, Context{Received: received}, &e)
		fmt.Printf("#%d %s\n   %.200q\n   -> %s err=%v\n", n, s.Kind, s.Raw, st, err)
		g := got(st, &e)
		for k, v := range g {
			if empty(v) || k == "status" || k == "ts_partial" {
				delete(g, k)
			}
		}
		b, _ := json.Marshal(g)
		fmt.Printf("   %s\n   tags=%+v\n", b, e.Tags)
	}
}
