package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"flapwatch/event"
	"flapwatch/report"
)

// view is what the pages about the fleet have in common: the stretch of time that they show, the zone in which they tell it, and the
// links that carry both along. A page shows what its address says, and for the rest what the browser says, so that an address
// shows a colleague the same.
type view struct {
	Window  event.Window
	Zone    *time.Location
	Guessed bool // nobody said a zone
	Query   string
	Version string

	path     string
	own      url.Values // parameters of the page beside range and zone
	from, to string     // as they are carried along: relative, or in UTC
	zone     string     // as the address said it
}

// zoneCookie is where the script of the pages leaves the zone of the browser.
const zoneCookie = "tz"

// fields of the form that picks a time give it without seconds, or with them, and without a zone.
var fieldLayouts = [...]string{"2006-01-02T15:04", "2006-01-02T15:04:05"}

// viewOf reads what a page is asked for, and says what is wrong with it. own are the parameters that the page has beside the range.
func (s *server) viewOf(r *http.Request, own ...string) (*view, []string) {
	q := r.URL.Query()
	now := askedAt(r.Context()).UTC()
	v := &view{Zone: time.UTC, Guessed: true, Version: s.Version, path: r.URL.EscapedPath(), own: url.Values{}, from: "-24h"}
	for _, name := range own {
		if q.Get(name) != "" {
			v.own.Set(name, q.Get(name))
		}
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case !slices.Contains(append([]string{"from", "to", "tz"}, own...), name):
			wrong = append(wrong, "there is no parameter “"+report.Clip(40, name)+"” here")
		case len(q[name]) > 1:
			wrong = append(wrong, "“"+name+"” stands more than once")
		}
	}
	if c, err := r.Cookie(zoneCookie); err == nil {
		if zone, err := zoneOf(c.Value); err == nil {
			v.Zone, v.Guessed = zone, false
		}
	}
	if name := q.Get("tz"); name != "" {
		zone, err := zoneOf(name)
		if err != nil {
			wrong = append(wrong, noZone)
			zone = time.UTC
		}
		v.Zone, v.Guessed, v.zone = zone, false, zone.String()
	}
	moment := func(name string, kept *string, otherwise time.Time) time.Time {
		value := strings.TrimSpace(q.Get(name))
		if value == "" {
			return otherwise
		}
		for _, layout := range fieldLayouts {
			if t, err := time.ParseInLocation(layout, value, v.Zone); err == nil && t.Year() >= 1970 && t.Year() <= 2200 {
				*kept = t.UTC().Format(time.RFC3339)
				return t.UTC()
			}
		}
		w, err := ParseWhen(value)
		if err != nil {
			wrong = append(wrong, `"`+name+`" is no time: `+err.Error())
			return otherwise
		}
		*kept = value
		return w.On(now)
	}
	v.Window.To = moment("to", &v.to, now)
	v.Window.From = moment("from", &v.from, v.Window.To.Add(-defaultSpan))
	if q.Get("from") == "" && v.to != "" {
		v.from = v.Window.From.Format(time.RFC3339)
	}
	switch {
	case len(wrong) > 0:
	case !v.Window.From.Before(v.Window.To):
		wrong = append(wrong, "the range ends before it begins")
	case v.Window.Length() > longestSpan:
		wrong = append(wrong, "the range is longer than five years")
	}
	return v, wrong
}

// longestName of a device or a cluster, in bytes.
const longestName = 255

// noZone says what a zone is written like.
const noZone = "there is no such time zone; write it as Europe/Berlin"

// zoneOf gives a zone by its name, but none that means another one on another machine.
func zoneOf(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, &time.ParseError{Message: noZone}
	}
	return time.LoadLocation(name)
}

// address is a path with the range and the zone, and with more parameters in pairs.
func (v *view) address(path string, from, to string, pairs ...string) string {
	q := url.Values{}
	pairs = append(pairs, "from", from, "to", to, "tz", v.zone)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Link leads to another page, with the range carried along; pairs are more parameters.
func (v *view) Link(path string, pairs ...string) string {
	return v.address(path, v.from, v.to, pairs...)
}

// Answer leads to an answer of the API about the range.
func (v *view) Answer(path string, pairs ...string) string {
	plain := *v
	plain.zone = ""
	return plain.Link("/api/v1"+path, pairs...)
}

// DevicePath is where the page of a device is, below the root or below /api/v1.
func (v *view) DevicePath(name string) string { return "/devices/" + url.PathEscape(name) }

// Device leads to the page of a device.
func (v *view) Device(cluster, name string) string {
	return v.Link(v.DevicePath(name), "cluster", cluster)
}

// choice is a range that can be chosen.
type choice struct {
	Words, Address string
	Chosen         bool
}

// again leads to this page with another range.
func (v *view) again(from, to string) string {
	var pairs []string
	for name := range v.own {
		pairs = append(pairs, name, v.own.Get(name))
	}
	return v.address(v.path, from, to, pairs...)
}

// Choices are the ranges that end now.
func (v *view) Choices() []choice {
	var list []choice
	for _, c := range []struct{ words, from string }{{"1 hour", "-1h"}, {"24 hours", "-24h"}, {"7 days", "-7d"}, {"30 days", "-30d"}, {"1 year", "-365d"}} {
		list = append(list, choice{c.words, v.again(c.from, ""), v.from == c.from && (v.to == "" || v.to == "now")})
	}
	return list
}

// Fixed leads to this page with the range as it is now, whenever the address is opened.
func (v *view) Fixed() string {
	fixed := *v
	fixed.zone = v.Zone.String()
	return fixed.again(v.Window.From.UTC().Format(time.RFC3339), v.Window.To.UTC().Format(time.RFC3339))
}

// Own are the parameters of this page that its forms carry along, beside range and zone.
func (v *view) Own() map[string][]string { return v.own }

// Asked are range and zone as a form carries them along.
func (v *view) Asked() map[string]string {
	return map[string]string{"from": v.from, "to": v.to, "tz": v.zone}
}

// FieldFrom and FieldTo are the range in the fields of a form.
func (v *view) FieldFrom() string { return v.Window.From.In(v.Zone).Format(fieldLayouts[0]) }
func (v *view) FieldTo() string   { return v.Window.To.In(v.Zone).Format(fieldLayouts[0]) }

// Span says the range in words.
func (v *view) Span() string {
	const layout = "Mon 2 Jan 2006 15:04:05"
	return v.Window.From.In(v.Zone).Format(layout) + " to " + v.Window.To.In(v.Zone).Format(layout) + ", " + event.Span(v.Window.Length().Seconds())
}

// UTC says whether local times are those of UTC.
func (v *view) UTC() bool { return v.Zone.String() == "UTC" }

// Time writes a moment in the zone of the page, with the year where it is not the one in which the range ends.
func (v *view) Time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	layout := "Mon 2 Jan 15:04:05"
	if t = t.In(v.Zone); t.Year() != v.Window.To.In(v.Zone).Year() {
		layout = "Mon 2 Jan 2006 15:04:05"
	}
	return t.Format(layout)
}

// At is Time for Unix milliseconds; AtUTC says it in UTC, in the form that programs and logs have.
func (v *view) At(ms int64) string    { return v.Time(millis(ms).Time) }
func (v *view) AtUTC(ms int64) string { return millis(ms).Format("2006-01-02 15:04:05Z") }

// ISO is a moment for the attribute of a time element.
func (v *view) ISO(ms int64) string { return millis(ms).Format(timeLayout) }

// Lasting writes a length of milliseconds.
func (v *view) Lasting(ms int64) string { return event.Span(float64(ms) / 1000) }

// Week is the ISO week in which the range ends.
func (v *view) Week() string {
	return report.WeekOf(v.Window.To.Add(-time.Millisecond).In(v.Zone)).String()
}

// Hundred makes a share per cent.
func (v *view) Hundred(share float64) float64 { return 100 * share }
