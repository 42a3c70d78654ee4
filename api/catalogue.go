package api

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"flapwatch/keepalive"
	"flapwatch/reasons"

	"github.com/danielgtaylor/huma/v2"
)

// Rows is a whole table: the catalogue is small.
type Rows[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

func rows[T any](r request, items []T) *listing[Rows[T]] {
	out := &listing[Rows[T]]{Body: Rows[T]{some(items)}}
	if r.table {
		out.ContentType = csvType
	}
	return out
}

// reasonsInput narrows the table of reason codes.
type reasonsInput struct {
	request
	Alarm string `query:"alarm" maxLength:"64" doc:"Only the table of this alarm." example:"EndPointUnregistered"`
	Code  string `query:"code" maxLength:"10" pattern:"^[0-9]+$" patternDescription:"a reason code such as 13" doc:"Only this code." example:"13"`
}

// Resolve implements huma.Resolver.
func (i *reasonsInput) Resolve(c huma.Context) []error {
	return append(i.read(c), clean("alarm", i.Alarm)...)
}

func (s *server) reasons(_ context.Context, in *reasonsInput) (*listing[Rows[reasons.Reason]], error) {
	found := slices.DeleteFunc(slices.Clone(s.Catalogue.Reasons()), func(r reasons.Reason) bool {
		return (in.Alarm != "" && !strings.EqualFold(r.Alarm, in.Alarm)) || (in.Code != "" && in.Code != strconv.FormatUint(uint64(r.Code), 10))
	})
	return rows(in.request, found), nil
}

func (s *server) signals(_ context.Context, in *Plain) (*listing[Rows[reasons.Signal]], error) {
	return rows(in.request, s.Catalogue.Signals()), nil
}

func (s *server) deviceTypes(_ context.Context, in *Plain) (*listing[Rows[reasons.DeviceType]], error) {
	return rows(in.request, s.Catalogue.DeviceTypes()), nil
}

// timers are the parameters of GET /keepalive, in seconds.
type timers struct {
	request
	Protocol   string  `query:"protocol" enum:"sip,sccp" default:"sip" doc:"Which keepalives."`
	Expires    float64 `query:"expires" default:"120" doc:"SIP: what the node grants in the 200 OK, s."`
	Delta      float64 `query:"delta" default:"5" doc:"SIP: the phone refreshes so long before the expiry, s."`
	Grace      float64 `query:"grace" default:"10" doc:"SIP: the node's timer runs so long beyond the expiry, s."`
	FirstRetry float64 `query:"retry" default:"0.21875" doc:"SIP: wait before the first repetition; it doubles with each refresh, s."`
	Interval   float64 `query:"interval" default:"30" doc:"SCCP: keepalive interval to the primary, s."`
	Missed     int     `query:"missed" default:"3" doc:"SCCP: intervals without a keepalive after which the node gives up."`
	Fallback   float64 `query:"fallback" default:"120" doc:"Connection Monitor Duration: time on the secondary, s."`

	prediction keepalive.Prediction
}

// Resolve implements huma.Resolver.
func (t *timers) Resolve(c huma.Context) []error {
	errs := append(t.read(c), finite("expires", t.Expires, "delta", t.Delta, "grace", t.Grace, "retry", t.FirstRetry, "interval", t.Interval, "fallback", t.Fallback)...)
	if len(errs) > 0 {
		return errs
	}
	var err error
	if t.prediction, err = keepalive.Cycle(t.model()); err != nil {
		return timerErrors(err)
	}
	return nil
}

func (t *timers) model() keepalive.Model {
	if t.Protocol == "sccp" {
		m := keepalive.DefaultSCCP()
		m.Interval, m.Missed, m.Fallback = t.Interval, t.Missed, t.Fallback
		return m
	}
	m := keepalive.DefaultSIP()
	m.Expires, m.Delta, m.Grace, m.FirstRetry, m.Fallback = t.Expires, t.Delta, t.Grace, t.FirstRetry, t.Fallback
	return m
}

func (s *server) keepalive(_ context.Context, in *timers) (*answer[keepalive.Prediction], error) {
	return &answer[keepalive.Prediction]{Body: in.prediction}, nil
}

// timerErrors names every timer that cannot be.
func timerErrors(err error) (details []error) {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, e := range list {
		d := &huma.ErrorDetail{Location: "query", Message: e.Error()}
		var p *keepalive.ParameterError
		if errors.As(e, &p) {
			d.Location, d.Message = "query."+p.Parameter, p.Problem
		}
		details = append(details, d)
	}
	return details
}
