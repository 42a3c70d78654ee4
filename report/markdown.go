package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Markdown writes the report for a wiki or a ticket (GitHub Flavored Markdown). Texts of the network lose the meaning of their
// punctuation, so that a description cannot become a heading, a link or a tag.
func Markdown(w io.Writer, r *Report) error {
	m := &markdown{sheet: sheet{r, r.zone()}}
	m.head()
	m.first()
	m.change()
	m.causes()
	m.devices()
	m.outages()
	m.parts()
	m.others()
	_, err := io.WriteString(w, Plain(m.String()))
	return err
}

type markdown struct {
	strings.Builder
	sheet
}

func (m *markdown) line(format string, a ...any) {
	fmt.Fprintf(m, format, a...)
	m.WriteByte('\n')
}

func (m *markdown) head() {
	m.line("# Phones in week %s\n\n%s · %s · %s\n\n%s\n", m.Week, m.Days(), m.Zone, m.Length(), text(m.Headline))
	m.table("Total|This week:|Week before:")
	for _, t := range m.Tiles() {
		m.row(t.Label, t.Value, cmp.Or(t.Before, "–"))
	}
}

func (m *markdown) first() {
	m.line("\n## Do first\n")
	if len(m.First) == 0 {
		m.line("Nothing stands out this week.")
	}
	for i, t := range m.First {
		m.line("%d. **%s.** %s", i+1, text(t.Title), text(sentence(Clip(500, t.Why))))
		for _, c := range t.Checks {
			m.line("   - %s", text(capital(c)))
		}
		if t.Fix != "" {
			m.line("   - **If so:** %s", text(sentence(t.Fix)))
		}
	}
}

func (m *markdown) change() {
	m.line("\n## Since the week before\n")
	if !m.Change.Known {
		m.line("%s", sentence(m.alone()))
		return
	}
	if m.Change.Still() {
		m.line("No device is new, worse or solved.")
		return
	}
	for _, c := range m.Moves() {
		m.line("**%s** (%s): %s\n", c.Title, Grouped(c.All), c.Words)
		for _, d := range c.List {
			m.line("- %s: %s, %s (%s before)", text(d.called()), text(d.What), Counted(d.Now, "drop", "drops"), Grouped(d.Before))
		}
		if len(c.List) > 0 {
			m.line("")
		}
	}
}

func (m *markdown) causes() {
	if len(m.Causes) > 0 {
		m.line("\n## What repeats, by cause")
	}
	for _, c := range m.Causes {
		m.line("\n### %s\n\n%s. %s\n", text(c.Title), text(c.sentence()), text(sentence(c.Mechanism)))
		m.table("Device|Model|IP|Description|Drops:|Every:|First|Last")
		for _, d := range m.Members(c) {
			m.row(Clip(40, d.Device), d.Model, d.IP, Clip(80, d.Description), Grouped(d.Unregistrations), perhaps(d.Period), m.At(d.First), m.At(d.Last))
		}
		m.list("What speaks for it", c.Evidence)
		m.list("What speaks against it", c.Against)
		if n := m.Number(c.ID); n > 0 {
			m.line("\nWhat to check, and how to mend it: number %d under “Do first”.", n)
			continue
		}
		m.list("Check", c.Checks)
		if c.Fix != "" {
			m.line("\nFix: %s", text(sentence(c.Fix)))
		}
	}
}

func (m *markdown) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	m.line("\n%s:\n", title)
	for _, x := range items {
		m.line("- %s", text(Clip(400, x)))
	}
}

func (m *markdown) devices() {
	m.line("\n## Devices that drop most\n")
	if len(m.Shown()) == 0 {
		m.line("No device lost its registration unplanned.")
		return
	}
	m.table("Count:|Device|Model|IP|Description|Reason|Node|Last signal|First|Last|Median gap:")
	for _, d := range m.Shown() {
		m.row(Grouped(d.Unregistrations), Clip(40, d.Device), d.Model, d.IP, Clip(80, d.Description), d.Reason.String(), d.Node, d.Signal,
			m.At(d.First), m.At(d.Last), perhaps(d.MedianGap))
	}
}

func (m *markdown) outages() {
	m.line("\n## Outages\n")
	if len(m.Outages) == 0 {
		m.line("No outage of many devices at once.")
		return
	}
	m.table("Start|Length:|What they share|Devices:|Cause")
	for _, o := range m.SomeOutages() {
		m.row(m.At(o.Start), m.Lasted(o), o.Kind+" "+o.Place, Grouped(o.Devices), o.Title)
	}
}

func (m *markdown) parts() {
	for _, b := range m.Breakdowns() {
		if len(b.List) == 0 {
			continue
		}
		m.line("\n## %s\n", b.Title)
		m.table(b.Head + "|Drops:|Devices:")
		for _, x := range b.List {
			name := x.Key
			if name == "" {
				name = "not known"
			}
			m.row(strings.TrimSpace(name+" "+x.Words), Grouped(x.Unregistrations), Grouped(x.Devices))
		}
	}
}

func (m *markdown) others() {
	if len(m.Retrying) > 0 {
		m.line("\n## Devices that are not let in\n")
		m.table("Device|IP|Description|Attempts:|Every:|Cause|Check")
		for _, d := range m.SomeRetrying() {
			m.row(Clip(40, d.Device), d.IP, Clip(80, d.Description), Grouped(d.Attempts), perhaps(d.Every), d.Title, d.Check)
		}
	}
	if len(m.Senders) == 0 {
		return
	}
	m.line("\n## How the nodes send\n")
	m.table("Node|Cluster|Messages:|Lost before us:|Last heard|What is wrong")
	for _, s := range m.Senders {
		m.row(s.Node, s.Cluster, Grouped(int(s.Messages)), Grouped(int(s.Missing)), m.At(s.Last), strings.Join(s.Warnings, "; "))
	}
}

// table begins a table; heads that end in a colon are of numbers, to the right.
func (m *markdown) table(heads string) {
	var names, rules []string
	for h := range strings.SplitSeq(heads, "|") {
		name, right := strings.CutSuffix(h, ":")
		names = append(names, name)
		rule := "---"
		if right {
			rule = "---:"
		}
		rules = append(rules, rule)
	}
	m.line("| %s |\n| %s |", strings.Join(names, " | "), strings.Join(rules, " | "))
}

func (m *markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = text(cells[i])
	}
	m.line("| %s |", strings.Join(cells, " | "))
}

// Everything that means something in the middle of a line of GitHub Flavored Markdown (sections 2.4, 6): a backslash before
// punctuation makes it text. Colon and "www." are escaped where they would make a link by themselves (section 6.9).
var meaning = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "~", `\~`, "&", `\&`, "#", `\#`,
	"@", `\@`, "!", `\!`, "$", `\$`, "://", `\://`, "www.", `www\.`, "WWW.", `WWW\.`, "\n", " ", "\r", " ", "\t", " ",
)

// text makes s mean nothing but itself.
func text(s string) string { return meaning.Replace(s) }
