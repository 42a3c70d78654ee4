package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

// hold is how long something stays after it was seen last: what comes back within it has not been away.
const hold = 10 * time.Minute

// sight is one cause as it is seen at one moment.
type sight struct {
	key     string // kind, cluster and cause: what devices are grouped by
	about   Alert  // without its devices
	members map[string]member
}

// member is one device of a cause. It is over when it is not seen again by Until.
type member struct {
	Device
	Until time.Time `json:"until"`
	Told  bool      `json:"told"`
	weak  bool      // it keeps an alert up, and is no reason for one
}

// sights collects what is seen, by key.
type sights map[string]*sight

func (s sights) add(kind Kind, cluster, cause string, about Alert, m member) {
	key := strings.Join([]string{string(kind), cluster, cause}, "\x00")
	at := s[key]
	if at == nil {
		about.Kind, about.Cluster = kind, cluster
		at = &sight{key: key, about: about, members: map[string]member{}}
		s[key] = at
	}
	if about.Cause.Score > at.about.Cause.Score { // the clearest case speaks for all
		at.about.Cause = about.Cause
	}
	if about.Since.Before(at.about.Since) {
		at.about.Since = about.Since
	}
	at.members[m.Name] = m
}

// Look compares what is found now with what was told, and queues what is new. What cannot be looked at stays as it was, and false
// is the answer.
func (a *Alerter) Look(ctx context.Context, now time.Time) bool {
	seen, looked := sights{}, map[Kind]bool{}
	backlog := a.Backlog()
	behind := a.lag(seen, backlog, now)
	looked[Lag] = true
	whole := true
	if err := a.fleet(ctx, seen, now); err != nil {
		whole = false
		a.failed(ctx, "findings", err)
	} else {
		looked[Flapping], looked[Period], looked[Outage] = true, true, true
	}
	if !behind { // what waits in the queue is not heard yet
		if err := a.silence(ctx, seen, now); err != nil {
			whole = false
			a.failed(ctx, "senders", err)
		} else {
			looked[Silence] = true
		}
	}
	a.merge(seen, looked, now)
	a.save()
	return whole
}

func (a *Alerter) failed(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		a.Metrics.looked(what)
		a.Log.Debug("alerts: cannot look", "at", what, "error", err)
	}
}

func (a *Alerter) wants(k Kind) bool { return slices.Contains(a.Kinds, k) }

// fleet looks at devices.
func (a *Alerter) fleet(ctx context.Context, seen sights, now time.Time) error {
	if !a.wants(Flapping) && !a.wants(Period) && !a.wants(Outage) {
		return nil
	}
	survey, err := a.Findings.Fleet(ctx, event.Filter{Window: event.Window{From: now.Add(-a.Window), To: now}})
	if err != nil {
		return err
	}
	for _, v := range survey.Verdicts {
		a.device(seen, v, now)
	}
	for i := range survey.Outages {
		a.outage(seen, &survey.Outages[i], now)
	}
	return nil
}

// device sees one that drops in a period; else one that flaps.
func (a *Alerter) device(seen sights, v *diagnose.Verdict, now time.Time) {
	d := Device{Name: v.History.Device, Model: v.Model, Description: v.Description, IP: v.History.IP, Unregistrations: v.Device.Flap.Unregistrations}
	for i := range v.Patterns {
		p := &v.Patterns[i]
		f := p.Finding
		if !p.Passed || p.Planned {
			continue
		}
		if f.Confidence() == pattern.Alarm || (f.Confidence() == pattern.Likely && a.Confidence == pattern.Likely) {
			until := time.UnixMilli(f.Last).Add(time.Duration(3*f.Period*float64(time.Second)) + hold) // three cycles without it
			if a.wants(Period) && now.Before(until) {
				d.Period = f.Period
				cause := causeOf(p)
				seen.add(Period, v.Cluster, cause.ID, Alert{Cause: cause, Since: time.UnixMilli(f.First).UTC()}, member{Device: d, Until: until})
			}
		}
		return
	}
	flap := v.Device.Flap
	if !a.wants(Flapping) || flap.State == pattern.Stable || flap.Unregistrations < a.Drops {
		return
	}
	cause := causeOf(&v.Device)
	by := cause.ID
	if by == "" && v.Device.Reason != nil {
		by = "reason " + strconv.FormatUint(uint64(*v.Device.Reason), 10)
		cause.Title += " (" + by + ")"
	}
	seen.add(Flapping, v.Cluster, by, Alert{Cause: cause, Since: time.UnixMilli(flap.First).UTC()},
		member{Device: d, Until: now.Add(hold), weak: flap.State != pattern.Unsteady})
}

// outage sees many devices at once, until most of them are back; where nobody tells that, for an hour.
func (a *Alerter) outage(seen sights, j *diagnose.Judged, now time.Time) {
	o := j.Outage
	until := time.UnixMilli(o.LastLoss).Add(time.Hour)
	if o.EndSeen {
		until = time.UnixMilli(o.End).Add(hold)
	}
	if !a.wants(Outage) || len(o.Devices) < a.OutageDevices || !now.Before(until) {
		return
	}
	place := strings.TrimSpace(string(o.Kind) + " " + o.Place)
	about := Alert{Place: place, Cause: causeOf(j), Since: time.UnixMilli(o.Start).UTC()}
	for _, name := range o.Devices {
		seen.add(Outage, o.Cluster, place, about, member{Device: Device{Name: name}, Until: until})
	}
}

func causeOf(j *diagnose.Judged) Cause {
	checks := append([]string{}, j.Checks()...)
	h := j.Cause()
	if h == nil {
		return Cause{Title: "no known cause fits", Checks: checks}
	}
	return Cause{ID: h.ID, Title: h.Title, Score: h.Score, Why: h.Why, Checks: checks, Fix: h.Fix, Source: h.Source}
}

// lookback is how far back nodes are looked for that should be heard.
const lookback = 7 * 24 * time.Hour

// silence sees nodes that spoke before. A node that seldom speaks is not silent before five times its usual pause.
func (a *Alerter) silence(ctx context.Context, seen sights, now time.Time) error {
	if !a.wants(Silence) {
		return nil
	}
	nodes, err := a.Senders.Heard(ctx, now.Add(-max(lookback, 3*a.Silence)))
	if err != nil {
		return err
	}
	for _, n := range nodes {
		last := n.Last
		if a.Started.After(last) {
			last = a.Started
		}
		usual := a.Silence
		if n.Messages > 1 {
			usual = max(usual, 5*n.Last.Sub(n.First)/time.Duration(n.Messages-1))
		}
		if n.Messages < 2 || now.Sub(last) < usual {
			continue
		}
		seen.add(Silence, n.Cluster, "", Alert{Since: n.Last, Cause: Cause{
			Title: "nothing was received for " + event.Span(usual.Seconds()) + " or longer",
			Checks: []string{"is the node up?", "does its remote syslog still point here (Serviceability, Alarm, Configuration, Remote Syslogs)?",
				"does the network between let it through (tcpdump port 514 or 601)?"},
		}}, member{Device: Device{Name: n.Node}, Until: now.Add(hold)})
	}
	return nil
}

// nearlyFull is the share of its room from which on a queue on disk is worth an alert.
const nearlyFull = 0.8

// lag sees messages that wait too long, or too many of them.
func (a *Alerter) lag(seen sights, b Backlog, now time.Time) bool {
	waits := time.Duration(0)
	if !b.Oldest.IsZero() {
		waits = now.Sub(b.Oldest)
	}
	full := b.Cap > 0 && float64(b.Bytes) >= nearlyFull*float64(b.Cap)
	if waits < a.Lag && !full {
		return false
	}
	if a.wants(Lag) {
		c := Cause{
			Title: fmt.Sprintf("The store is behind: a message waits since %s; %d of %d MiB of the spool are taken", event.Span(waits.Seconds()), b.Bytes>>20, b.Cap>>20),
			Why:   b.Trouble,
			Checks: []string{"flapwatch check: does ClickHouse answer, is there room on the disk?",
				"curl …/readyz and the log of the service say what is in the way", "messages are safe in the spool until it is full"},
		}
		seen.add(Lag, "", "", Alert{Cause: c, Since: now.Add(-waits).Truncate(time.Millisecond)}, member{Until: now.Add(hold)})
	}
	return true
}
