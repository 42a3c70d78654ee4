package diagnose

import "flapwatch/pattern"

// Credible is the score from which on a hypothesis is named as the cause. Below it no cause stands out: more speaks for others, or for
// what is in no list.
const Credible = 0.3

// Cause is the hypothesis that stands out; nil if none does.
func (j *Judged) Cause() *Hypothesis {
	if len(j.Hypotheses) == 0 || j.Hypotheses[0].Score < Credible {
		return nil
	}
	return &j.Hypotheses[0]
}

// Checks are what to look at next: those of the cause that stands out, else of what the devices of an outage share; empty for a device
// without a cause.
func (j *Judged) Checks() []string {
	switch h := j.Cause(); {
	case h != nil:
		return h.Checks
	case j.Outage != nil:
		return shared(j.Outage.Kind)
	}
	return nil
}

// shared is what to look at where many devices left at once and nothing says why.
func shared(kind pattern.OutageKind) []string {
	switch kind {
	case pattern.NodeOutage:
		return []string{
			"Did the node or its CallManager service restart at that moment? utils core active list, and the service's log.",
			"Was the node reachable? Interface counters and the log of its switch and hypervisor.",
		}
	case pattern.SubnetOutage, pattern.SwitchOutage:
		return []string{
			"The log of the switch and of the router of this place around the start: reload, power, uplink, spanning tree.",
			"Was a change planned there at that time?",
		}
	case pattern.ModelOutage:
		return []string{"Did this model get new firmware or a new configuration at that moment? Device defaults, phone load, bulk jobs."}
	}
	return []string{"What do these devices share: the path to the nodes, a firewall, a power source? Compare the logs of both ends around the start."}
}
