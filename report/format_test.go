package report_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"flapwatch/event"
	"flapwatch/report"

	"golang.org/x/net/html"
)

func written(t testing.TB, r *report.Report, format string) string {
	t.Helper()
	var b strings.Builder
	if err := must(report.FormatOf(format)).Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mailed(t testing.TB, r *report.Report) string {
	t.Helper()
	return must(report.Mail(r))
}

// TestJSON: what is written reads back as the same report, payloads included.
func TestJSON(t *testing.T) {
	r := officeWeek(t)
	text := written(t, r, "json")
	back := new(report.Report)
	if err := json.Unmarshal([]byte(text), back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.Totals, back.Totals) || !reflect.DeepEqual(r.Outages, back.Outages) || !reflect.DeepEqual(r.First, back.First) || r.From != back.From {
		t.Error("the report did not read back the same")
	}
	if again := written(t, back, "json"); again != strings.ReplaceAll(text, `\ufffd`, "\ufffd") {
		t.Error("the report read back is written differently")
	}
	if strings.Contains(text, "<script") {
		t.Error("tags stand in the JSON as they came")
	}
}

// TestCSV: spreadsheets show every cell, and run none.
func TestCSV(t *testing.T) {
	r := officeWeek(t)
	rows, err := csv.NewReader(strings.NewReader(written(t, r, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(r.Devices) || strings.Join(rows[0][:11], " ") != "count device model ip description reason node last_signal first last median_gap_seconds" {
		t.Fatalf("%d rows, head %q", len(rows), rows[0])
	}
	for i, row := range rows[1:] {
		if n, err := strconv.Atoi(row[0]); err != nil || n != r.Devices[i].Unregistrations {
			t.Errorf("row %d: count %q", i, row[0])
		}
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(cell)[0]) {
				t.Errorf("row %d: the cell %q begins a formula", i, cell)
			}
			calm(t, "csv", cell)
		}
	}
	if !strings.Contains(written(t, r, "csv"), "'=HYPERLINK") {
		t.Error("the formula is not there as text")
	}
}

// calm: nothing in s moves a terminal's cursor or turns the direction of text.
func calm(t *testing.T, what, s string) {
	t.Helper()
	for i, c := range s {
		if (unicode.IsControl(c) && c != '\n') || unicode.Is(unicode.Bidi_Control, c) {
			t.Errorf("%s: character %U at %d", what, c, i)
			return
		}
	}
}

var means = regexp.MustCompile("(^|[^\\\\])[<`*\\[\\]]")

// TestMarkdown: what comes from the network stays in its cell and means nothing.
func TestMarkdown(t *testing.T) {
	text := written(t, officeWeek(t), "md")
	calm(t, "md", text)
	for i, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		if m := means.FindString(line); m != "" {
			t.Errorf("line %d: %q means something in %q", i+1, m, line)
		}
	}
	for _, want := range []string{"# Phones in week 2026-W47", `\<script\>alert(1)\</script\>`, `\[click\](http\://evil.example)`, "会議室", "| Count | Device | Model | IP | Description | Reason | Node | Last signal |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "http://evil") || strings.Contains(text, " www.evil") {
		t.Error("an address of the network became a link")
	}
}

// page is what a parser finds in an HTML form.
type page struct {
	tags     map[string]int
	levels   []int
	text     string
	problems []string
	ids      map[string]bool
}

func parsed(t *testing.T, text string) *page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{tags: map[string]int{}, ids: map[string]bool{}}
	var words strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.ElementNode:
			p.element(n)
		case html.TextNode:
			words.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	p.text = words.String()
	return p
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (p *page) element(n *html.Node) {
	p.tags[n.Data]++
	if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
		p.levels = append(p.levels, int(n.Data[1]-'0'))
	}
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "href", a.Key == "srcset", a.Key == "action", strings.Contains(a.Val, "url("):
			p.problems = append(p.problems, fmt.Sprintf("<%s %s=%q>", n.Data, a.Key, a.Val))
		case a.Key == "id" && p.ids[a.Val]:
			p.problems = append(p.problems, "id twice: "+a.Val)
		case a.Key == "id":
			p.ids[a.Val] = true
		}
	}
	switch n.Data {
	case "th":
		if s := attribute(n, "scope"); s != "col" && s != "row" {
			p.problems = append(p.problems, "th without scope")
		}
	case "svg":
		named := n.FirstChild != nil && n.FirstChild.Data == "title" && attribute(n, "role") == "img"
		if !named && attribute(n, "aria-hidden") != "true" {
			p.problems = append(p.problems, "svg without a name")
		}
	}
}

// TestHTML: one file that asks for nothing and runs nothing, in which payloads are text, and which a screen reader can read.
func TestHTML(t *testing.T) {
	r := officeWeek(t)
	for name, text := range map[string]string{"html": written(t, r, "html"), "mail": mailed(t, r)} {
		t.Run(name, func(t *testing.T) {
			calm(t, name, text)
			p := parsed(t, text)
			for _, tag := range []string{"script", "img", "link", "iframe", "object", "form", "a", "base", "video", "foreignobject"} {
				if p.tags[tag] > 0 {
					t.Errorf("%d <%s>", p.tags[tag], tag)
				}
			}
			for _, problem := range p.problems {
				t.Error(problem)
			}
			if p.tags["h1"] != 1 || p.levels[0] != 1 {
				t.Errorf("headings %v", p.levels)
			}
			for i := 1; i < len(p.levels); i++ {
				if p.levels[i] > p.levels[i-1]+1 {
					t.Errorf("heading %d of level %d follows one of level %d", i, p.levels[i], p.levels[i-1])
				}
			}
			for _, want := range []string{"<script>alert(1)</script>", "=HYPERLINK(", "会議室 東京"} {
				if !strings.Contains(p.text, want) {
					t.Errorf("the text %q is missing", want)
				}
			}
		})
	}
	if p := parsed(t, written(t, r, "html")); p.tags["caption"] != p.tags["table"] || p.tags["main"] != 1 || p.tags["svg"] < 4 {
		t.Errorf("%d captions of %d tables, %d main, %d svg", p.tags["caption"], p.tags["table"], p.tags["main"], p.tags["svg"])
	}
	if p := parsed(t, mailed(t, r)); p.tags["svg"]+p.tags["style"]+p.tags["div"] > 0 {
		t.Errorf("the mail holds what mail programs strip: %v", p.tags)
	}
}

// TestSize: 50,000 phones that all drop, with descriptions of a kilobyte, in 300 outages, do not make a long page.
func TestSize(t *testing.T) {
	p := &phones{Rand: rand.New(rand.NewPCG(5, 6))}
	w := week.Window(berlin)
	for i := range fleetSize {
		at := w.From.Add(time.Duration(i%300)*32*time.Minute + time.Duration(p.IntN(10_000))*time.Millisecond)
		changes := []event.Change{up(w.From.Add(time.Second), "cucm-pub")}
		for range 1 + i%9 {
			changes = append(changes, drop(at, "cucm-pub"), up(at.Add(20*time.Second), "cucm-pub"))
			at = at.Add(time.Duration(1+p.IntN(5000)) * time.Second)
		}
		p.add(strings.Repeat("<&>漢", 170), i/200, changes...)
	}
	r := weekly(t, p.all)
	if r.Totals.Devices != fleetSize || len(r.Devices) != 1000 || r.DevicesInAll != r.Totals.Dropping {
		t.Errorf("%d devices, %d in the list of %d", r.Totals.Devices, len(r.Devices), r.DevicesInAll)
	}
	if n := len(written(t, r, "html")); n > 500_000 {
		t.Errorf("the page has %d bytes", n)
	}
	if n := len(mailed(t, r)); n > 100_000 {
		t.Errorf("the mail has %d bytes", n)
	}
}
