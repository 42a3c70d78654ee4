package watch

import (
	"encoding/binary"
	"sync"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"

	"github.com/zeebo/xxh3"
)

// memo remembers the findings of series, so that a device is tested again only when its events have changed. It is bounded.
type memo struct {
	mu    sync.Mutex
	found map[series128][]pattern.Finding
}

// series128 is the XXH3-128 hash of a series with the name of its device and the length of the window.
type series128 = xxh3.Uint128

const remembered = 200_000 // series

// find gives the findings of a series.
func (m *memo) find(finder *pattern.Finder, s times, h event.History, w event.Window) []pattern.Finding {
	key := s.hash(h, w)
	m.mu.Lock()
	found, ok := m.found[key]
	m.mu.Unlock()
	if ok {
		return found
	}
	found = finder.Find(pattern.Input{Times: s.times, Window: w}).Findings
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.found == nil || len(m.found) >= remembered {
		m.found = map[series128][]pattern.Finding{}
	}
	m.found[key] = found
	return found
}

func (s times) hash(h event.History, w event.Window) series128 {
	b := make([]byte, 0, 64+8*len(s.times))
	b = append(b, s.kind)
	b = append(append(append(append(b, h.Cluster...), 0), h.Device...), 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(w.Length().Round(time.Hour)))
	for _, t := range s.times {
		b = binary.LittleEndian.AppendUint64(b, uint64(t))
	}
	return xxh3.Hash128(b)
}
