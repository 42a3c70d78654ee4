package reasons

import (
	"fmt"
	"slices"
	"strings"
)

// Cause is what an alarm means in plain words, and what to look at next.
type Cause struct {
	ID       string   `json:"id"` // kebab-case, stable
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	Checks   []string `json:"checks"`
	Fix      string   `json:"fix"`
	Expected bool     `json:"expected"` // planned or normal: no fault
	Origin
}

// choice is a cause under conditions; an empty condition is always met.
type choice struct {
	cause    *Cause
	protocol string
	state    *State
	signal   *Signal
	signals  *pattern
	names    string // NamePattern.Group
	weight   int
}

func (c *Catalogue) readCauses(s *sheets) {
	seen := once[string]{}
	var rows []row
	var conditions []choice
	for r := range s.rows("causes.csv", "id when protocol signal state names title text checks fix expected source confidence") {
		x := Cause{r.text("id"), r.text("title"), r.text("text"), r.list("checks"), r.text("fix"), r.flag("expected"), r.origin()}
		seen.check(r, x.ID)
		r.text("when")
		c.causes = append(c.causes, x)
		rows = append(rows, r)
		conditions = append(conditions, c.conditions(r))
	}
	for _, general := range []bool{false, true} { // an alarm's own causes before those of every alarm
		for i, r := range rows { // only now, because choices point into c.causes
			conditions[i].cause = &c.causes[i]
			for _, when := range r.list("when") {
				if strings.HasPrefix(when, "* ") == general {
					c.place(r, when, conditions[i])
				}
			}
		}
	}
	c.settleCauses(s)
}

// conditions reads what a cause asks for beside alarm and code, and weighs it: names before signal before state before protocol.
func (c *Catalogue) conditions(r row) choice {
	ch := choice{protocol: r.maybe("protocol"), names: r.maybe("names")}
	if ch.protocol != "" {
		ch.weight++
	}
	if state := r.maybe("state"); state != "" {
		ch.weight += 2
		if ch.state = c.stateNamed[state]; ch.state == nil {
			r.complain("no state %q in states.csv", state)
		}
	}
	switch p := newPattern(r.maybe("signal")); {
	case p == pattern{}:
	case p.wild:
		ch.weight += 4
		ch.signals = &p
	default:
		ch.weight += 8
		if ch.signal = c.signalNamed[p.head]; ch.signal == nil {
			r.complain("no signal %q in signals.csv", p.head)
		}
	}
	if ch.names != "" {
		ch.weight += 16
		if !c.named(ch.names) {
			r.complain("no group %q in device_names.csv", ch.names)
		}
	}
	return ch
}

// place puts ch where when says: "Alarm" for one without a table, else "Alarm 8 9", "Alarm -" (no code was sent) or
// "Alarm ?" (a code that is not in the table); "* -" and "* ?" mean every alarm with a table that has no such cause of its own.
func (c *Catalogue) place(r row, when string, ch choice) {
	words := strings.Fields(when)
	name, codes := words[0], words[1:]
	if name == "*" {
		for i := range c.alarms {
			if e := c.alarmNamed[c.alarms[i].Name]; e.codes != nil {
				c.placeGeneral(r, e, codes, ch)
			}
		}
		return
	}
	e := c.alarmNamed[name]
	switch {
	case e == nil:
		r.complain("when: no alarm %q in alarms.csv", name)
	case e.codes == nil && len(codes) > 0, e.codes != nil && len(codes) == 0:
		r.complain("when: codes must be given for an alarm with a table, and only there: %q", when)
	case e.codes == nil:
		e.absent.add(r, ch)
	default:
		c.placeCodes(r, e, codes, ch)
	}
}

func (c *Catalogue) placeGeneral(r row, e *entry, codes []string, ch choice) {
	for _, v := range codes {
		switch {
		case v == "-" && !e.absent.always():
			e.absent.add(r, ch)
		case v == "?" && !e.unknown.always():
			e.unknown.add(r, ch)
		case v != "-" && v != "?":
			r.complain("when: * goes with - and ? only, not with %s", v)
		}
	}
}

func (c *Catalogue) placeCodes(r row, e *entry, codes []string, ch choice) {
	for _, v := range codes {
		switch v {
		case "-":
			e.absent.add(r, ch)
			continue
		case "?":
			e.unknown.add(r, ch)
			continue
		}
		_, code := r.code("when", v)
		x := e.reason(code)
		if x == nil {
			r.complain("when: %s has no code %s", e.alarm.Name, v)
			continue
		}
		if x.Expected != ch.cause.Expected {
			r.complain("when: expected is not that of %s %s in reasons.csv", e.alarm.Name, v)
		}
		e.codes[code].causes.add(r, ch)
	}
}

// choices are tried in order, the heaviest first.
type choices []choice

// add inserts ch before the lighter ones and behind those of equal weight.
func (l *choices) add(r row, ch choice) {
	for _, o := range *l {
		if o.same(ch) {
			r.complain("cause %s has the same condition as %s", ch.cause.ID, o.cause.ID)
		}
	}
	i := 0
	for i < len(*l) && (*l)[i].weight >= ch.weight {
		i++
	}
	*l = slices.Insert(*l, i, ch)
}

// same reports whether two choices ask for the same.
func (ch choice) same(o choice) bool {
	ch.cause = o.cause
	if ch.signals != nil && o.signals != nil && *ch.signals == *o.signals {
		ch.signals = o.signals
	}
	return ch == o
}

// always reports whether the last choice needs nothing.
func (l choices) always() bool { return len(l) > 0 && l[len(l)-1].weight == 0 }

// settleCauses checks that nothing is left without a cause that a person would ask about.
func (c *Catalogue) settleCauses(s *sheets) {
	for i := range c.alarms {
		a := &c.alarms[i]
		e := c.alarmNamed[a.Name]
		if (a.Role == "down" || a.Role == "attempt-failed" || e.codes != nil) && !e.absent.always() {
			s.problems = append(s.problems, fmt.Errorf("causes.csv: no cause for %s", a.Name))
		}
		for code, x := range e.codes {
			if x.reason != nil && !x.causes.always() {
				s.problems = append(s.problems, fmt.Errorf("causes.csv: no cause for %s %d", a.Name, code))
			}
		}
		if e.codes != nil && !e.unknown.always() {
			s.problems = append(s.problems, fmt.Errorf("causes.csv: no cause for an unknown code of %s", a.Name))
		}
	}
}
