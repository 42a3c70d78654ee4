package watch

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"

	"golang.org/x/sync/errgroup"
)

const (
	widest    = 1e-3 // a pattern that is shown has at most this p-value,
	discovery = 0.01 // and passes Benjamini-Hochberg at this rate over the fleet
)

// survey reads the histories once and judges them on all processors. It holds the histories of a few devices at a time.
func (w *Watch) survey(ctx context.Context, f event.Filter) (*diagnose.Survey, error) {
	known, err := w.source.Known(ctx)
	if err != nil {
		return nil, err
	}
	s := &diagnose.Survey{Window: f.Window}
	read, judged := make(chan event.History, 64), make(chan event.History, 64)
	var mu sync.Mutex
	tests := 0

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(read)
		return w.source.Histories(ctx, f, func(h event.History) error { return send(ctx, read, h) })
	})
	judges, judging := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		judges.Go(func() error {
			finder := pattern.NewFinder()
			for h := range read {
				v, tested := w.judge(finder, h, f)
				mu.Lock()
				s.Verdicts = append(s.Verdicts, v)
				tests += tested
				mu.Unlock()
				if err := send(judging, judged, h); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(judged)
		return judges.Wait()
	})
	g.Go(func() error {
		for _, o := range pattern.Outages(all(judged), f.Window, pattern.OutageOptions{Known: known}) {
			s.Outages = append(s.Outages, diagnose.Judged{Case: diagnose.OutageCase(o)})
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(s.Verdicts, func(a, b diagnose.Verdict) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.History.Device, b.History.Device))
	})
	pass(s, tests)
	s.Conclude(w.catalogue)
	return s, nil
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// all gives what comes through a channel, until it is closed.
func all[T any](from <-chan T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for v := range from {
			if !yield(v) {
				return
			}
		}
	}
}

// pass marks the patterns that may be shown: p ≤ 1e-3, and a false discovery rate of 1 % over all series that were tested.
func pass(s *diagnose.Survey, tests int) {
	var all []*diagnose.Judged
	for i := range s.Verdicts {
		for j := range s.Verdicts[i].Patterns {
			all = append(all, &s.Verdicts[i].Patterns[j])
		}
	}
	p := slices.Repeat([]float64{1}, max(tests, len(all)))
	for i, j := range all {
		p[i] = j.Finding.PValue
	}
	passed := pattern.Adjust(p, discovery)
	for i, j := range all {
		j.Passed = passed[i] && j.Finding.PValue <= widest
	}
}
