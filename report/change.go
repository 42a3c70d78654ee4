package report

import (
	"cmp"
	"math"
	"slices"
)

// change compares the devices with the week before. A device is in trouble if it drops in a period, or once a day and more.
func (b *builder) change() Change {
	c := Change{Known: b.before.totals != nil, New: []Moved{}, Worse: []Moved{}, Solved: []Moved{}}
	if !c.Known {
		return c
	}
	here := map[key]bool{}
	for i := range b.survey.Verdicts {
		v := b.survey.Verdicts[i]
		k := key{v.Cluster, v.History.Device}
		here[k] = true
		c.sort(troubleOf(v), b.before.devices[k], true)
	}
	for k, then := range b.before.devices {
		if !here[k] {
			c.sort(trouble{Name: then.Name}, then, false)
		}
	}
	for _, list := range []*[]Moved{&c.New, &c.Worse, &c.Solved} {
		slices.SortFunc(*list, func(x, y Moved) int {
			return cmp.Or(-cmp.Compare(distance(x), distance(y)), cmp.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Device, y.Device))
		})
		*list = (*list)[:min(len(*list), b.Devices)]
	}
	return c
}

func distance(m Moved) int { return max(m.Now-m.Before, m.Before-m.Now) }

func (t trouble) bad() bool { return t.period != nil || t.drops >= restless }

// sort puts a device into its list; heard says whether anything was heard of it this week.
func (c *Change) sort(now, then trouble, heard bool) {
	m := Moved{Name: now.Name, Now: now.drops, Before: then.drops}
	switch more := clearly(now.drops, then.drops); {
	case now.bad() && !then.bad() && (now.period != nil || more):
		m.What = now.words()
		c.New = append(c.New, m)
	case now.bad() && then.bad() && more && 2*now.drops >= 3*then.drops:
		m.What = now.words()
		c.Worse = append(c.Worse, m)
	case then.bad() && now.period == nil && 4*now.drops <= then.drops && clearly(then.drops, now.drops):
		m.What = then.words() + " before"
		if !heard {
			m.What += "; nothing was heard of it this week"
		}
		c.Solved = append(c.Solved, m)
	}
}

// clearly more: the difference of two Poisson counts is three standard deviations of it or more.
func clearly(more, less int) bool {
	return float64(more-less) >= 3*math.Sqrt(float64(more+less)) && more > less
}

func (t trouble) words() string {
	if t.period != nil {
		return "every " + Span(*t.period)
	}
	return "without a period"
}
