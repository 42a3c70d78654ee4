package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"flapwatch/event"
	"flapwatch/report"
)

const (
	mostDevices = 50 // in a notice
	mostNamed   = 20 // in its text
)

// head is the subject of a notice: what it is, in one line.
func (n *Notice) head() string {
	switch n.State {
	case More:
		return report.Counted(len(n.New), "more device: ", "more devices: ") + n.Alert.Title
	case Settled:
		return "Settled: " + n.Alert.Title
	}
	return n.Alert.Title
}

// text is the notice for people, in lines without markup. Whatever devices call themselves stays text.
func (n *Notice) text() string {
	a := &n.Alert
	var b strings.Builder
	line := func(label, s string) {
		if s = strings.Join(strings.Fields(s), " "); s != "" {
			fmt.Fprintf(&b, "%s%s\n", label, report.Plain(s))
		}
	}
	line("", n.head())
	if n.State == Settled {
		line("", fmt.Sprintf("from %s to %s (%s)", clock(a.Since), clock(a.Ended), event.Span(a.Ended.Sub(a.Since).Seconds())))
		n.names(&b)
		return b.String()
	}
	line("Since: ", clock(a.Since))
	line("Cluster: ", a.Cluster)
	if a.Cause.ID != "" {
		line("Cause: ", fmt.Sprintf("%s (%s, %.2f)", a.Cause.Title, a.Cause.ID, a.Cause.Score))
	} else {
		line("Cause: ", a.Cause.Title)
	}
	line("Why: ", a.Cause.Why)
	for _, c := range a.Cause.Checks {
		line("Check: ", c)
	}
	line("Fix: ", a.Cause.Fix)
	n.names(&b)
	return b.String()
}

// names lists the devices, those that are new first.
func (n *Notice) names(b *strings.Builder) {
	devices := n.Alert.Devices
	if n.State == More {
		told := func(d Device) bool { return !slices.Contains(n.New, d.Name) }
		fresh := slices.DeleteFunc(slices.Clone(devices), told)
		devices = append(fresh, slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return !told(d) })...)
	}
	for i := range devices[:min(len(devices), mostNamed)] {
		fmt.Fprintf(b, "- %s\n", devices[i].line())
	}
	if rest := n.Alert.Count - mostNamed; rest > 0 {
		fmt.Fprintf(b, "… and %s\n", report.Counted(rest, "more", "more"))
	}
}

// line is a device in one line.
func (d *Device) line() string {
	parts := []string{d.Name}
	for _, s := range []string{d.Model, d.IP, report.Clip(60, d.Description)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if d.Unregistrations > 0 {
		parts = append(parts, report.Counted(d.Unregistrations, "drop", "drops"))
	}
	if d.Period > 0 {
		parts = append(parts, "every "+event.Span(d.Period))
	}
	return report.Plain(strings.Join(strings.Fields(strings.Join(parts, ", ")), " "))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// title names an alert by its devices.
func (e *entry) title() string {
	a := &e.Alert
	cause := a.Cause.Title
	switch a.Kind {
	case Period:
		low, high := 0.0, 0.0
		for _, m := range e.Members {
			if low == 0 || m.Period < low {
				low = m.Period
			}
			high = max(high, m.Period)
		}
		every := event.Span((low + high) / 2)
		if high-low > 0.02*high {
			every = event.Span(low) + " to " + event.Span(high)
		}
		return fmt.Sprintf("%s every %s: %s", report.Counted(len(e.Members), "device drops", "devices drop"), every, cause)
	case Flapping:
		return fmt.Sprintf("%s again and again: %s", report.Counted(len(e.Members), "device drops", "devices drop"), cause)
	case Outage:
		return fmt.Sprintf("Outage (%s): %s: %s", a.Place, report.Counted(len(e.Members), "device", "devices"), cause)
	case Silence:
		return fmt.Sprintf("%s: %s", report.Counted(len(e.Members), "node is silent", "nodes are silent"), cause)
	}
	return a.Cause.Title
}
