package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// Tail gives events in the order in which they were stored.
type Tail interface {
	// TailEnd is the place behind everything that is stored.
	TailEnd(ctx context.Context) (string, error)
	// Tail gives the events that f lets through between two places, at most limit of them, and the place of each.
	Tail(ctx context.Context, f event.Filter, after, end string, limit int) ([]event.Row, []string, error)
}

const (
	tailPause = time.Second      // between looks
	tailBeat  = 15 * time.Second // at the latest something is sent, so that proxies and clients know that we live
	tailPage  = 500              // events at once
	mostTails = 64
	tailsEach = 8 // of one client
)

// following counts the clients of the tail.
type following struct {
	mu   sync.Mutex
	all  int
	each map[string]int
}

// enter lets one more in, or not.
func (f *following) enter(client string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all >= mostTails || f.each[client] >= tailsEach {
		return false
	}
	if f.each == nil {
		f.each = map[string]int{}
	}
	f.all++
	f.each[client]++
	return true
}

func (f *following) leave(client string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all--
	if f.each[client]--; f.each[client] == 0 {
		delete(f.each, client)
	}
}

// tailInput says what to follow, and from where.
type tailInput struct {
	request
	Narrow
	LastEventID string `header:"Last-Event-ID" maxLength:"512" doc:"The id of the last event that was received: everything stored since follows. Without it only what is stored from now on."`

	filter event.Filter
}

// Resolve implements huma.Resolver.
func (t *tailInput) Resolve(c huma.Context) []error {
	errs := t.read(c)
	f, more := t.Narrow.filter()
	t.filter = f
	return append(errs, more...)
}

// tail follows the store. What is wrong with the question is said before the stream begins.
func (s *server) tail(ctx context.Context, in *tailInput) (*huma.StreamResponse, error) {
	end, err := s.Tail.TailEnd(ctx)
	if err != nil {
		return nil, s.fail("tail", err)
	}
	place := end
	if in.LastEventID != "" {
		place = in.LastEventID
		_, _, err := s.Tail.Tail(ctx, in.filter, place, end, 1)
		switch {
		case errors.Is(err, event.ErrCursor):
			return nil, bad("header.Last-Event-ID", "this was not given by an earlier answer", nil)
		case err != nil:
			return nil, s.fail("tail", err)
		}
	}
	return &huma.StreamResponse{Body: func(c huma.Context) { s.follow(c, in.filter, place) }}, nil
}

// follow sends events until the client leaves or the service ends.
func (s *server) follow(c huma.Context, f event.Filter, place string) {
	r, w := humachi.Unwrap(c)
	who := client(r)
	if !s.following.enter(who) {
		w.Header().Set("Retry-After", "10")
		problem(w, http.StatusTooManyRequests, "too many clients follow already")
		return
	}
	defer s.following.leave(who)
	out := &eventStream{w: w, control: http.NewResponseController(w), words: s.Words}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	defer context.AfterFunc(s.Ends, stop)()
	if out.begin(place) != nil {
		return
	}
	pause := time.NewTicker(tailPause)
	defer pause.Stop()
	for ctx.Err() == nil {
		next, err := s.forward(ctx, out, f, place)
		if err != nil {
			return
		}
		place = next
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// forward sends everything from place to the end and gives the place where it stopped. A store that is away is no error: it comes
// back, and nothing is passed over.
func (s *server) forward(ctx context.Context, out *eventStream, f event.Filter, place string) (string, error) {
	end, err := s.Tail.TailEnd(ctx)
	for err == nil && end != place {
		var rows []event.Row
		var places []string
		if rows, places, err = s.Tail.Tail(ctx, f, place, end, tailPage); err != nil {
			break
		}
		if err := out.events(rows, places); err != nil {
			return place, err
		}
		if len(rows) < tailPage {
			place = end
			break
		}
		place = places[len(places)-1]
	}
	return place, out.beat(place)
}

// eventStream writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	words   Words
	last    time.Time // something was sent
}

// begin tells the place at once, so that a client that loses the line before the first event misses nothing.
func (o *eventStream) begin(place string) error {
	if err := o.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return o.send(fmt.Appendf(nil, "retry: 2000\nid: %s\n\n", place))
}

// events sends a page of events in one piece.
func (o *eventStream) events(rows []event.Row, places []string) error {
	if len(rows) == 0 {
		return nil
	}
	var page []byte
	for i := range rows {
		data, err := json.Marshal(ViewEvent(o.words, &rows[i].Event))
		if err != nil {
			return err
		}
		page = fmt.Appendf(page, "id: %s\ndata: %s\n\n", places[i], data)
	}
	return o.send(page)
}

// beat sends the place where nothing else was sent for a while.
func (o *eventStream) beat(place string) error {
	if time.Since(o.last) < tailBeat {
		return nil
	}
	return o.send(fmt.Appendf(nil, ": nothing new\nid: %s\n\n", place))
}

func (o *eventStream) send(text []byte) error {
	o.last = time.Now()
	if _, err := o.w.Write(text); err != nil {
		return err
	}
	return o.control.Flush()
}
