package event

import (
	"reflect"
	"testing"
)

func TestSettle(t *testing.T) {
	f := func(what string, in []Change, want ...int64) {
		t.Helper()
		var got []int64
		for _, c := range Settle(in) {
			got = append(got, c.At)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	f("nothing", nil)
	f("in order", []Change{{At: 1, Key: 1}, {At: 2000, Key: 1}}, 1, 2000)
	f("out of order", []Change{{At: 2000, Key: 1}, {At: 1, Key: 2}}, 1, 2000)
	f("copies in one second", []Change{{At: 1500, Key: 1}, {At: 1000, Key: 1}, {At: 1700, Key: 2}}, 1000, 1700)
	f("keys that are not known are no copies", []Change{{At: 1000}, {At: 1000}}, 1000, 1000)
	var many []Change
	for i := range 100 {
		many = append(many, Change{At: int64(i), Key: uint32(1 + i%50)})
	}
	if n := len(Settle(many)); n != 50 {
		t.Errorf("%d of 50 events in one second are left", n)
	}
}
