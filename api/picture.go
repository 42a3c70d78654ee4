package api

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"flapwatch/event"
	"flapwatch/pattern"
)

// Pictures are SVG made of numbers and of times; no text of the network is in them. What they show stands on the page in words too,
// and what they tell apart by colour they also tell apart by height or by hatching. Coordinates are tenths of a pixel at most.
const (
	pictureWide = 720
	pictureEdge = 112 // left of them, for names
	rowPitch    = 26
	tickTall    = 5 // of a loss, above the bar
	barTall     = 15
	mostRows    = 60 // of a strip; the newest are shown
)

// stretch of time, from ≤ until, in Unix milliseconds.
type stretch struct{ from, until int64 }

// row is one line of a strip: a part of the range, as long as the others.
type row struct {
	stretch
	name string
}

// raster is how a strip is cut into rows.
type raster struct {
	rows   []row
	length int64 // of the longest row
	ticks  []string
	Left   int    // rows that are not shown
	Words  string // what a row is
}

// rasterOf cuts a window into hours, stretches of four hours, days or weeks of a zone, so that there are some rows and a drop of two
// minutes in them is a pixel.
func rasterOf(w event.Window, zone *time.Location) raster {
	from, to := w.From.In(zone), w.To.In(zone)
	day := func(t time.Time, days int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, zone)
	}
	var r raster
	var at time.Time
	var next func(time.Time) time.Time
	format := "Mon 15:04"
	hours := func(n time.Duration) {
		unit := n * time.Hour
		at = day(from, 0).Add(from.Sub(day(from, 0)).Truncate(unit))
		next = func(t time.Time) time.Time { return t.Add(unit) }
	}
	switch length := w.Length(); {
	case length <= 6*time.Hour:
		hours(1)
		r.Words, r.ticks = "Each row is an hour", []string{":00", ":15", ":30", ":45"}
	case length <= 48*time.Hour:
		hours(4)
		r.Words, r.ticks = "Each row is four hours", []string{"+0 h", "+1 h", "+2 h", "+3 h"}
	case length <= 45*24*time.Hour:
		at, next = day(from, 0), func(t time.Time) time.Time { return day(t, 1) }
		r.Words, r.ticks, format = "Each row is a day", []string{"0:00", "6:00", "12:00", "18:00"}, "Mon 2 Jan"
	default:
		at, next = day(from, -(int(from.Weekday())+6)%7), func(t time.Time) time.Time { return day(t, 7) }
		r.Words, r.ticks, format = "Each row is a week", []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}, "2 Jan 2006"
	}
	for at.Before(to) {
		end := next(at)
		r.rows = append(r.rows, row{stretch{at.UnixMilli(), end.UnixMilli()}, at.Format(format)})
		r.length = max(r.length, end.UnixMilli()-at.UnixMilli())
		at = end
	}
	r.Left = max(0, len(r.rows)-mostRows)
	r.rows = r.rows[r.Left:]
	return r
}

// x is the place of a moment in a row.
func (r *raster) x(w row, ms int64) float64 {
	return pictureEdge + (pictureWide-pictureEdge)*float64(ms-w.from)/float64(r.length)
}

// bars writes the path of stretches in a row, in the order of time: as high as they are told, never too narrow to be seen, and what
// lies too close to be told apart as one.
func (r *raster) bars(b *strings.Builder, w row, class string, list []stretch, bottom, tall int) {
	const thin, close = 0.7, 0.3
	var path strings.Builder
	left, right := 0.0, -1.0
	flush := func() {
		if right >= left {
			fmt.Fprintf(&path, "M%.1f %dH%.1fv-%dH%.1fz", left, bottom, right, tall, left)
		}
	}
	for _, s := range list {
		if s.until < w.from || s.from >= w.until {
			continue
		}
		from, until := r.x(w, max(s.from, w.from)), r.x(w, min(s.until, w.until))
		until = max(until, from+thin)
		if from <= right+close {
			right = max(right, until)
			continue
		}
		flush()
		left, right = from, until
	}
	if flush(); path.Len() > 0 {
		fmt.Fprintf(b, `<path class="%s" d="%s"/>`, class, path.String())
	}
}

// ticksOf writes the marks of moments in a row, in the order of time.
func (r *raster) ticksOf(b *strings.Builder, w row, class string, list []int64, top int) {
	var path strings.Builder
	last := -1
	for _, ms := range list {
		if x := r.x(w, ms); ms >= w.from && ms < w.until && int(x) != last {
			last = int(x)
			fmt.Fprintf(&path, "M%.1f %dv%d", x, top, tickTall)
		}
	}
	if path.Len() > 0 {
		fmt.Fprintf(b, `<path class="%s" d="%s"/>`, class, path.String())
	}
}

// tiers of a strip: the node where a device mostly is, the one it goes to, and all others.
const (
	primary = iota
	secondary
	other
	tiers
)

var (
	tierClass = [tiers]string{"primary", "secondary", "other"}
	tierTall  = [tiers]int{barTall, 9, 5}
)

// strip is where a device was.
type strip struct {
	seen, unsure  [tiers][]stretch // registered; unsure: the beginning or the end was not seen
	away, unknown []stretch
	drops, plans  []int64 // losses that were not meant, and those that were but for the way home
}

// homeward is the reason with which a secondary node lets a device go home to its primary: EndPointUnregistered 28, FallbackInitiated.
const homeward = 28

// stripOf sorts sessions of a device in a window into what a strip shows. Of what was before began nothing can be known.
func stripOf(sessions []pattern.Session, w event.Window, began time.Time, tier func(node string) int) (s strip) {
	from, to := began.UnixMilli(), w.To.UnixMilli()
	known := w.From.UnixMilli() // up to here everything is told
	gaps := pattern.Gaps(sessions, w)
	var covered []stretch
	for _, x := range sessions {
		t := tier(x.Node)
		one := stretch{x.From, x.Until}
		if (x.OpenStart && x.From != from) || (x.OpenEnd && x.Until != to) {
			s.unsure[t] = append(s.unsure[t], one)
		} else {
			s.seen[t] = append(s.seen[t], one)
		}
		covered = append(covered, one)
		switch {
		case x.OpenEnd:
		case x.EndExpected && x.EndReason == homeward:
		case x.EndExpected:
			s.plans = append(s.plans, x.Until)
		default:
			s.drops = append(s.drops, x.Until)
		}
	}
	for _, g := range gaps {
		s.away = append(s.away, stretch{g.From, g.Until})
	}
	covered = append(covered, s.away...)
	slices.SortFunc(covered, func(a, b stretch) int { return int(a.from - b.from) })
	for _, c := range append(covered, stretch{to, to}) {
		if c.from > known {
			s.unknown = append(s.unknown, stretch{known, c.from})
		}
		known = max(known, c.until)
	}
	slices.Sort(s.drops)
	slices.Sort(s.plans)
	return s
}

// hatch fills what is not known.
const hatch = `<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="line" d="M0 0v5"/></pattern></defs>`

// draw gives the picture of a strip; title says what is in it.
func (s *strip) draw(r *raster, title string) template.HTML {
	var b strings.Builder
	tall := 18 + rowPitch*len(r.rows)
	fmt.Fprintf(&b, `<svg class="strip" viewBox="0 0 %d %d" role="img" aria-labelledby="strip-title"><title id="strip-title">%s</title>%s`,
		pictureWide, tall, template.HTMLEscapeString(title), hatch)
	for i, name := range r.ticks {
		x := pictureEdge + (pictureWide-pictureEdge)*i/len(r.ticks)
		fmt.Fprintf(&b, `<path class="grid" d="M%d 14V%d"/><text x="%d" y="11">%s</text>`, x, tall, x+2, name)
	}
	for i, w := range r.rows {
		top := 18 + rowPitch*i
		bottom := top + tickTall + 1 + barTall
		fmt.Fprintf(&b, `<text class="scale" x="%d" y="%d">%s</text>`, pictureEdge-8, bottom-3, w.name)
		var unknown strings.Builder
		r.bars(&unknown, w, "unknown", s.unknown, bottom, barTall)
		b.WriteString(strings.Replace(unknown.String(), "<path ", `<path fill="url(#hatch)" `, 1))
		r.bars(&b, w, "away", s.away, bottom, 2)
		for t := range tiers {
			r.bars(&b, w, tierClass[t]+" unsure", s.unsure[t], bottom, tierTall[t])
			r.bars(&b, w, tierClass[t], s.seen[t], bottom, tierTall[t])
		}
		r.ticksOf(&b, w, "plan", s.plans, top)
		r.ticksOf(&b, w, "drop", s.drops, top)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// key is a piece of a strip for its legend.
func key(class string) template.HTML {
	const frame = `<svg class="key strip" viewBox="0 0 18 22" aria-hidden="true">%s</svg>`
	shape := `<path class="plan" d="M6 0v5M12 0v5"/>`
	switch i := slices.Index(tierClass[:], class); {
	case i >= 0:
		shape = fmt.Sprintf(`<path class="%s" d="M0 21H18v-%dH0z"/>`, class, tierTall[i])
	case class == "unsure":
		shape = `<path class="primary unsure" d="M0 21H18v-15H0z"/>`
	case class == "away":
		shape = `<path class="away" d="M0 21H18v-2H0z"/>`
	case class == "unknown":
		shape = `<path class="unknown" fill="url(#hatch)" d="M0 21H18v-15H0z"/>`
	case class == "drop":
		shape = `<path class="drop" d="M6 0v5M12 0v5"/>`
	}
	return template.HTML(fmt.Sprintf(frame, shape))
}
