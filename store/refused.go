package store

import (
	"maps"
	"slices"
	"time"

	"flapwatch/event"
)

// Refused keeps lines that their own table, unparsed or other, does not take, and says how many of them, from the first on, it has
// kept for good. Those it has no room for are lost. An error lets the write be tried again: nothing of the call must have been kept
// then. It may be called for several batches at a time.
type Refused func(table string, lines []event.Line) (kept int, err error)

// keepRefused hands over what a table refused, each line once however often the commit is tried, and gives the rows that are lost.
func (b *Batch) keepRefused(table int, bad map[int32]error) (lost []int32, err error) {
	name := b.into(table).table
	var rows []int32
	var lines []event.Line
	for _, row := range slices.Sorted(maps.Keys(bad)) {
		if l := b.line(table, row); !b.kept[l.ID] {
			l.Reason = "refused by clickhouse: " + reasonOf(bad[row])
			rows, lines = append(rows, row), append(lines, l)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	kept := 0
	if b.store.refused != nil {
		if kept, err = b.store.refused(name, lines); err != nil {
			return nil, err
		}
	}
	for _, l := range lines[:kept] {
		b.kept[l.ID] = true
	}
	b.store.log.Error("lines refused by clickhouse", "table", name, "kept", kept, "lost", len(rows)-kept, "error", bad[rows[0]])
	return rows[kept:], nil
}

// line is a row of unparsed or other.
func (b *Batch) line(table int, row int32) event.Line {
	l := event.Line{ID: b.into(table).ids[row]}
	switch table {
	case unparsed:
		r := &b.unparsed
		l.Received, l.Source, l.Offset, l.Raw = time.UnixMilli(r.received.v[row]).UTC(), r.source.at(row), int(r.position.v[row]), r.raw.string(row)
	case other:
		r := &b.other
		l.Received, l.Source, l.Raw = time.UnixMilli(r.received.v[row]).UTC(), r.source.at(row), r.raw.string(row)
	}
	return l
}
