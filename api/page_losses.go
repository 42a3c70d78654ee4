package api

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"flapwatch/event"
	"flapwatch/report"
)

// lossesView is when registrations were lost in the range, as a picture and in words.
type lossesView struct {
	*view
	Parts              []Losses
	Unplanned, Planned uint64
	Picture            template.HTML
	Trouble            string
}

// lossesIn counts the losses of the range.
func (s *server) lossesIn(ctx context.Context, v *view) lossesView {
	out := lossesView{view: v}
	var err error
	if out.Parts, err = s.overTime(ctx, event.Filter{Window: v.Window}, roundPart(v.Window)); err != nil {
		out.Trouble = phrase(err)
		return out
	}
	for _, p := range out.Parts {
		out.Unplanned += p.Unregistrations
		out.Planned += p.Expected
	}
	if out.Unplanned+out.Planned > 0 {
		out.Picture = out.draw()
	}
	return out
}

// Some are the parts with a loss.
func (v lossesView) Some() []Losses {
	return slices.DeleteFunc(slices.Clone(v.Parts), func(p Losses) bool { return p.Unregistrations+p.Expected == 0 })
}

// Worst is the first part with the most unplanned losses; nil where there is none.
func (v lossesView) Worst() *Losses {
	worst := slices.MaxFunc(v.Parts, func(a, b Losses) int { return cmp.Compare(a.Unregistrations, b.Unregistrations) })
	if worst.Unregistrations == 0 {
		return nil
	}
	return &worst
}

// Stretch tells a part in words, with the year where it is not the one in which the range ends.
func (v lossesView) Stretch(p Losses) string {
	from, to, layout := p.From.In(v.Zone), p.To.In(v.Zone), "Mon 2 Jan 15:04"
	if from.Year() != v.Window.To.In(v.Zone).Year() {
		layout = "Mon 2 Jan 2006 15:04"
	}
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return from.Format(layout) + " to " + to.Format("15:04")
	}
	return from.Format(layout) + " to " + to.Format(layout)
}

// DevicesIn leads to the devices that drop in a part.
func (v lossesView) DevicesIn(p Losses) string {
	return v.address("/devices", p.From.UTC().Format(time.RFC3339), p.To.UTC().Format(time.RFC3339))
}

// draw gives the picture: a bar for each part, what was planned lighter and on top, and a link behind each. The links of the table below
// it are the same, so that the keyboard passes these.
func (v lossesView) draw() template.HTML {
	const edge, low, tall = 48, 110, 130
	most := uint64(0)
	for _, p := range v.Parts {
		most = max(most, p.Unregistrations+p.Expected)
	}
	from, length := v.Window.From.UnixMilli(), v.Window.Length().Milliseconds()
	x := func(ms int64) float64 { return edge + (pictureWide-edge)*float64(ms-from)/float64(length) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="losses" viewBox="0 0 %d %d" role="group" aria-label="Unregistrations over the range, at most %s in a bar; the table below has each">`, pictureWide, tall, report.Grouped(int(most)))
	marks(&b, v.view, x, low)
	for _, p := range v.Parts {
		if p.Unregistrations+p.Expected == 0 {
			continue
		}
		left, right := x(p.From.UnixMilli())+.4, x(p.To.UnixMilli())-.4
		fmt.Fprintf(&b, `<a href="%s" tabindex="-1"><title>%s: %s unplanned, %s planned</title><path class="reach" d="M%.1f 8H%.1fV%dH%.1fz"/>`,
			template.HTMLEscapeString(v.DevicesIn(p)), v.Stretch(p), report.Grouped(int(p.Unregistrations)), report.Grouped(int(p.Expected)), left, right, low, left)
		bottom := float64(low)
		for _, bar := range []struct {
			class string
			n     uint64
		}{{"primary", p.Unregistrations}, {"primary unsure", p.Expected}} {
			if high := (low - 14) * float64(bar.n) / float64(most); bar.n > 0 {
				fmt.Fprintf(&b, `<path class="%s" d="M%.1f %.1fH%.1fV%.1fH%.1fz"/>`, bar.class, left, bottom, right, bottom-high, left)
				bottom -= high
			}
		}
		b.WriteString(`</a>`)
	}
	fmt.Fprintf(&b, `<text class="scale" x="%d" y="18">%s</text><text class="scale" x="%d" y="%d">0</text><path class="axis" d="M%d %dH%d"/></svg>`,
		edge-6, report.Grouped(int(most)), edge-6, low, edge, low, pictureWide)
	return template.HTML(b.String())
}
