package simulate

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// numbered is an actor that is only a name.
type numbered int

func (numbered) act(*play, time.Duration) (time.Duration, error) { return 0, nil }

// Whatever comes in, the earliest comes first, and of equals who was there first.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 40).Draw(t, "start")
		steps := rapid.SliceOf(rapid.Int64Range(0, 5)).Draw(t, "steps")
		var q queue
		for i, at := range start {
			q.add(time.Duration(at), numbered(i))
		}
		for _, step := range steps {
			want := slices.Index(start, slices.Min(start))
			if who := int(q.who().(numbered)); who != want || q.first() != time.Duration(start[want]) {
				t.Fatalf("%d at %d acts, want %d: %v", who, q.first(), want, start)
			}
			start[want] += step
			q.again(time.Duration(start[want]))
		}
	})
	if queue(nil).first() < time.Duration(1<<62) {
		t.Error("nobody is in the queue, and somebody acts")
	}
}
