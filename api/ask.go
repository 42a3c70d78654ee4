package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
)

const (
	defaultSpan = 24 * time.Hour
	longestSpan = 5 * 366 * 24 * time.Hour
)

// request is what every question carries. Types that embed it have a Resolve, which huma calls after it has read the parameters,
// and whose errors it answers together with its own.
type request struct {
	table   bool      // the asker wants text/csv
	at      time.Time // when it was asked
	address url.URL   // path and parameters
}

// read takes what is not a parameter, and refuses parameters that the operation does not have or that stand twice.
func (r *request) read(c huma.Context) (errs []error) {
	r.table = wantsTable(c.Header("Accept"))
	if form := c.Query("format"); form != "" { // for links, which cannot say what they accept
		r.table = form == "csv"
	}
	r.at = askedAt(c.Context())
	known := map[string]bool{}
	for _, p := range c.Operation().Parameters {
		known[p.Name] = p.In == "query"
	}
	r.address = c.URL()
	given := r.address.Query()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch {
		case !known[name]:
			errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: "there is no such parameter here; /docs lists those there are"})
		case len(given[name]) > 1:
			errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: "stands more than once"})
		}
	}
	return errs
}

// Plain is a question without parameters.
type Plain struct{ request }

// Resolve implements huma.Resolver.
func (p *Plain) Resolve(c huma.Context) []error { return p.read(c) }

// Span is the stretch of time that is asked about.
type Span struct {
	request
	From string `query:"from" maxLength:"64" doc:"Start of the window: RFC 3339, or relative such as -7d or -16m. Default: 24 hours before to." example:"-7d"`
	To   string `query:"to" maxLength:"64" doc:"End of the window, not included: RFC 3339, relative, or now (default)." example:"now"`

	window event.Window
}

// Resolve implements huma.Resolver.
func (s *Span) Resolve(c huma.Context) []error {
	errs := s.read(c)
	from, err := moment("from", s.From)
	errs = append(errs, err...)
	to, err := moment("to", s.To)
	errs = append(errs, err...)
	if len(errs) > 0 && (from == nil && s.From != "" || to == nil && s.To != "") {
		return errs
	}
	s.window.To = s.at.UTC()
	if to != nil {
		s.window.To = to.On(s.at)
	}
	s.window.From = s.window.To.Add(-defaultSpan)
	if from != nil {
		s.window.From = from.On(s.at)
	}
	switch {
	case !s.window.From.Before(s.window.To):
		errs = append(errs, &huma.ErrorDetail{Location: "query.from", Message: "the window ends before it begins", Value: s.From})
	case s.window.Length() > longestSpan:
		errs = append(errs, &huma.ErrorDetail{Location: "query.from", Message: "the window is longer than five years", Value: s.From})
	}
	return errs
}

// moment reads a point in time; nil where there is none.
func moment(name, value string) (*When, []error) {
	if value == "" {
		return nil, nil
	}
	w, err := ParseWhen(value)
	if err != nil {
		return nil, []error{&huma.ErrorDetail{Location: "query." + name, Message: err.Error(), Value: value}}
	}
	return &w, nil
}

// Place narrows a question to a part of the fleet.
type Place struct {
	Cluster string `query:"cluster" maxLength:"255" doc:"Only this cluster (ClusterID)."`
	Node    string `query:"node" maxLength:"255" doc:"Only this node (NodeID)."`
}

// Narrow narrows a question to some events.
type Narrow struct {
	Place
	Device   string `query:"device" maxLength:"255" doc:"Only this device." example:"SEPE0D1730A8137"`
	Protocol string `query:"protocol" maxLength:"32" doc:"Only this protocol." example:"SIP"`
	Reason   string `query:"reason" maxLength:"10" pattern:"^[0-9]+$" patternDescription:"a reason code such as 13" doc:"Only this reason code." example:"13"`
}

// filter gives the question without its window, and what is wrong with it.
func (n *Narrow) filter() (f event.Filter, errs []error) {
	f = event.Filter{Cluster: n.Cluster, Node: n.Node, Device: n.Device, Protocol: n.Protocol}
	errs = clean("cluster", n.Cluster, "node", n.Node, "device", n.Device, "protocol", n.Protocol)
	if len(n.Reason) > 0 && len(n.Reason) <= 10 { // a longer one is refused for its length
		code, err := strconv.ParseUint(n.Reason, 10, 32)
		if errors.Is(err, strconv.ErrRange) { // what is no number is refused for its pattern
			errs = append(errs, &huma.ErrorDetail{Location: "query.reason", Message: "there is no code so high", Value: n.Reason})
		}
		reason := uint32(code)
		f.Reason = &reason
	}
	return f, errs
}

// Ask holds the query parameters that most questions share.
type Ask struct {
	Span
	Narrow

	filter event.Filter
}

// Resolve implements huma.Resolver.
func (a *Ask) Resolve(c huma.Context) []error {
	errs := a.Span.Resolve(c)
	f, more := a.Narrow.filter()
	f.Window = a.window
	a.filter = f
	return append(errs, more...)
}

// clean refuses text that no name can hold. pairs are names of query parameters and their values.
func clean(pairs ...string) (errs []error) {
	for i := 0; i < len(pairs); i += 2 {
		errs = append(errs, noName("query."+pairs[i], pairs[i+1])...)
	}
	return errs
}

// unnamed are characters that neither CUCM nor the name of a gateway's port allows.
const unnamed = "'\"`;\\<>{}|="

// noName says why s is not the name of anything.
func noName(location, s string) []error {
	switch {
	case !printable(s):
		return []error{&huma.ErrorDetail{Location: location, Message: "control characters are not allowed"}}
	case strings.ContainsAny(s, unnamed):
		return []error{&huma.ErrorDetail{Location: location, Message: "no name holds one of " + unnamed}}
	}
	return nil
}

// Name makes a name that is taken of the name of a file, which may be anything.
func Name(file string) string {
	return strings.Map(func(r rune) rune {
		if !printable(string(r)) || strings.ContainsRune(unnamed, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(file, "_"))
}

// printable says that s is UTF-8 without C0 and C1 control characters.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return false
		}
	}
	return true
}

// finite refuses what is no number. pairs are names of query parameters and their values.
func finite(pairs ...any) (errs []error) {
	for i := 0; i < len(pairs); i += 2 {
		if v := pairs[i+1].(float64); math.IsNaN(v) || math.IsInf(v, 0) {
			errs = append(errs, &huma.ErrorDetail{Location: fmt.Sprintf("query.%s", pairs[i]), Message: "write it as a number"})
		}
	}
	return errs
}

// bad is a 422 about one parameter.
func bad(location, message string, value any) error {
	return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: location, Message: message, Value: value})
}

// Page holds the parameters of lists that can be long.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most items in one answer."`
	Cursor string `query:"cursor" maxLength:"2048" pattern:"^[A-Za-z0-9_-]*$" doc:"Where the answer before ended: its next_cursor. It stays valid while events arrive."`
	Form
}

// Form of a list.
type Form struct {
	Format string `query:"format" enum:"json,csv" doc:"Form of the answer; default: what Accept prefers, JSON if it does not care."`
}

// Window is the stretch of time an answer speaks of.
type Window struct {
	From Time `json:"from"`
	To   Time `json:"to"`
}

func viewWindow(w event.Window) Window { return Window{Time{w.From}, Time{w.To}} }

// List is a part of a longer list. NextCursor is empty at its end.
type List[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty"`
	Window     Window `json:"window"`
}

// answer is a response body as huma wants it.
type answer[T any] struct {
	Body T
}

// listing is an answer with items, which may be a table.
type listing[T any] struct {
	ContentType string `header:"Content-Type"` // empty: JSON
	Next        string `header:"Link" doc:"Where the next part of a longer list is, as rel=next (RFC 8288): a table has no room for next_cursor."`
	Body        T
}

// list makes the answer about a window.
func list[T any](r request, items []T, next string, w event.Window) *listing[List[T]] {
	out := &listing[List[T]]{Body: List[T]{Items: some(items), NextCursor: next, Window: viewWindow(w)}}
	if r.table {
		out.ContentType = csvType
	}
	if next != "" {
		q := r.address.Query()
		q.Set("cursor", next)
		out.Next = "<" + r.address.EscapedPath() + "?" + q.Encode() + `>; rel="next"`
	}
	return out
}

// some makes an empty list of none, so that programs always find a list.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// clockKey marks the time of a request in its context.
type clockKey struct{}

func askedAt(ctx context.Context) time.Time {
	t, _ := ctx.Value(clockKey{}).(time.Time)
	return cmp.Or(t, time.Unix(0, 0))
}
