package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"

	"flapwatch/event"
)

//go:embed page
var files embed.FS

var (
	style = read("page/style.css")
	pages = template.Must(template.New("").Funcs(Words()).ParseFS(files, "page/*.html"))
)

// Words are the functions with which templates put values into words; pages beside the report say it in the same.
func Words() template.FuncMap {
	return template.FuncMap{
		"span": event.Span, "perhaps": perhaps, "grouped": Grouped, "counted": Counted, "percent": share, "certainty": certainty, "clip": Clip,
		"score": score, "camel": camel, "sentence": sentence, "capital": capital,
	}
}

func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is built in
	}
	return string(text)
}

// Policy is the Content-Security-Policy of the HTML report: it loads nothing and runs nothing, and has one style of its own.
func Policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// sheet is a report with what only a page shows.
type sheet struct {
	*Report
	zone *time.Location
}

// How much of each list a page shows; the other forms have the rest.
const (
	shownDevices = 50
	shownMembers = 12
	shownParts   = 10
	shownMoved   = 12
	shownOutages = 30
)

func (s sheet) Style() template.CSS { return template.CSS(style) }
func (s sheet) Policy() string      { return Policy() }

// Days: "16–22 November 2026".
func (s sheet) Days() string {
	from, to := s.From.In(s.zone), s.To.In(s.zone).Add(-time.Millisecond)
	switch {
	case from.Year() != to.Year():
		return from.Format("2 January 2006") + " – " + to.Format("2 January 2006")
	case from.Month() != to.Month():
		return from.Format("2 January") + " – " + to.Format("2 January 2006")
	case from.Day() == to.Day():
		return to.Format("2 January 2006")
	}
	return from.Format("2") + "–" + to.Format("2 January 2006")
}

// Length of the window, in whole hours.
func (s sheet) Length() string {
	hours := Counted(int((s.To-s.From)/3_600_000), "hour", "hours")
	switch {
	case s.Partial && s.Before != nil:
		return hours + " so far, compared with the same days of the week before"
	case s.Partial:
		return hours + " so far"
	}
	return hours
}

// At writes a moment: "16 Nov 08:15".
func (s sheet) At(m Moment) string {
	if m == 0 {
		return "–"
	}
	return m.In(s.zone).Format("2 Jan 15:04")
}

// Lasted says how long an outage took, where its end was seen.
func (s sheet) Lasted(o Outage) string {
	if !o.EndSeen {
		return "end not seen"
	}
	return event.Span(float64(o.End-o.Start) / 1000)
}

// Shown, SomeOutages, SomeRetrying and Members are the beginnings of long lists.
func (s sheet) Shown() []Device       { return s.Devices[:min(len(s.Devices), shownDevices)] }
func (s sheet) SomeOutages() []Outage { return s.Outages[:min(len(s.Outages), shownOutages)] }
func (s sheet) SomeRetrying() []Retrying {
	return s.Retrying[:min(len(s.Retrying), shownDevices)]
}
func (s sheet) Members(c Cause) []Member { return c.Devices[:min(len(c.Devices), shownMembers)] }

// Hundred makes a share per cent.
func (s sheet) Hundred(share float64) float64 { return 100 * share }

// Large writes a number that is never negative.
func (s sheet) Large(n uint64) string { return Grouped(int(n)) }

// Less is how many are not shown.
func (s sheet) Less(shown, all int) int { return all - shown }

// tile is a total with the one of the week before.
type tile struct{ Label, Value, Before string }

// Tiles are the totals, the most telling first.
func (s sheet) Tiles() []tile {
	t, b := s.Totals, s.Before
	list := []tile{
		{"Unplanned unregistrations", Grouped(t.Unregistrations), ""}, {"Devices that dropped", Grouped(t.Dropping), ""},
		{"Devices with a period", Grouped(t.Periodic), ""}, {"Outages", Grouped(t.Outages), ""},
		{"Planned unregistrations", Grouped(t.Planned), ""}, {"Availability", share(t.Availability), ""},
	}
	if b == nil {
		return list
	}
	for i, before := range []int{b.Unregistrations, b.Dropping, b.Periodic, b.Outages, b.Planned} {
		list[i].Before = Grouped(before)
	}
	list[5].Before = share(b.Availability)
	return list
}

// Alone says why the week before is not compared.
func (s sheet) Alone() string { return s.alone() }

// Number of the task about a cause, from 1; 0 if there is none.
func (s sheet) Number(cause string) int {
	return 1 + slices.IndexFunc(s.First, func(t Task) bool { return t.Cause != "" && t.Cause == cause })
}

// Still says that no device changed.
func (c Change) Still() bool { return len(c.New)+len(c.Worse)+len(c.Solved) == 0 }

// moves is a list of devices that changed.
type moves struct {
	Title, Words string
	List         []Moved
	Left, All    int
}

// Moves are the three lists of the change.
func (s sheet) Moves() []moves {
	cut := func(title, words string, list []Moved) moves {
		n := min(len(list), shownMoved)
		return moves{title, words, list[:n], len(list) - n, len(list)}
	}
	return []moves{
		cut("New", "dropping now, not the week before", s.Change.New), cut("Got worse", "half as many again, or more", s.Change.Worse),
		cut("Solved", "at most a quarter of what it was, and no period any more", s.Change.Solved),
	}
}

// breakdown is a list of parts with the biggest for its bars.
type breakdown struct {
	Title, Head string
	List        []part
	Left        int
}

type part struct {
	Share
	Bar template.HTML
}

// Breakdowns are the parts by reason, node, subnet and model.
func (s sheet) Breakdowns() []breakdown {
	cut := func(title, head string, all []Share) breakdown {
		b := breakdown{Title: title, Head: head, Left: max(0, len(all)-shownParts)}
		for _, x := range all[:len(all)-b.Left] {
			b.List = append(b.List, part{x, bar(float64(x.Unregistrations) / float64(all[0].Unregistrations))})
		}
		return b
	}
	return []breakdown{
		cut("By reason", "Reason", s.ByReason), cut("By node", "Node", s.ByNode), cut("By subnet", "Subnet", s.BySubnet), cut("By model", "Model", s.ByModel),
	}
}

// camel lets a word like KeepAliveTimeout break where its parts meet.
func camel(s string) template.HTML {
	var b strings.Builder
	before := ' '
	for _, c := range s {
		if unicode.IsUpper(c) && unicode.IsLower(before) {
			b.WriteString("<wbr>")
		}
		b.WriteString(template.HTMLEscapeString(string(c)))
		before = c
	}
	return template.HTML(b.String())
}

// view is a page made of a report.
func view(name string, r *Report) (string, error) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, sheet{r, r.zone()}); err != nil {
		return "", fmt.Errorf("render report: %w", err)
	}
	return Plain(b.String()), nil
}

// daily is the drops of one day, for the bars of the mail.
type daily struct {
	Day            string
	Drops, Percent int
}

// Daily adds the parts of the week up to days, a part counting for the day on which it begins.
func (s sheet) Daily() []daily {
	var list []daily
	most := 1
	for _, x := range s.Pulse {
		day := x.From.In(s.zone).Format("Mon 2 Jan")
		if n := len(list); n == 0 || list[n-1].Day != day {
			list = append(list, daily{Day: day})
		}
		list[len(list)-1].Drops += x.Dropped
		most = max(most, list[len(list)-1].Drops)
	}
	for i := range list {
		list[i].Percent = max(1, 100*list[i].Drops/most)
	}
	return list
}
