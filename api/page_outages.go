package api

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
	"flapwatch/report"
)

const (
	shownOutages = 50
	shownParts   = 8
	shownMembers = 24   // of each outage in the list
	allMembers   = 2000 // of the only outage on the page
)

// outagesView is the page of the outages in the range, or of one of them.
type outagesView struct {
	*view
	Outages []outageView
	Picture template.HTML
	One     bool // the page is about one of them
	More    int
	Trouble string
}

// outageView is one outage with what its devices have in common.
type outageView struct {
	*diagnose.Judged
	Breakdowns []breakdown
	Members    []string
	Less       int // devices that are not shown
}

// breakdown is the devices of an outage by one thing.
type breakdown struct {
	Title string
	Parts []part
	Less  int
}

type part struct {
	Name, Words string
	Count       int
}

// outagesPage shows the outages of the range, or the one that began at a moment in a cluster.
func (s *server) outagesPage(w http.ResponseWriter, r *http.Request) {
	v, wrong := s.viewOf(r, "at", "cluster")
	at := int64(0)
	if text := v.own.Get("at"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if at = t.UnixMilli(); err != nil {
			wrong = append(wrong, "at is when the outage began; write it as 2026-11-23T08:00:00Z")
		}
	}
	if cluster := v.own.Get("cluster"); len(noName("", cluster)) > 0 || len(cluster) > longestName {
		wrong = append(wrong, "no cluster can have such a name")
	}
	if len(wrong) > 0 {
		s.refusePage(w, r, v, wrong...)
		return
	}
	page := outagesView{view: v, One: at != 0}
	s.begin(w, "outages.html", page)
	fleet, err := s.Findings.Fleet(r.Context(), event.Filter{Window: v.Window})
	if err != nil {
		page.Trouble = phrase(s.fail("findings", err))
		s.end(w, "went-down.html", page)
		return
	}
	page.Picture = outagePicture(fleet.Outages, v)
	for i := len(fleet.Outages) - 1; i >= 0; i-- { // newest first
		o := &fleet.Outages[i]
		switch {
		case page.One && (o.Outage.Start != at || o.Outage.Cluster != v.own.Get("cluster")):
		case len(page.Outages) == shownOutages:
			page.More++
		default:
			page.Outages = append(page.Outages, s.outageOf(o, page.One))
		}
	}
	s.end(w, "went-down.html", page)
}

func (s *server) outageOf(j *diagnose.Judged, one bool) outageView {
	o, most := j.Outage, shownMembers
	if one {
		most = allMembers
	}
	out := outageView{Judged: j, Members: o.Devices[:min(len(o.Devices), most)]}
	out.Less = len(o.Devices) - len(out.Members)
	for _, x := range []struct {
		title  string
		counts map[string]int
	}{{"Reason", o.ByReason}, {"Node", o.ByNode}, {"Subnet", o.BySubnet}, {"Switch", o.BySwitch}, {"Model", o.ByModel}} {
		if b := breakdownOf(x.title, x.counts); len(b.Parts) > 0 {
			out.Breakdowns = append(out.Breakdowns, b)
		}
	}
	for i, p := range out.Breakdowns[0].Parts {
		if code, err := strconv.ParseUint(p.Name, 10, 32); err == nil && out.Breakdowns[0].Title == "Reason" {
			out.Breakdowns[0].Parts[i].Words = s.Words.ReasonName(unregistered, uint32(code))
		}
	}
	return out
}

// breakdownOf puts the most frequent parts first; there is none where nothing is known.
func breakdownOf(title string, counts map[string]int) breakdown {
	b := breakdown{Title: title}
	names := slices.SortedFunc(maps.Keys(counts), func(x, y string) int { return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y)) })
	if len(names) == 1 && names[0] == "" {
		return b
	}
	for _, n := range names[:min(len(names), shownParts)] {
		b.Parts = append(b.Parts, part{Name: n, Count: counts[n]})
	}
	b.Less = len(names) - len(b.Parts)
	return b
}

// OutageLink leads to the page of one outage.
func (v *view) OutageLink(o *pattern.Outage) string {
	if len(noName("", o.Cluster)) > 0 { // which is no parameter
		return v.Link("/outages", "at", v.ISO(o.Start))
	}
	return v.Link("/outages", "at", v.ISO(o.Start), "cluster", o.Cluster)
}

// OutageName is what an outage is called: "99 devices, subnet 10.60.0.0/24".
func (v *view) OutageName(o *pattern.Outage) string {
	name := report.Counted(len(o.Devices), "device", "devices") + ", "
	switch {
	case o.Place != "":
		return name + string(o.Kind) + " " + report.Clip(80, o.Place)
	case o.Kind == pattern.ClusterOutage:
		return name + "all over the cluster"
	}
	return name + "in several places"
}

// Lasted says how long an outage took, where its end was seen.
func (v *view) Lasted(o *pattern.Outage) string {
	if !o.EndSeen {
		return "end not seen"
	}
	return v.Lasting(o.End - o.Start)
}

// outagePicture draws outages on the line of the range: as long as they took, as high as their devices are many.
func outagePicture(outages []diagnose.Judged, v *view) template.HTML {
	if len(outages) == 0 {
		return ""
	}
	const low, tall = 84, 104
	most := 1
	for i := range outages {
		most = max(most, len(outages[i].Outage.Devices))
	}
	from, length := v.Window.From.UnixMilli(), v.Window.Length().Milliseconds()
	x := func(ms int64) float64 {
		return pictureEdge + (pictureWide-pictureEdge)*float64(min(max(0, ms-from), length))/float64(length)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-labelledby="outages-title"><title id="outages-title">Outages on the line of the range, the highest with %s; each is described below</title>`,
		pictureWide, tall, report.Counted(most, "device", "devices"))
	marks(&b, v, x, low)
	for i := range outages {
		o := outages[i].Outage
		high := max(3, float64(low-14)*float64(len(o.Devices))/float64(most))
		fmt.Fprintf(&b, `<path class="fatal" d="M%.1f %dv-%.1fH%.1fV%dz"/>`, x(o.Start), low, high, max(x(o.Start)+3, x(o.End)), low)
	}
	fmt.Fprintf(&b, `<text class="scale" x="%d" y="20">%s</text><text class="scale" x="%d" y="%d">0</text><path class="axis" d="M%d %dH%d"/></svg>`,
		pictureEdge-8, report.Grouped(most), pictureEdge-8, low, pictureEdge, low, pictureWide)
	return template.HTML(b.String())
}

// marks writes some even moments below a picture, at most eight: full hours, or midnights.
func marks(b *strings.Builder, v *view, x func(int64) float64, low int) {
	from := v.Window.From.In(v.Zone)
	unit, format := 24*time.Hour, "2 Jan"
	for _, hours := range []time.Duration{1, 4} {
		if v.Window.Length() <= 7*hours*time.Hour {
			unit, format = hours*time.Hour, "15:04"
			break
		}
	}
	every := max(1, int(v.Window.Length()/unit)/7)
	day := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, v.Zone)
	for i := 0; ; i += every {
		at := day.Add(time.Duration(i) * unit)
		if unit == 24*time.Hour {
			at = time.Date(from.Year(), from.Month(), from.Day()+i, 0, 0, 0, 0, v.Zone)
		}
		if !at.Before(v.Window.To) {
			return
		}
		if !at.Before(v.Window.From) && x(at.UnixMilli()) < pictureWide-30 { // a name needs room
			fmt.Fprintf(b, `<path class="grid" d="M%.1f 6V%d"/><text x="%.1f" y="%d">%s</text>`, x(at.UnixMilli()), low, x(at.UnixMilli())+3, low+15, at.Format(format))
		}
	}
}
