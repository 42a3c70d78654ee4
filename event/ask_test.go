package event

import (
	"maps"
	"testing"
)

// The way from one Mark to another is walked in steps that leave no frame out and go no frame too far.
func TestTowards(t *testing.T) {
	at, upto := Mark{"a": 3, "gone": 7, "ahead": 9}, Mark{"a": 10, "b": 5, "ahead": 8}
	for i, want := range []Mark{
		{"a": 7, "b": 0, "ahead": 8},
		{"a": 10, "b": 1, "ahead": 8},
		{"a": 10, "b": 5, "ahead": 8},
		{"a": 10, "b": 5, "ahead": 8},
	} {
		if at = at.Towards(upto, 4); !maps.Equal(at, want) {
			t.Fatalf("step %d leads to %v, want %v", i, at, want)
		}
	}
}
