package report

import (
	"cmp"
	"math"
	"slices"

	"flapwatch/event"
)

// A week that begins with a day of silence or more, in which at its later rate so many unregistrations were to be expected, was not
// listened to from its beginning.
const missed = 20

// silent says until when nothing was heard in a window that was not listened to from its beginning; 0 where it was.
func (d *Digest) silent() Moment {
	n := 0
	from, begin, end := Moment(0), moment(d.Window.From), moment(d.Window.To)
	for _, b := range d.Content.Pulse {
		if n += b.Dropped + b.Planned; n > 0 && from == 0 {
			from = b.From
		}
	}
	if silence := from - begin; n > 0 && silence >= 24*3_600_000 && float64(n)*float64(silence)/float64(end-from) >= missed {
		return from
	}
	return 0
}

// compare says what is different from the week before, if that was heard whole.
func (r *Report) compare(this, before *Digest, most int) {
	r.Change = Change{New: []Moved{}, Worse: []Moved{}, Solved: []Moved{}}
	if r.Silent = before.silent(); r.Silent != 0 || len(before.Heard) == 0 {
		return
	}
	r.Before, r.Change.Known = &before.Content.Totals, true
	then := make(map[key]*Heard, len(before.Heard))
	for i := range before.Heard {
		then[before.Heard[i].key()] = &before.Heard[i]
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		n := 0
		if h := then[d.key()]; h != nil {
			n = h.Drops
		}
		d.Before = &n
	}
	for i := range this.Heard {
		now := &this.Heard[i]
		k := now.key()
		r.Change.sort(now, then[k])
		delete(then, k)
	}
	for _, h := range then {
		r.Change.sort(nil, h)
	}
	r.Change.cut(most)
}

// key of a device.
func (n *Name) key() key { return key{n.Cluster, n.Device} }

// cut leaves the most that changed most of each list.
func (c *Change) cut(most int) {
	for _, list := range []*[]Moved{&c.New, &c.Worse, &c.Solved} {
		slices.SortFunc(*list, func(x, y Moved) int {
			return cmp.Or(-cmp.Compare(distance(x), distance(y)), cmp.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Device, y.Device))
		})
		*list = (*list)[:min(len(*list), most)]
	}
}

// called gives the name with what the administrators wrote about the device.
func (n *Name) called() string {
	if n.Description == "" {
		return Clip(40, n.Device)
	}
	return Clip(40, n.Device) + " (" + Clip(40, n.Description) + ")"
}

func distance(m Moved) int { return max(m.Now-m.Before, m.Before-m.Now) }

// bad: a device is in trouble if it drops in a period, or once a day and more.
func (h *Heard) bad() bool { return h.Period != nil || h.Drops >= restless }

// sort puts a device into its list. now or then is nil where nothing was heard of it.
func (c *Change) sort(now, then *Heard) {
	silent := ""
	if now == nil {
		now, silent = &Heard{}, "; nothing was heard of it this week"
	}
	if then == nil {
		then = &Heard{}
	}
	m := Moved{Name: now.Name, Now: now.Drops, Before: then.Drops}
	switch more := clearly(now.Drops, then.Drops); {
	case now.bad() && !then.bad() && (now.Period != nil || more):
		m.What = now.words()
		c.New = append(c.New, m)
	case now.bad() && then.bad() && more && 2*now.Drops >= 3*then.Drops:
		m.What = now.words()
		c.Worse = append(c.Worse, m)
	case then.bad() && now.Period == nil && 4*now.Drops <= then.Drops && clearly(then.Drops, now.Drops):
		m.Name, m.What = then.Name, then.words()+" before"+silent
		c.Solved = append(c.Solved, m)
	}
}

// clearly more: the difference of two Poisson counts is three standard deviations of it or more.
func clearly(more, less int) bool {
	return float64(more-less) >= 3*math.Sqrt(float64(more+less)) && more > less
}

func (h *Heard) words() string {
	if h.Period != nil {
		return "every " + event.Span(*h.Period)
	}
	return "without a period"
}
