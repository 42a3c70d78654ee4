// Package report makes the weekly report: what happened to the phones in a week, why, and what to do first.
//
// There is one model, Report, and a renderer for each form: HTML (html.go, with the pictures of picture.go), Markdown, CSV and
// JSON, and the body of a mail (mail.go). All of them say the same; none of them asks anybody anything. The numbers are those
// that the API gives for the same window, because they come from the same survey.
//
// What devices call themselves is text from the network. The renderers keep it text: HTML escapes it, Markdown takes the meaning
// out of its punctuation, CSV defuses what a spreadsheet would run, and marks that turn the direction of text become dots.
//
// Start with Weekly; week.go has the calendar, model.go what a report holds. A report compares two weeks: digest.go makes what one
// tells by itself, archive.go keeps that of weeks that are over, change.go compares.
package report

import (
	"context"
	"fmt"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/reasons"
)

// Source is where findings and events come from.
type Source interface {
	// Fleet gives everything concluded about the devices that f asks for.
	Fleet(ctx context.Context, f event.Filter) (*diagnose.Survey, error)
	// Histories gives the histories of these devices, one after the other.
	Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error
}

// Senders tells who sent what.
type Senders interface {
	// Sources gives who sent most, and how much of the rest there is.
	Sources(ctx context.Context, f event.Filter) (event.Senders, error)
}

// Options say which week is asked for. Week, Location, Now and Catalogue are required.
type Options struct {
	Week      Week
	Location  *time.Location // of the week's beginning and of every time that people read
	Now       time.Time      // a week that has not ended is reported so far
	Catalogue *reasons.Catalogue
	Senders   Senders  // nil: the report says nothing about them
	Archive   *Archive // nil: nothing is kept
	Devices   int      // most devices in each list; 0: 1000
}

const defaultDevices = 1000

// Weekly makes the report of a week. A week that has not begun is an error.
func Weekly(ctx context.Context, source Source, o Options) (*Report, error) {
	if o.Devices <= 0 {
		o.Devices = defaultDevices
	}
	now, w := o.Now.Truncate(time.Millisecond), o.Week.Window(o.Location)
	if !w.From.Before(now) {
		return nil, ErrNotBegun
	}
	over := !now.Before(w.To)
	if !over {
		w.To = now
	}
	before, err := o.digest(ctx, source, weekBefore(w, o.Location), over)
	if err != nil {
		return nil, fmt.Errorf("the week before %s: %w", o.Week, err)
	}
	this, err := o.digest(ctx, source, w, over)
	if err != nil {
		return nil, fmt.Errorf("week %s: %w", o.Week, err)
	}
	r := &Report{
		Week: o.Week.String(), Zone: o.Location.String(), From: moment(w.From), To: moment(w.To), Partial: !over, Made: moment(now),
		Content: this.Content,
	}
	r.compare(this, before, o.Devices)
	r.First = tasks(r, o.Location)
	r.Headline = headline(r)
	return r, nil
}
