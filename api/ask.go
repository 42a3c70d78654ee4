package api

import (
	"fmt"
	"time"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
)

const (
	defaultSpan = 24 * time.Hour
	longestSpan = 5 * 366 * 24 * time.Hour
)

// Ask holds the query parameters that most questions share.
type Ask struct {
	From     string `query:"from" maxLength:"64" doc:"Start of the window: RFC 3339, or relative such as -7d or -16m. Default: 24 hours before to." example:"-7d"`
	To       string `query:"to" maxLength:"64" doc:"End of the window, not included: RFC 3339, relative, or now (default)." example:"now"`
	Cluster  string `query:"cluster" maxLength:"255" doc:"Only this cluster (ClusterID)."`
	Node     string `query:"node" maxLength:"255" doc:"Only this node (NodeID)."`
	Device   string `query:"device" maxLength:"255" doc:"Only this device." example:"SEPE0D1730A8137"`
	Protocol string `query:"protocol" maxLength:"32" doc:"Only this protocol." example:"SIP"`
	Reason   string `query:"reason" maxLength:"10" pattern:"^[0-9]*$" doc:"Only this reason code." example:"13"`

	from, to *When
	reason   *uint32
}

// Resolve reads what has a form of its own. huma collects the errors with those of the other parameters.
func (a *Ask) Resolve(huma.Context) (errs []error) {
	read := func(name, value string) *When {
		if value == "" {
			return nil
		}
		w, err := ParseWhen(value)
		if err != nil {
			errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: err.Error(), Value: value})
		}
		return &w
	}
	a.from, a.to = read("from", a.From), read("to", a.To)
	for name, v := range map[string]string{"cluster": a.Cluster, "node": a.Node, "device": a.Device, "protocol": a.Protocol} {
		if control(v) {
			errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: "control characters are not allowed"})
		}
	}
	if a.Reason != "" {
		var n uint32
		if _, err := fmt.Sscan(a.Reason, &n); err != nil {
			errs = append(errs, &huma.ErrorDetail{Location: "query.reason", Message: "write it as a number such as 13", Value: a.Reason})
		}
		a.reason = &n
	}
	return errs
}

// control says whether s holds a C0 or C1 control character.
func control(s string) bool {
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return true
		}
	}
	return false
}

// filter gives the question, now being now.
func (a *Ask) filter(now time.Time) (event.Filter, error) {
	f := event.Filter{Cluster: a.Cluster, Node: a.Node, Device: a.Device, Protocol: a.Protocol, Reason: a.reason}
	f.To = now.UTC()
	if a.to != nil {
		f.To = a.to.On(now)
	}
	f.From = f.To.Add(-defaultSpan)
	if a.from != nil {
		f.From = a.from.On(now)
	}
	switch {
	case !f.From.Before(f.To):
		return f, bad("query.from", "the window ends before it begins", a.From)
	case f.Length() > longestSpan:
		return f, bad("query.from", "the window is longer than five years", a.From)
	}
	return f, nil
}

// bad is a 422 about one parameter.
func bad(location, message string, value any) error {
	return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: location, Message: message, Value: value})
}

// Page holds the parameters of lists that can be long.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most items in one answer."`
	Cursor string `query:"cursor" maxLength:"512" doc:"Where the answer before ended: its next_cursor."`
}

// Window is the stretch of time an answer speaks of.
type Window struct {
	From Time `json:"from"`
	To   Time `json:"to"`
}

// List is a part of a longer list. NextCursor is empty at its end.
type List[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty"`
	Window     Window `json:"window"`
}

// list makes the answer about a window.
func list[T any](items []T, next string, w event.Window) *answer[List[T]] {
	if items == nil {
		items = []T{}
	}
	return &answer[List[T]]{Body: List[T]{Items: items, NextCursor: next, Window: Window{Time{w.From}, Time{w.To}}}}
}

// answer is a response body as huma wants it.
type answer[T any] struct {
	Body T
}
