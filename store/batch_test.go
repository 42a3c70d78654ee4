package store

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

// everyByte is what a record may contain.
func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func TestRoundTrip(t *testing.T) {
	full := sample(0)
	full.Raw = everyByte()
	full.Process, full.Clock, full.TimeSource = "ccm", "*", event.FromMessageNoYear
	full.AgentSeq, full.HasAgentSeq = 0, true
	full.MAC, full.IPv6, full.State, full.CallState, full.Part = "E0D1730A8137", "2001:db8::aa", "ready", "idle", "16.1/3"
	full.Truncated, full.Expected, full.Description = true, true, "caf\xe9 \x00 \t\n' \\ 会議室"
	full.Tags = []event.Tag{{Key: "b", Value: "1"}, {Key: "a", Value: ""}, {Key: "b", Value: "2"}, {Key: "LastSignalReceived", Value: "x", Unknown: true}}
	full.Identify(event.Alarm, "")

	zeros := &event.Row{Event: event.Event{
		Time: noon, Received: noon, Alarm: "TestAlarmEmergency", HasReason: true, HasSeq: true, HasPRI: true, HasDeviceType: true,
	}}
	zeros.Identify(event.Alarm, "spool/7")

	empty := &event.Row{Event: event.Event{Time: noon.Add(-time.Hour), Received: noon}}
	empty.Identify(event.Alarm, "spool/8")

	text := sample(3) // identified by its text
	text.HasSeq, text.Seq = false, 0
	text.Identify(event.Alarm, "")

	foreign := sample(4) // identified by a rule we do not have
	foreign.ID = event.ID{1, 2, 3}

	s := open(t)
	rows := []*event.Row{full, zeros, empty, text, foreign}
	commit(t, s, "a", 0, 5, rows, event.Counts{Stored: 5})
	got := map[event.ID]event.Row{}
	for _, row := range allEvents(t, s, event.Filter{}) {
		got[row.ID] = row
	}
	for _, want := range rows {
		if want.Time == want.Received && len(want.Tags) > 0 {
			t.Fatal("sample not understood")
		}
		want.Tags = withoutColumn(want)
		if have := got[want.ID]; !reflect.DeepEqual(have, *want) {
			t.Errorf("read\n%+v\nwant\n%+v", have, *want)
		}
	}
}

// withoutColumn gives the tags that come back.
func withoutColumn(e *event.Row) []event.Tag {
	var tags []event.Tag
	for _, tag := range e.Tags {
		if tag.Unknown || columnOf(&e.Event, &tag) == "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

func TestManyMonthsInOneBatch(t *testing.T) {
	var rows []*event.Row
	for month := range 130 {
		row := sample(month)
		row.Time = row.Time.AddDate(0, -month, 0)
		row.Identify(event.Alarm, "")
		rows = append(rows, row)
	}
	s := open(t)
	commit(t, s, "a", 0, 130, rows, event.Counts{Stored: 130})
	if got := len(allEvents(t, s, event.Filter{})); got != 130 {
		t.Errorf("%d events, want 130", got)
	}
}

func TestTimesOutsideOfClickHouse(t *testing.T) {
	s := open(t)
	var rows []*event.Row
	for _, year := range []int{-1, 0, 1969, 1970, 2099, 2100, 9999} {
		row := sample(0)
		row.Time = time.Date(year, 7, 2, 6, 22, 31, 0, time.UTC)
		row.Identify(event.Alarm, "")
		rows = append(rows, row)
	}
	commit(t, s, "a", 0, 7, rows, event.Counts{Stored: 2, Unparsed: 5})
	lines, _, err := s.Unparsed(context.Background(), event.Filter{}, "", 10)
	if err != nil || len(lines) != 5 {
		t.Fatalf("%d lines not understood, %v; want 5", len(lines), err)
	}
	for _, l := range lines {
		if !strings.Contains(l.Reason, "lies outside of 1970 to 2099") || l.Raw != rows[0].Raw {
			t.Errorf("kept as %+v", l)
		}
	}
}
