package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// share is the rows of a batch that came from one file in one go, and where they are counted.
type share struct {
	counts   *event.Counts
	from, to rowCounts
}

// rowCounts are numbers of rows of the tables events, unparsed and other.
type rowCounts struct{ events, unparsed, other int }

// joined is a row of events that stands for more messages than one.
type joined struct {
	row  int32
	more uint64
}

// Import says that what is added from now on comes from a file, which may have been read before: a line that is stored
// already is a duplicate even where only its place identifies it. What becomes of the messages is added to c by the Commit
// that succeeds; nil ends it.
func (b *Batch) Import(c *event.Counts) {
	if n := len(b.shares); b.sharing {
		b.shares[n-1].to = b.rowCounts()
	}
	if b.sharing = c != nil; b.sharing {
		b.shares = append(b.shares, share{counts: c, from: b.rowCounts()})
	}
}

func (b *Batch) rowCounts() rowCounts {
	return rowCounts{len(b.events.ids), len(b.unparsed.id.v), len(b.other.id.v)}
}

// fate is what became of a row.
type fate uint8

const (
	isDuplicate fate = iota
	isStored
	isRefused // by ClickHouse: a row of events is kept as a line, a line that nobody kept is lost
)

// fatesOf gives the fates of n rows. Those neither written nor refused are duplicates.
func fatesOf(n int, written, refused []int32) []fate {
	fates := make([]fate, n)
	for _, row := range written {
		fates[row] = isStored
	}
	for _, row := range refused {
		fates[row] = isRefused
	}
	return fates
}

// countJoined counts the messages that rows of events stand for beyond one each.
func countJoined(list []joined, events []fate, c *event.Counts) {
	for _, j := range list {
		add(c, events[j.row], j.more, &c.Stored, &c.Unparsed)
	}
}

// add counts n messages of a fate.
func add(c *event.Counts, f fate, n uint64, stored, refused *uint64) {
	switch f {
	case isStored:
		*stored += n
	case isRefused:
		*refused += n
	default:
		c.Duplicate += n
	}
}

// tell adds to the counts of each share what became of its messages.
func (b *Batch) tell(lost lostLines) {
	if len(b.shares) == 0 {
		return
	}
	events := fatesOf(len(b.events.ids), b.fresh, b.aside)
	unparsed := fatesOf(len(b.unparsed.id.v), unknown(b.known.unparsed, len(b.unparsed.id.v)), lost.unparsed)
	other := fatesOf(len(b.other.id.v), unknown(b.known.other, len(b.other.id.v)), lost.other)
	rest := b.joined
	for _, s := range b.shares {
		c := s.counts
		for _, f := range events[s.from.events:s.to.events] {
			add(c, f, 1, &c.Stored, &c.Unparsed)
		}
		for _, f := range unparsed[s.from.unparsed:s.to.unparsed] {
			add(c, f, 1, &c.Unparsed, &c.Dropped)
		}
		for _, f := range other[s.from.other:s.to.other] {
			add(c, f, 1, &c.Other, &c.Dropped)
		}
		first, _ := slices.BinarySearchFunc(rest, s.from.events, compareRow)
		end, _ := slices.BinarySearchFunc(rest, s.to.events, compareRow)
		countJoined(rest[first:end], events, c)
		rest = rest[end:]
	}
}

func compareRow(j joined, row int) int { return int(j.row) - row }

// knownLines are rows of unparsed and other that are stored already.
type knownLines struct{ unparsed, other map[int32]bool }

// unknown gives the rows of n that are not known.
func unknown(known map[int32]bool, n int) []int32 {
	rows := make([]int32, 0, n)
	for row := range int32(n) {
		if !known[row] {
			rows = append(rows, row)
		}
	}
	return rows
}

// decideLines finds the lines of files that are stored already. Lines of sockets are identified by their place in the spool
// and cannot be.
func (b *Batch) decideLines(ctx context.Context) (err error) {
	b.known = knownLines{}
	b.Import(nil)
	if len(b.shares) == 0 {
		return nil
	}
	var unparsed, other []int32
	for _, s := range b.shares {
		for row := s.from.unparsed; row < s.to.unparsed; row++ {
			unparsed = append(unparsed, int32(row))
		}
		for row := s.from.other; row < s.to.other; row++ {
			other = append(other, int32(row))
		}
	}
	if err := b.store.memory.written(ctx); err != nil {
		return err
	}
	if b.known.unparsed, err = b.findLines(ctx, "unparsed", b.unparsed.id.v, unparsed); err != nil {
		return err
	}
	b.known.other, err = b.findLines(ctx, "other", b.other.id.v, other)
	return err
}

// findLinesByID gets lines that are known by their place, and who wrote them.
const findLinesByID = `
SELECT DISTINCT id, spool, range_end
FROM %s
WHERE id IN (%s)`

// findLines gives those of the rows that are copies, of stored lines or of each other.
func (b *Batch) findLines(ctx context.Context, table string, ids []event.ID, rows []int32) (map[int32]bool, error) {
	first := make(map[event.ID]int32, len(rows))
	known := map[int32]bool{}
	var ask []int32
	for _, row := range rows {
		if _, twice := first[ids[row]]; twice {
			known[row] = true
			continue
		}
		first[ids[row]] = row
		ask = append(ask, row)
	}
	for chunk := range slices.Chunk(ask, 5_000) {
		words := make([]string, len(chunk))
		for i, row := range chunk {
			words[i] = "unhex('" + hex.EncodeToString(ids[row][:]) + "')"
		}
		query := fmt.Sprintf(findLinesByID, table, strings.Join(words, ","))
		err := b.store.each(ctx, lookup, "look for copies in "+table, query, nil, func(list driver.Rows) error {
			var id, spool string
			var rangeEnd uint64
			if err := list.Scan(&id, &spool, &rangeEnd); err != nil {
				return fmt.Errorf("read a copy: %w", err)
			}
			if b.committed(spool, rangeEnd) {
				known[first[event.ID([]byte(id))]] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}
