package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/reasons"
	"flapwatch/report"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// How much of each list the page of a device shows; the API has the rest.
const (
	shownLosses   = 50
	shownMeanings = 12
	shownLines    = 50
	shownNodes    = 20
)

// deviceView is the page of a device.
type deviceView struct {
	*view
	Device    Device
	Verdict   *diagnose.Verdict
	Flap      pattern.Flapping
	Now       standing
	Strip     strip
	Raster    raster
	Stays     []stay
	Losses    []loss
	AllLosses int
	Meanings  []meaning
	AllCodes  int
	Judged    []*diagnose.Judged // what is behind it, the patterns first
	Story     *story
	Lines     []event.Row
	LinesTold string // why there are none
	HasUps    bool   // the log tells when the device comes back
}

// standing is how a device stands at the end of the range.
type standing struct {
	Known, Registered bool
	Node              string
	Since             int64 // 0 where nobody saw it
}

// stay is what a device did on one node, or away from all.
type stay struct {
	Class, Name, Words string
	Times              int
	Seconds, Share     float64
}

// loss is one end of a registration.
type loss struct {
	At       int64
	Node     string
	Lasted   int64 // registered before, 0 where the beginning was not seen
	Planned  bool
	Reason   *Reason
	Signal   string
	Then     string // the next node
	Away     int64  // until then
	ThenSeen bool
}

// meaning is what a reason and a signal say, and how often they came.
type meaning struct {
	Reason *Reason
	Signal *Signal
	Cause  *reasons.Cause
	Count  int
}

// devicePage shows one device.
func (s *server) devicePage(w http.ResponseWriter, r *http.Request) {
	v, wrong := s.viewOf(r, "cluster")
	name, err := url.PathUnescape(chi.URLParam(r, "name"))
	cluster := v.own.Get("cluster")
	switch {
	case err != nil:
		wrong = append(wrong, "the name is not percent-encoded as it should be")
	case max(len(name), len(cluster)) > longestName:
		wrong = append(wrong, fmt.Sprintf("names of more than %d bytes have no page", longestName))
	}
	if len(wrong) > 0 {
		s.refusePage(w, r, v, wrong...)
		return
	}
	in := &named{Name: name, Span: Span{window: v.Window}, Place: Place{Cluster: cluster}}
	d, verdict, err := s.one(r.Context(), in)
	if err != nil {
		s.noDevice(w, r, v, name, err)
		return
	}
	page := s.viewOfDevice(v, d, verdict)
	page.Lines, _, err = s.Reader.Events(r.Context(), event.Filter{Window: v.Window, Cluster: d.Cluster, Device: d.Device}, "", shownLines)
	if err != nil {
		page.LinesTold = phrase(s.fail("events", err))
	}
	s.begin(w, "device.html", page)
	s.end(w, "company.html", s.company(r.Context(), page))
}

// viewOfDevice works out what the page of a device shows.
func (s *server) viewOfDevice(v *view, d *event.DeviceSummary, verdict *diagnose.Verdict) *deviceView {
	told := v.Window // what can be known of it
	flap := verdict.Device.Flap.In(v.Window)
	sessions := verdict.Sessions
	if flap.Began > 0 {
		told.From = time.UnixMilli(flap.Began)
		sessions = pattern.Since(sessions, flap.Began)
	}
	p := &deviceView{
		view: v, Device: viewDevice(*d), Verdict: verdict, Flap: flap, Raster: rasterOf(v.Window, v.Zone),
		HasUps: slices.ContainsFunc(sessions, func(x pattern.Session) bool { return !x.OpenStart }),
	}
	nodes := nodesByTier(verdict, sessions)
	p.Strip = stripOf(sessions, v.Window, told.From, func(node string) int { return min(max(0, slices.Index(nodes, node)), other) })
	p.Stays = stays(sessions, nodes, v.Window, told)
	p.Now = standingOf(sessions, v.Window)
	p.Losses, p.AllLosses = s.losses(sessions)
	p.Meanings, p.AllCodes = s.meanings(&p.Device, sessions)
	for i := range verdict.Patterns {
		if verdict.Patterns[i].Passed {
			p.Judged = append(p.Judged, &verdict.Patterns[i])
		}
	}
	if len(p.Judged) == 0 && len(verdict.Device.Hypotheses) > 0 {
		p.Judged = append(p.Judged, &verdict.Device)
	}
	if len(p.Judged) > 0 {
		p.Story = storyOf(p.Judged[0])
	}
	return p
}

// nodesByTier gives the nodes of a device: home, where it goes when it cannot be there, and the others by the time on them.
func nodesByTier(verdict *diagnose.Verdict, sessions []pattern.Session) []string {
	time := map[string]int64{}
	for _, x := range sessions {
		time[x.Node] += x.Until - x.From
	}
	if f := verdict.Device.Failover; f != nil {
		const ever = 1 << 60 // longer than any stay
		time[f.Primary] += 2 * ever
		time[f.Node] += ever
	}
	var nodes []string
	for n := range time {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b string) int { return cmp.Or(cmp.Compare(time[b], time[a]), cmp.Compare(a, b)) })
	return nodes
}

// stays sums up the sessions by node, and the time away and unknown. told is the part of w of which something can be known.
func stays(sessions []pattern.Session, nodes []string, w, told event.Window) []stay {
	length := w.Length().Seconds()
	byNode := map[string]*stay{}
	var list []stay
	for i, n := range nodes {
		words := "another node"
		switch {
		case len(nodes) == 1:
			words = "the only node seen"
		case i == primary:
			words = "primary: where it mostly is"
		case i == secondary:
			words = "secondary: where it goes"
		}
		byNode[n] = &stay{Class: tierClass[min(i, other)], Name: n, Words: words}
	}
	for _, x := range sessions {
		byNode[x.Node].Times++
		byNode[x.Node].Seconds += x.Seconds()
	}
	for _, n := range nodes[:min(len(nodes), shownNodes)] {
		list = append(list, *byNode[n])
	}
	away, presence := pattern.Gaps(sessions, w), pattern.Measure(sessions, told)
	list = append(list,
		stay{Class: "away", Name: "Away", Words: "registered nowhere", Times: len(away), Seconds: presence.Out},
		stay{Class: "unknown", Name: "Not known", Words: "before the first sign, and where a beginning or an end was not seen", Seconds: presence.Unknown + told.From.Sub(w.From).Seconds()})
	for i := range list {
		list[i].Share = list[i].Seconds / length
	}
	return list
}

// standingOf says how the device stands at the end of w.
func standingOf(sessions []pattern.Session, w event.Window) (n standing) {
	for _, x := range sessions {
		if x.OpenEnd && x.Until == w.To.UnixMilli() {
			n = standing{Known: true, Registered: true, Node: x.Node}
			if !x.OpenStart {
				n.Since = x.From
			}
		}
	}
	if gaps := pattern.Gaps(sessions, w); !n.Known && len(gaps) > 0 && gaps[len(gaps)-1].OpenEnd {
		n = standing{Known: true, Since: gaps[len(gaps)-1].From}
	}
	return n
}

// losses gives the newest ends of sessions, and how many there are.
func (s *server) losses(sessions []pattern.Session) ([]loss, int) {
	var ends []int
	for i, x := range sessions {
		if !x.OpenEnd {
			ends = append(ends, i)
		}
	}
	slices.SortStableFunc(ends, func(a, b int) int { return cmp.Compare(sessions[b].Until, sessions[a].Until) })
	var list []loss
	for _, i := range ends[:min(len(ends), shownLosses)] {
		x := sessions[i]
		l := loss{
			At: x.Until, Node: x.Node, Planned: x.EndExpected, Reason: s.viewReason(unregistered, when(x.HasEndReason, x.EndReason)), Signal: x.EndSignal,
		}
		if !x.OpenStart {
			l.Lasted = x.Until - x.From
		}
		if i+1 < len(sessions) { // sorted by their beginning
			next := sessions[i+1]
			l.Then, l.Away, l.ThenSeen = next.Node, max(0, next.From-x.Until), !next.OpenStart
		}
		list = append(list, l)
	}
	return list, len(ends)
}

// meanings gives the different reasons and signals of the losses, the most frequent first, and how many there are.
func (s *server) meanings(d *Device, sessions []pattern.Session) ([]meaning, int) {
	type code struct {
		reason uint32
		has    bool
		signal string
	}
	count := map[code]int{}
	for _, x := range sessions {
		if !x.OpenEnd {
			count[code{x.EndReason, x.HasEndReason, x.EndSignal}]++
		}
	}
	var codes []code
	for c := range count {
		codes = append(codes, c)
	}
	slices.SortFunc(codes, func(a, b code) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.reason, b.reason), cmp.Compare(a.signal, b.signal))
	})
	var list []meaning
	for _, c := range codes[:min(len(codes), shownMeanings)] {
		e := event.Event{Alarm: unregistered, Reason: c.reason, HasReason: c.has, Signal: c.signal, Protocol: d.Protocol, Device: d.Device}
		if d.DeviceType != nil {
			e.DeviceType, e.HasDeviceType = *d.DeviceType, true
		}
		list = append(list, meaning{
			Reason: s.viewReason(unregistered, when(c.has, c.reason)), Signal: s.viewSignal(c.signal), Cause: s.Words.Explain(&e).Cause, Count: count[c],
		})
	}
	return list, len(codes)
}

// companyView is what else went down when a device did.
type companyView struct {
	*deviceView
	Outages []companyOutage
	Trouble string
}

type companyOutage struct {
	*diagnose.Judged
	Losses int // of the device, in it
}

// company looks for the outages that a device was in. Of a large fleet that takes a while the first time.
func (s *server) company(ctx context.Context, p *deviceView) companyView {
	c := companyView{deviceView: p}
	fleet, err := s.Findings.Fleet(ctx, event.Filter{Window: p.Window})
	if err != nil {
		c.Trouble = phrase(s.fail("findings", err))
		return c
	}
	for i := len(fleet.Outages) - 1; i >= 0; i-- {
		j := &fleet.Outages[i]
		if _, in := slices.BinarySearch(j.Outage.Devices, p.Device.Device); !in || j.Outage.Cluster != p.Device.Cluster {
			continue
		}
		o := companyOutage{Judged: j}
		for _, at := range p.Strip.drops {
			if at >= j.Outage.Start && at <= j.Outage.LastLoss {
				o.Losses++
			}
		}
		c.Outages = append(c.Outages, o)
	}
	return c
}

// Self leads to an answer of the API about the device.
func (p *deviceView) Self(below string) string {
	return p.Answer(p.DevicePath(p.Device.Device)+below, "cluster", p.Device.Cluster)
}

// Events leads to the events of the device in a form; nowhere where its name is none that can be a parameter.
func (p *deviceView) Events(form string) string {
	if len(clean("device", p.Device.Device, "cluster", p.Device.Cluster)) > 0 {
		return ""
	}
	return p.Answer("/events", "cluster", p.Device.Cluster, "device", p.Device.Device, "limit", "1000", "format", form)
}

// Picture of where it was.
func (p *deviceView) Picture() any {
	return p.Strip.draw(&p.Raster, "Where the device was registered in the range. "+p.Raster.Words+". The table below says it in words")
}

// noDevice answers where there is no device to show: none of that name in the range, or several.
func (s *server) noDevice(w http.ResponseWriter, r *http.Request, v *view, name string, err error) {
	var problem *huma.ErrorModel
	if !errors.As(err, &problem) || !wantsPage(r) {
		s.failPage(w, r, v, err)
		return
	}
	m := message{view: v, Title: report.Clip(80, name)}
	switch problem.Status {
	case http.StatusConflict:
		m.Words = append(m.Words, "Several clusters have a device of this name. Which one is it?")
		for _, d := range problem.Errors {
			var detail *huma.ErrorDetail
			if errors.As(d, &detail) {
				cluster := fmt.Sprint(detail.Value)
				m.Links = append(m.Links, choice{Words: "in cluster " + cluster, Address: v.Device(cluster, name)})
			}
		}
	case http.StatusNotFound:
		m.Words = append(m.Words, "Nothing was heard of this device in the range: neither that it left nor that it came. A phone that stays registered is silent, so this can be good news.")
		known, err := s.Reader.Find(r.Context(), event.Filter{Cluster: v.own.Get("cluster"), Device: name}, []string{name}, shownNodes)
		switch {
		case err != nil:
			m.Words = append(m.Words, phrase(s.fail("devices", err)))
		case len(known) == 0:
			m.Words = append(m.Words, "Nothing was ever heard of it. Is the name complete? Names are told apart by capitals, too.")
			m.Links = append(m.Links, choice{Words: "Look for names like it", Address: v.Link("/devices", "q", name)})
		}
		for _, d := range known {
			m.Links = append(m.Links, v.LastHeard(d))
		}
	default:
		s.failPage(w, r, v, err)
		return
	}
	s.showMessage(w, problem.Status, m)
}

// LastHeard leads to the day before a device was heard last.
func (v *view) LastHeard(d event.DeviceSummary) choice {
	from, to := d.Last.Add(-24*time.Hour), d.Last.Add(time.Minute)
	return choice{
		Words:   d.Device + " was last heard of on " + v.Time(d.Last) + " (" + v.Zone.String() + "): show the day before",
		Address: v.address(v.DevicePath(d.Device), from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), "cluster", d.Cluster),
	}
}

// Number writes a probability; 1e-300 is the least that a finding has.
func (v *view) Number(p float64) string {
	if p <= 1e-300 {
		return "< 1e-299"
	}
	return strconv.FormatFloat(p, 'g', 2, 64)
}

// phrase is what an error says to strangers.
func phrase(err error) string {
	var problem *huma.ErrorModel
	if errors.As(err, &problem) {
		return problem.Detail
	}
	return "it went wrong; the log of the service has the cause"
}
