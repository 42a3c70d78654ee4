// Package watch judges the fleet: it takes the histories of all devices from the store, lets the pattern room find what
// repeats and the diagnose room name the causes, and keeps the answers, so that a page does not wait for a scan.
//
// The door is Watch.Fleet. survey.go judges a window, judge.go one device, memo.go remembers findings of series that did not
// change.
package watch

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/reasons"
)

// Source is where events come from.
type Source interface {
	// Histories gives the histories of the devices that f asks for, one after the other.
	Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error
	// Known counts the devices of each cluster that are known, whether or not anything happened to them.
	Known(ctx context.Context) (map[string]int, error)
}

const (
	quick   = time.Second      // an answer that takes no longer is made anew whenever something was stored since
	old     = 10 * time.Minute // an answer this old is not shown any more
	steady  = time.Minute      // an answer this old is made anew even if nothing was stored: its window has moved on
	limit   = 2 * time.Minute  // that making an answer may take
	answers = 16               // kept at most
)

// Watch judges fleets.
type Watch struct {
	source    Source
	catalogue *reasons.Catalogue
	version   func() uint64 // grows whenever something is stored
	now       func() time.Time
	memo      memo

	mu      sync.Mutex
	answers map[string]*answer
}

// answer is what was last concluded about a question, and what is being concluded.
type answer struct {
	survey  *diagnose.Survey // nil before the first one
	made    time.Time
	version uint64
	cost    time.Duration
	making  *making
}

// making is a survey under way.
type making struct {
	done   chan struct{}
	survey *diagnose.Survey
	err    error
}

// New makes a Watch. version tells one state of the store from the next.
func New(s Source, c *reasons.Catalogue, version func() uint64, now func() time.Time) *Watch {
	return &Watch{source: s, catalogue: c, version: version, now: now, answers: map[string]*answer{}}
}

// Fleet judges every device that f asks for. Where that takes long, the answer before is given while a new one is made; the window
// of a survey says what it speaks of.
func (w *Watch) Fleet(ctx context.Context, f event.Filter) (*diagnose.Survey, error) {
	survey, m := w.find(f)
	if survey != nil {
		return survey, nil
	}
	select {
	case <-m.done:
		return m.survey, m.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// find gives a survey that is good enough, or one that is being made. It starts what has to be made.
func (w *Watch) find(f event.Filter) (*diagnose.Survey, *making) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, version, k := w.now(), w.version(), w.key(f)
	a := w.answers[k]
	if a == nil {
		w.makeRoom()
		a = &answer{}
		w.answers[k] = a
	}
	age := now.Sub(a.made)
	if a.survey != nil && a.version == version && age < steady {
		return a.survey, nil
	}
	if a.making == nil {
		a.making = &making{done: make(chan struct{})}
		go w.make(f, a, version)
	}
	if a.survey != nil && a.cost > quick && age < old {
		return a.survey, nil
	}
	return nil, a.making
}

// make makes a survey; nobody's impatience ends it.
func (w *Watch) make(f event.Filter, a *answer, version uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	m, began := a.making, w.now()
	m.survey, m.err = w.survey(ctx, f)
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.making = nil; m.err == nil {
		a.survey, a.made, a.version, a.cost = m.survey, began, version, w.now().Sub(began)
	}
	close(m.done)
}

// key tells questions apart. Windows of one length that end now are the same question.
func (w *Watch) key(f event.Filter) string {
	window := f.From.String() + f.To.String()
	if ends := w.now().Sub(f.To); ends >= 0 && ends < steady {
		window = f.Length().Round(time.Minute).String()
	}
	reason := ""
	if f.Reason != nil {
		reason = fmt.Sprint(*f.Reason)
	}
	return strings.Join([]string{window, f.Cluster, f.Node, f.Device, f.Protocol, f.Alarm, reason}, "\x00")
}

// makeRoom forgets answers that are old, and all of them where there are too many.
func (w *Watch) makeRoom() {
	now := w.now()
	maps.DeleteFunc(w.answers, func(_ string, a *answer) bool { return a.making == nil && now.Sub(a.made) > old })
	if len(w.answers) >= answers {
		maps.DeleteFunc(w.answers, func(_ string, a *answer) bool { return a.making == nil })
	}
}
