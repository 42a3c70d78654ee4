package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"flapwatch/event"
)

// silence: a node that said nothing for so long before the end of the window is not heard any more.
const silence = 24 * time.Hour

// judgeSenders adds up what was sent of each node, whoever delivered it, with what is wrong; those with most to tell first. Alarms
// without a ClusterID belong to the node of their name that has one.
func judgeSenders(list []event.Source, w event.Window) []Sender {
	type place struct{ cluster, node string }
	at, cluster := map[place]int{}, map[string]string{}
	for _, s := range list {
		if s.Cluster != "" {
			cluster[s.Node] = s.Cluster
		}
	}
	out, counted := []Sender{}, map[place]bool{}
	for _, s := range list {
		own := place{s.Cluster, s.Node}
		p := place{cmp.Or(s.Cluster, cluster[s.Node]), s.Node}
		i, known := at[p]
		if !known {
			i = len(out)
			at[p] = i
			out = append(out, Sender{Node: p.node, Cluster: p.cluster})
		}
		if !counted[own] { // the same with every source of a node
			counted[own] = true
			for _, c := range s.Counters {
				out[i].Missing += c.Missing
			}
		}
		out[i].add(s)
	}
	for i := range out {
		out[i].Warnings = some(out[i].judge(w))
	}
	slices.SortStableFunc(out, func(a, b Sender) int {
		return cmp.Or(cmp.Compare(len(b.Warnings), len(a.Warnings)), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Node, b.Node))
	})
	return out
}

func (s *Sender) add(o event.Source) {
	s.Messages += o.Messages
	s.Endpoint += o.Endpoint
	s.Last = max(s.Last, moment(o.Last))
	s.Severities = append(some(s.Severities), o.Severities...)
	slices.Sort(s.Severities)
	s.Severities = slices.Compact(s.Severities)
}

// Severities of RFC 5424, as the alarms of a registration use them.
const informational = 6

func (s *Sender) judge(w event.Window) (warnings []string) {
	if quiet := w.To.Sub(s.Last.In(time.UTC)); quiet > silence {
		warnings = append(warnings, fmt.Sprintf("silent for %s at the end of the week: is the node up, and does its remote syslog still point here?", event.Span(quiet.Seconds())))
	}
	if s.Missing > 0 {
		warnings = append(warnings, fmt.Sprintf("%s of its messages were lost before they came here (gaps in its own numbers): prefer TCP, or look at the network in between", Grouped(int(s.Missing))))
	}
	switch {
	case s.Endpoint == 0:
		warnings = append(warnings, "sends no endpoint alarms: look for Exclude End Point Alarms in its alarm configuration")
	case !slices.Contains(s.Severities, informational):
		warnings = append(warnings, "sends nothing of severity 6, so registrations are not seen and times away cannot be measured: set its alarm event level to Informational")
	}
	return warnings
}
