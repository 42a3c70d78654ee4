// Package simulate is a talkative fake cluster: nodes, phones and their troubles, told in the very
// lines that CUCM sends, with the truth about them at hand. It feeds demonstrations, tests and load
// generators; it opens no socket, reads no clock and parses nothing.
//
// The same Options give the same bytes. Start with Run; Flood is the shortcut for sheer speed.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Options is what to play.
type Options struct {
	Scenario string    // a name that Scenarios lists
	Phones   int       // how many, 0 for the scenario's own number; shares of troubles scale with it
	From     time.Time // the office hours of the scenario are those of its location
	Until    time.Time // exclusive
	Seed     uint64
	Loss     float64 // share of the messages that never arrive, 0 to 1; negative: the scenario's own
	Level    string  // Informational or Error, the alarm event level of the nodes; "" is Informational
}

// Alarm event levels of the service. At Error neither registrations nor normal unregistrations are sent.
const (
	Informational = "informational"
	Error         = "error"
)

// maxPhones is above what a cluster can hold and bounds memory, about a kilobyte a phone.
const maxPhones = 1_000_000

// ErrOptions says that there is no play with these Options.
var ErrOptions = errors.New("simulate")

// Line is one message as a node sends it, without framing.
type Line struct {
	At   time.Time
	Node string // the sender, as in NodeID
	Raw  []byte // valid until emit returns
}

// Run plays a scenario and hands every line that arrives to emit, in the order of time over all
// nodes. It ends early with the error of ctx or of emit; Truth then tells what happened until then.
// Where there is no such play the error wraps ErrOptions, and says all that is wrong.
func Run(ctx context.Context, o Options, emit func(Line) error) (Truth, error) {
	s, err := o.complete()
	if err != nil {
		return Truth{}, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	w := newWire(ctx, o, emit)
	if s.groups == nil {
		return pour(o, w)
	}
	return newPlay(o, s, w).run()
}

// complete fills in what the scenario says itself and refuses nonsense, all of it at once.
func (o *Options) complete() (script, error) {
	var errs []error
	s, ok := find(o.Scenario)
	if !ok {
		errs = append(errs, fmt.Errorf("scenario %q is none of %s", o.Scenario, strings.Join(names(), ", ")))
	}
	if o.Phones < 0 || o.Phones > maxPhones {
		errs = append(errs, fmt.Errorf("phones: %d are not between 0 and %d", o.Phones, maxPhones))
	}
	if o.From.IsZero() || !o.From.Before(o.Until) {
		errs = append(errs, fmt.Errorf("from %s until %s is no stretch of time", o.From.Format(time.RFC3339), o.Until.Format(time.RFC3339)))
	}
	if !(o.Loss <= 1) {
		errs = append(errs, fmt.Errorf("loss: %g is more than all", o.Loss))
	}
	if o.Level != "" && o.Level != Informational && o.Level != Error {
		errs = append(errs, fmt.Errorf("level %q is neither %s nor %s", o.Level, Informational, Error))
	}
	if o.Phones == 0 {
		o.Phones = s.phones
	}
	if o.Loss < 0 {
		o.Loss = s.loss
	}
	return s, errors.Join(errs...)
}
