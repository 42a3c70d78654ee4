package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"flapwatch/event"
)

// TestHeard counts what peers sent since a moment; files are no peers.
func TestHeard(t *testing.T) {
	s := open(t)
	rows := samples(0, 10)
	rows[0].Received = noon.Add(-time.Hour)
	rows[8].Node, rows[8].Source = "cucm-2", "2001:db8::1"
	rows[9].Node, rows[9].Source = "cucm-3", "AlternateSyslog"
	commit(t, s, "q", 0, 10, rows, event.Counts{Received: 10, Stored: 10})
	list, err := s.Heard(context.Background(), noon)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].First, list[i].Last = list[i].First.UTC(), list[i].Last.UTC()
	}
	want := []event.Heard{
		{Cluster: "StandAloneCluster", Node: "cucm-1", Messages: 7, First: rows[1].Received, Last: rows[7].Received},
		{Cluster: "StandAloneCluster", Node: "cucm-2", Messages: 1, First: rows[8].Received, Last: rows[8].Received},
	}
	if !slices.Equal(list, want) {
		t.Errorf("heard %+v, want %+v", list, want)
	}
}
