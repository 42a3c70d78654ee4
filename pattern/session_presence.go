package pattern

import (
	"slices"

	"flapwatch/event"
)

// Gap is a stretch in which a device was registered nowhere, in Unix milliseconds.
type Gap struct {
	From, Until int64
	OpenEnd     bool // it reaches to the end of the window
}

// Seconds from the beginning to the end.
func (g Gap) Seconds() float64 { return seconds(g.Until - g.From) }

// Presence sums up the sessions of a device in a window. Registered, Out and Unknown are seconds and make up the window:
// Unknown is the time before the first session, and around beginnings and ends that nobody saw.
type Presence struct {
	Registered, Out, Unknown float64
	MedianRegistered         *float64 // seconds from a seen beginning to a seen end, of sessions that broke where there are any
	MedianOutage             *float64 // seconds registered nowhere, beginning and end seen

	first, last border // what the window begins and ends with
}

// border is what the time at an end of a window counts as.
type border uint8

const (
	unknown border = iota
	registered
	out
)

// slide gives p for a window that begins and ends so many seconds later, where nothing happened.
func (p Presence) slide(begin, end float64) Presence {
	for _, x := range []struct {
		what  border
		moved float64
	}{{p.first, -begin}, {p.last, end}} {
		switch x.what {
		case registered:
			p.Registered += x.moved
		case out:
			p.Out += x.moved
		case unknown:
			p.Unknown += x.moved
		}
	}
	return p
}

// Availability is the share of the known time in which the device was registered; nil if no time is known.
func (p Presence) Availability() *float64 {
	known := p.Registered + p.Out
	if known <= 0 {
		return nil
	}
	share := p.Registered / known
	return &share
}

// Gaps between the sessions, and after the last one. Where the log shows no beginning at all nobody knows how long a
// device was away, and there are none.
func Gaps(sessions []Session, w event.Window) []Gap {
	if !beginningsSeen(sessions) {
		return nil
	}
	var out []Gap
	covered := union(sessions, func(Session) bool { return true })
	for i, c := range covered {
		switch {
		case i+1 < len(covered):
			out = append(out, Gap{From: c[1], Until: covered[i+1][0]})
		case w != event.Window{} && c[1] < w.To.UnixMilli():
			out = append(out, Gap{From: c[1], Until: w.To.UnixMilli(), OpenEnd: true})
		}
	}
	return out
}

// Measure sums up the sessions that Sessions found in w.
func Measure(sessions []Session, w event.Window) Presence {
	var p Presence
	from, to := span(sessions, w)
	gaps := Gaps(sessions, w)
	if beginningsSeen(sessions) {
		certain := func(s Session) bool {
			return (!s.OpenStart || s.From == from) && (!s.OpenEnd || s.Until == to)
		}
		for _, c := range union(sessions, certain) {
			p.Registered += seconds(c[1] - c[0])
			if c[0] == from {
				p.first = registered
			}
			if c[1] == to {
				p.last = registered
			}
		}
	}
	var outages []float64
	for _, g := range gaps {
		p.Out += g.Seconds()
		if g.OpenEnd {
			p.last = out
		} else {
			outages = append(outages, g.Seconds())
		}
	}
	p.Unknown = max(0, seconds(to-from)-p.Registered-p.Out)
	p.MedianRegistered, p.MedianOutage = medianRegistered(sessions), middle(outages)
	return p
}

func beginningsSeen(sessions []Session) bool {
	return slices.ContainsFunc(sessions, func(s Session) bool { return !s.OpenStart })
}

// medianRegistered of the sessions that broke; of all that were seen whole if none broke.
func medianRegistered(sessions []Session) *float64 {
	var broke, all []float64
	for _, s := range sessions {
		if s.OpenStart || s.OpenEnd {
			continue
		}
		all = append(all, s.Seconds())
		if s.Broke() {
			broke = append(broke, s.Seconds())
		}
	}
	if len(broke) > 0 {
		return middle(broke)
	}
	return middle(all)
}

// span of the window, or of the sessions where the window is zero.
func span(sessions []Session, w event.Window) (from, to int64) {
	if w != (event.Window{}) {
		return w.From.UnixMilli(), w.To.UnixMilli()
	}
	for i, s := range sessions {
		if i == 0 {
			from = s.From
		}
		to = max(to, s.Until)
	}
	return from, to
}

// union of the sessions that count, as separate stretches in order.
func union(sessions []Session, counts func(Session) bool) [][2]int64 {
	var out [][2]int64
	for _, s := range sessions {
		switch n := len(out); {
		case !counts(s):
		case n > 0 && s.From <= out[n-1][1]:
			out[n-1][1] = max(out[n-1][1], s.Until)
		default:
			out = append(out, [2]int64{s.From, s.Until})
		}
	}
	return out
}

// middle is the median, nil of nothing; it sorts v.
func middle(v []float64) *float64 {
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	m := (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	return &m
}
