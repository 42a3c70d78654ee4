package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"flapwatch/engine"
	"flapwatch/keepalive"
	"flapwatch/pattern"
	"flapwatch/reasons"
)

// reasonsCmd prints the catalogue.
type reasonsCmd struct {
	Alarm string `arg:"" optional:"" help:"Alarm, such as EndPointUnregistered."`
	Code  string `arg:"" optional:"" help:"Reason code, such as 13."`
	JSON  bool   `help:"Print JSON." name:"json"`
}

// Run prints the alarms, the table of one, or all about one code.
func (c *reasonsCmd) Run(con *console) error {
	catalogue, err := reasons.New()
	if err != nil {
		return err
	}
	if c.Alarm == "" {
		return c.alarms(con.out, catalogue)
	}
	var found []reasons.Reason
	for _, r := range catalogue.Reasons() {
		if strings.EqualFold(r.Alarm, c.Alarm) && (c.Code == "" || c.Code == strconv.FormatUint(uint64(r.Code), 10)) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0 && c.Code != "":
		return fmt.Errorf("the catalogue has no code %s for %s: flapwatch reasons %s lists those it has", c.Code, c.Alarm, c.Alarm)
	case len(found) == 0:
		return fmt.Errorf("the catalogue has no reason codes for %q: flapwatch reasons lists the alarms", c.Alarm)
	case c.JSON:
		return printJSON(con.out, found)
	case c.Code != "":
		for _, r := range found {
			printReason(con.out, r)
		}
		return nil
	}
	t := newTable(con.out, "CODE", "NAME", "PLANNED", "MEANING")
	for _, r := range found {
		t.row(r.Code, r.Name, yes(r.Expected), r.Meaning)
	}
	return t.Flush()
}

func (c *reasonsCmd) alarms(w io.Writer, catalogue *reasons.Catalogue) error {
	if c.JSON {
		return printJSON(w, catalogue.Alarms())
	}
	t := newTable(w, "ALARM", "FACILITY", "SEVERITY", "REASON TABLE", "MEANING")
	for _, a := range catalogue.Alarms() {
		t.row(a.Name, a.Facility, a.Severity, a.ReasonTable, a.Meaning)
	}
	return t.Flush()
}

func printReason(w io.Writer, r reasons.Reason) {
	fmt.Fprintf(w, "%s %d: %s\n  %s\n", r.Table, r.Code, r.Name, r.Meaning)
	for _, check := range r.Checks {
		fmt.Fprintf(w, "  check: %s\n", check)
	}
	fmt.Fprintf(w, "  planned: %s; protocol: %s; %s\n  source: %s\n", yes(r.Expected), r.Protocol, r.Confidence, r.Source)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// periodsCmd finds periods in anybody's event times.
type periodsCmd struct {
	File  string  `arg:"" help:"One series a line: {\"id\",\"times\":[unix ms],\"window\":[ms,ms],\"res_ms\"}, the last two optional; - reads standard input."`
	Prior float64 `help:"Share of series expected to have a period." default:"0.5"`
}

// Run writes one line of findings for each line read.
func (c *periodsCmd) Run(ctx context.Context, con *console) error {
	in := con.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read series: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	if c.Prior <= 0 || c.Prior >= 1 {
		return usageError{errors.New("--prior lies between 0 and 1")}
	}
	return pattern.Lines(ctx, in, con.out, pattern.LineOptions{Prior: c.Prior})
}

// keepaliveCmd predicts a cycle.
type keepaliveCmd struct {
	Protocol string   `help:"Which keepalives." enum:"sip,sccp" default:"sip"`
	Expires  *float64 `help:"SIP: seconds that the node grants (default 120)." placeholder:"N"`
	Delta    *float64 `help:"SIP: seconds before the expiry at which the phone refreshes (default 5)." placeholder:"N"`
	Grace    *float64 `help:"SIP: seconds that the node's timer runs beyond the expiry (default 10)." placeholder:"N"`
	Retry    *float64 `help:"SIP: wait before the first repetition, in seconds; it doubles with each refresh (default 0.21875)." placeholder:"N"`
	Interval *float64 `help:"SCCP: seconds between keepalives to the primary (default 30)." placeholder:"N"`
	Missed   *int     `help:"SCCP: intervals without a keepalive after which the node gives up (default 3)." placeholder:"N"`
	Fallback float64  `help:"Connection Monitor Duration: seconds on the secondary." default:"120"`
	JSON     bool     `help:"Print JSON." name:"json"`
}

// Run prints the cycle step by step.
func (c *keepaliveCmd) Run(con *console) error {
	if err := c.fits(); err != nil {
		return err
	}
	p, err := keepalive.Cycle(c.model())
	if err != nil {
		return usageError{errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))} // a line begins with the name of its flag
	}
	if c.JSON {
		return printJSON(con.out, p)
	}
	t := newTable(con.out, "AT", "NODE", "WAIT", "WHAT")
	for _, s := range p.Steps {
		t.row(clock(s.At), s.Node, fmt.Sprintf("%.2f s", s.Wait), s.What)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "\nregistered for %s (%.1f s); from alarm to alarm %s to %s\n%s\n",
		clock(p.Registered), p.Registered, clock(p.AlarmToAlarm.Low), clock(p.AlarmToAlarm.High), p.Formula)
	return nil
}

func (c *keepaliveCmd) model() keepalive.Model {
	if c.Protocol == "sccp" {
		m := keepalive.DefaultSCCP()
		m.Interval, m.Missed, m.Fallback = or(c.Interval, m.Interval), or(c.Missed, m.Missed), c.Fallback
		return m
	}
	m := keepalive.DefaultSIP()
	m.Expires, m.Delta, m.Grace = or(c.Expires, m.Expires), or(c.Delta, m.Delta), or(c.Grace, m.Grace)
	m.FirstRetry, m.Fallback = or(c.Retry, m.FirstRetry), c.Fallback
	return m
}

// or gives what was set, or the default.
func or[T any](set *T, otherwise T) T {
	if set == nil {
		return otherwise
	}
	return *set
}

// fits refuses timers of the other protocol, all of them at once.
func (c *keepaliveCmd) fits() error {
	other, set := "sccp", map[string]bool{"interval": c.Interval != nil, "missed": c.Missed != nil}
	if c.Protocol == "sccp" {
		other, set = "sip", map[string]bool{"expires": c.Expires != nil, "delta": c.Delta != nil, "grace": c.Grace != nil, "retry": c.Retry != nil}
	}
	var errs []error
	for _, flag := range slices.Sorted(maps.Keys(set)) {
		if set[flag] {
			errs = append(errs, fmt.Errorf("--%s: %s has no such timer; say --protocol %s", flag, strings.ToUpper(c.Protocol), other))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return usageError{errors.Join(errs...)}
}

// clock prints seconds as minutes and seconds.
func clock(seconds float64) string {
	m := int(seconds) / 60
	return fmt.Sprintf("%d:%05.2f", m, seconds-float64(60*m))
}

// engineCmd holds the commands about the embedded ClickHouse.
type engineCmd struct {
	Fetch engineFetchCmd `cmd:"" help:"Fetch the library with npm into the cache, once."`
}

type engineFetchCmd struct{}

// Run fetches.
func (c *engineFetchCmd) Run(ctx context.Context, con *console) error {
	path, err := engine.Fetch(ctx, con.err)
	if err != nil {
		return err
	}
	fmt.Fprintln(con.out, path)
	return nil
}

type versionCmd struct{}

// Run prints the versions.
func (versionCmd) Run(con *console) error {
	_, err := fmt.Fprintf(con.out, "flapwatch %s, embedded ClickHouse %s\n", version, engine.Version)
	return err
}
