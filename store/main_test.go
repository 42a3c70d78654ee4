package store

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// open gives a store in a fresh database.
func open(t testing.TB) *Store {
	t.Helper()
	return reopen(t, clickhousetest.Open(t))
}

// reopen gives a store that knows nothing yet of what is in the database. It keeps the samples however old they are.
func reopen(t testing.TB, options *clickhouse.Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), options, Settings{Retention: maxRetention, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// noon is the time of the first sample.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 123e6, time.UTC)

// sample is the alarm number n of a talkative fleet of 50 phones: one a second, each its own.
func sample(n int) *event.Row {
	e := event.Event{
		Time:       noon.Add(time.Duration(n) * time.Second),
		TimeSource: event.FromMessage,
		Received:   noon.Add(time.Duration(n)*time.Second + 40*time.Millisecond),
		Source:     "10.0.0.1", Host: "cucm-1.example.net", PRI: 187, HasPRI: true, Seq: uint32(41_000 + n), HasSeq: true,
		Facility: "UC_CALLMANAGER", Severity: 3, Alarm: "EndPointUnregistered",
		Device: fmt.Sprintf("SEP%012X", n%50), IP: fmt.Sprintf("10.60.98.%d", n%50), Protocol: "SIP", Description: "Lobby",
		DeviceType: 592, HasDeviceType: true, Reason: 13, HasReason: true, Signal: "SIPStationDPrimaryLineTimeout",
		AppID: "Cisco CallManager", Cluster: "StandAloneCluster", Node: "cucm-1", Text: "An endpoint has unregistered",
	}
	e.Claimed = e.Time.Format("Jan 02 2006 15:04:05.000 UTC")
	e.Tags = []event.Tag{{Key: "DeviceName", Value: e.Device}, {Key: "IPAddrAttributes", Value: "0"}}
	e.Raw = fmt.Sprintf("<187>%d: cucm-1.example.net: %s :  %%UC_CALLMANAGER-3-EndPointUnregistered: %%[DeviceName=%s]"+
		"[IPAddress=%s][Protocol=SIP][DeviceType=592][Description=Lobby][Reason=13][IPAddrAttributes=0]"+
		"[LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager][ClusterID=StandAloneCluster]"+
		"[NodeID=cucm-1]: An endpoint has unregistered", e.Seq, e.Claimed, e.Device, e.IP)
	e.Identify(event.Alarm, "")
	return &event.Row{Event: e, Names: event.Names{Role: event.Down, Reason: "KeepAliveTimeout", Cause: "keepalive", Model: "Cisco 3905"}}
}

// commit commits the rows as the range from first to next and checks what became of them.
func commit(t testing.TB, s *Store, spool string, first, next uint64, rows []*event.Row, want event.Counts) {
	t.Helper()
	b := s.Begin(spool, first)
	for _, row := range rows {
		b.Add(row)
	}
	got, err := b.Commit(context.Background(), next, event.Counts{})
	if err != nil {
		t.Fatal(err)
	}
	if want.Received == 0 {
		want.Received = uint64(len(rows))
	}
	if got != want {
		t.Errorf("range %d to %d: %+v, want %+v", first, next, got, want)
	}
}

func samples(from, to int) []*event.Row {
	var rows []*event.Row
	for n := from; n < to; n++ {
		rows = append(rows, sample(n))
	}
	return rows
}

// allEvents reads everything, page by page.
func allEvents(t testing.TB, s *Store, f event.Filter) []event.Row {
	t.Helper()
	var all []event.Row
	for cursor := ""; ; {
		page, next, err := s.Events(context.Background(), f, cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}
