package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"flapwatch/api"
	"flapwatch/event"
	"flapwatch/ingest"
	"flapwatch/parse"
	"flapwatch/reasons"
)

// spoolReplayCmd takes in again what the service could not make sense of when it came.
type spoolReplayCmd struct {
	remote
	From string `help:"Received since: RFC 3339, or relative such as -30d." default:"-30d"`
	To   string `help:"Received until." default:"now"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Help shows how it is called.
func (spoolReplayCmd) Help() string {
	return `After an update: asks the service for the lines that it kept without understanding them, and imports those that this program
understands, with the receive time and the source that they had. A second replay adds nothing. The lines stay in the list under
/unparsed as long as they are kept.

Examples:
  flapwatch spool replay
  flapwatch spool replay --from -400d --json`
}

// replayed is what became of the lines.
type replayed struct {
	Lines      uint64 `json:"lines"`      // in the window
	Understood uint64 `json:"understood"` // by this program
	api.Import
}

// replayPage is how many lines are asked for and imported at once.
const replayPage = 1000

// Run replays.
func (c *spoolReplayCmd) Run(ctx context.Context, con *console) error {
	catalogue, err := reasons.New()
	if err != nil {
		return err
	}
	parser := parse.New(catalogue.Keys())
	sum := replayed{Import: importView(0, event.Counts{})}
	q := url.Values{"from": {c.From}, "to": {c.To}, "limit": {strconv.Itoa(replayPage)}}
	for more := true; more; {
		var page api.List[api.Line]
		if err := c.get(ctx, "/unparsed", q, &page); err != nil {
			return err
		}
		if err := c.page(ctx, parser, page.Items, &sum); err != nil {
			return err
		}
		more = page.NextCursor != ""
		q.Set("cursor", page.NextCursor)
	}
	if c.JSON {
		return printJSON(con.out, sum)
	}
	return sum.print(con.out)
}

// page imports the lines of a page that are understood.
func (c *spoolReplayCmd) page(ctx context.Context, parser *parse.Parser, lines []api.Line, sum *replayed) error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	for _, l := range lines {
		x := ingest.Exported{Received: l.ReceivedAt.Time, Source: l.Source, Raw: l.Raw, Base64: l.Base64}
		var e event.Event
		status, _ := parser.Parse(string(x.Message()), parse.Context{Received: x.Received, Source: x.Source}, &e)
		sum.Lines++
		if status == event.Unparsed {
			continue
		}
		sum.Understood++
		if err := out.Encode(x); err != nil {
			return err
		}
	}
	if b.Len() == 0 {
		return nil
	}
	done, err := c.upload(ctx, "replay", &b, int64(b.Len()))
	sum.Accepted += done.Accepted
	for _, count := range [][2]*uint64{{sum.Stored, done.Stored}, {sum.Duplicate, done.Duplicate}, {sum.Unparsed, done.Unparsed}, {sum.Other, done.Other}} {
		if count[1] != nil {
			*count[0] += *count[1]
		}
	}
	return err
}

// print says in a sentence or two what became of them.
func (r *replayed) print(w io.Writer) error {
	fmt.Fprintf(w, "%d lines were not understood when they came; this program understands %d of them.\n", r.Lines, r.Understood)
	if r.Understood == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d stored, %d were stored before, %d are no CUCM alarms, %d still not understood by the service.\n",
		*r.Stored, *r.Duplicate, *r.Other, *r.Unparsed)
	return err
}
