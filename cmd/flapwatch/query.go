package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"flapwatch/api"
	"flapwatch/diagnose"
	"flapwatch/event"
)

// place are the flags of the commands that ask a running service about a part of the fleet.
type place struct {
	remote
	From    string `help:"Start of the window: RFC 3339, or relative such as -7d." default:"-24h"`
	To      string `help:"End of the window." default:"now"`
	Cluster string `help:"Only this cluster."`
	Node    string `help:"Only this node."`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// query gives the flags as parameters.
func (p *place) query() url.Values {
	return parameters("from", p.From, "to", p.To, "cluster", p.Cluster, "node", p.Node)
}

// ask are the flags of the commands that ask about some events, and print a list.
type ask struct {
	place
	Reason   string `help:"Only this reason code."`
	Protocol string `help:"Only this protocol."`
	Limit    int    `help:"Most rows." default:"100"`
}

// query gives the flags as parameters.
func (a *ask) query() url.Values {
	q := a.place.query()
	maps.Copy(q, parameters("reason", a.Reason, "protocol", a.Protocol, "limit", strconv.Itoa(a.Limit)))
	return q
}

// parameters are names and their values, but for empty ones.
func parameters(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// printMore says that a list goes on.
func printMore(w io.Writer, cursor string) {
	if cursor != "" {
		fmt.Fprintln(w, "\nthere are more: a higher --limit shows them")
	}
}

type flappingCmd struct{ ask }

// Help shows how it is asked.
func (flappingCmd) Help() string {
	return `Examples:
  flapwatch flapping                             the last 24 hours
  flapwatch flapping --from -7d --node ucm-02
  flapwatch flapping --from 2026-11-16T00:00:00Z --to 2026-11-23T00:00:00Z --json`
}

// Run lists devices by how they flap.
func (c *flappingCmd) Run(ctx context.Context, con *console) error {
	q := c.query()
	var answer api.List[api.Flapping]
	if err := c.get(ctx, "/flapping", q, &answer); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.out, answer)
	}
	err := printFlapping(con.out, answer.Items)
	printMore(con.out, answer.NextCursor)
	return err
}

func printFlapping(w io.Writer, items []api.Flapping) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(w, "no device lost its registration in this window")
		return err
	}
	t := newTable(w, "DEVICE", "DROPS", "PLANNED", "STATE", "REGISTERED", "AWAY", "REASON", "PERIOD", "LAST", "MODEL", "DESCRIPTION")
	for _, f := range items {
		period := ""
		if f.Pattern != nil {
			period = event.Span(f.Pattern.PeriodSeconds)
		}
		t.row(f.Device, f.Unregistrations, f.ExpectedUnregistration, f.State, perhaps(f.MedianRegistered), perhaps(f.MedianOutage),
			reasonText(f.TopReason), period, shortTime(f.Last), f.Model, f.Description)
	}
	return t.Flush()
}

type patternsCmd struct {
	ask
	MaxP float64 `help:"Show patterns up to this p-value." placeholder:"P"`
}

// Help shows how it is asked.
func (patternsCmd) Help() string {
	return `Examples:
  flapwatch patterns --from -8d
  flapwatch patterns --from -30d --max-p 0.05    weak ones, too
  flapwatch patterns --from -8d --json | jq '.items[] | [.device, .period_seconds, .diagnoses[0].id]'`
}

// Run lists the periods with their causes.
func (c *patternsCmd) Run(ctx context.Context, con *console) error {
	q := c.query()
	if c.MaxP != 0 {
		q.Set("max_p", strconv.FormatFloat(c.MaxP, 'g', -1, 64))
	}
	var answer api.List[api.Pattern]
	if err := c.get(ctx, "/patterns", q, &answer); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.out, answer)
	}
	err := printPatterns(con.out, answer.Items)
	printMore(con.out, answer.NextCursor)
	return err
}

// printPatterns prints periods, and what to check for the most frequent cause.
func printPatterns(w io.Writer, items []api.Pattern) error {
	if len(items) == 0 {
		fmt.Fprintln(w, "no device drops in a period in this window")
		return nil
	}
	t := newTable(w, "DEVICE", "PERIOD", "REGISTERED", "SEEN", "P", "CONFIDENCE", "REASON", "NEXT", "CAUSE")
	for _, p := range items {
		t.row(p.Device, event.Span(p.PeriodSeconds), perhaps(p.Registered), fmt.Sprintf("%d of %d", p.CyclesSeen, p.CyclesExpected),
			fmt.Sprintf("%.1e", p.PValue), p.Confidence, reasonText(p.Reason), shortTime(p.NextExpected), causeID(p.Diagnoses))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	explainFirst(w, items)
	return nil
}

// explainFirst prints the most frequent cause with what to check next; where none stands out, the likeliest of the first pattern.
func explainFirst(w io.Writer, items []api.Pattern) {
	count := map[string]int{}
	var best *api.Diagnosis
	for i := range items {
		if d := items[i].Diagnoses; standsOut(d) {
			if count[d[0].ID]++; best == nil || count[d[0].ID] > count[best.ID] {
				best = &d[0]
			}
		}
	}
	switch {
	case best != nil:
		fmt.Fprintf(w, "\n%s", plain(best.Title))
		if n := count[best.ID]; n > 1 {
			fmt.Fprintf(w, " (%d devices)", n)
		}
		fmt.Fprintln(w)
	case len(items) > 0 && len(items[0].Diagnoses) > 0:
		best = &items[0].Diagnoses[0]
		fmt.Fprintf(w, "\nno cause stands out; the likeliest for %s: %s\n", plain(items[0].Device), plain(best.Title))
	default:
		return
	}
	fmt.Fprintf(w, "  why    %s\n", plain(best.Why))
	for _, check := range best.Checks {
		fmt.Fprintf(w, "  check  %s\n", plain(check))
	}
	fmt.Fprintf(w, "  fix    %s\n", plain(best.Fix))
}

type deviceCmd struct {
	Name string `arg:"" help:"Device name, such as SEPE0D1730A8137, or its MAC address."`
	place
	Limit int `help:"Most rows: the newest." default:"100"`
}

// Help shows how it is asked.
func (deviceCmd) Help() string {
	return `Upper and lower case need not be right where only one device has the name; a MAC address may be written in any form.

Examples:
  flapwatch device SEPE0D1730A8137 --from -7d
  flapwatch device e0:d1:73:0a:81:37
  flapwatch device sepe0d1730a8137 --cluster StandAloneCluster --json`
}

// Run prints one device.
func (c *deviceCmd) Run(ctx context.Context, con *console) error {
	var d api.DeviceDetail
	q := c.query()
	err := c.get(ctx, "/devices/"+url.PathEscape(c.Name), q, &d)
	if missing := new(problemError); errors.As(err, &missing) && missing.Status == http.StatusNotFound {
		if name := c.spelled(ctx); name != "" {
			c.Name = name
			err = c.get(ctx, "/devices/"+url.PathEscape(c.Name), q, &d)
		}
	}
	if missing := new(problemError); errors.As(err, &missing) && missing.Status == http.StatusNotFound {
		return fmt.Errorf("no event of device %s from %s to %s; ask for a longer window with --from -90d", plain(c.Name), c.From, c.To)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.out, d)
	}
	var line api.Timeline
	if err := c.get(ctx, "/devices/"+url.PathEscape(c.Name)+"/timeline", q, &line); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s  %s  %s  %s  %s\n", plain(d.Device.Device), plain(d.Model), plain(d.IP), plain(d.Cluster), plain(d.Description))
	fmt.Fprintf(con.out, "%d unplanned and %d planned unregistrations, %d registrations; %s\n\n", d.Unregistrations, d.Expected, d.Registrations, d.Flapping.State)
	t := newTable(con.out, "NODE", "FROM", "UNTIL", "REGISTERED", "ENDED BY")
	for _, s := range line.Sessions[max(0, len(line.Sessions)-max(0, c.Limit)):] {
		ended := reasonText(s.EndReason)
		if s.OpenEnd {
			ended = "(open)"
		}
		t.row(s.Node, shortTime(s.From), shortTime(s.Until), event.Span(s.Seconds), ended)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	explainFirst(con.out, d.Patterns)
	return nil
}

// spelled looks for the only device that was meant; empty if there is none, or several.
func (c *deviceCmd) spelled(ctx context.Context) (name string) {
	q := c.query()
	q.Set("limit", "1000")
	for {
		var page api.List[api.Device]
		if c.get(ctx, "/devices", q, &page) != nil {
			return ""
		}
		for _, d := range page.Items {
			if api.Means(c.Name, d.Device) {
				if name != "" && name != d.Device {
					return ""
				}
				name = d.Device
			}
		}
		if page.NextCursor == "" {
			return name
		}
		q.Set("cursor", page.NextCursor)
	}
}

type eventsCmd struct {
	ask
	Device string `help:"Only this device."`
}

// Help shows how it is asked.
func (eventsCmd) Help() string {
	return `Examples:
  flapwatch events --limit 20
  flapwatch events --device SEPE0D1730A8137 --reason 13 --from -30d --json`
}

// Run lists events, newest first.
func (c *eventsCmd) Run(ctx context.Context, con *console) error {
	answer, err := c.list(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.out, answer)
	}
	if len(answer.Items) == 0 {
		_, err := fmt.Fprintln(con.out, "no event in this window")
		return err
	}
	t := newTable(con.out, "TIME", "NODE", "ALARM", "DEVICE", "IP", "REASON", "CAUSE")
	for _, e := range answer.Items {
		cause := ""
		if e.Cause != nil {
			cause = e.Cause.Title
		}
		t.row(shortTime(e.Time), e.Node, e.Alarm, e.Device, e.IP, reasonText(e.Reason), cause)
	}
	err = t.Flush()
	printMore(con.out, answer.NextCursor)
	return err
}

// list asks for as many events as are wanted, a page after the other.
func (c *eventsCmd) list(ctx context.Context) (all api.List[api.Event], err error) {
	const most = 1000 // of a page
	q := c.query()
	maps.Copy(q, parameters("device", c.Device))
	all.Items = []api.Event{}
	for {
		q.Set("limit", strconv.Itoa(min(c.Limit-len(all.Items), most)))
		page := api.List[api.Event]{}
		if err := c.get(ctx, "/events", q, &page); err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		if all = page; all.NextCursor == "" || len(all.Items) >= c.Limit {
			return all, nil
		}
		q.Set("cursor", all.NextCursor)
	}
}

func reasonText(r *api.Reason) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%d %s", r.Code, r.Name)
}

// causeID is the id of the cause that stands out, "unclear" where none does.
func causeID(d []api.Diagnosis) string {
	if !standsOut(d) {
		return "unclear"
	}
	return d[0].ID
}

func standsOut(d []api.Diagnosis) bool { return len(d) > 0 && d[0].Score >= diagnose.Credible }

func perhaps(seconds *float64) string {
	if seconds == nil {
		return ""
	}
	return event.Span(*seconds)
}

func shortTime(t api.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
