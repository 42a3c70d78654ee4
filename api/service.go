package api

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
)

// Stats is the accounting since the data folder began: received = stored + duplicate + unparsed + other + dropped + in_spool.
type Stats struct {
	Received        uint64  `json:"received"`
	Stored          uint64  `json:"stored"`
	Duplicate       uint64  `json:"duplicate"`
	Unparsed        uint64  `json:"unparsed"`
	Other           uint64  `json:"other"`
	Dropped         uint64  `json:"dropped"`
	InSpool         uint64  `json:"in_spool"`
	SpoolBytes      int64   `json:"spool_bytes"`
	SpoolAgeSeconds float64 `json:"spool_age_seconds" doc:"Age of the oldest message that is not stored yet; 0 if there is none."`
	StoreLagSeconds float64 `json:"store_lag_seconds" doc:"From receipt to the store, of the last batch that was stored; 0 before the first since the start."`
	DamagedRecords  uint64  `json:"damaged_records" doc:"Spool records set aside because their checksum was wrong."`
	EngineRestarts  int     `json:"engine_restarts"`
}

// Trouble is a reason why the service is not ready.
type Trouble struct {
	Part string `json:"part" doc:"store, spool"`
	Why  string `json:"why"`
}

// Record is one line that was decoded and not stored.
type Record struct {
	Status event.Status
	Event  *event.Event
	Err    error
}

// Decoded is a decoded line as programs see it.
type Decoded struct {
	Status string `json:"status" enum:"event,quoted,other,unparsed"`
	Error  string `json:"error,omitempty" doc:"What was not understood, and at which byte."`
	Event  *Event `json:"event,omitempty"`
}

// ViewDecoded shows a decoded line. Unlike a stored event its cause carries the whole explanation.
func ViewDecoded(w Words, r Record) Decoded {
	d := Decoded{Status: r.Status.String()}
	if r.Err != nil {
		d.Error = r.Err.Error()
	}
	v := ViewEvent(w, r.Event)
	if c := w.Explain(r.Event).Cause; c != nil {
		v.Cause = &Cause{ID: c.ID, Title: c.Title, Text: c.Text, Checks: c.Checks, Fix: c.Fix, Source: c.Source, Confidence: c.Confidence}
	}
	d.Event = &v
	return d
}

func (s *server) stats(ctx context.Context, _ *Plain) (*answer[Stats], error) {
	v, err := s.Service.Stats(ctx)
	if err != nil {
		return nil, s.fail("accounting", err)
	}
	return &answer[Stats]{Body: v}, nil
}

// healthz says that the process lives.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

// readyz says whether messages are taken in, stored and answered for; 503 with the reasons where not.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	troubles := s.Service.Ready(r.Context())
	if len(troubles) == 0 {
		fmt.Fprintln(w, "ready")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, t := range troubles {
		fmt.Fprintf(w, "%s: %s\n", t.Part, t.Why)
	}
}

// maxDecode bounds the text of one decode request.
const maxDecode = 4 << 20

type decodeInput struct {
	request
	RawBody []byte `contentType:"text/plain"`
}

// Resolve implements huma.Resolver.
func (d *decodeInput) Resolve(c huma.Context) []error { return d.read(c) }

func (s *server) decode(ctx context.Context, in *decodeInput) (*listing[Rows[Decoded]], error) {
	out := rows[Decoded](in.request, nil)
	err := s.Service.Decode(ctx, in.RawBody, func(r Record) {
		out.Body.Items = append(out.Body.Items, ViewDecoded(s.Words, r))
	})
	if err != nil {
		return nil, huma.Error400BadRequest("the text cannot be read", err)
	}
	return out, nil
}

func (s *server) events(ctx context.Context, in *struct {
	Ask
	Page
}) (*listing[List[Event]], error) {
	rows, next, err := s.Reader.Events(ctx, in.filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, s.fail("events", err)
	}
	items := make([]Event, len(rows))
	for i := range rows {
		items[i] = ViewEvent(s.Words, &rows[i].Event)
	}
	return list(in.request, items, next, in.window), nil
}

// Line is a record that was not understood.
type Line struct {
	ID         string `json:"id"`
	ReceivedAt Time   `json:"received_at"`
	Source     string `json:"source"`
	Offset     int    `json:"offset" doc:"Byte at which the parser gave up."`
	Reason     string `json:"reason"`
	Raw        string `json:"raw"`
	Base64     []byte `json:"base64,omitempty" doc:"The record byte for byte, where it is no UTF-8."`
}

func (s *server) unparsed(ctx context.Context, in *struct {
	Span
	Page
}) (*listing[List[Line]], error) {
	lines, next, err := s.Reader.Unparsed(ctx, event.Filter{Window: in.window}, in.Cursor, in.Limit)
	if err != nil {
		return nil, s.fail("unparsed lines", err)
	}
	items := make([]Line, len(lines))
	for i, l := range lines {
		items[i] = Line{l.ID.String(), Time{l.Received}, l.Source, l.Offset, l.Reason, l.Raw, nil}
		if !utf8.ValidString(l.Raw) {
			items[i].Base64 = []byte(l.Raw)
		}
	}
	return list(in.request, items, next, in.window), nil
}
