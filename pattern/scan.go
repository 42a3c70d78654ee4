package pattern

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"flapwatch/event"
)

// Source yields the event times of many devices, one after the other. It stops when yield gives an error and returns that
// error. The series and its times may be kept until yield is called again.
type Source interface {
	Series(ctx context.Context, yield func(event.Series) error) error
}

// SourceFunc is a Source that is one function.
type SourceFunc func(ctx context.Context, yield func(event.Series) error) error

// Series calls s.
func (s SourceFunc) Series(ctx context.Context, yield func(event.Series) error) error {
	return s(ctx, yield)
}

// ScanOptions are what is common to all series of a fleet. The zero value is usable.
type ScanOptions struct {
	Window     event.Window
	Resolution time.Duration
	Prior      float64
	Location   *time.Location
	Workers    int     // zero: one a processor
	MaxP       float64 // findings above are dropped; zero: 1e-3
	FDR        float64 // share of accidental findings accepted among all; zero: 0.01; 1 or more: no such test
}

// Found is the answer about one device.
type Found struct {
	Cluster, Device string
	Result          Result
}

// Scan looks for periods in every series of source and returns the devices that have any, surest first.
//
// Memory is bounded by the workers and by what is found: times are copied into a buffer of one of 2·Workers jobs. A device
// is kept if its best p-value is at most MaxP and passes Adjust over all devices that source named, those without enough
// events included.
func Scan(ctx context.Context, source Source, o ScanOptions) ([]Found, error) {
	o = o.withDefaults()
	jobs, free := make(chan *event.Series), make(chan *event.Series, 2*o.Workers)
	for range 2 * o.Workers {
		free <- new(event.Series)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found []Found
		tests int
	)
	for range o.Workers {
		wg.Go(func() {
			f := NewFinder()
			for s := range jobs {
				r := f.Find(Input{Times: s.Times, Window: o.Window, Resolution: o.Resolution, Prior: o.Prior, Location: o.Location})
				if len(r.Findings) > 0 && r.Findings[0].PValue <= o.MaxP {
					mu.Lock()
					found = append(found, Found{s.Cluster, s.Device, r})
					mu.Unlock()
				}
				free <- s
			}
		})
	}
	err := source.Series(ctx, func(s event.Series) error {
		tests++
		if len(s.Times) < LeastEvents {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case job := <-free:
			*job = event.Series{Cluster: s.Cluster, Device: s.Device, Times: append(job.Times[:0], s.Times...)}
			jobs <- job
			return nil
		}
	})
	close(jobs)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	return surest(found, tests, o), nil
}

func (o ScanOptions) withDefaults() ScanOptions {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxP <= 0 {
		o.MaxP = 1e-3
	}
	if o.FDR <= 0 {
		o.FDR = 0.01
	}
	return o
}

// surest drops from found what does not pass over the whole fleet, cuts the findings above MaxP and sorts the rest.
func surest(found []Found, tests int, o ScanOptions) []Found {
	p := make([]float64, len(found))
	for i := range found {
		p[i] = found[i].Result.Findings[0].PValue
	}
	keep := adjust(p, tests, o.FDR)
	kept := found[:0]
	for i, d := range found {
		if keep[i] {
			d.Result.Findings = slices.DeleteFunc(d.Result.Findings, func(g Finding) bool { return g.PValue > o.MaxP })
			kept = append(kept, d)
		}
	}
	slices.SortFunc(kept, func(a, b Found) int {
		return cmp.Or(
			-cmp.Compare(a.Result.Findings[0].Score, b.Result.Findings[0].Score),
			cmp.Compare(a.Cluster, b.Cluster),
			cmp.Compare(a.Device, b.Device))
	})
	return kept
}
