package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"flapwatch/event"
	"flapwatch/reasons"
	"flapwatch/spool"

	"github.com/prometheus/client_golang/prometheus"
)

// ledger is a sink that keeps what is committed in memory, as the store does in ClickHouse, and holds its caller to the order of the steps.
type ledger struct {
	mu      sync.Mutex
	ranges  []event.Range
	seqs    map[uint32]int // how often an alarm was committed, by sequence number
	counts  event.Counts
	drops   map[string]uint64
	decided uint64              // end of the last range that is
	written map[uint64]bool     // ranges that are, by their first frame
	refuse  func(try step) bool // whether a step fails; called with mu held
	wrong   []string            // what the caller did
}

// step is a try to take a range one step further.
type step struct {
	name  string
	first uint64
}

func newLedger() *ledger {
	return &ledger{seqs: map[uint32]int{}, drops: map[string]uint64{}, written: map[uint64]bool{}, refuse: func(step) bool { return false }}
}

func (l *ledger) Begin(_ string, first uint64) Draft { return &draft{ledger: l, first: first} }

func (l *ledger) Committed(_ context.Context, _ string, from uint64) (ranges []event.Range, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.ranges {
		if r.Next > from {
			ranges = append(ranges, r)
		}
	}
	l.decided, l.written = max(from, l.end()), map[uint64]bool{}
	return ranges, nil
}

// end is where the last committed range ends.
func (l *ledger) end() uint64 {
	if len(l.ranges) == 0 {
		return 0
	}
	return l.ranges[len(l.ranges)-1].Next
}

func (l *ledger) RecordDrops(_ context.Context, _, _, reason string, n uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drops[reason] += n
	return nil
}

// draft is one range.
type draft struct {
	*ledger
	first, next uint64
	seqs        []uint32
	counts      event.Counts
	leftover    event.Counts
}

func (d *draft) Add(r *event.Row)                      { d.seqs = append(d.seqs, r.Seq) }
func (d *draft) AddUnparsed(*event.Event, int, string) { d.counts.Unparsed++ }
func (d *draft) AddOther(*event.Event)                 { d.counts.Other++ }
func (d *draft) Import(*event.Counts)                  {}

var errAway = errors.New("away")

// try notes a try; ready says that those before it were in order.
func (d *draft) try(name string, ready bool) error {
	switch {
	case !ready:
		d.wrong = append(d.wrong, fmt.Sprintf("%s of the range from %d", name, d.first))
	case d.refuse(step{name, d.first}):
		return errAway
	}
	return nil
}

func (d *draft) Decide(_ context.Context, next uint64, leftover event.Counts) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.try("decide", d.first == d.decided); err != nil {
		return err
	}
	d.next, d.leftover, d.decided = next, leftover, next
	return nil
}

func (d *draft) Write(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.try("write", d.next > d.first); err != nil {
		return err
	}
	d.written[d.first] = true
	return nil
}

func (d *draft) Mark(context.Context) (event.Counts, error) {
	l := d.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := d.try("mark", d.written[d.first] && (len(l.ranges) == 0 || d.first == l.end())); err != nil {
		return event.Counts{}, err
	}
	c := d.counts
	c.Stored += uint64(len(d.seqs)) + d.leftover.Stored
	c.Duplicate, c.Dropped = d.leftover.Duplicate, d.leftover.Dropped
	for _, s := range d.seqs {
		l.seqs[s]++
	}
	l.ranges = append(l.ranges, event.Range{First: d.first, Next: d.next})
	l.counts.Stored += c.Stored
	l.counts.Unparsed += c.Unparsed
	l.counts.Other += c.Other
	l.counts.Duplicate += c.Duplicate
	l.counts.Dropped += c.Dropped
	return c, nil
}

func openSpool(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// add appends alarms with the sequence numbers from ≤ n < to, some of them to a record.
func add(t *testing.T, s *spool.Spool, from, to int) {
	t.Helper()
	for chunk := range slices.Chunk(slices.Collect(numbers(from, to)), 50) {
		var b spool.Batch
		for _, n := range chunk {
			b.Add(int64(n)*1e6, "10.0.0.1", []byte(alarm(n)))
		}
		if _, err := s.Append(&b); err != nil {
			t.Fatal(err)
		}
	}
}

func numbers(from, to int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for n := from; n < to && yield(n); n++ {
		}
	}
}

func alarm(n int) string {
	return fmt.Sprintf("<187>%d: ucm-01: Jul 02 2015 06:22:31.123 UTC :  %%UC_CALLMANAGER-3-EndPointUnregistered: %%[DeviceName=SEP%012X][Reason=13][ClusterID=c][NodeID=ucm-01]: gone", n, n)
}

// work runs a pipeline over a spool until all is acknowledged, or until the ledger says stop.
func work(t *testing.T, s *spool.Spool, l *ledger, stop func() bool) *Metrics {
	t.Helper()
	catalogue, err := reasons.New()
	if err != nil {
		t.Fatal(err)
	}
	m := NewMetrics(prometheus.NewRegistry())
	p := NewPipeline(Options{
		Spool: s, Sink: l, Keys: catalogue.Keys(), Words: Words{catalogue}, Frames: 200, Age: time.Microsecond,
		Lost: func() map[string]uint64 { return nil }, Log: slog.New(slog.DiscardHandler), Metrics: m, Now: time.Now,
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for ctx.Err() == nil && !stop() {
		time.Sleep(time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Fatalf("it does not come to an end: %+v", s.Stats())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(l.wrong) > 0 {
		t.Errorf("out of order: %q", l.wrong)
	}
	return m
}

func drained(s *spool.Spool) func() bool {
	return func() bool { st := s.Stats(); return st.Acked == st.Appended }
}

// once checks that each alarm from ≤ n < to was committed once, and nothing else.
func (l *ledger) once(t *testing.T, from, to int) {
	t.Helper()
	want := map[uint32]int{}
	for n := range numbers(from, to) {
		want[uint32(n)] = 1
	}
	if !maps.Equal(l.seqs, want) {
		t.Errorf("%d alarms committed, want each of %d once", len(l.seqs), len(want))
	}
}

func TestPipeline(t *testing.T) {
	s, l := openSpool(t, t.TempDir()), newLedger()
	add(t, s, 0, 5000)
	var b spool.Batch
	b.Add(1, "10.0.0.1", []byte("<187>cut %UC_"))
	if _, err := s.Append(&b); err != nil {
		t.Fatal(err)
	}
	work(t, s, l, drained(s))
	l.once(t, 0, 5000)
	if c := l.counts; c.Stored != 5000 || c.Stored+c.Unparsed+c.Other != 5001 || c.Dropped != 0 {
		t.Errorf("counts %+v", c)
	}
	for i, r := range l.ranges {
		if i > 0 && r.First != l.ranges[i-1].Next {
			t.Errorf("range %+v follows %+v", r, l.ranges[i-1])
		}
	}
}

// TestPipelineFillsRanges: what lies ready is not cut into small ranges because understanding it takes longer than a range waits, nor into
// larger ones than there may be.
func TestPipelineFillsRanges(t *testing.T) {
	s, l := openSpool(t, t.TempDir()), newLedger()
	add(t, s, 0, 30)
	add(t, s, 30, 4980)
	work(t, s, l, drained(s))
	for _, r := range l.ranges {
		if n := r.Next - r.First; n <= 150 || n > 200 {
			t.Errorf("a range of %d messages while thousands waited in records of 50", n)
		}
	}
}

// TestPipelineTriesAgain: a sink that is away, at whatever step, holds everything up, loses nothing and gets nothing twice.
func TestPipelineTriesAgain(t *testing.T) {
	for _, name := range []string{"decide", "write", "mark"} {
		s, l := openSpool(t, t.TempDir()), newLedger()
		fail := 3
		l.refuse = func(try step) bool {
			if try.name != name || fail == 0 {
				return false
			}
			fail--
			return true
		}
		add(t, s, 0, 1000)
		work(t, s, l, drained(s))
		l.once(t, 0, 1000)
		if fail > 0 {
			t.Errorf("%s was not tried", name)
		}
	}
}

// TestPipelineOverlaps: a range is written while the one before it cannot be, or cannot be committed, and is committed behind it. At no
// time is one acknowledged that is not committed.
func TestPipelineOverlaps(t *testing.T) {
	for _, name := range []string{"write", "mark"} {
		s, l := openSpool(t, t.TempDir()), newLedger()
		tries := 0
		l.refuse = func(try step) bool {
			if acked := s.Stats().Acked; acked > l.end() {
				t.Errorf("acknowledged up to %d, committed up to %d", acked, l.end())
			}
			if try != (step{name, 200}) {
				return false
			}
			tries++
			return !l.written[400] || tries < 3
		}
		add(t, s, 0, 1000)
		work(t, s, l, drained(s))
		l.once(t, 0, 1000)
	}
}

// TestPipelineResumes starts on a spool whose last ranges are committed and were not acknowledged, as after a kill.
func TestPipelineResumes(t *testing.T) {
	dir, l := t.TempDir(), newLedger()
	s := openSpool(t, dir)
	add(t, s, 0, 1000)
	l.ranges = []event.Range{{First: 0, Next: 200}, {First: 200, Next: 450}}
	work(t, s, l, drained(s))
	l.once(t, 450, 1000)
}

// TestPipelineRestarts stops and starts the pipeline again and again under load.
func TestPipelineRestarts(t *testing.T) {
	s, l := openSpool(t, t.TempDir()), newLedger()
	for turn := range 10 {
		add(t, s, turn*1000, turn*1000+1000)
		before := s.Stats().Acked
		work(t, s, l, func() bool { return s.Stats().Acked > before })
	}
	work(t, s, l, drained(s))
	l.once(t, 0, 10_000)
}

// TestPipelineCountsDamage flips a bit of a record: its messages are counted as dropped, and the ranges have no gap.
func TestPipelineCountsDamage(t *testing.T) {
	dir, l := t.TempDir(), newLedger()
	s := openSpool(t, dir)
	add(t, s, 0, 1000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%020d.seg", 0))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openSpool(t, dir)
	work(t, s, l, drained(s))
	if c := l.counts; c.Stored != 950 || c.Dropped != 50 {
		t.Errorf("counts %+v, want 950 stored and 50 dropped", c)
	}
}

// addPart appends the first or the second part of one message in two parts.
func addPart(t *testing.T, s *spool.Spool, n int, received time.Time) {
	t.Helper()
	var b spool.Batch
	b.Add(received.UnixNano(), "10.0.0.1", fmt.Appendf(nil, "<187>%d: ucm-01: Jul 02 2015 06:22:31.123 UTC :  %%UC_CALLMANAGER-3-EndPointUnregistered: %%[DeviceName=SEP1][Reason=13][AppID=a][ClusterID=c][NodeID=ucm-01][part=7.%d/2]: gone", 6+n, n))
	if _, err := s.Append(&b); err != nil {
		t.Fatal(err)
	}
}

// TestPipelineWaitsForParts: a message in two parts is one, although a range ends between them, and its first part stays in the
// spool until the second has come.
func TestPipelineWaitsForParts(t *testing.T) {
	s, l := openSpool(t, t.TempDir()), newLedger()
	now := time.Now()
	addPart(t, s, 1, now)
	work(t, s, l, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.ranges) > 0 })
	if a := s.Stats().Acked; a != 0 {
		t.Fatalf("acknowledged up to %d while a part is missing", a)
	}
	addPart(t, s, 2, now)
	work(t, s, l, drained(s))
	if len(l.seqs) != 1 {
		t.Errorf("%d messages made of two parts: %v", len(l.seqs), l.seqs)
	}
}

// TestPipelineHoldsParts: a part stays in the spool until the message that it is in is committed, also when that is put together before
// the range of the part is committed.
func TestPipelineHoldsParts(t *testing.T) {
	s, l := openSpool(t, t.TempDir()), newLedger()
	now := time.Now()
	addPart(t, s, 1, now)
	add(t, s, 0, 199)
	addPart(t, s, 2, now)
	add(t, s, 199, 398)
	checked := false
	l.refuse = func(try step) bool {
		if try == (step{"mark", 0}) {
			return !l.written[200] // with the message
		}
		if acked := s.Stats().Acked; try == (step{"mark", 200}) {
			checked = true
			if acked > 0 {
				t.Errorf("acknowledged up to %d", acked)
			}
		}
		return false
	}
	work(t, s, l, drained(s))
	if c := l.counts; !checked || c.Stored != 399 { // the ledger does not count parts
		t.Errorf("counts %+v, seen: %v", c, checked)
	}
}

// TestPipelineEndsTheWait: where nothing comes behind a part, a mark of the pipeline's own ends the wait, and the part counts once.
func TestPipelineEndsTheWait(t *testing.T) {
	s, l := openSpool(t, t.TempDir()), newLedger()
	addPart(t, s, 1, time.Now().Add(-time.Hour))
	work(t, s, l, func() bool { return s.Stats().Appended == 2 && drained(s)() })
	if c := l.counts; c.Stored != 1 || c.Other != 1 || c.Unparsed != 0 || len(l.seqs) != 1 {
		t.Errorf("counts %+v of %v, want the part and the mark", c, l.seqs)
	}
}
