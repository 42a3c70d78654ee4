package watch

import (
	"math"
	"testing"
	"time"

	"flapwatch/event"
)

// TestBegan: neither one device nor a fleet counts as available before its cluster was first heard of.
func TestBegan(t *testing.T) {
	lost := week.To.Add(-time.Hour)
	source := &played{
		histories: []event.History{{Cluster: "Campus", Device: "SEP1", Changes: []event.Change{
			{At: lost.UnixMilli(), Role: event.Down, Node: "a", Reason: 13, HasReason: true},
			{At: lost.Add(time.Minute).UnixMilli(), Role: event.Up, Node: "a"},
		}}},
		began: map[string]time.Time{"Campus": lost.Add(-time.Hour), "other": week.From},
	}
	w := New(source, catalogue(t), func() uint64 { return 1 }, func() time.Time { return until })
	for _, f := range []event.Filter{{Window: week}, {Window: week, Device: "SEP1"}} {
		s, err := w.Fleet(t.Context(), f)
		if err != nil || len(s.Verdicts) != 1 {
			t.Fatal(s, err)
		}
		flap := s.Verdicts[0].Device.Flap
		if want := 119. / 120; flap.Availability == nil || math.Abs(*flap.Availability-want) > 1e-9 || flap.Began != lost.Add(-time.Hour).UnixMilli() {
			t.Errorf("%+v: %+v, want available %g", f, flap, want)
		}
	}
}
