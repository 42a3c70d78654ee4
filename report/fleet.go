package report

import (
	"cmp"
	"slices"

	"flapwatch/diagnose"
)

// total sums up a survey.
func total(s *diagnose.Survey) Totals {
	t := Totals{Devices: len(s.Verdicts), Outages: len(s.Outages)}
	sum, told := 0.0, 0
	for i := range s.Verdicts {
		v := s.Verdicts[i]
		f := v.Device.Flap
		t.Unregistrations += f.Unregistrations
		t.Planned += f.Expected
		if f.Unregistrations > 0 {
			t.Dropping++
		}
		if period(v) != nil {
			t.Periodic++
		}
		if f.Availability != nil {
			sum, told = sum+*f.Availability, told+1
		}
	}
	if told > 0 {
		mean := sum / float64(told)
		t.Availability = &mean
	}
	return t
}

// period is the best finding of a device that may be shown and is about drops; nil if there is none.
func period(v *diagnose.Verdict) *diagnose.Judged {
	for i := range v.Patterns {
		if p := &v.Patterns[i]; p.Passed && !p.Planned && p.Alarm != transient {
			return p
		}
	}
	return nil
}

// told is what names the cause of a device: its period, else the device itself.
func told(v *diagnose.Verdict) *diagnose.Judged {
	if p := period(v); p != nil {
		return p
	}
	return &v.Device
}

func nameOf(v *diagnose.Verdict) Name {
	return Name{v.History.Device, v.Cluster, v.Model, v.History.IP, v.Description}
}

// devices gives the list of those that dropped, in the order of the API, and how many there are in all.
func (b *builder) devices() ([]Device, int) {
	var dropped []*diagnose.Verdict
	for i := range b.survey.Verdicts {
		if v := b.survey.Verdicts[i]; v.Device.Flap.Unregistrations > 0 {
			dropped = append(dropped, v)
		}
	}
	slices.SortStableFunc(dropped, func(x, y *diagnose.Verdict) int {
		f, g := x.Device.Flap, y.Device.Flap
		return cmp.Or(cmp.Compare(g.Unregistrations, f.Unregistrations), cmp.Compare(g.Score, f.Score))
	})
	list := []Device{}
	for _, v := range dropped[:min(len(dropped), b.Devices)] {
		list = append(list, b.device(v))
	}
	return list, len(dropped)
}

func (b *builder) device(v *diagnose.Verdict) Device {
	f, t := v.Device.Flap, b.tallies.devices[key{v.Cluster, v.History.Device}]
	d := Device{
		Name: nameOf(v), Unregistrations: f.Unregistrations, Planned: f.Expected, Reason: named(b.Catalogue, "", f.TopReason),
		Node: t.node, Signal: v.Device.Signal, First: Moment(f.First), Last: Moment(f.Last), MedianGap: t.medianGap,
		State: string(f.State), Availability: f.Availability,
	}
	if p := period(v); p != nil {
		d.Period = &p.Finding.Period
	}
	if h := told(v).Cause(); h != nil {
		d.Cause, d.CauseTitle, d.Check = h.ID, h.Title, h.Checks[0]
	}
	return d
}

// retrying gives the devices that are not let in, most attempts first.
func (b *builder) retrying() []Retrying {
	list := []Retrying{}
	for i := range b.survey.Verdicts {
		v := b.survey.Verdicts[i]
		if v.Device.Alarm != transient || v.Device.Spacing == nil {
			continue
		}
		r := Retrying{
			Name: nameOf(v), Attempts: v.Device.Spacing.Count + 1, Every: &v.Device.Spacing.Median, Reason: named(b.Catalogue, transient, v.Device.Reason),
		}
		if h := refused(v); h != nil {
			r.Title, r.Check = h.Title, h.Checks[0]
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(x, y Retrying) int { return cmp.Compare(y.Attempts, x.Attempts) })
	return list[:min(len(list), b.Devices)]
}

// refused is the cause of the attempts of a device; nil if none stands out.
func refused(v *diagnose.Verdict) *diagnose.Hypothesis {
	for i := range v.Patterns {
		if p := &v.Patterns[i]; p.Passed && p.Alarm == transient {
			return p.Cause()
		}
	}
	return v.Device.Cause()
}

const transient = "EndPointTransientConnection"

// outages in the order of time.
func (b *builder) outages() []Outage {
	list := []Outage{}
	for i := range b.survey.Outages {
		j := &b.survey.Outages[i]
		o := j.Outage
		x := Outage{
			Cluster: o.Cluster, Start: Moment(o.Start), End: Moment(o.End), EndSeen: o.EndSeen, Kind: string(o.Kind), Place: o.Place,
			Devices: len(o.Devices), Share: o.ShareOfKnown, ByReason: o.ByReason, Checks: some(j.Checks()),
		}
		if h := j.Cause(); h != nil {
			x.Title, x.Score, x.Fix = h.Title, h.Score, h.Fix
		}
		list = append(list, x)
	}
	return list
}
