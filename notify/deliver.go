package notify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// outlet is a channel and how it does.
type outlet struct {
	channel   Channel
	failures  int       // since it last took something
	next      time.Time // not tried before
	refreshed time.Time
}

const (
	mostPending = 100            // notices that wait for a channel; the oldest give way
	oldest      = 24 * time.Hour // what could not be told for so long is not news any more
	soonest     = 5 * time.Second
	seldom      = 10 * time.Minute
)

// queue puts a notice before every channel.
func (a *Alerter) queue(e *entry, s State, fresh []string, now time.Time) {
	n := Notice{State: s, At: now.UTC().Truncate(time.Millisecond), New: slices.Clip(fresh[:min(len(fresh), mostDevices)]), Alert: e.shown()}
	if n.New == nil {
		n.New = []string{}
	}
	n.ID = nameOf(e.ID+string(s), now)
	a.Log.Info("alert", "state", string(s), "kind", string(e.Kind), "title", n.Alert.Title)
	for _, c := range a.Channels {
		waiting := append(a.state.Pending[c.Name()], n)
		if over := len(waiting) - mostPending; over > 0 {
			waiting = slices.Delete(waiting, 0, over)
			a.Metrics.dropped(c.Name(), "queue_full", over)
		}
		a.state.Pending[c.Name()] = waiting
	}
	a.state.changed = true
}

// next is when the next attempt is due; false if nothing waits.
func (a *Alerter) next() (next time.Time, waits bool) {
	for _, o := range a.outlets {
		if len(a.state.Pending[o.channel.Name()]) > 0 && (!waits || o.next.Before(next)) {
			next, waits = o.next, true
		}
	}
	return next, waits
}

// Deliver hands over what waits, to all channels at the same time; each in order, until one notice is not taken. That one is
// tried again later: after a pause that doubles, up to ten minutes, and is drawn anew each time.
func (a *Alerter) Deliver(ctx context.Context, now time.Time) {
	var open []Alert
	for _, e := range a.state.Open {
		if e.told() {
			open = append(open, e.shown())
		}
	}
	var wait sync.WaitGroup
	left := make([][]Notice, len(a.outlets))
	for i, o := range a.outlets {
		if left[i] = a.state.Pending[o.channel.Name()]; now.Before(o.next) {
			continue
		}
		wait.Go(func() { left[i] = a.drain(ctx, o, left[i], open, now) })
	}
	wait.Wait()
	for i, o := range a.outlets {
		name := o.channel.Name()
		if len(left[i]) != len(a.state.Pending[name]) {
			a.state.Pending[name], a.state.changed = left[i], true
		}
		a.Metrics.pending(name, len(left[i]))
	}
	a.save()
}

// drain sends what waits for one channel, refreshes it, and gives what is left.
func (a *Alerter) drain(ctx context.Context, o *outlet, waiting []Notice, open []Alert, now time.Time) []Notice {
	name := o.channel.Name()
	for len(waiting) > 0 && ctx.Err() == nil {
		if now.Sub(waiting[0].At) > oldest {
			a.Metrics.dropped(name, "too_old", 1)
			waiting = waiting[1:]
			continue
		}
		err := o.channel.Send(ctx, waiting[0])
		if !a.took(ctx, o, err, now) {
			return waiting
		}
		if err == nil {
			a.Metrics.sent(name)
		} else {
			a.Metrics.dropped(name, reasonOf(err), 1)
		}
		waiting = waiting[1:]
	}
	if r, forgets := o.channel.(refresher); forgets && len(open) > 0 && now.Sub(o.refreshed) >= refreshEvery {
		if a.took(ctx, o, r.Refresh(ctx, open, now), now) {
			o.refreshed = now
		}
	}
	return waiting
}

// took notes how an attempt ended, and says whether to go on.
func (a *Alerter) took(ctx context.Context, o *outlet, err error, now time.Time) bool {
	if err == nil {
		o.failures, o.next = 0, time.Time{}
		return true
	}
	if ctx.Err() != nil { // we are told to stop: nobody's fault
		return false
	}
	a.Metrics.failed(o.channel.Name(), reasonOf(err))
	var f *failure
	if errors.As(err, &f) && f.final {
		a.Log.Error("alert not taken, and not tried again", "channel", o.channel.Name(), "error", err)
		return true
	}
	pause := seldom
	if o.failures < 7 {
		pause = min(soonest<<o.failures, seldom)
	}
	o.failures++
	pause = pause/2 + time.Duration(a.Jitter()*float64(pause)/2)
	o.next = now.Add(pause)
	a.Log.Warn("alert not taken", "channel", o.channel.Name(), "error", err, "again_in", pause.Round(time.Second).String())
	return false
}

// reasonOf is the label of an error.
func reasonOf(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.reason
	}
	return "other"
}
