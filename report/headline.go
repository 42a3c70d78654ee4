package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"flapwatch/event"
)

const mostTasks = 6

// tasks are what to do first: the causes that explain most drops, the outages, and senders that keep us blind.
func tasks(r *Report, zone *time.Location) []Task {
	list := []Task{}
	for _, c := range r.Causes {
		if !c.Planned && c.ID != "" {
			list = append(list, Task{c.sentence(), capital(certainty(c.Score)) + " cause: " + lower(c.Title), c.Checks, c.Fix, c.ID})
		}
	}
	list = append(list, outageTasks(r.Outages, zone)...)
	for i := range r.Causes {
		if c := &r.Causes[i]; !c.Planned && c.ID == "" && len(c.Checks) > 0 {
			list = append(list, Task{c.sentence(), c.Mechanism, c.Checks, c.Fix, ""})
		}
	}
	if t := senderTask(r.Senders); len(t.Checks) > 0 {
		list = append(list, t)
	}
	return list[:min(len(list), mostTasks)]
}

// senderTask is about all nodes that do not tell everything; the nodes that have the same to mend are named together.
func senderTask(senders []Sender) Task {
	nodes := map[string][]string{}
	var order []string
	n := 0
	for i := range senders {
		if len(senders[i].Warnings) > 0 {
			n++
		}
		for _, w := range senders[i].Warnings {
			if len(nodes[w]) == 0 {
				order = append(order, w)
			}
			nodes[w] = append(nodes[w], senders[i].Node)
		}
	}
	t := Task{Title: Counted(n, "node does not tell everything", "nodes do not tell everything"), Why: "what is not sent cannot be reported", Checks: []string{}}
	for _, w := range order {
		who := "Node "
		if len(nodes[w]) > 1 {
			who = "Nodes "
		}
		who += strings.Join(nodes[w][:min(len(nodes[w]), 5)], ", ")
		if more := len(nodes[w]) - 5; more > 0 {
			who += fmt.Sprintf(" and %s more", Grouped(more))
		}
		t.Checks = append(t.Checks, who+": "+w)
	}
	t.Checks = t.Checks[:min(len(t.Checks), mostTasks)]
	return t
}

// sentence: "10 devices drop every 18 min 9 s, 4,812 times in all".
func (c *Cause) sentence() string {
	who, times := Counted(c.DevicesInAll, "device drops", "devices drop"), Counted(c.Unregistrations, "time", "times")
	if c.Period == nil {
		return who + " again and again, " + times + " in all"
	}
	if c.Periodic < c.DevicesInAll {
		who += ", " + Grouped(c.Periodic) + " of them"
	}
	every := event.Span(*c.Period)
	if *c.PeriodHigh-*c.PeriodLow > 0.02**c.Period {
		every = event.Span(*c.PeriodLow) + " to " + event.Span(*c.PeriodHigh)
	}
	return who + " every " + every + ", " + times + " in all"
}

// outageTasks takes the outages of one place together, the places with most devices first.
func outageTasks(outages []Outage, zone *time.Location) []Task {
	type place struct{ cluster, kind, place, title string }
	at := map[place][]*Outage{}
	var places []place
	for i := range outages {
		o := &outages[i]
		p := place{o.Cluster, o.Kind, o.Place, o.Title}
		if len(at[p]) == 0 {
			places = append(places, p)
		}
		at[p] = append(at[p], o)
	}
	biggest := func(p place) *Outage {
		return slices.MaxFunc(at[p], func(a, b *Outage) int { return cmp.Compare(a.Devices, b.Devices) })
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(biggest(b).Devices, biggest(a).Devices) })
	var list []Task
	for _, p := range places {
		o, where := biggest(p), strings.TrimSpace(p.kind+" "+p.place)
		when := o.Start.In(zone).Format("Mon 2 Jan at 15:04")
		title := fmt.Sprintf("An outage (%s) took %s on %s", where, Counted(o.Devices, "device", "devices"), when)
		if n := len(at[p]); n > 1 {
			title = fmt.Sprintf("%d outages (%s) took up to %s, the biggest on %s", n, where, Counted(o.Devices, "device", "devices"), when)
		}
		list = append(list, Task{title, cmp.Or(p.title, "no known cause fits"), o.Checks, o.Fix, ""})
	}
	return list
}

// headline says the week in words.
func headline(r *Report) string {
	t := r.Totals
	if t.Devices == 0 {
		return "Nothing was heard of any phone's registration. Either nothing happened, or the nodes do not send here."
	}
	var said []string
	if c := r.leading(); c != nil {
		said = append(said, fmt.Sprintf("%s. %s cause: %s.", c.sentence(), capital(certainty(c.Score)), lower(brief(c.Title))))
	}
	if t.Outages > 0 {
		biggest := 0
		for _, o := range r.Outages {
			biggest = max(biggest, o.Devices)
		}
		said = append(said, outagesInWords(t.Outages, Counted(biggest, "device", "devices")))
	}
	all := fmt.Sprintf("%s of %s", Counted(t.Unregistrations, "unplanned unregistration", "unplanned unregistrations"), Counted(t.Dropping, "device", "devices"))
	switch {
	case t.Unregistrations == 0:
		all = "No phone lost its registration unplanned"
	case r.Before == nil:
		all += "; " + r.alone()
	case t.Unregistrations == r.Before.Unregistrations:
		all += ", as many as the week before"
	default:
		all += fmt.Sprintf(", %s the week before (%s)", against(t.Unregistrations, r.Before.Unregistrations), Grouped(r.Before.Unregistrations))
	}
	said = append(said, all+".")
	return strings.Join(said, " ")
}

// alone says why the week before is not compared.
func (r *Report) alone() string {
	if r.Silent != 0 {
		return "of the week before nothing is known until " + r.Silent.In(r.zone()).Format("Mon 2 Jan 15:04")
	}
	return "nothing is known of the week before"
}

func outagesInWords(n int, biggest string) string {
	if n == 1 {
		return "1 outage, of " + biggest + "."
	}
	return Grouped(n) + " outages, the biggest of " + biggest + "."
}

// leading is the cause that explains most; nil if none is known.
func (r *Report) leading() *Cause {
	for i := range r.Causes {
		if c := &r.Causes[i]; c.ID != "" && !c.Planned {
			return c
		}
	}
	return nil
}

// capital makes the first letter large.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// sentence makes a sentence of what has no end.
func sentence(s string) string {
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".?!") {
		s += "."
	}
	return capital(s)
}

// lower makes the first letter small, unless the word is an abbreviation.
func lower(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

var aside = regexp.MustCompile(` \([^()]*\)`)

// brief leaves out what stands in brackets.
func brief(s string) string { return aside.ReplaceAllString(s, "") }
