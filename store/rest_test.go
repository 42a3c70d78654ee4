package store

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"flapwatch/event"
)

// odd are values of whatever a sender may send, what the columns use themselves among them.
var odd = []string{"", "%%", "%", "\x1f", "\x1e", "\x1ee\x1ef", "\x00\xff", "caf\xe9", "{0}", "a\x1fb", "%b %d %Y %H:%i:%S.%f UTC", unknownTag}

// oddRows have the odd values in all places where one can be.
func oddRows() (rows []*event.Row) {
	for i := range 3 * len(odd) {
		at := func(n int) string { return odd[(i+n)%len(odd)] }
		e := *sample(i)
		e.Raw, e.Claimed, e.Part, e.Alarm, e.Node, e.AppID, e.IP = at(0)+"raw", at(1), at(2), at(3), at(4), at(5), at(6)
		number := func(present bool) (uint32, bool) {
			if !present {
				return 0, false
			}
			return uint32(i%2) * math.MaxUint32, true
		}
		e.AgentSeq, e.HasAgentSeq = number(i%3 == 0)
		e.Event.Reason, e.HasReason = number(i%5 > 1)
		e.Seq, e.HasSeq = number(i%4 > 0)
		e.Tags = nil
		for n := range i % 4 {
			e.Tags = append(e.Tags, event.Tag{Key: at(7 + n), Value: at(8 + n), Unknown: n == 1})
		}
		e.Identify(event.Alarm, "")
		rows = append(rows, &e)
	}
	return rows
}

// Every byte comes back, from ClickHouse as from memory, and by the columns' names.
func TestOddValues(t *testing.T) {
	s := open(t)
	rows := oddRows()
	commit(t, s, "a\x1f", 0, 100, rows, event.Counts{Stored: uint64(len(rows))})
	commit(t, s, "b", 0, 100, rows, event.Counts{Duplicate: uint64(len(rows))})
	exec(t, s, "INSERT INTO events SELECT cluster, device, time, number, origin, ip, given_id, sender, phone, said, lag, rest, range_end FROM events")
	var packed eventRows
	want := map[event.ID]event.Row{}
	for i, row := range rows {
		packed.add(row, "a\x1f", false)
		e := *row
		e.Tags = slices.Clone(e.Tags)
		for n := range e.Tags { // is written as nodes write it, so that it is read as such
			if key, unknown := strings.CutPrefix(e.Tags[n].Key, unknownTag); unknown && !e.Tags[n].Unknown {
				e.Tags[n].Key, e.Tags[n].Unknown = key, true
			}
		}
		want[e.ID] = e
		if got := packed.row(int32(i)); !reflect.DeepEqual(got, e) {
			t.Errorf("memory gives\n%+v\nwant\n%+v", got, e)
		}
	}
	all := allEvents(t, s, event.Filter{})
	for _, got := range all {
		if !reflect.DeepEqual(got, want[got.ID]) {
			t.Errorf("read\n%+v\nwant\n%+v", got, want[got.ID])
		}
	}
	if len(all) != len(rows) {
		t.Errorf("%d rows, want %d", len(all), len(rows))
	}
	sameByName(t, s, rows)
	exec(t, s, "OPTIMIZE TABLE events FINAL")
	if n := scan[uint64](t, s, "SELECT count() FROM events"); n != uint64(len(rows)) {
		t.Errorf("%d rows after the merge, want %d", n, len(rows))
	}
}

// sameByName looks for each row by what it says, in the words of somebody who asks with SQL.
func sameByName(t *testing.T, s *Store, rows []*event.Row) {
	t.Helper()
	optional := func(name string, n uint32, has bool) string {
		if has {
			return fmt.Sprintf("%s = %d", name, n)
		}
		return "isNull(" + name + ")"
	}
	for _, e := range rows {
		text := func(name, value string) string { return fmt.Sprintf("hex(%s) = '%X'", name, value) }
		where := []string{
			text("alarm", e.Alarm), text("node", e.Node), text("app_id", e.AppID), text("ip", e.IP), text("part", e.Part),
			optional("seq", e.Seq, e.HasSeq), optional("agent_seq", e.AgentSeq, e.HasAgentSeq), optional("reason", e.Event.Reason, e.HasReason),
			fmt.Sprintf("length(tags) = %d", len(e.Tags)), fmt.Sprintf("toUnixTimestamp64Milli(time) = %d", e.Time.UnixMilli()),
		}
		for i, tag := range e.Tags {
			key := tag.Key
			if tag.Unknown {
				key = unknownTag + key
			}
			where = append(where, text(fmt.Sprintf("mapKeys(tags)[%d]", i+1), key), text(fmt.Sprintf("mapValues(tags)[%d]", i+1), tag.Value))
		}
		if n := scan[uint64](t, s, "SELECT count() FROM events FINAL WHERE "+strings.Join(where, " AND ")); n != 1 {
			t.Errorf("%d rows where %q", n, where)
		}
	}
}
