// Package diagnose says why devices leave: findings of the numbers (pattern) against the catalogue of causes (reasons),
// ranked, each with the evidence for and against it and the checks to run next.
//
// Causes compete. Each starts with a share by how well it is documented, and every fact multiplies that share by how
// much better or worse the cause explains the fact than an arbitrary cause would. One weight stands for all causes that
// are in no list, so that little knowledge gives low scores. All factors are small pure functions of one fact:
// period.go, sip.go, alarm.go, device.go, circumstance.go and fleet.go. Nothing here reads a clock or a database, and
// no cause is invented: the ids are those of the catalogue.
//
// Start with NewCase, Fleet and Explain.
package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"flapwatch/reasons"
)

// Hypothesis is one possible cause of a case.
type Hypothesis struct {
	ID        string   // of the catalogue's periodic causes
	Title     string   // the cause in words
	Score     float64  // 0..1: share of the weight of all explanations, the unknown ones included
	Why       string   // how the score came about, with numbers
	Mechanism string   // how the cause makes devices leave
	Evidence  []string // what speaks for it in this case, strongest first
	Against   []string // what speaks against it, strongest first
	Checks    []string // what to look at next
	Fix       string
	Source    string // where the cause is written down, and how sure that is
}

const (
	most  = 5    // hypotheses in an answer
	least = 0.02 // score below which a cause is not worth a line
)

// factor is what one fact does to the weight of one cause: more than 1 speaks for it, less against it, 1 says nothing.
type factor struct {
	weight float64
	short  string // "period"
	text   string // "the period of 1,089 s fits …"; empty if the fact says nothing
}

var nothing = factor{weight: 1}

// explanation is one cause with its factors.
type explanation struct {
	cause   *reasons.PeriodicCause
	start   float64
	factors []factor
}

func (e explanation) weight() float64 {
	w := e.start
	for _, f := range e.factors {
		w *= f.weight
	}
	return w
}

// Explain ranks the causes that could be behind c, best first: at most five, and always the best one, however low its
// score. It does not change c.
func Explain(c Case, catalogue *reasons.Catalogue) []Hypothesis {
	all := new(scales).weigh(c, catalogue, false)
	total := 1.0 // the weight of what is in no list
	for _, e := range all {
		total += e.weight()
	}
	slices.SortStableFunc(all, func(a, b explanation) int {
		return cmp.Or(-cmp.Compare(a.weight(), b.weight()), cmp.Compare(a.cause.ID, b.cause.ID))
	})
	var out []Hypothesis
	for i, e := range all {
		if i == most || i > 0 && e.weight()/total < least {
			break
		}
		out = append(out, e.hypothesis(total))
	}
	return out
}

// best is the first of Explain without Why, Evidence, Against and Source, which take most of the memory.
func best(c Case, catalogue *reasons.Catalogue) []Hypothesis {
	s := spare.Get().(*scales)
	defer spare.Put(s)
	all := s.weigh(c, catalogue, true)
	total, top := 1.0, 0
	for i, e := range all {
		total += e.weight()
		if e.weight() > all[top].weight() || e.weight() == all[top].weight() && e.cause.ID < all[top].cause.ID {
			top = i
		}
	}
	if len(all) == 0 {
		return nil
	}
	p := all[top].cause
	return []Hypothesis{{ID: p.ID, Title: p.Cause, Score: all[top].weight() / total, Mechanism: p.Mechanism, Checks: p.Checks, Fix: p.Fix}}
}

// scales keep the memory of weigh, which takes more than what comes of it where only the best is wanted.
type scales struct {
	all  []explanation
	room []factor
}

var spare = sync.Pool{New: func() any { return new(scales) }}

// weigh gives every cause of the catalogue its factors, without words if it is to be brief; they are valid until the next call. The
// starting shares add up to 1.
func (s *scales) weigh(c Case, catalogue *reasons.Catalogue, brief bool) []explanation {
	facts := read(c, catalogue, brief)
	causes := catalogue.PeriodicCauses()
	all := slices.Grow(s.all[:0], len(causes))[:len(causes)]
	room := slices.Grow(s.room[:0], 6*len(causes))
	defer func() { s.all, s.room = all, room }()
	total := 0.0
	for i := range causes {
		total += standing(causes[i].Confidence)
	}
	for i := range causes {
		first := len(room)
		room = facts.factors(room, &causes[i])
		all[i] = explanation{&causes[i], standing(causes[i].Confidence) / total, room[first:len(room):len(room)]}
	}
	return all
}

// factors appends what the facts do to the weight of p.
func (f *facts) factors(out []factor, p *reasons.PeriodicCause) []factor {
	for _, one := range [...]func(*reasons.PeriodicCause) factor{
		f.period, f.alarm, f.reason, f.signal, f.protocol, f.kind,
		f.phase, f.failover, f.outage, f.action, f.place, f.peers, f.neighbours,
	} {
		if got := one(p); got.weight != 1 {
			out = append(out, got)
		}
	}
	return out
}

// standing of a cause before anything is known: a case that was written down counts three times as much as common
// knowledge.
func standing(confidence string) float64 {
	switch {
	case strings.HasPrefix(confidence, "documented case"):
		return 3
	case strings.Contains(confidence, "own"):
		return 1
	case strings.HasPrefix(confidence, "documented"), strings.HasPrefix(confidence, "measured"):
		return 2
	}
	return 1.5
}

func (e explanation) hypothesis(total float64) Hypothesis {
	h := Hypothesis{
		ID: e.cause.ID, Title: e.cause.Cause, Score: e.weight() / total, Why: e.why(total), Mechanism: e.cause.Mechanism,
		Checks: slices.Clone(e.cause.Checks), Fix: e.cause.Fix, Source: e.cause.Source + " (" + e.cause.Confidence + ")",
	}
	sorted := slices.Clone(e.factors)
	slices.SortStableFunc(sorted, func(a, b factor) int { return -cmp.Compare(max(a.weight, 1/a.weight), max(b.weight, 1/b.weight)) })
	for _, f := range sorted {
		if f.weight > 1 {
			h.Evidence = append(h.Evidence, f.text)
		} else {
			h.Against = append(h.Against, f.text)
		}
	}
	return h
}

// why tells the arithmetic: "0.94 = 16.2 of 17.2, …: 0.05 to begin with × 25 (period) × 2.1 (reason)".
func (e explanation) why(total float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: weight %s of %s, of which 1 stands for causes that are not in the list; it starts with %s (%s)",
		number(e.weight()/total), number(e.weight()), number(total), number(e.start), e.cause.Confidence)
	for _, f := range e.factors {
		fmt.Fprintf(&b, " × %s (%s)", number(f.weight), f.short)
	}
	if len(e.factors) == 0 {
		b.WriteString("; nothing is known that speaks for or against it")
	}
	return b.String()
}

// number with two or three digits that matter.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2g", v)
}
