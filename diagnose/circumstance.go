package diagnose

import (
	"math"
	"strings"

	"flapwatch/pattern"
	"flapwatch/reasons"
)

// onClock: the cause comes at a time of day, for all that it concerns.
func onClock(p *reasons.PeriodicCause) bool { return strings.HasPrefix(p.Phase, "wall clock") }

// mayBeOnClock: some of it does.
func mayBeOnClock(p *reasons.PeriodicCause) bool { return strings.Contains(p.Phase, "wall clock") }

// together: it hits all devices of a path, node or cluster in the same moment.
func together(p *reasons.PeriodicCause) bool {
	return strings.Contains(p.Phase, "segment") || strings.Contains(p.Phase, "node") || strings.Contains(p.Phase, "global")
}

// alone: each device has its own phase.
func alone(p *reasons.PeriodicCause) bool { return !together(p) && !mayBeOnClock(p) }

// phase: a timer starts anew with each cycle and wanders, a job comes by the clock.
func (f *facts) phase(p *reasons.PeriodicCause) factor {
	if f.beat.seconds <= 0 {
		return nothing
	}
	daily := math.Abs(math.Remainder(f.beat.seconds, 86400)) < 0.001*f.beat.seconds+60
	switch {
	case f.beat.kind == pattern.Clock && daily && mayBeOnClock(p):
		return factor{3, "phase", "it comes at the same clock time each time"}
	case f.beat.kind == pattern.Clock && daily && alone(p):
		return factor{0.4, "phase", "it comes at the same clock time each time, a timer of the device would not"}
	case f.beat.kind == pattern.Renewal && onClock(p):
		return factor{0.1, "phase", "each cycle starts where the last one ended; a job would keep its clock time"}
	case f.beat.kind == pattern.Renewal && alone(p):
		return factor{1.3, "phase", "each cycle starts where the last one ended, as with a timer"}
	}
	return nothing
}

// failover: back on the primary after the Connection Monitor Duration, 120 s by default.
func (f *facts) failover(p *reasons.PeriodicCause) factor {
	if p.ID != "sip-refresh-first-packet-loss" && p.ID != "primary-flap" {
		return nothing
	}
	if f.Failover == nil || f.Failover.ReturnSeconds == nil {
		return nothing
	}
	back, due := *f.Failover.ReturnSeconds, f.timers.Fallback
	if back < due-5 || back > due+30 {
		return factor{0.6, "fail-over", f.say("back from %s after %s; %s would be usual", f.Failover.Node, span(back), span(due))}
	}
	return factor{3, "fail-over", f.say("%d times to %s and back after %s, the Connection Monitor Duration of %s",
		f.Failover.Count, f.Failover.Node, span(back), span(due))}
}

// outage compares how long the device was away with what is typical. A device that found another node was not away.
func (f *facts) outage(p *reasons.PeriodicCause) factor {
	away := f.outageSeconds()
	typical := p.OutageSeconds
	if p.ID == "scheduled-reset" && f.Reason != nil {
		typical = afterOrder[*f.Reason]
	}
	if away <= 0 || typical <= 0 || f.Failover != nil {
		return nothing
	}
	if ratio := away / typical; ratio > 0.5 && ratio < 2 {
		return factor{1.5, "outage", f.say("away for %s, about the %s that are typical", span(away), span(typical))}
	}
	return factor{0.7, "outage", f.say("away for %s; %s would be typical", span(away), span(typical))}
}

// afterOrder is the outage in seconds after a reset (9) and a restart (15), measured in SDL traces of CUCM 11.5.
var afterOrder = map[uint32]float64{9: 42, 15: 5.6}

func (f *facts) outageSeconds() float64 {
	switch {
	case f.Outage != nil && f.Outage.MedianOutage != nil:
		return *f.Outage.MedianOutage
	case f.Flap != nil && f.Flap.MedianOutage != nil:
		return *f.Flap.MedianOutage
	}
	return 0
}

// action: somebody, or a job, told the device to go.
func (f *facts) action(p *reasons.PeriodicCause) factor {
	if f.AfterAction < 0.5 {
		return nothing
	}
	text := f.say("%.0f %% of the losses follow an order to reset, restart or apply within a minute", 100*f.AfterAction)
	switch p.ID {
	case "scheduled-reset":
		return factor{10, "order", text}
	case "firmware-upgrade", "itl-cert", "em-max-login", "emcc":
		return nothing
	}
	return factor{0.2, "order", text}
}

// takes is what a cause on a path takes all at once; the catalogue says it in words (Evidence). Those that are not named take devices
// little by little.
var takes = map[string]pattern.OutageKind{
	"stp":              pattern.SwitchOutage, // many phones behind one switch in the same seconds
	"switch-ap-reload": pattern.SwitchOutage, // one switch, same second
	"ipsec-rekey":      pattern.SubnetOutage, // all phones of a site in the same second
	"ike-rekey":        pattern.SubnetOutage,
}

// place: what the devices of an outage have in common, against whom the cause hits.
func (f *facts) place(p *reasons.PeriodicCause) factor {
	if f.Outage == nil {
		return nothing
	}
	kind, path := f.Outage.Kind, strings.Contains(p.Phase, "segment")
	text := f.say("%d devices at once: %s %s", len(f.Outage.Devices), kind, f.Outage.Place)
	switch {
	case !together(p):
		return factor{0.1, "place", text + "; this cause takes devices one by one"}
	case path && takes[p.ID] == "":
		return factor{0.1, "place", text + "; with this cause they would get worse slowly or in bursts"}
	case path && (kind == takes[p.ID] || kind == pattern.SubnetOutage): // the phones of a switch share a subnet, too
		return factor{4, "place", text + ", a path they share"}
	case path && kind == pattern.SwitchOutage:
		return factor{0.5, "place", text + "; this cause takes a whole site, not those behind one switch"}
	case kind == pattern.NodeOutage && strings.Contains(p.Phase, "node"):
		return factor{6, "place", text}
	case kind == pattern.ClusterOutage && !path:
		return factor{2, "place", text}
	}
	return factor{0.5, "place", text + "; not what this cause has in common"}
}
