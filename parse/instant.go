package parse

import (
	"math"
	"time"

	"flapwatch/event"
)

// noTime leaves the event with its receive time.
func (r *record) noTime() {
	r.e.Time, r.e.TimeSource, r.e.Claimed, r.e.Clock = r.e.Received, event.FromReceipt, "", ""
}

// setTime puts t into the event: its instant if it tells one, else the claim alone and the receive time.
func (r *record) setTime(t *stamp) {
	e := r.e
	e.Claimed, e.Clock = t.claimed(r.s), t.mark
	e.Time, e.TimeSource = e.Received, event.FromReceipt
	year, source := t.year, event.FromMessage
	if year == 0 {
		year, source = t.nearestYear(e.Received), event.FromMessageNoYear
	}
	wall, ok := t.in(year)
	if !ok || t.unknown {
		return
	}
	if offset, ok := t.offset(wall, r.zone); ok {
		e.Time, e.TimeSource = time.Unix(wall-int64(offset), int64(t.nsec)).UTC(), source
	}
}

// offset is that of t's zone, or of the sender's where t has none.
func (t *stamp) offset(wall int64, sender *time.Location) (int, bool) {
	if t.zone != "" {
		if offset, ok := zoneOffset(t.zone); ok {
			return offset, true
		}
	}
	return localOffset(time.Unix(wall, 0).UTC(), t.zone, sender)
}

// The years whose times fit into a count of nanoseconds from 1970 on.
const firstYear, lastYear = 1970, 2261

// in gives the seconds since 1970 of t as if it were UTC, in the given year; not ok for days that the month does not have.
func (t *stamp) in(year int) (int64, bool) {
	if year < firstYear || year > lastYear || t.month < 1 || t.day > daysIn(year, t.month) {
		return 0, false
	}
	return int64((daysSinceEpoch(year, t.month, t.day)*24+t.hour)*3600 + t.min*60 + t.sec), true
}

// nearestYear is the year that puts t closest to now; of 29 February the closest that has one.
func (t *stamp) nearestYear(now time.Time) int {
	best, distance := 0, int64(math.MaxInt64)
	for _, d := range [...]int{0, -1, 1, -2, 2, -3, 3, -4, 4} {
		if best != 0 && d < -1 {
			break
		}
		if wall, ok := t.in(now.Year() + d); ok && max(wall-now.Unix(), now.Unix()-wall) < distance {
			best, distance = now.Year()+d, max(wall-now.Unix(), now.Unix()-wall)
		}
	}
	return best
}

func daysIn(year, month int) int {
	if month == 2 && (year%4 != 0 || year%100 == 0 && year%400 != 0) {
		return 28
	}
	return [...]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month]
}

// daysSinceEpoch counts from 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap day is the
// last of its year.
func daysSinceEpoch(year, month, day int) int {
	if month < 3 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}
