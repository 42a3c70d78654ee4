// Package watch judges the fleet: it takes the histories of all devices from the store, lets the pattern room find what
// repeats and the diagnose room name the causes, and keeps the answers, so that a page does not wait for a scan.
//
// The door is Watch.Fleet; Run keeps fresh what is asked for, the last 24 hours always, and Await tells of every new survey of those.
// fleet.go keeps what a question about many devices is answered from, device.go one device of it, survey.go makes the survey,
// judge.go a verdict.
package watch

import (
	"context"
	"fmt"
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
	// HistoriesBetween is Histories for what was committed after one mark and not after another. A device of which only a property
	// was told has no changes. After a mark that is not empty a device may come several times.
	HistoriesBetween(ctx context.Context, f event.Filter, after, upto event.Mark, yield func(event.History) error) error
	// Mark says what is committed now.
	Mark(ctx context.Context) (event.Mark, error)
	// Known counts the devices of each cluster that are known, whether or not anything happened to them.
	Known(ctx context.Context) (map[string]int, error)
	// Began gives the time since when events of each cluster are known, ever.
	Began(ctx context.Context) (map[string]time.Time, error)
}

const (
	standing  = 24 * time.Hour   // the window that is always kept, which is the one that people see first
	small     = 1000             // devices: a fleet of no more is judged while somebody waits for it
	old       = 10 * time.Minute // an answer this old is not shown any more
	steady    = time.Minute      // an answer this old is made anew even if nothing was stored: its window has moved on
	idle      = 15 * time.Minute // a question is kept fresh for so long after it was asked
	share     = 30               // at most a thirtieth of the time goes into keeping an answer fresh, unless it would become old
	questions = 32               // kept at most
	room      = 400 << 20        // bytes, about: what is kept of all questions together
)

// Watch judges fleets.
type Watch struct {
	source    Source
	catalogue *reasons.Catalogue
	version   func() uint64 // grows whenever something is stored
	now       func() time.Time

	mu        sync.Mutex
	questions map[string]*question
	news      chan struct{} // closed at the next survey of the standing window
}

// question is what was last concluded about a question, and what is being concluded.
type question struct {
	fleet    *fleet           // what the next answer is made from; used by the one who makes it
	survey   *diagnose.Survey // nil before the first one
	asked    time.Time
	made     time.Time
	tried    time.Time
	version  uint64
	cost     time.Duration
	patience time.Duration // until the next answer is made
	bytes    int
	making   *making
}

// making is a survey under way.
type making struct {
	done   chan struct{}
	survey *diagnose.Survey
	err    error
}

// New makes a Watch. version tells one state of the store from the next.
func New(s Source, c *reasons.Catalogue, version func() uint64, now func() time.Time) *Watch {
	return &Watch{source: s, catalogue: c, version: version, now: now, questions: map[string]*question{}, news: make(chan struct{})}
}

// Fleet judges every device that f asks for. Of many devices the answer before is given while a new one is made; the window of a
// survey says what it speaks of. One device is judged at once, with its sessions.
func (w *Watch) Fleet(ctx context.Context, f event.Filter) (*diagnose.Survey, error) {
	if f.Device != "" {
		return w.single(ctx, f)
	}
	survey, m := w.find(f, true)
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

// Run keeps fresh what was asked lately, and the last 24 hours, until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for _, f := range w.live() {
			w.find(f, false)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Await gives the survey of the last 24 hours as soon as it is another than last, which may be nil. It needs Run.
func (w *Watch) Await(ctx context.Context, last *diagnose.Survey) (*diagnose.Survey, error) {
	for {
		w.mu.Lock()
		news, s := w.news, last
		if q := w.questions[w.key(w.standing())]; q != nil && q.survey != nil {
			s = q.survey
		}
		w.mu.Unlock()
		if s != last {
			return s, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *Watch) standing() event.Filter {
	now := w.now()
	return event.Filter{Window: event.Window{From: now.Add(-standing), To: now}}
}

// live gives the questions whose window goes on and that somebody asked lately.
func (w *Watch) live() []event.Filter {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	list := []event.Filter{w.standing()}
	for _, q := range w.questions {
		if q.fleet != nil && q.fleet.goesOn && now.Sub(q.asked) < idle && q.fleet.length != standing {
			f := q.fleet.filter
			if f.To = now; !q.fleet.anchored {
				f.From = now.Add(-q.fleet.length)
			}
			list = append(list, f)
		}
	}
	return list
}

// find gives a survey that is good enough, or one that is being made. It starts what has to be made.
func (w *Watch) find(f event.Filter, asked bool) (*diagnose.Survey, *making) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, version, k := w.now(), w.version(), w.key(f)
	q := w.questions[k]
	if q == nil {
		w.makeRoom(now, 0)
		q = &question{fleet: &fleet{watch: w, filter: f, length: f.Length(), goesOn: w.goesOn(f), anchored: anchored(f)}}
		w.questions[k] = q
	}
	if asked || q.asked.IsZero() {
		q.asked = now
	}
	age := now.Sub(q.made)
	if q.survey != nil && q.version == version && (age < steady || !q.fleet.goesOn && !f.To.After(q.made)) {
		return q.survey, nil
	}
	if q.making == nil && (asked && q.cost <= time.Second && q.small() || now.Sub(q.tried) >= max(q.patience, time.Second)) {
		q.making, q.tried = &making{done: make(chan struct{})}, now
		go w.make(f, k, q, version)
	}
	if q.survey != nil && (q.making == nil || !q.small() && age < old) {
		return q.survey, nil
	}
	if q.making == nil { // the last try failed a moment ago
		q.making, q.tried = &making{done: make(chan struct{})}, now
		go w.make(f, k, q, version)
	}
	return nil, q.making
}

// small: somebody who asks waits for the newest answer.
func (q *question) small() bool {
	return q.survey == nil || q.cost <= time.Second && len(q.survey.Verdicts) <= small
}

// make makes a survey; nobody's impatience ends it. It ends, for the source bounds each question: a large fleet on a busy machine takes
// its time.
func (w *Watch) make(f event.Filter, key string, q *question, version uint64) {
	m, began := q.making, w.now()
	m.survey, m.err = q.fleet.answer(context.Background(), f.Window, q.survey)
	w.mu.Lock()
	defer w.mu.Unlock()
	if q.making = nil; m.err == nil {
		q.survey, q.made, q.version, q.bytes, q.cost = m.survey, began, version, q.fleet.bytes(m.survey), w.now().Sub(began)
		if q.patience = min(share*q.cost, old/2); q.fleet.scanned.Equal(f.To) { // the next one costs less
			q.patience = min(q.patience, steady)
		}
		w.makeRoom(began, 1) // no refresh of the standing question drives out the one that somebody looks at
		if key == w.key(w.standing()) {
			close(w.news)
			w.news = make(chan struct{})
		}
	}
	close(m.done)
}

// goesOn says whether a window ends now: one of its length, or of its beginning, that ends later is the same question.
func (w *Watch) goesOn(f event.Filter) bool {
	ends := w.now().Sub(f.To)
	return ends >= 0 && ends < steady
}

// anchored says whether a window that goes on begins at a fixed time, as a day or a week does on the full minute, rather than some
// whole minutes before now.
func anchored(f event.Filter) bool {
	return f.From.Equal(f.From.Truncate(time.Minute)) && f.Length()%time.Minute != 0
}

// key tells questions apart.
func (w *Watch) key(f event.Filter) string {
	window := f.From.String() + f.To.String()
	switch {
	case w.goesOn(f) && anchored(f):
		window = "since " + f.From.UTC().String()
	case w.goesOn(f):
		window = f.Length().Round(time.Minute).String()
	}
	reason := ""
	if f.Reason != nil {
		reason = fmt.Sprint(*f.Reason)
	}
	return strings.Join([]string{window, f.Cluster, f.Node, f.Device, f.Protocol, f.Alarm, reason}, "\x00")
}

// makeRoom forgets what nobody asks for, and what was asked for longest ago where all together takes too much, but for so many to keep.
func (w *Watch) makeRoom(now time.Time, keep int) {
	for {
		bytes, oldest, others := 0, "", 0
		for k, q := range w.questions {
			bytes += q.bytes
			if q.making != nil || q.fleet.goesOn && q.fleet.length == standing && q.fleet.plain() {
				continue
			}
			if now.Sub(q.asked) > idle {
				bytes -= q.bytes
				delete(w.questions, k)
				continue
			}
			if others++; oldest == "" || q.asked.Before(w.questions[oldest].asked) {
				oldest = k
			}
		}
		if others <= keep || bytes <= room && len(w.questions) < questions || w.questions[oldest].made.Equal(now) {
			return
		}
		delete(w.questions, oldest)
	}
}
