package store

import (
	"testing"
	"time"

	"flapwatch/event"
)

func TestBegan(t *testing.T) {
	s := open(t)
	if began, err := s.Began(t.Context()); err != nil || len(began) != 0 {
		t.Errorf("of nothing: %v, %v", began, err)
	}
	rows := samples(0, 10)
	for _, row := range rows[4:] {
		row.Cluster = "other"
		row.Identify(event.Alarm, "")
	}
	commit(t, s, "a", 0, 10, rows, event.Counts{Stored: 10})
	began, err := s.Began(t.Context())
	if err != nil || len(began) != 2 || !began["StandAloneCluster"].Equal(noon) || !began["other"].Equal(noon.Add(4*time.Second)) {
		t.Errorf("%v, %v", began, err)
	}
}
