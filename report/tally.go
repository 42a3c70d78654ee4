package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/reasons"
)

const (
	beat      = 3 * time.Hour // a part of the week
	mostParts = 100           // of a list by reason, node, subnet or model
	mostTimes = 2000          // kept of a device for its picture
)

// key names a device.
type key struct{ cluster, device string }

// tally is what was counted of one device and is not in its verdict.
type tally struct {
	node      string  // that lost it most often
	times     []int64 // of its drops, evenly thinned if there are many
	medianGap *float64
}

// tallies are what was counted of all devices.
type tallies struct {
	window  event.Window
	devices map[key]tally
	pulse   []Beat
	parts   map[string]map[string]*Share // "reason", "node", "subnet", "model"
}

// count reads the histories once and keeps numbers only.
func count(ctx context.Context, source Source, w event.Window) (*tallies, error) {
	t := &tallies{window: w, devices: map[key]tally{}, parts: map[string]map[string]*Share{}}
	for at := w.From; at.Before(w.To); at = at.Add(beat) {
		t.pulse = append(t.pulse, Beat{From: moment(at)})
	}
	err := source.Histories(ctx, event.Filter{Window: w}, func(h event.History) error {
		t.add(h)
		return nil
	})
	return t, err
}

// add counts one device. Sessions are those that the survey counts, so that the sums agree.
func (t *tallies) add(h event.History) {
	nodes := map[string]int{}
	seen := map[[2]string]bool{}
	var drops []int64
	part := func(kind, name string) {
		if t.parts[kind] == nil {
			t.parts[kind] = map[string]*Share{}
		}
		s := t.parts[kind][name]
		if s == nil {
			s = &Share{Key: name}
			t.parts[kind][name] = s
		}
		s.Unregistrations++
		if k := [2]string{kind, name}; !seen[k] {
			seen[k] = true
			s.Devices++
		}
	}
	for _, s := range pattern.Sessions(h, t.window) {
		if s.OpenEnd {
			continue
		}
		b := &t.pulse[min(len(t.pulse)-1, int((s.Until-t.window.From.UnixMilli())/beat.Milliseconds()))]
		if s.EndExpected {
			b.Planned++
			continue
		}
		b.Dropped++
		nodes[s.Node]++
		drops = append(drops, s.Until)
		code := ""
		if s.HasEndReason {
			code = strconv.FormatUint(uint64(s.EndReason), 10)
		}
		part("reason", code)
		part("node", s.Node)
		part("subnet", subnet(h.IP))
		part("model", h.Model)
	}
	if len(drops) > 0 {
		slices.Sort(drops)
		t.devices[key{h.Cluster, h.Device}] = tally{mostOf(nodes), thin(drops, mostTimes), medianGap(drops)}
	}
}

// shares gives the parts by node, reason, subnet and model, biggest first.
func (t *tallies) shares(c *reasons.Catalogue) (node, reason, subnet, model []Share) {
	reason = t.sorted("reason")
	for i := range reason {
		if n, err := strconv.ParseUint(reason[i].Key, 10, 32); err == nil {
			reason[i].Words = c.ReasonName(unregistered, uint32(n))
		}
	}
	return t.sorted("node"), reason, t.sorted("subnet"), t.sorted("model")
}

func (t *tallies) sorted(kind string) []Share {
	list := []Share{}
	for _, s := range t.parts[kind] {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Unregistrations, a.Unregistrations), cmp.Compare(a.Key, b.Key))
	})
	return list[:min(len(list), mostParts)]
}

// subnet of an address: /24, IPv6 /64; empty where it is not known.
func subnet(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	bits := 64
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// medianGap between sorted times in seconds; nil for fewer than two.
func medianGap(sorted []int64) *float64 {
	var gaps []float64
	for i := 1; i < len(sorted); i++ {
		gaps = append(gaps, float64(sorted[i]-sorted[i-1])/1000)
	}
	return middle(gaps)
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

// thin keeps every so manieth of times, so that at most n are left.
func thin(times []int64, n int) []int64 {
	if len(times) <= n {
		return slices.Clone(times)
	}
	out := make([]int64, n)
	for i := range out {
		out[i] = times[i*len(times)/n]
	}
	return out
}

// mostOf is the key with the highest count, the first in order of equals; count is not empty.
func mostOf[K cmp.Ordered](count map[K]int) K {
	return slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b K) int { return cmp.Compare(count[a], count[b]) })
}

// named gives a reason its name.
func named(c *reasons.Catalogue, alarm string, code *uint32) *Reason {
	if code == nil {
		return nil
	}
	if alarm == "" {
		alarm = unregistered
	}
	return &Reason{*code, c.ReasonName(alarm, *code)}
}

const unregistered = "EndPointUnregistered"

// String writes "13 KeepAliveTimeout".
func (r *Reason) String() string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%d %s", r.Code, r.Name)
}
