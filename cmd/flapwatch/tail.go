package main

import (
	"context"

	"flapwatch/event"
)

// tail implements api.Tail for the messages that came in through this service's spool.
type tail struct {
	*database
	spool string
}

// TailEnd implements api.Tail.
func (t tail) TailEnd(ctx context.Context) (string, error) {
	s, err := t.use()
	if err != nil {
		return "", err
	}
	return s.TailEnd(ctx, t.spool)
}

// Tail implements api.Tail.
func (t tail) Tail(ctx context.Context, f event.Filter, after, end string, limit int) ([]event.Row, []string, error) {
	s, err := t.use()
	if err != nil {
		return nil, nil, err
	}
	return s.Tail(ctx, f, t.spool, after, end, limit)
}
