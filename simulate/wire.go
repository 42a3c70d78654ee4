package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// clusterID is the cluster that is played.
const clusterID = "Campus"

// source is one process of one node, which numbers its own messages.
type source struct {
	node, host, process string
	first, seq          uint32
	lines, lost         uint64
}

// Nodes of the cluster. Example domain of RFC 2606.
var nodeNames = [...]string{"ucm-01", "ucm-02"}

const domain = ".voice.example.net"

// newSource begins to count somewhere, as a process does that has run for a while.
func newSource(node, process string, rng *rand.Rand) *source {
	first := 10_000 + rng.Uint32N(90_000)
	return &source{node: node, host: node + domain, process: process, first: first, seq: first}
}

func (s *source) truth() SourceTruth {
	return SourceTruth{Node: s.node, Process: s.process, First: s.first, Lines: s.lines, Lost: s.lost}
}

// wire numbers messages, loses some, and hands on the others. What is below the level is not sent
// at all and gets no number.
type wire struct {
	ctx         context.Context
	emit        func(Line) error
	from        time.Time
	loss        float64
	rng         *rand.Rand
	severity    int // the highest that is sent
	stamp       stamp
	buf         []byte
	lines, lost uint64
	nobody      tally // of messages about no device
}

func newWire(ctx context.Context, o Options, emit func(Line) error) *wire {
	w := &wire{ctx: ctx, emit: emit, from: o.From.Truncate(time.Millisecond), loss: o.Loss, rng: stream(o.Seed, 0), severity: 6}
	if o.Level == Error {
		w.severity = 3
	}
	return w
}

// send sends m, as one of the messages about p where p is not nil.
func (w *wire) send(m message, p *phone) error {
	severity := m.severity()
	if severity > w.severity {
		return nil
	}
	about := &w.nobody
	if p != nil {
		about = &p.tally
	}
	seq := m.source.seq
	m.source.seq++
	if w.loses(m.source, about) {
		return nil
	}
	at := w.from.Add(m.at)
	w.buf = m.append(w.buf[:0], seq, severity, at, &w.stamp)
	return w.pass(at, m.source, about)
}

// loses decides whether the next message is lost on the way, and counts it if so.
func (w *wire) loses(s *source, about *tally) bool {
	if w.loss <= 0 || w.rng.Float64() >= w.loss {
		return false
	}
	w.lost++
	s.lost++
	about.lost++
	return true
}

// pass hands on what is in buf, and counts it.
func (w *wire) pass(at time.Time, s *source, about *tally) error {
	w.lines++
	s.lines++
	about.lines++
	if err := w.emit(Line{At: at, Node: s.node, Raw: w.buf}); err != nil {
		return fmt.Errorf("emit line %d: %w", w.lines, err)
	}
	return nil
}
