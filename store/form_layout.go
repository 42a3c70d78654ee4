package store

import (
	"fmt"
	"strconv"
	"strings"

	"flapwatch/event"
)

// laidOut is the form of the records with one layout, PRI and header: none of their bytes has to be looked at to know it.
type laidOut struct {
	layout          event.Layout
	pri, severity   uint8
	facility, alarm string
	form            string
	kept            []int // places of the tags that are kept
}

func (l *laidOut) matches(e *event.Event) bool {
	return l.layout == e.Layout && l.pri == e.PRI && l.severity == e.Severity && l.alarm == e.Alarm && l.facility == e.Facility
}

// layOut makes the form of a record as its layout describes it, and says whether it gives the record back.
func layOut(e *event.Event) (l laidOut, ok bool) {
	l = laidOut{layout: e.Layout, pri: e.PRI, severity: e.Severity, facility: strings.Clone(e.Facility), alarm: strings.Clone(e.Alarm)}
	gap := " :  "
	if e.Layout&event.OneSpace != 0 {
		gap = " : "
	}
	b := fmt.Appendf(nil, "<%d>{%s}: {%s}: {%s}%s%%%s-%d-%s: %%", e.PRI, inSeq, inHost, inClaimed, gap, e.Facility, e.Severity, e.Alarm)
	filled := *e
	filled.Tags, filled.Claimed = nil, claimedOf(usualClaimed, e)
	for i := range e.Tags {
		t := &e.Tags[i]
		name := tagColumns[t.Key]
		if name == "" {
			name = strconv.Itoa(len(l.kept))
			l.kept = append(l.kept, i)
			filled.Tags = append(filled.Tags, *t)
		}
		b = fmt.Appendf(b, "[%s={%s}]", t.Key, name)
	}
	l.form = string(fmt.Appendf(b, ": {%s}", inText))
	return l, len(l.form) <= maxForm && fill(l.form, &filled) == e.Raw
}

// laidOut finds the form of a record by its layout, or makes it; nil where there is none.
func (f *former) laidOut(e *event.Event) *laidOut {
	if e.Layout == 0 {
		return nil
	}
	if l := f.layouts.of(e); l != nil {
		return l
	}
	if l, ok := layOut(e); ok {
		return f.layouts.keep(l)
	}
	return nil
}
