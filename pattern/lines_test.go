package pattern

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	steady := "[" + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(timer(8, 3600, 1, random(1)))), ","), "[]") + "]"
	in := strings.Join([]string{
		`{"id":"a","times":` + steady + `,"res_ms":1,"window":[1772400000000,1772500000000],"label":"ignored"}`,
		``,
		`{"id":"b","times":[]}`,
		`nonsense`,
		`{"id":7,"times":"soon"}`,
		`{"id":"no times"}`,
		`{"id":"w","times":[1],"window":[2,1]}`,
		`{"id":"r","times":[1],"res_ms":-1}`,
		`  {"times":[1,2,3]}  `,
		`{"id":"s","times":["2026-03-02"]}`,
		`{"id":"n","times":[1,null]}`,
		`{"id":"v","times":[1],"window":[1]}`,
		`{"id":"f","times":[1.5, 2e3 ]}`,
		`[1]`,
	}, "\n")
	var out bytes.Buffer
	err := Lines(context.Background(), strings.NewReader(in), &out, LineOptions{Workers: 3})
	if err == nil || err.Error() != "lines that could not be read: 9" {
		t.Errorf("error %v", err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		`{"id":"a","posterior":`,
		`{"id":"b","posterior":0.5,"patterns":[]}`,
		`{"id":null,"error":"line 4: `,
		`{"id":7,"error":"line 5: `,
		`{"id":"no times","error":"line 6: no \"times\""}`,
		`{"id":"w","error":"line 7: \"window\" ends before it starts"}`,
		`{"id":"r","error":"line 8: \"res_ms\" is -1"}`,
		`{"id":null,"posterior":0.5,"patterns":[]}`,
		`{"id":"s","error":"line 10: a time is a number of Unix milliseconds, not \"2026-03-02\""}`,
		`{"id":"n","error":"line 11: a time is a number of Unix milliseconds, not null"}`,
		`{"id":"v","error":"line 12: \"window\" holds 1 times; it takes where it starts and where it ends"}`,
		`{"id":"f","posterior":0.5,"patterns":[]}`,
		`{"id":null,"error":"line 14: an object is wanted, not array"}`,
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("line %d of %d does not start with %s:\n%s", i+1, len(lines), want, out.String())
		}
	}
	var a struct {
		Patterns []struct {
			Kind     string
			Period   float64     `json:"period_seconds"`
			Low      float64     `json:"period_low_seconds"`
			High     float64     `json:"period_high_seconds"`
			PValue   float64     `json:"p_value"`
			Events   int         `json:"events"`
			First    string      `json:"first"`
			Segments [][2]string `json:"segments"`
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &a); err != nil || len(a.Patterns) != 1 {
		t.Fatalf("%v in %s", err, lines[0])
	}
	p := a.Patterns[0]
	if math.Abs(p.Period-3600) > 2 || p.Low > p.Period || p.High < p.Period || p.PValue > 1e-6 || p.Events != 8 {
		t.Errorf("got %+v", p)
	}
	if p.First != "2026-03-02T00:00:00.000Z" || len(p.Segments) != 1 || p.Segments[0][0] != p.First {
		t.Errorf("first %s, segments %v", p.First, p.Segments)
	}
}

func TestLinesOrder(t *testing.T) {
	var in strings.Builder
	for i := range 300 {
		times, _ := json.Marshal(timer(4+i*7%40, 963, 9, random(uint64(i))))
		fmt.Fprintf(&in, "{\"id\":%d,\"times\":%s}\n", i, times)
	}
	var one, many bytes.Buffer
	for out, workers := range map[*bytes.Buffer]int{&one: 1, &many: 8} {
		if err := Lines(context.Background(), strings.NewReader(in.String()), out, LineOptions{Workers: workers}); err != nil {
			t.Fatal(err)
		}
	}
	if one.String() != many.String() || strings.Count(one.String(), "\n") != 300 {
		t.Error("eight workers answer otherwise than one")
	}
	for i, line := range strings.Split(strings.TrimSpace(one.String()), "\n") {
		if !strings.HasPrefix(line, fmt.Sprintf(`{"id":%d,`, i)) {
			t.Fatalf("line %d is %.40s", i, line)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestLinesStops(t *testing.T) {
	in := strings.Repeat(`{"id":1,"times":[1,2,3]}`+"\n", 1000)
	if err := Lines(context.Background(), strings.NewReader(in), fullDisk{}, LineOptions{}); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Lines(ctx, strings.NewReader(in), &bytes.Buffer{}, LineOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
