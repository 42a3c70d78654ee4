package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"
)

// labelled is one series of the corpus.
type labelled struct {
	ID     string
	Class  string
	Label  int   // 1 pattern, 0 none, -1 not scored
	Res    int64 `json:"res_ms"`
	Window [2]int64
	Times  []int64
	Truth  struct {
		Periods []float64 `json:"periods_s"`
		Jitter  float64
		Missing float64
		Noise   float64
		Drift   float64
		True    int `json:"n_true"`
		Cycles  int
		Segment [2]int64 `json:"seg_ms"`
		Kind    string
		Note    string
	}
}

func (l labelled) input() pattern.Input {
	return pattern.Input{
		Times: l.Times, Resolution: time.Duration(l.Res) * time.Millisecond,
		Window: event.Window{From: time.UnixMilli(l.Window[0]), To: time.UnixMilli(l.Window[1])},
	}
}

// half puts a series into one of two halves of the corpus.
func (l labelled) half() int {
	h := fnv.New32a()
	h.Write([]byte(l.ID))
	return int(h.Sum32()>>7) & 1
}

func readCorpus(s settings) ([]labelled, error) {
	file, err := os.Open(s.corpus)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []labelled
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		var l labelled
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if (s.class == "" || s.class == l.Class) && (s.half < 0 || s.half == l.half()) {
			all = append(all, l)
		}
	}
	return all, lines.Err()
}
