package keepalive

import (
	"errors"
	"fmt"
)

// Limits of what is taken for a timer. A day is more than any of them is set to in practice; a
// millisecond is the resolution of the node's clock and bounds the number of steps.
const (
	day         = 86400.0
	millisecond = 0.001
)

// ParameterError says which parameter makes no sense, and why.
type ParameterError struct {
	Parameter string // as people name it who set it, a flag or a query parameter: "retry"
	Problem   string
}

func (e *ParameterError) Error() string { return e.Parameter + ": " + e.Problem }

// check collects what is wrong, so that all of it can be said at once.
type check struct {
	errs []error
}

// within asks that low ≤ value ≤ high, and says whether it is. NaN is never within.
func (c *check) within(parameter string, value, low, high float64) bool {
	if !(value >= low && value <= high) {
		c.refuse(parameter, "%g s is not between %g s and %g s", value, low, high)
		return false
	}
	return true
}

// span asks for a range of 0 to a day that is not upside down.
func (c *check) span(parameter string, r Range) {
	c.within(parameter, r.Low, 0, day)
	c.within(parameter, r.High, 0, day)
	if r.Low > r.High {
		c.refuse(parameter, "%g s to %g s is upside down", r.Low, r.High)
	}
}

func (c *check) refuse(parameter, format string, args ...any) {
	c.errs = append(c.errs, &ParameterError{Parameter: parameter, Problem: fmt.Sprintf(format, args...)})
}

func (c *check) err() error { return errors.Join(c.errs...) }
