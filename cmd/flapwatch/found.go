package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"flapwatch/api"
	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
)

// found is what files say, for programs.
type found struct {
	Files    []imported     `json:"files"`
	Total    api.Import     `json:"total"`
	Window   api.Window     `json:"window"`
	Unparsed []reasonCount  `json:"unparsed"`
	Other    []programCount `json:"other"`
	Patterns []api.Pattern  `json:"patterns"`
	Flapping []api.Flapping `json:"flapping"`
	Outages  []api.Outage   `json:"outages"`
}

type reasonCount struct {
	Reason string `json:"reason"`
	Lines  uint64 `json:"lines"`
}

type programCount struct {
	Program string `json:"program"`
	Lines   uint64 `json:"lines"`
}

// What the table shows of long lists.
const (
	shownReasons = 10
	shownDevices = 20
)

// offline analyses the files and prints what was found.
func (c *importCmd) offline(ctx context.Context, con *console) error {
	return withOffline(ctx, con, c.Paths, c.Zone, func(o *offlineStore) error {
		f, err := o.found(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(con.out, f)
		} else {
			printFailed(con.err, o.files)
			err = f.print(con.out)
		}
		if err != nil {
			return err
		}
		return failures(failed(o.files))
	})
}

// found asks everything that the report shows.
func (o *offlineStore) found(ctx context.Context) (*found, error) {
	f := &found{
		Files: o.files, Total: importView(o.totals.Received, o.totals), Window: api.Window{From: api.Time{Time: o.window.From}, To: api.Time{Time: o.window.To}},
		Unparsed: []reasonCount{}, Other: []programCount{}, Patterns: []api.Pattern{}, Flapping: []api.Flapping{}, Outages: []api.Outage{},
	}
	s, err := o.database.use()
	if err != nil {
		return nil, err
	}
	lines, err := s.UnparsedCounts(ctx, event.Window{})
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		f.Unparsed = append(f.Unparsed, reasonCount{l.Reason, l.Lines})
	}
	programs, err := s.Others(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range programs {
		f.Other = append(f.Other, programCount{p.Program, p.Lines})
	}
	if o.window.Length() <= 0 {
		return f, nil
	}
	return f, o.judge(ctx, f)
}

// judge asks as a client of the service would.
func (o *offlineStore) judge(ctx context.Context, f *found) error {
	var patterns api.List[api.Pattern]
	var flapping api.List[api.Flapping]
	var outages api.List[api.Outage]
	for path, answer := range map[string]any{"/patterns": &patterns, "/flapping": &flapping, "/outages": &outages} { // judged once, shown thrice
		if err := o.get(ctx, path, answer); err != nil {
			return err
		}
	}
	f.Patterns, f.Flapping, f.Outages = patterns.Items, flapping.Items, outages.Items
	return nil
}

// get asks the API about the window of the data.
func (o *offlineStore) get(ctx context.Context, path string, v any) error {
	q := url.Values{"from": {o.window.From.Format(time.RFC3339Nano)}, "to": {o.window.To.Format(time.RFC3339Nano)}, "limit": {"10000"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/v1"+path+"?"+q.Encode(), nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	answer := &answer{header: http.Header{}, status: http.StatusOK}
	o.handler.ServeHTTP(answer, request)
	if answer.status != http.StatusOK {
		var p huma.ErrorModel
		if json.Unmarshal(answer.body.Bytes(), &p) != nil {
			return fmt.Errorf("ask %s: status %d", path, answer.status)
		}
		return fmt.Errorf("ask %s: %w", path, refusal(p))
	}
	if err := json.Unmarshal(answer.body.Bytes(), v); err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	return nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// print prints the report: what was read, what was not understood, what repeats, what flaps, what went down together.
func (f *found) print(w io.Writer) error {
	if err := printImported(w, append(slices.Clone(f.Files), imported{File: "total", Import: f.Total})); err != nil {
		return err
	}
	if err := f.printLines(w); err != nil {
		return err
	}
	if f.Window.From.IsZero() {
		fmt.Fprintln(w, "\nno CUCM alarm was found")
		return nil
	}
	fmt.Fprintf(w, "\nevents from %s to %s UTC\n", shortTime(f.Window.From), shortTime(f.Window.To))
	fmt.Fprintf(w, "\nPERIODS: %d\n", len(f.Patterns))
	if err := printPatterns(w, f.Patterns); err != nil {
		return err
	}
	worst := f.Flapping[:min(len(f.Flapping), shownDevices)]
	fmt.Fprintf(w, "\nFLAPPING: %d of the %d devices that lost their registration, those that did most often\n", len(worst), len(f.Flapping))
	if err := printFlapping(w, worst); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nOUTAGES: %d\n", len(f.Outages))
	return printOutages(w, f.Outages)
}

// printLines prints what was read and is no alarm.
func (f *found) printLines(w io.Writer) error {
	if len(f.Unparsed) > 0 {
		fmt.Fprintln(w)
		t := newTable(w, "NOT UNDERSTOOD", "LINES")
		for _, r := range f.Unparsed[:min(len(f.Unparsed), shownReasons)] {
			t.row(r.Reason, r.Lines)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(f.Other) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable(w, "OTHER PROGRAMS", "LINES")
	for _, p := range f.Other[:min(len(f.Other), shownReasons)] {
		name := p.Program
		if name == "" {
			name = "(not named)"
		}
		t.row(name, p.Lines)
	}
	return t.Flush()
}
