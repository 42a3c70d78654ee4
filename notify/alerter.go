package notify

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

// Findings are what the numbers say about the fleet.
type Findings interface {
	Fleet(ctx context.Context, f event.Filter) (*diagnose.Survey, error)
}

// Senders tells who was heard.
type Senders interface {
	// Heard gives every node whose messages were received from a peer since then, and when.
	Heard(ctx context.Context, since time.Time) ([]event.Heard, error)
}

// Backlog is what waits for the store.
type Backlog struct {
	Oldest     time.Time // when the message that waits longest was received; zero: nothing waits
	Bytes, Cap int64     // of the queue on disk, and the most that it may take
	Trouble    string    // why the store cannot be used; empty if it can
}

// Thresholds say what is worth an alert.
type Thresholds struct {
	Kinds         []Kind             // those that are told
	Window        time.Duration      // how far back findings are looked for
	Drops         int                // a device flaps only from so many unplanned unregistrations in the window on
	Confidence    pattern.Confidence // of a period: Alarm, or Likely too
	OutageDevices int                // an outage has at least so many devices
	Silence       time.Duration      // a node is silent when nothing came for so long
	Lag           time.Duration      // the store is behind when a message waits so long
	Gather        time.Duration      // wait so long for more devices of a new cause
	More          time.Duration      // tell devices that joined a cause at most once in so long
}

// Options are what an Alerter stands on. Everything but Jitter and Metrics is required.
type Options struct {
	Thresholds
	Findings Findings
	Senders  Senders
	Backlog  func() Backlog
	Channels []Channel
	File     string    // keeps what was told, and what waits to be told
	Started  time.Time // nodes cannot be silent before anybody listened
	Metrics  *Metrics
	Log      *slog.Logger
	Jitter   func() float64 // in [0,1); nil: random
}

// Alerter keeps the alerts. It is used by one goroutine.
type Alerter struct {
	Options
	state   state
	outlets []*outlet
}

// NewAlerter reads what was told before.
func NewAlerter(o Options) (*Alerter, error) {
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	a := &Alerter{Options: o}
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	for _, c := range o.Channels {
		a.outlets = append(a.outlets, &outlet{channel: c})
	}
	a.forgetChannels()
	return a, nil
}

const (
	lookEvery    = time.Minute     // how often findings are compared with what was told,
	lookAgain    = 5 * time.Second // and after that could not be done
	refreshEvery = time.Minute     // how often channels that forget are told again
)

// Run looks and delivers until ctx ends.
func (a *Alerter) Run(ctx context.Context, now func() time.Time) error {
	for look := now(); ctx.Err() == nil; {
		if !now().Before(look) {
			look = now().Add(lookEvery)
			if !a.Look(ctx, now()) {
				look = now().Add(lookAgain)
			}
		}
		a.Deliver(ctx, now())
		wait := look.Sub(now())
		if next, waits := a.next(); waits {
			wait = min(wait, next.Sub(now()))
		}
		select {
		case <-time.After(max(wait, 0)):
		case <-ctx.Done():
		}
	}
	return nil
}
