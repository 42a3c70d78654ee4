package report

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"flapwatch/event"
)

// ErrNotBegun: there is nothing to report of a week to come.
var ErrNotBegun = errors.New("that week has not begun")

// Week is a week of ISO 8601: it begins on Monday and belongs to the year of its Thursday.
type Week struct {
	Year, Number int
}

var weekForm = regexp.MustCompile(`^(\d{4})-?W(\d{2})$`)

// ParseWeek reads 2026-W47.
func ParseWeek(s string) (Week, error) {
	m := weekForm.FindStringSubmatch(s)
	if m == nil {
		return Week{}, errors.New("write it as 2026-W47")
	}
	year, _ := strconv.Atoi(m[1])
	number, _ := strconv.Atoi(m[2])
	w := Week{year, number}
	switch {
	case year < 1970 || year > 2200:
		return Week{}, errors.New("the year lies between 1970 and 2200")
	case number < 1 || number > 53 || WeekOf(w.monday(time.UTC)) != w:
		return Week{}, fmt.Errorf("%d has no week %d", year, number)
	}
	return w, nil
}

// WeekOf gives the week in which t lies, in the zone of t.
func WeekOf(t time.Time) Week {
	year, number := t.ISOWeek()
	return Week{year, number}
}

// LastWeek gives the last week that is over at t, in the zone of t.
func LastWeek(t time.Time) Week { return WeekOf(t).Before() }

// Before gives the week before.
func (w Week) Before() Week { return WeekOf(w.monday(time.UTC).AddDate(0, 0, -7)) }

// String writes 2026-W47.
func (w Week) String() string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }

// Window reaches from Monday to Monday, midnight in a zone: 168 hours, or one more or less where the clocks change.
func (w Week) Window(zone *time.Location) event.Window {
	return event.Window{From: w.monday(zone), To: w.monday(zone).AddDate(0, 0, 7)}
}

// monday: 4 January lies in week 1 (ISO 8601).
func (w Week) monday(zone *time.Location) time.Time {
	fourth := time.Date(w.Year, time.January, 4, 0, 0, 0, 0, zone)
	return time.Date(w.Year, time.January, 4-(int(fourth.Weekday())+6)%7+7*(w.Number-1), 0, 0, 0, 0, zone)
}

// weekBefore gives the same days of the week before, at the same time on the clock.
func weekBefore(w event.Window, zone *time.Location) event.Window {
	return event.Window{From: w.From.In(zone).AddDate(0, 0, -7), To: w.To.In(zone).AddDate(0, 0, -7)}
}
