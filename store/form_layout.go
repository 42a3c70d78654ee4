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
	filled.Tags, filled.Claimed = nil, claimedOf("", e)
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

// laidOut gives the form of records by their layout, and the places of the tags that are kept. It is empty where the layout does not give
// the record back.
func (f *former) laidOut(e *event.Event) (form string, kept []int) {
	if l := f.layouts.of(e); l != nil {
		return l.form, l.kept
	}
	l, ok := layOut(e)
	if !ok {
		return "", l.kept
	}
	f.layouts.keep(l)
	return l.form, l.kept
}
