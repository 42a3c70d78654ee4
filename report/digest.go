package report

import (
	"context"
	"fmt"
	"strings"

	"flapwatch/diagnose"
	"flapwatch/event"
)

// Digest is what is kept of a week: all that a report says of it, and what another week is compared with.
type Digest struct {
	Window  event.Window `json:"window"`
	Mark    event.Mark   `json:"mark"` // what was committed when it was made; nil if that is not known
	Content Content      `json:"content"`
	Heard   []Heard      `json:"heard"` // every device that changed its registration, by cluster and name
}

// Heard is what a device did in a week. Of one that did not drop there is no more than its name.
type Heard struct {
	Name
	Drops  int      `json:"drops,omitempty"`
	Period *float64 `json:"period_seconds,omitempty"`
}

// digest gives that of a window: the kept one where it is still true. Only windows that are over are kept.
func (o *Options) digest(ctx context.Context, source Source, w event.Window, over bool) (*Digest, error) {
	if o.Archive == nil || !over {
		return o.makeDigest(ctx, source, w)
	}
	return o.Archive.digest(ctx, w, func(ctx context.Context) (*Digest, error) { return o.makeDigest(ctx, source, w) })
}

// builder holds what a digest is made of.
type builder struct {
	*Options
	survey  *diagnose.Survey
	tallies *tallies
}

func (o *Options) makeDigest(ctx context.Context, source Source, w event.Window) (*Digest, error) {
	survey, err := source.Fleet(ctx, event.Filter{Window: w})
	if err != nil {
		return nil, err
	}
	b := builder{Options: o, survey: survey}
	if b.tallies, err = count(ctx, source, w); err != nil {
		return nil, err
	}
	d := &Digest{Window: w, Mark: survey.Mark, Heard: make([]Heard, 0, len(survey.Verdicts))}
	c := &d.Content
	c.Totals = total(survey)
	c.Pulse = b.tallies.pulse
	c.ByNode, c.ByReason, c.BySubnet, c.ByModel = b.tallies.shares(b.Catalogue)
	c.Devices, c.DevicesInAll = b.devices()
	c.Causes = b.causes()
	c.Outages = b.outages()
	c.Retrying = b.retrying()
	b.senders(ctx, w, c)
	for _, v := range survey.Verdicts {
		d.Heard = append(d.Heard, heard(v))
	}
	return d, nil
}

// senders asks how the nodes send. That they cannot be asked is worth a line, not the report.
func (b *builder) senders(ctx context.Context, w event.Window, c *Content) {
	c.Senders = []Sender{}
	if b.Senders == nil {
		return
	}
	senders, err := b.Senders.Sources(ctx, event.Filter{Window: w})
	if err != nil {
		c.SendersTrouble = "The store did not tell in time how the nodes send."
		return
	}
	var told []string
	if n := senders.Others; n > 0 {
		told = append(told, fmt.Sprintf("%s more, each of fewer messages, are not among these.", Counted(n, "sender", "senders")))
	}
	if n := senders.Uncounted; n > 0 {
		told = append(told, fmt.Sprintf("The numbers of %s more were not followed: messages of theirs that were lost are not among these.", Counted(n, "process", "processes")))
	}
	c.SendersTrouble = strings.Join(told, " ")
	c.Senders = judgeSenders(senders.List, w)
}

func heard(v *diagnose.Verdict) Heard {
	h := Heard{Name: Name{Device: v.History.Device, Cluster: v.Cluster}, Drops: v.Device.Flap.Unregistrations}
	p := period(v)
	if p != nil {
		h.Period = &p.Finding.Period
	}
	if h.Drops > 0 || p != nil {
		h.Name = nameOf(v)
	}
	return h
}
