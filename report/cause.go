package report

import (
	"cmp"
	"math"
	"slices"

	"flapwatch/diagnose"
)

const (
	restless = 7   // drops in a week from which on a device without a period needs a cause: one a day
	mostDots = 400 // in the picture of a period
)

// causes groups the devices that repeat or flap by what is behind them, most explained drops first; what is planned and what has
// no known cause come last.
func (b *builder) causes() []Cause {
	groups := map[group][]*diagnose.Verdict{}
	for i := range b.survey.Verdicts {
		v := b.survey.Verdicts[i]
		if g, ok := groupOf(v); ok {
			groups[g] = append(groups[g], v)
		}
	}
	list := []Cause{}
	for g, members := range groups {
		list = append(list, b.cause(g, members))
	}
	slices.SortFunc(list, func(x, y Cause) int {
		return cmp.Or(x.class()-y.class(), cmp.Compare(y.explained(), x.explained()), cmp.Compare(x.ID, y.ID))
	})
	return list
}

// group is a cause; planned ones are told apart, because nobody has to act.
type group struct {
	id      string
	planned bool
}

// groupOf says where a device belongs; false if it needs no cause.
func groupOf(v *diagnose.Verdict) (group, bool) {
	j, periodic := told(v), period(v) != nil
	h := j.Cause()
	switch {
	case !periodic && v.Device.Flap.Unregistrations < restless:
		p := plan(v)
		if p == nil {
			return group{}, false
		}
		if h := p.Cause(); h != nil {
			return group{h.ID, true}, true
		}
		return group{"", true}, true
	case h != nil:
		return group{h.ID, false}, true
	}
	return group{}, true
}

// plan is the finding about planned unregistrations that may be shown; nil if there is none.
func plan(v *diagnose.Verdict) *diagnose.Judged {
	for i := range v.Patterns {
		if p := &v.Patterns[i]; p.Passed && p.Planned {
			return p
		}
	}
	return nil
}

func (c *Cause) class() int {
	switch {
	case c.Planned:
		return 2
	case c.ID == "":
		return 1
	}
	return 0
}

// explained drops: what finding the cause would save, if the diagnosis is right.
func (c *Cause) explained() float64 { return c.Score * float64(c.Unregistrations) }

// cause puts a group together.
func (b *builder) cause(g group, members []*diagnose.Verdict) Cause {
	judged := func(v *diagnose.Verdict) *diagnose.Judged {
		if g.planned {
			return plan(v)
		}
		return told(v)
	}
	count := func(v *diagnose.Verdict) int {
		if g.planned {
			return v.Device.Flap.Expected
		}
		return v.Device.Flap.Unregistrations
	}
	slices.SortStableFunc(members, func(x, y *diagnose.Verdict) int {
		return cmp.Or(order(judged(x).Finding != nil, judged(y).Finding != nil), cmp.Compare(count(y), count(x)))
	})
	c := Cause{ID: g.id, Planned: g.planned, DevicesInAll: len(members), Evidence: []string{}, Against: []string{}, Checks: []string{}, Devices: []Member{}}
	var scores, periods []float64
	var clearest *diagnose.Hypothesis
	var about *diagnose.Judged
	for _, v := range members {
		j := judged(v)
		m := Member{Name: nameOf(v), Unregistrations: count(v), Registered: j.Registered, First: Moment(v.Device.Flap.First), Last: Moment(v.Device.Flap.Last)}
		if f := j.Finding; f != nil {
			m.Period, m.First, m.Last, m.Next = &f.Period, Moment(f.First), Moment(f.Last), Moment(f.NextExpected)
			periods = append(periods, f.Period)
			c.Periodic++
		}
		if h := j.Cause(); h != nil && h.ID == g.id {
			m.Score = h.Score
			scores = append(scores, h.Score)
			if clearest == nil || h.Score > clearest.Score {
				clearest, about = h, j
			}
		}
		c.Unregistrations += m.Unregistrations
		if len(c.Devices) < b.Devices {
			c.Devices = append(c.Devices, m)
		}
	}
	c.periods(periods)
	if score := middle(scores); score != nil {
		c.Score = *score
	}
	if clearest != nil {
		clearest = b.inFull(about, clearest)
		c.Title, c.Why, c.Mechanism, c.Fix, c.Source = clearest.Title, clearest.Why, clearest.Mechanism, clearest.Fix, clearest.Source
		c.Evidence, c.Against, c.Checks = some(clearest.Evidence), some(clearest.Against), some(clearest.Checks)
	} else {
		b.unknown(&c, members)
	}
	c.Phase = b.phase(members[0], judged(members[0]))
	return c
}

// inFull gives a hypothesis with its words, which a survey keeps only of those that people see.
func (b *builder) inFull(j *diagnose.Judged, h *diagnose.Hypothesis) *diagnose.Hypothesis {
	if h.Source != "" {
		return h
	}
	for _, full := range diagnose.Explain(j.Case, b.Catalogue) {
		if full.ID == h.ID {
			return &full
		}
	}
	return h
}

// unknown fills in what can be said where no cause of the catalogue fits: the checks of the most frequent reason.
func (b *builder) unknown(c *Cause, members []*diagnose.Verdict) {
	c.Title = "No known cause fits"
	if c.Planned {
		c.Title = "Planned, in a period"
		return
	}
	codes := map[uint32]int{}
	for _, v := range members {
		if r := v.Device.Flap.TopReason; r != nil {
			codes[*r] += v.Device.Flap.Unregistrations
		}
	}
	if len(codes) == 0 {
		return
	}
	if r := b.Catalogue.Reason(unregistered, mostOf(codes)); r != nil {
		c.Mechanism, c.Checks, c.Source = "most frequent reason: "+r.Name+". "+r.Meaning, some(r.Checks), r.Source
	}
}

func (c *Cause) periods(all []float64) {
	if c.Period = middle(all); c.Period != nil { // sorted now
		c.PeriodLow, c.PeriodHigh = &all[0], &all[len(all)-1]
	}
}

// phase is the picture of the period of v: nil if it has none.
func (b *builder) phase(v *diagnose.Verdict, j *diagnose.Judged) *Phase {
	f := j.Finding
	if f == nil || f.Period <= 0 || j.Planned {
		return nil
	}
	p := &Phase{Device: v.History.Device, Period: f.Period}
	for _, at := range thin(b.tallies.devices[key{v.Cluster, v.History.Device}].times, mostDots) {
		_, place := math.Modf(float64(at-f.First)/1000/f.Period + 0.5)
		if place < 0 {
			place++
		}
		p.Points = append(p.Points, Point{Moment(at), math.Round(place*1000) / 1000})
	}
	if len(p.Points) == 0 {
		return nil
	}
	return p
}

// order puts true before false.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// some makes an empty list of none, so that programs always find a list.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
