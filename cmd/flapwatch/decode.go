package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"flapwatch/api"
	"flapwatch/ingest"
	"flapwatch/parse"
	"flapwatch/reasons"
)

// decodeCmd says what lines mean.
type decodeCmd struct {
	Line []string     `arg:"" optional:"" help:"The line, or - to read standard input (also when there is no argument)."`
	JSON bool         `help:"Print one JSON object a record." name:"json"`
	Zone []senderZone `help:"Time zone of times that name none." placeholder:"Europe/Berlin"`
	Now  moment       `help:"Receive time, for lines without a time or a year of their own." default:"now"`
}

// Run decodes.
func (c *decodeCmd) Run(ctx context.Context, con *console) error {
	catalogue, err := reasons.New()
	if err != nil {
		return err
	}
	var in io.Reader = strings.NewReader(strings.Join(c.Line, " "))
	if len(c.Line) == 0 || (len(c.Line) == 1 && c.Line[0] == "-") {
		in = con.in
	}
	words := ingest.Words{Catalogue: catalogue}
	show := func(d api.Decoded) error { return printDecoded(con.out, d) }
	if c.JSON {
		out := json.NewEncoder(con.out)
		out.SetEscapeHTML(false)
		show = func(d api.Decoded) error { return out.Encode(d) }
	}
	return decodeText(parse.New(catalogue.Keys()), in, c.Now.On(time.Now()), zonesOf(c.Zone), func(r api.Record) error {
		return errors.Join(show(api.ViewDecoded(words, r)), ctx.Err())
	})
}

// printDecoded prints what a record says, what its codes mean and what to check.
func printDecoded(w io.Writer, d api.Decoded) error {
	e := d.Event
	switch d.Status {
	case "unparsed":
		_, err := fmt.Fprintf(w, "not understood: %s\n\n", plain(d.Error))
		return err
	case "other":
		_, err := fmt.Fprintf(w, "no CUCM alarm%s\n\n", plain(about(" of program ", e.Process)+about(" on ", e.Host)))
		return err
	}
	fmt.Fprintf(w, "%s  %s %s  %s\n", e.Time.UTC().Format(time.RFC3339Nano), plain(e.Facility), plain(e.Alarm), plain(e.Node))
	if d.Status == "quoted" {
		fmt.Fprintln(w, "  an RTMT alert that quotes another alarm; the quoted one does not count")
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-12s %s\n", name, plain(value))
		}
	}
	line("device", e.Device+about("  ", e.Model)+about("  ", e.Description))
	line("address", e.IP+about("  ", e.Protocol))
	if e.Reason != nil {
		line("reason", fmt.Sprintf("%d %s: %s", e.Reason.Code, e.Reason.Name, e.Reason.Meaning))
	}
	if e.Signal != nil {
		line("last signal", e.Signal.Name+about(": ", e.Signal.Meaning))
	}
	if c := e.Cause; c != nil {
		line("cause", c.Title+about(": ", c.Text))
		for _, check := range c.Checks {
			line("check", check)
		}
		line("fix", c.Fix)
		line("source", c.Source+about(" (", c.Confidence)+")")
	}
	if e.Truncated {
		line("note", "the message ends too early; what is shown was complete")
	}
	_, err := fmt.Fprintln(w)
	return err
}

// about puts a word before a value, where there is one.
func about(word, value string) string {
	if value == "" {
		return ""
	}
	return word + value
}
