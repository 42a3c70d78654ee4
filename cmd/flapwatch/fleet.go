package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"flapwatch/api"
	"flapwatch/event"
)

type outagesCmd struct{ ask }

// Help shows how it is asked.
func (outagesCmd) Help() string {
	return `Examples:
  flapwatch outages --from -7d
  flapwatch outages --from -7d --json | jq '.items[] | select(.kind == "node")'`
}

// Run lists outages, newest first.
func (c *outagesCmd) Run(ctx context.Context, con *console) error {
	var answer api.List[api.Outage]
	if err := c.get(ctx, "/outages", c.query(), &answer); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.out, answer)
	}
	err := printOutages(con.out, answer.Items)
	printMore(con.out, answer.NextCursor)
	return err
}

func printOutages(w io.Writer, items []api.Outage) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(w, "no outage of many devices in this window")
		return err
	}
	t := newTable(w, "START", "LASTED", "DEVICES", "SHARE", "KIND", "PLACE", "REASON", "CAUSE")
	for _, o := range items {
		t.row(shortTime(o.Start), event.Span(o.End.Sub(o.Start.Time).Seconds()), o.Devices, fmt.Sprintf("%.0f %%", 100*o.ShareOfKnown),
			o.Kind, o.Place, most(o.ByReason), causeID(o.Diagnoses))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	explainOutage(w, &items[0])
	return nil
}

// explainOutage prints what to make of the newest outage.
func explainOutage(w io.Writer, o *api.Outage) {
	fmt.Fprintf(w, "\n%s: %d devices, %s\n", shortTime(o.Start), o.Devices, plain(strings.TrimSpace(o.Kind+" "+o.Place)))
	if o.Cause == nil {
		fmt.Fprintln(w, "  cause  none stands out")
	} else {
		d := &o.Diagnoses[0]
		fmt.Fprintf(w, "  cause  %s\n  why    %s\n", plain(d.Title), plain(d.Why))
	}
	for _, check := range o.Checks {
		fmt.Fprintf(w, "  check  %s\n", plain(check))
	}
}

// most gives the key with the highest number.
func most(count map[string]int) (best string) {
	for _, key := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[key] > count[best] {
			best = key
		}
	}
	return best
}

type sourcesCmd struct{ place }

// Help shows how it is asked.
func (sourcesCmd) Help() string {
	return `Examples:
  flapwatch sources                     who sent in the last 24 hours
  flapwatch sources --from -30d --json`
}

// Run lists senders, and what is wrong with them.
func (c *sourcesCmd) Run(ctx context.Context, con *console) error {
	var answer api.Senders
	if err := c.get(ctx, "/sources", c.query(), &answer); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.out, answer)
	}
	if len(answer.Items) == 0 {
		_, err := fmt.Fprintln(con.out, "no alarm from anybody in this window; the front page says how to point CUCM here")
		return err
	}
	t := newTable(con.out, "SOURCE", "CLUSTER", "NODE", "MESSAGES", "LAST", "REGISTERED", "UNREGISTERED", "SEVERITIES", "LOST", "CLOCK")
	problems := map[string]bool{}
	for _, s := range answer.Items {
		t.row(s.Source, s.Cluster, s.Node, s.Messages, shortTime(s.Last), s.Up, s.Down, strings.Trim(fmt.Sprint(s.Severities), "[]"), s.Lost, ahead(s.Skew))
		for _, p := range s.Problems {
			problems[p] = true
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if answer.Others > 0 {
		fmt.Fprintf(con.out, "\nand %d others, each with fewer messages: ask for a --cluster, a --node or a shorter window\n", answer.Others)
	}
	if answer.Uncounted > 0 {
		fmt.Fprintf(con.out, "\nthe numbers of %d processes more were not followed: what is lost of their messages is not in LOST; ask for a --cluster, a --node or a shorter window\n", answer.Uncounted)
	}
	for _, p := range slices.Sorted(maps.Keys(problems)) {
		if _, err := fmt.Fprintf(con.out, "\n%s\n", plain(p)); err != nil {
			return err
		}
	}
	return nil
}

// ahead prints a clock's difference.
func ahead(seconds *float64) string {
	if seconds == nil {
		return ""
	}
	return fmt.Sprintf("%+.1f s", *seconds)
}
