package ingest

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"

	"flapwatch/event"
)

// Imports are the imports whose records are on their way to the store. The pipeline tells each what became of its records.
type Imports struct {
	mu      sync.Mutex
	open    map[string]*Import
	decided uint64 // frames below this number are
}

// Import is what was taken in of a file.
type Import struct {
	id       string
	all      *Imports
	accepted uint64
	end      uint64 // frame after its last one, once that is known
	counts   event.Counts
	done     chan struct{} // closed when everything accepted is decided
}

// NewImports makes the list that an Importer and a Pipeline share.
func NewImports() *Imports { return &Imports{open: map[string]*Import{}} }

func (s *Imports) begin() *Import {
	i := &Import{id: strconv.FormatUint(rand.Uint64(), 36), all: s, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[i.id] = i
	return i
}

// none is an import of which nothing was accepted.
func (s *Imports) none() *Import {
	i := s.begin()
	i.close(0, 0)
	return i
}

// Accepted is the number of records that are durable.
func (i *Import) Accepted() uint64 { return i.accepted }

// Wait returns when everything that was accepted is stored, and says what became of it. Dropped is what the spool lost to a
// damaged disk.
func (i *Import) Wait(ctx context.Context) (event.Counts, error) {
	select {
	case <-i.done:
		return i.counts, nil
	case <-ctx.Done():
		return event.Counts{}, ctx.Err()
	}
}

// close says that accepted records are durable and that the last of them comes before frame end.
func (i *Import) close(accepted, end uint64) {
	i.all.mu.Lock()
	defer i.all.mu.Unlock()
	i.accepted, i.end = accepted, max(end, 1)
	i.finish()
}

// forget says that nobody will know how many records were accepted.
func (i *Import) forget() {
	i.all.mu.Lock()
	defer i.all.mu.Unlock()
	delete(i.all.open, i.id)
}

// settle takes in what became of the records of a range. Every frame below decided is.
func (s *Imports) settle(shares map[string]*event.Counts, decided uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decided = max(s.decided, decided)
	for id, c := range shares {
		if i := s.open[id]; i != nil {
			i.counts.Stored += c.Stored
			i.counts.Duplicate += c.Duplicate
			i.counts.Unparsed += c.Unparsed
			i.counts.Other += c.Other
			i.counts.Dropped += c.Dropped
		}
	}
	for _, i := range s.open {
		i.finish()
	}
}

// finish tells who waits, if everything is decided. The caller holds the lock of all.
func (i *Import) finish() {
	if _, open := i.all.open[i.id]; !open || i.end == 0 {
		return
	}
	c := &i.counts
	known := c.Stored + c.Duplicate + c.Unparsed + c.Other + c.Dropped
	if known < i.accepted && i.all.decided < i.end {
		return
	}
	c.Dropped += i.accepted - min(known, i.accepted)
	c.Received = i.accepted
	delete(i.all.open, i.id)
	close(i.done)
}
