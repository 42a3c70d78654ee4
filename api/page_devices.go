package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"flapwatch/diagnose"
	"flapwatch/event"
)

const (
	shownFound   = 100 // devices that a search finds
	shownDevices = 100 // in each list
)

// devicesView is the page of many devices: those that a search found, or those that drop.
type devicesView struct {
	*view
	Found     []event.DeviceSummary
	More      bool
	Elsewhere bool // found in all that is stored, not in the range
	Parts     []string
}

// devicesPage finds devices by their names, and shows those that drop where nothing is looked for.
func (s *server) devicesPage(w http.ResponseWriter, r *http.Request) {
	v, wrong := s.viewOf(r, "q")
	v.Query = strings.TrimSpace(r.URL.Query().Get("q"))
	switch trouble := noName("", v.Query); {
	case len(trouble) > 0:
		wrong = append(wrong, "only a name can be found: "+trouble[0].Error())
	case len(v.Query) > longestName:
		wrong = append(wrong, "no name is so long")
	}
	switch {
	case len(wrong) > 0:
		s.refusePage(w, r, v, wrong...)
	case v.Query != "":
		s.search(w, r, v)
	default:
		s.begin(w, "devices.html", devicesView{view: v})
		s.goOn(w, "when.html", s.lossesIn(r.Context(), v))
		s.end(w, "dropping.html", s.dropping(r, v))
	}
}

// search shows what a name finds; if it is one device, its page.
func (s *server) search(w http.ResponseWriter, r *http.Request, v *view) {
	page := devicesView{view: v, Parts: partsOf(v.Query)}
	find := func(f event.Filter) (err error) {
		page.Found, err = s.Reader.Find(r.Context(), f, page.Parts, shownFound+1)
		return err
	}
	err := find(event.Filter{Window: v.Window})
	if err == nil && len(page.Found) == 0 {
		page.Elsewhere = true
		err = find(event.Filter{})
	}
	if err != nil {
		s.failPage(w, r, v, s.fail("devices", err))
		return
	}
	if d := theOne(page.Found, v.Query); d != nil && !page.Elsewhere {
		http.Redirect(w, r, v.Device(d.Cluster, d.Device), http.StatusSeeOther)
		return
	}
	if page.More = len(page.Found) > shownFound; page.More {
		page.Found = page.Found[:shownFound]
	}
	s.begin(w, "devices.html", page)
	s.end(w, "found.html", page)
}

// theOne is the device that was meant: the only one found, or the only one that is called so.
func theOne(found []event.DeviceSummary, query string) *event.DeviceSummary {
	if len(found) == 1 {
		return &found[0]
	}
	var one *event.DeviceSummary
	for i, d := range found {
		if Means(query, d.Device) {
			if one != nil {
				return nil
			}
			one = &found[i]
		}
	}
	return one
}

// Means says whether what somebody typed is the name of a device: in capitals or not, or its address of hardware, however it was
// written, with SEP before it or not.
func Means(typed, device string) bool {
	return slices.ContainsFunc(partsOf(typed), func(p string) bool { return strings.EqualFold(p, device) || strings.EqualFold("SEP"+p, device) })
}

var (
	separators = strings.NewReplacer(":", "", ".", "", "-", "", " ", "")
	hardware   = regexp.MustCompile(`^[A-Za-z]{0,3}[0-9A-Fa-f]{4,}$`)
)

// partsOf gives what a name may have in it: what was typed, and an address of hardware as names have it, however it was written
// (00:1B:D4:12:34:FF, 001b.d412.34ff, SEP 00-1B-D4-…).
func partsOf(query string) []string {
	parts := []string{query}
	if plain := separators.Replace(query); plain != query && hardware.MatchString(plain) {
		parts = append(parts, plain)
	}
	return parts
}

// droppingView is the devices that drop.
type droppingView struct {
	*view
	Periodic                []Pattern
	Flapping                []Flapping
	MorePeriodic, MoreDrops int // that are not shown
	Trouble                 string
}

// dropping asks for everything concluded in the range. Of a large fleet that takes a while the first time.
func (s *server) dropping(r *http.Request, v *view) droppingView {
	page := droppingView{view: v}
	fleet, err := s.Findings.Fleet(r.Context(), event.Filter{Window: v.Window})
	if err != nil {
		page.Trouble = phrase(s.fail("findings", err))
		return page
	}
	found := rankPatterns(fleet, func(j *diagnose.Judged) bool { return j.Passed && !j.Planned }).items
	for _, x := range found[:min(len(found), shownDevices)] {
		page.Periodic = append(page.Periodic, s.viewPattern(x.Verdict, x.Judged))
	}
	page.MorePeriodic = len(found) - len(page.Periodic)
	for _, verdict := range s.rankings.flapping(fleet).items {
		switch {
		case verdict.Device.Flap.Unregistrations == 0: // planned ones alone
		case len(page.Flapping) == shownDevices:
			page.MoreDrops++
		default:
			page.Flapping = append(page.Flapping, s.viewFlapping(verdict, fleet.Window))
		}
	}
	return page
}
