package watch

import (
	"iter"
	"reflect"
	"slices"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

const (
	short  = time.Second   // a search for outages that takes no longer is done for every survey
	lately = 4 * time.Hour // in which a long one is announced by a short one
)

// outages is what is known about those of a fleet.
//
// A search takes time in proportion to all losses of the window. Where that is long it is done again when a search of the last hours
// alone finds something else than the last time, but in no more than a thirtieth of the time; and at the latest when a 240th of the
// window's length has passed. The last hours know less about what is usual, so that they rather find too much.
type outages struct {
	found  []diagnose.Judged
	sought time.Time        // end of the window in which they were sought last
	effort time.Duration    // that it took
	search chan found       // one under way that nobody waits for
	signs  []pattern.Outage // that the last hours showed
}

// found is what a search for outages brought.
type found struct {
	outages []diagnose.Judged
	window  event.Window
	effort  time.Duration
}

// seekOutages starts a search where one is due.
func (f *fleet) seekOutages(w event.Window) {
	o := &f.outages
	if f.scanned.Equal(w.To) {
		o.search = nil // one that is under way speaks of devices that were forgotten
	}
	if o.search != nil || w.To.Sub(o.sought) < share*o.effort || !f.newSigns(w) {
		return
	}
	search, histories, known := make(chan found, 1), f.histories(w), f.known
	o.search = search
	go func() {
		began := f.watch.now()
		r := found{window: w}
		for _, o := range pattern.Outages(histories, w, pattern.OutageOptions{Known: known}) {
			c := diagnose.OutageCase(o)
			r.outages = append(r.outages, diagnose.Judged{Case: c, Hypotheses: diagnose.Explain(c, f.watch.catalogue)})
		}
		r.effort = f.watch.now().Sub(began)
		search <- r
	}()
}

// newSigns says whether a search may find something else than the last one did.
func (f *fleet) newSigns(w event.Window) bool {
	o := &f.outages
	if f.scanned.Equal(w.To) || o.effort < short {
		return true
	}
	late := event.Window{From: w.To.Add(-lately), To: w.To}
	if late.From.Before(w.From) {
		late.From = w.From
	}
	signs := pattern.Outages(f.histories(late), late, pattern.OutageOptions{Known: f.known})
	for i := range signs {
		signs[i].PValue = 0 // it changes with the window
	}
	seen := slices.DeleteFunc(o.signs, func(s pattern.Outage) bool { return s.Start < late.From.UnixMilli() })
	o.signs = signs
	return !reflect.DeepEqual(signs, seen) || w.To.Sub(o.sought) > w.Length()/240
}

// outagesBy gives the outages that are known now. It waits for the search where everything is new, or where the last one was short;
// a long one goes on beside the next surveys.
func (f *fleet) outagesBy(w event.Window) []diagnose.Judged {
	o := &f.outages
	take := func(r found) {
		o.found, o.sought, o.effort, o.search = r.outages, r.window.To, r.effort, nil
	}
	switch {
	case o.search == nil:
	case f.scanned.Equal(w.To) || o.effort < short:
		take(<-o.search)
	default:
		select {
		case r := <-o.search:
			take(r)
		default:
		}
	}
	return slices.DeleteFunc(slices.Clone(o.found), func(j diagnose.Judged) bool { return j.Outage.LastLoss < w.From.UnixMilli() })
}

// histories gives those of the window as they are now, whatever comes in while they are read: changes of a device are never written
// over. A history must not be kept.
func (f *fleet) histories(w event.Window) iter.Seq[event.History] {
	type part struct {
		event.History
		changes []change
	}
	var parts []part
	for _, d := range f.sorted {
		if n := len(d.changes); n > 0 && d.changes[n-1].at >= w.From.UnixMilli() {
			parts = append(parts, part{d.History, d.changes})
		}
	}
	kinds := kinds{kind: f.kinds.kind}
	return func(yield func(event.History) bool) {
		var buf []event.Change
		for _, p := range parts {
			buf = kinds.unpack(p.changes, w.From.UnixMilli(), w.To.UnixMilli(), buf[:0])
			if p.Changes = buf; len(buf) > 0 && !yield(p.History) {
				return
			}
		}
	}
}
