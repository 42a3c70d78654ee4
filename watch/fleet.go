package watch

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"

	"golang.org/x/sync/errgroup"
)

const (
	minTime = math.MinInt64
	maxTime = math.MaxInt64
)

// Changes that are kept, at sixteen bytes each. A device that changes more often is judged by its newest ones, so that no stream of
// events, however heavy, takes more memory than its devices do.
const (
	mostOfAll     = 12_000_000 // of a fleet; above, less is kept of its busiest devices
	mostOfDevice  = 32_768     // a phone that is lost every five minutes for thirty days
	leastOfDevice = 512

	restless       = 256 // changes of a device, the newest ones, that lie within restlessWithin: no phone registers that often
	restlessWithin = time.Hour / 4
)

// name of a device.
type name struct{ cluster, device string }

// fleet is what is kept of a question about many devices, so that a later answer costs what has changed and no more: the changes of
// each device, and what was concluded from them.
//
//	store ── what was committed since the mark ─▶ devices ─▶ those that changed, or whose oldest change left the window ─▶ judge
//
// A verdict about a device to which nothing happened stays, but for what time alone does to it (pattern.Flapping.In). A series is
// searched for a period again when enough of it has changed (see searched), and at the latest when a part in twentyfour of the
// window's length has passed: then all is made anew. In between its findings are carried on.
type fleet struct {
	watch    *Watch
	filter   event.Filter
	length   time.Duration // of the window
	goesOn   bool          // the window ends now, whenever that is; else it is over
	anchored bool          // it begins at a fixed time
	devices  map[name]*device
	sorted   []*device
	kinds    kinds
	changes  int // kept
	most     int // changes kept of a device
	mark     event.Mark
	known    map[string]int
	began    map[string]time.Time // first event of each cluster

	window  event.Window // of the last survey
	scanned time.Time    // end of the window of the last scan of everything
	outages outages
	touched int // devices judged for the last survey
}

// answer makes the survey of w. Of a window that is over last stays true until something comes in that belongs to it, and no more
// than that is kept.
func (f *fleet) answer(ctx context.Context, w event.Window, last *diagnose.Survey) (*diagnose.Survey, error) {
	if f.goesOn {
		return f.follow(ctx, w)
	}
	if last != nil {
		if same, err := f.same(ctx, w); same || err != nil {
			return last, err
		}
	}
	defer func() { f.devices, f.sorted, f.kinds, f.changes = nil, nil, kinds{}, 0 }()
	return f.scan(ctx, w)
}

// same says that nothing came in that belongs to w.
func (f *fleet) same(ctx context.Context, w event.Window) (bool, error) {
	mark, err := f.watch.source.Mark(ctx)
	if err != nil {
		return false, err
	}
	q, same := f.filter, true
	q.Window = w
	err = f.watch.source.HistoriesBetween(ctx, q, f.mark, mark, func(event.History) error {
		same = false
		return nil
	})
	if same && err == nil {
		f.mark = mark
	}
	return same, err
}

// plain: it asks for all devices.
func (f *fleet) plain() bool {
	q := f.filter
	q.Window = event.Window{}
	return q == event.Filter{}
}

// bytes that are kept, about.
func (f *fleet) bytes(s *diagnose.Survey) int {
	const perDevice, perVerdict, perChange = 350, 1600, 16
	return perDevice*len(f.devices) + perVerdict*len(s.Verdicts) + perChange*f.changes
}

// scan reads everything of the window and judges every device, on all processors.
func (f *fleet) scan(ctx context.Context, w event.Window) (*diagnose.Survey, error) {
	var err error
	if f.known, err = f.watch.source.Known(ctx); err != nil {
		return nil, err
	}
	if f.began, err = f.watch.source.Began(ctx); err != nil {
		return nil, err
	}
	if f.mark, err = f.watch.source.Mark(ctx); err != nil {
		return nil, err
	}
	f.devices, f.sorted, f.kinds, f.changes, f.most, f.window = map[name]*device{}, nil, kinds{}, 0, mostOfDevice, w
	g, ctx := errgroup.WithContext(ctx)
	read := make(chan *device, 64)
	var kinds sync.RWMutex
	g.Go(func() error {
		defer close(read)
		return f.watch.source.HistoriesBetween(ctx, f.open(w), nil, f.mark, func(h event.History) error {
			kinds.Lock()
			d := f.take(h)
			kinds.Unlock()
			return send(ctx, read, d)
		})
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			j := f.judge(w)
			for d := range read {
				kinds.RLock()
				j.unpack(d)
				kinds.RUnlock()
				j.judge(d)
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	f.touched = len(f.devices)
	f.scanned, f.outages.sought = w.To, time.Time{}
	return f.conclude(w), nil
}

// open gives the question without an end: what a sender with a fast clock sent belongs to a later window.
func (f *fleet) open(w event.Window) event.Filter {
	q := f.filter
	q.From, q.To = w.From, time.Time{}
	return q
}

// take finds the device of a history, and adds what it tells.
func (f *fleet) take(h event.History) *device {
	k := name{h.Cluster, h.Device}
	d := f.devices[k]
	if d == nil {
		d = &device{History: event.History{Cluster: h.Cluster, Device: h.Device}}
		d.changes = make([]change, 0, len(h.Changes))
		f.devices[k], f.sorted = d, append(f.sorted, d)
	}
	before := len(d.changes)
	d.merge(&f.kinds, h)
	f.changes += len(d.changes) - before
	f.changes -= d.cut(f.most)
	f.cut(mostOfAll)
	return d
}

// cut halves the number of changes that are kept of a device while there are more than most in all.
func (f *fleet) cut(most int) {
	for f.changes > most && f.most > leastOfDevice {
		f.most /= 2
		for _, d := range f.sorted {
			f.changes -= d.cut(f.most)
		}
	}
}

// follow reads what was committed since and judges what it touches. everything is read anew where that is due.
func (f *fleet) follow(ctx context.Context, w event.Window) (*diagnose.Survey, error) {
	if f.devices == nil || w.To.Sub(f.scanned) > w.Length()/24 || w.From.Before(f.window.From) || w.To.Before(f.window.To) {
		return f.scan(ctx, w)
	}
	mark, err := f.watch.source.Mark(ctx)
	if err != nil {
		return nil, err
	}
	touched := map[*device]bool{}
	count := len(f.sorted)
	err = f.watch.source.HistoriesBetween(ctx, f.open(w), f.mark, mark, func(h event.History) error {
		touched[f.take(h)] = true
		return nil
	})
	if err != nil {
		f.devices = nil // half of it may be in
		return nil, err
	}
	f.mark = mark
	if len(f.sorted) > count {
		f.sort()
	}
	f.age(w, touched)
	f.rejudge(w, touched)
	f.touched, f.window = len(touched), w
	return f.conclude(w), nil
}

// age marks the devices that the move of the window touches: a change left it, one that was ahead of it came in, or one that was
// expected did not come.
func (f *fleet) age(w event.Window, touched map[*device]bool) {
	from, end, to := w.From.UnixMilli(), f.window.To.UnixMilli(), w.To.UnixMilli()
	for _, d := range f.sorted {
		n := len(d.changes)
		left := n > 0 && d.changes[0].at < from
		if left || (d.Told != event.Told{} && d.Told.Oldest() < from) {
			d.forget(from)
			f.changes += len(d.changes) - n
			touched[d] = true
		}
		if n = len(d.changes); n > 0 && d.changes[n-1].at >= end && firstAt(d.changes, end) < firstAt(d.changes, to) {
			touched[d] = true
		}
		if d.overdue(to) {
			touched[d] = true
		}
	}
}

// rejudge judges some devices beside those who wait for answers.
func (f *fleet) rejudge(w event.Window, touched map[*device]bool) {
	work := make(chan *device, len(touched))
	for d := range touched {
		work <- d
	}
	close(work)
	var wg sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)-1) {
		wg.Go(func() {
			standBack()
			j := f.judge(w)
			for d := range work {
				j.unpack(d)
				j.judge(d)
			}
		})
	}
	wg.Wait()
	for _, d := range f.sorted { // the others by what time does to them
		v := d.verdict
		if v == nil || touched[d] || v.Device.Flap.State == pattern.Stable {
			continue
		}
		if flap := v.Device.Flap.In(w); flap.State != v.Device.Flap.State {
			c := *v
			c.Device.Flap, c.Device.Fleet = &flap, nil
			c.Patterns = slices.Clone(v.Patterns)
			d.verdict = &c
		}
	}
}

// conclude makes the survey of the verdicts there are.
func (f *fleet) conclude(w event.Window) *diagnose.Survey {
	s := &diagnose.Survey{Window: w, Mark: f.mark, Verdicts: make([]*diagnose.Verdict, 0, len(f.devices))}
	if f.scanned.Equal(w.To) {
		f.sort()
	}
	var owners []*device
	tests := 0
	f.sorted = slices.DeleteFunc(f.sorted, func(d *device) bool {
		if len(d.changes) == 0 && d.Told.Oldest() == 0 {
			delete(f.devices, name{d.Cluster, d.Device})
			return true
		}
		if d.verdict != nil {
			s.Verdicts, owners = append(s.Verdicts, d.verdict), append(owners, d)
			tests += len(d.searched)
		}
		return false
	})
	f.seekOutages(w) // beside the causes of the devices: both take long where everything is new
	pass(s, tests)
	s.Conclude(f.watch.catalogue)
	s.Outages = f.outagesBy(w)
	for i, d := range owners {
		d.verdict = s.Verdicts[i]
	}
	return s
}

func (f *fleet) sort() {
	slices.SortFunc(f.sorted, func(a, b *device) int {
		return compareNames(&a.History, &b.History)
	})
}

func compareNames(a, b *event.History) int {
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Device, b.Device))
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
