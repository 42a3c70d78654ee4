// Package watch judges the fleet: it takes the histories of all devices from the store, lets the pattern room find what
// repeats and the diagnose room name the causes, and keeps the answer for those who ask the same again.
//
// The door is Watch.Fleet.
package watch

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/reasons"

	"golang.org/x/sync/errgroup"
)

// Source gives the histories of the devices that f asks for, one after the other.
type Source interface {
	Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error
}

const (
	widest    = 1e-3 // a pattern that is shown has at most this p-value,
	discovery = 0.01 // and passes Benjamini-Hochberg at this rate over the fleet
	fresh     = 5 * time.Second
	kept      = 32 // answers
)

// Watch judges fleets.
type Watch struct {
	source    Source
	catalogue *reasons.Catalogue
	now       func() time.Time

	mu      sync.Mutex
	answers map[string]*answer
}

// answer is a fleet being judged, or judged lately.
type answer struct {
	done   chan struct{}
	since  time.Time
	survey *diagnose.Survey
	err    error
}

// New makes a Watch over a source.
func New(s Source, c *reasons.Catalogue, now func() time.Time) *Watch {
	return &Watch{source: s, catalogue: c, now: now, answers: map[string]*answer{}}
}

// Fleet judges every device that f asks for. The same question within a few seconds gets the same answer, and questions that
// arrive while one is being answered wait for it.
func (w *Watch) Fleet(ctx context.Context, f event.Filter) (*diagnose.Survey, error) {
	a, mine := w.answer(key(f))
	if mine {
		a.survey, a.err = w.judge(ctx, f)
		close(a.done)
		if a.err != nil {
			w.forget(key(f), a)
		}
	}
	select {
	case <-a.done:
		return a.survey, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// key tells questions apart; windows that differ by less than fresh are the same.
func key(f event.Filter) string {
	reason := ""
	if f.Reason != nil {
		reason = strconv.FormatUint(uint64(*f.Reason), 10)
	}
	return strings.Join([]string{
		f.From.Truncate(fresh).String(), f.To.Truncate(fresh).String(), f.Cluster, f.Node, f.Device, f.Protocol, f.Alarm, reason,
	}, "\x00")
}

// answer gives the answer to a question, and whether it is the caller's task to fill it.
func (w *Watch) answer(key string) (a *answer, mine bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	maps.DeleteFunc(w.answers, func(_ string, a *answer) bool { return now.Sub(a.since) > fresh })
	if a = w.answers[key]; a != nil {
		return a, false
	}
	if len(w.answers) >= kept {
		clear(w.answers)
	}
	a = &answer{done: make(chan struct{}), since: now}
	w.answers[key] = a
	return a, true
}

func (w *Watch) forget(key string, a *answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answers[key] == a {
		delete(w.answers, key)
	}
}

// judge reads the histories once and judges them on all processors.
func (w *Watch) judge(ctx context.Context, f event.Filter) (*diagnose.Survey, error) {
	histories := make(chan event.History, 64)
	survey := &diagnose.Survey{Window: f.Window}
	var mu sync.Mutex
	var all []event.History
	tests := 0
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(histories)
		return w.source.Histories(ctx, f, func(h event.History) error {
			select {
			case histories <- h:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			finder := pattern.NewFinder()
			for h := range histories {
				v, tested := judge(finder, h, f.Window)
				mu.Lock()
				survey.Verdicts = append(survey.Verdicts, v)
				all = append(all, h)
				tests += tested
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(survey.Verdicts, func(a, b diagnose.Verdict) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.History.Device, b.History.Device))
	})
	pass(survey, tests)
	for _, o := range pattern.Outages(slices.Values(all), f.Window, pattern.OutageOptions{}) {
		survey.Outages = append(survey.Outages, diagnose.Judged{Case: diagnose.OutageCase(o)})
	}
	survey.Conclude(w.catalogue)
	return survey, nil
}

// pass marks the patterns that may be shown: p ≤ 1e-3, and a false discovery rate of 1 % over all series that were tested.
func pass(s *diagnose.Survey, tests int) {
	var all []*diagnose.Judged
	for i := range s.Verdicts {
		for j := range s.Verdicts[i].Patterns {
			all = append(all, &s.Verdicts[i].Patterns[j])
		}
	}
	p := make([]float64, max(tests, len(all)))
	for i := range p {
		p[i] = 1
		if i < len(all) {
			p[i] = all[i].Finding.PValue
		}
	}
	for i, ok := range pattern.Adjust(p, discovery) {
		if i < len(all) {
			all[i].Passed = ok && all[i].Finding.PValue <= widest
		}
	}
}
