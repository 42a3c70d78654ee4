package api

import (
	"context"
	"time"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
)

// Losses are the unregistrations in a part of the window.
type Losses struct {
	From            Time   `json:"from"`
	To              Time   `json:"to"`
	Unregistrations uint64 `json:"unregistrations" doc:"Unplanned."`
	Expected        uint64 `json:"expected_unregistrations"`
}

const mostLosses = 10_000 // parts of a window in an answer

// lossesInput is a question about unregistrations over time.
type lossesInput struct {
	Ask
	Form
	Step int64 `query:"step_seconds" minimum:"60" maximum:"31622400" doc:"Length of a part. Default: a round one that gives some sixty parts at most. Parts begin at multiples of it, those of a week on Monday, 00:00 UTC; the window cuts the first and the last one."`
}

// Resolve implements huma.Resolver.
func (i *lossesInput) Resolve(c huma.Context) []error {
	errs := i.Ask.Resolve(c)
	if i.Step >= 60 && i.window.Length() > mostLosses*i.length() {
		errs = append(errs, &huma.ErrorDetail{Location: "query.step_seconds", Message: "gives more than 10000 parts; choose a longer one", Value: i.Step})
	}
	return errs
}

func (i *lossesInput) length() time.Duration {
	if i.Step == 0 {
		return roundPart(i.window)
	}
	return time.Duration(i.Step) * time.Second
}

// roundPart is a round length of time of which a window is sixty at most, which may be sixty-one parts where it cuts the first and the last.
func roundPart(w event.Window) time.Duration {
	const most, day = 60, 24 * time.Hour
	for _, length := range []time.Duration{
		time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 7 * day, 28 * day,
	} {
		if w.Length() <= most*length {
			return length
		}
	}
	return 364 * day
}

func (s *server) unregistrations(ctx context.Context, in *lossesInput) (*listing[List[Losses]], error) {
	parts, err := s.overTime(ctx, in.filter, in.length())
	if err != nil {
		return nil, err
	}
	return list(in.request, parts, "", in.window), nil
}

// overTime counts unregistrations in all parts of a window, oldest first.
func (s *server) overTime(ctx context.Context, f event.Filter, length time.Duration) ([]Losses, error) {
	found, err := s.Reader.Losses(ctx, f, length)
	if err != nil {
		return nil, s.fail("unregistrations", err)
	}
	var parts []Losses
	for from := f.From.Truncate(length); from.Before(f.To); from = from.Add(length) {
		part := Losses{From: Time{from}, To: Time{from.Add(length)}}
		if len(found) > 0 && found[0].From.Equal(from) {
			part.Unregistrations, part.Expected = found[0].Unplanned, found[0].Planned
			found = found[1:]
		}
		parts = append(parts, part)
	}
	if n := len(parts); n > 0 {
		parts[0].From, parts[n-1].To = Time{f.From}, Time{f.To}
	}
	return parts, nil
}
