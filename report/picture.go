package report

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"flapwatch/event"
)

// Pictures are SVG made of numbers and of times; no text of the network is in them. What they show stands in the page as words or
// as a table too. Coordinates are whole pixels or tenths.

const (
	wide  = 720 // of the pictures of the week
	edge  = 36  // left of them, for the scale
	tall  = 120
	phase = 64 // height of a phase picture
)

// x is the place of a moment on the line of the week.
func (s sheet) x(m Moment) float64 {
	return edge + (wide-edge)*float64(m-s.From)/float64(max(1, s.To-s.From))
}

// days draws a line and a name for each day, so that the day of 23 or 25 hours is as wide as it was.
func (s sheet) days(b *strings.Builder, top, bottom int) {
	first := s.From.In(s.zone)
	for i := 0; ; i++ {
		day := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, s.zone)
		if moment(day) >= s.To {
			return
		}
		at := s.x(max(moment(day), s.From))
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %dV%d"/><text x="%.1f" y="%d">%s</text>`, at, top, bottom, at+4, bottom+14, day.Format("Mon 2"))
	}
}

// PulsePicture draws the drops of the week in bars of three hours, the planned ones lighter and on top, and the outages as marks above.
func (s sheet) PulsePicture() template.HTML {
	most := 1
	for _, x := range s.Pulse {
		most = max(most, x.Dropped+x.Planned)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-labelledby="pulse-title"><title id="pulse-title">Unregistrations in each three hours of the week, at most %s; unplanned dark, planned light, outages as marks above</title>`, wide, tall+24, Grouped(most))
	s.days(&b, 10, tall)
	height := func(n int) float64 { return float64(tall-14) * float64(n) / float64(most) }
	for i, x := range s.Pulse {
		until := s.To
		if i+1 < len(s.Pulse) {
			until = s.Pulse[i+1].From
		}
		left, right := s.x(x.From)+0.5, s.x(until)-0.5
		low := float64(tall)
		for _, part := range []struct {
			class string
			n     int
		}{{"drop", x.Dropped}, {"plan", x.Planned}} {
			if h := height(part.n); h > 0 {
				fmt.Fprintf(&b, `<path class="%s" d="M%.1f %.1fH%.1fV%.1fH%.1fz"/>`, part.class, left, low, right, low-h, left)
				low -= h
			}
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="20" class="scale">%s</text><text x="%d" y="%d" class="scale">0</text><path class="axis" d="M%d %dH%d"/>`, edge-6, Grouped(most), edge-6, tall, edge, tall, wide)
	for _, o := range s.SomeOutages() {
		fmt.Fprintf(&b, `<path class="mark" d="M%.1f 9l-4.5 -8h9z"/>`, s.x(o.Start))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// OutagePicture draws the outages on the line of the week: as long as they took, as high as the devices they took.
func (s sheet) OutagePicture() template.HTML {
	most := 1
	for _, o := range s.Outages {
		most = max(most, o.Devices)
	}
	const low = 72
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-labelledby="outage-title"><title id="outage-title">Outages on the line of the week, the highest with %s; the table has each</title>`, wide, low+24, Counted(most, "device", "devices"))
	s.days(&b, 4, low)
	for _, o := range s.Outages[:min(len(s.Outages), mostDots)] {
		h := max(3, float64(low-8)*float64(o.Devices)/float64(most))
		left := s.x(o.Start)
		fmt.Fprintf(&b, `<path class="mark" d="M%.1f %dv-%.1fH%.1fV%dz"/>`, left, low, h, max(left+3, s.x(o.End)), low)
	}
	fmt.Fprintf(&b, `<text x="%d" y="16" class="scale">%s</text><path class="axis" d="M%d %dH%d"/></svg>`, edge-6, Grouped(most), edge, low, wide)
	return template.HTML(b.String())
}

// PhasePicture draws a period: each drop a dot, left to right the week, the height its place in the cycle.
func (s sheet) PhasePicture(p *Phase) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img"><title>%s in the week against their place in a cycle of %s</title>`, wide, phase+22, Counted(len(p.Points), "drop", "drops"), event.Span(p.Period))
	s.days(&b, 2, phase)
	b.WriteString(`<path class="dots" d="`)
	for _, x := range p.Points {
		fmt.Fprintf(&b, "M%.1f %.1fh0", s.x(x.At), 4+float64(phase-8)*(1-x.Place))
	}
	fmt.Fprintf(&b, `"/><path class="axis" d="M%d %dH%d"/></svg>`, edge, phase, wide)
	return template.HTML(b.String())
}

// bar is a bar in a table, of a length from 0 to 1.
func bar(length float64) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><path class="drop" d="M0 0h%.1[1]fv8h-%.1[1]fz"/></svg>`, max(1, 100*length)))
}
