package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// entry is an alert that is open, told or not.
type entry struct {
	Alert
	Key     string            `json:"key"`
	Members map[string]member `json:"members"`
	Seen    time.Time         `json:"seen"`    // when it was seen first
	ToldAt  time.Time         `json:"told_at"` // zero: not told yet
}

func (e *entry) told() bool { return !e.ToldAt.IsZero() }

// spot is a device in the alerts of one kind.
type spot struct {
	kind            Kind
	cluster, device string
}

// merge brings the open alerts up to what is seen, and queues notices.
func (a *Alerter) merge(seen sights, looked map[Kind]bool, now time.Time) {
	waiting := map[spot]time.Time{} // since when a device waits to be told
	for _, e := range a.state.Open {
		if !looked[e.Kind] || (e.Kind == Outage && e.told()) {
			continue
		}
		for name, m := range e.Members {
			if !m.Told { // what nobody was told yet is grouped anew each time
				waiting[spot{e.Kind, e.Cluster, name}] = e.Seen
				delete(e.Members, name)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		a.see(seen[key], waiting, now)
	}
	a.state.Open = slices.DeleteFunc(a.state.Open, func(e *entry) bool { return looked[e.Kind] && a.over(e, now) })
	for _, e := range a.state.Open {
		a.tell(e, now)
	}
	a.Metrics.open(a.state.Open)
}

// see puts what is seen where it belongs: a device stays with the alert that it was told in, even if its cause is judged otherwise
// now. An outage stays as a whole: while it grows it takes other names.
func (a *Alerter) see(s *sight, waiting map[spot]time.Time, now time.Time) {
	kind, cluster := s.about.Kind, s.about.Cluster
	var whole *entry
	for name := range s.members {
		if kind == Outage && whole == nil {
			whole = a.holder(kind, cluster, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[name]
		if kind == Flapping && a.holder(Period, cluster, name) != nil {
			continue // it is known already, and better
		}
		e := cmp.Or(whole, a.holder(kind, cluster, name), a.entry(s.key))
		if m.weak && (e == nil || !e.Members[name].Told) {
			continue
		}
		if e == nil {
			e = &entry{Alert: s.about, Key: s.key, Members: map[string]member{}, Seen: now}
			e.ID = nameOf(s.key, now)
			a.state.Open = append(a.state.Open, e)
		}
		if since, waits := waiting[spot{kind, cluster, name}]; waits && since.Before(e.Seen) {
			e.Seen = since
		}
		m.Told = e.Members[name].Told
		if e.Members[name] = m; e.Key == s.key || e == whole {
			e.Place, e.Cause = s.about.Place, s.about.Cause
		}
		if kind == Period {
			a.leave(Flapping, cluster, name)
		}
	}
}

// holder is the alert that a device was told in.
func (a *Alerter) holder(k Kind, cluster, device string) *entry {
	for _, e := range a.state.Open {
		if e.Kind == k && e.Cluster == cluster && e.Members[device].Told {
			return e
		}
	}
	return nil
}

func (a *Alerter) entry(key string) *entry {
	if i := slices.IndexFunc(a.state.Open, func(e *entry) bool { return e.Key == key }); i >= 0 {
		return a.state.Open[i]
	}
	return nil
}

// leave takes a device out of an alert that says less about it. One that nothing is left of ends without a word.
func (a *Alerter) leave(k Kind, cluster, device string) {
	for _, e := range a.state.Open {
		if e.Kind == k && e.Cluster == cluster {
			delete(e.Members, device)
		}
	}
}

// nameOf makes the id of an alert: the same cause at another time is another alert.
func nameOf(key string, now time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, now.UnixMilli()))
	return hex.EncodeToString(sum[:8])
}

// over says whether an alert is to be forgotten, and tells that it is settled.
func (a *Alerter) over(e *entry, now time.Time) bool {
	if len(e.Members) == 0 {
		return true
	}
	var last time.Time
	for _, m := range e.Members {
		if m.Until.After(last) {
			last = m.Until
		}
	}
	if now.Before(last) {
		return false
	}
	if e.told() {
		e.Ended = last.Add(-hold).UTC() // when it was, not when that was believed
		a.queue(e, Settled, nil, now)
	}
	return true
}

// patience until an alert is told: so long others may join it.
func (a *Alerter) gathers(k Kind) time.Duration {
	switch k {
	case Lag:
		return 0
	case Outage: // phones need a minute or two to notice
		return min(a.Gather, 2*time.Minute)
	}
	return a.Gather
}

// tell queues what is new about an alert, when it is time.
func (a *Alerter) tell(e *entry, now time.Time) {
	var fresh []string
	for name, m := range e.Members {
		if !m.Told {
			fresh = append(fresh, name)
		}
	}
	state, due := New, e.Seen.Add(a.gathers(e.Kind))
	if e.told() {
		state, due = More, e.ToldAt.Add(a.More)
	}
	if len(fresh) == 0 || now.Before(due) {
		return
	}
	slices.Sort(fresh)
	for _, name := range fresh {
		m := e.Members[name]
		m.Told = true
		e.Members[name] = m
	}
	e.ToldAt = now
	if e.Kind == Lag {
		fresh = nil
	}
	a.queue(e, state, fresh, now)
}

// shown is an alert as it stands, with the devices that fit.
func (e *entry) shown() Alert {
	v := e.Alert
	v.Title, v.Count = e.title(), len(e.Members)
	v.Devices = make([]Device, 0, len(e.Members))
	for _, m := range e.Members {
		v.Devices = append(v.Devices, m.Device)
	}
	slices.SortFunc(v.Devices, func(x, y Device) int {
		return cmp.Or(cmp.Compare(y.Unregistrations, x.Unregistrations), cmp.Compare(x.Name, y.Name))
	})
	v.Devices = v.Devices[:min(len(v.Devices), mostDevices)]
	if v.Kind == Lag { // it is about us
		v.Count, v.Devices = 0, []Device{}
	}
	return v
}
