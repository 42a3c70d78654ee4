package api

import (
	"fmt"
	"html/template"
	"strings"

	"flapwatch/diagnose"
	"flapwatch/keepalive"
)

// story is how lost keepalives make the time that a device stays registered.
type story struct {
	Cycle    keepalive.Prediction
	Timers   keepalive.SIP
	Match    keepalive.Match
	Measured float64 // seconds registered in each cycle, as seen
	Picture  template.HTML
}

// firstPacketLoss is the cause whose cycle the keepalive model plays.
const firstPacketLoss = "sip-refresh-first-packet-loss"

// storyOf plays the cycle of a device whose diagnosis it is; nil where it is another, or where the times do not fit.
func storyOf(j *diagnose.Judged) *story {
	if h := j.Cause(); h == nil || h.ID != firstPacketLoss || j.Registered == nil {
		return nil
	}
	timers := keepalive.DefaultSIP()
	if j.Timers != nil {
		timers = *j.Timers
	}
	match, ok := keepalive.Fit(*j.Registered, timers)
	if !ok {
		return nil
	}
	timers.FirstRetry = match.FirstRetry
	cycle, err := keepalive.Cycle(timers)
	if err != nil {
		return nil
	}
	return &story{cycle, timers, match, *j.Registered, waits(timers, match)}
}

// Interval from an accepted REGISTER to the next refresh, and the Patience of the node once one is due.
func (s *story) Interval() float64 { return s.Timers.Expires - s.Timers.Delta }
func (s *story) Patience() float64 { return s.Timers.Delta + s.Timers.Grace }

// waits draws how long each refresh waits for its repetition, up to the one that the node does not sit out.
func waits(timers keepalive.SIP, m keepalive.Match) template.HTML {
	const tall, top = 110, 16
	patience := timers.Delta + timers.Grace
	most := max(m.FatalWait, patience) * 1.1
	y := func(seconds float64) float64 { return top + (tall-top)*(1-seconds/most) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="waits" viewBox="0 0 %d %d" role="img" aria-labelledby="waits-title"><title id="waits-title">Wait of each refresh: %s at first, twice as long each time; the one of %s is longer than the %s that the node allows</title>`,
		pictureWide, tall+18, seconds(m.FirstRetry), seconds(m.FatalWait), seconds(patience))
	fmt.Fprintf(&b, `<path class="limit" d="M%d %.1fH%d"/><text class="scale" x="%d" y="%.1f">%s allowed</text><text class="scale" x="%d" y="%d">refresh</text><path class="axis" d="M%d %dH%d"/>`,
		pictureEdge, y(patience), pictureWide, pictureEdge-8, y(patience)+4, seconds(patience), pictureEdge-8, tall+14, pictureEdge, tall, pictureWide)
	each := float64(pictureWide-pictureEdge) / float64(m.Survived+1)
	wait := m.FirstRetry
	for i := range m.Survived + 1 {
		x, class := pictureEdge+each*float64(i), "primary"
		if i == m.Survived {
			class = "fatal"
		}
		high := min(y(wait), tall-1)
		fmt.Fprintf(&b, `<path class="%s" d="M%.1f %dH%.1fV%.1fH%.1fz"/><text class="middle" x="%.1f" y="%.1f">%s</text><text class="middle" x="%.1f" y="%d">%d</text>`,
			class, x+each*0.2, tall, x+each*0.8, high, x+each*0.2, x+each/2, high-4, seconds(wait), x+each/2, tall+14, i+1)
		wait *= 2
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// seconds with as many digits as matter.
func seconds(s float64) string {
	if s < 10 {
		return fmt.Sprintf("%.2g s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}
