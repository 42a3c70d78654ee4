package event

import (
	"cmp"
	"slices"
)

// Settle puts changes in the order of time, whatever order they came in, and leaves copies of one event out. It owns changes.
func Settle(changes []Change) []Change {
	if !slices.IsSortedFunc(changes, order) {
		slices.SortFunc(changes, order)
	}
	out := changes[:0]
	var seen map[uint32]bool // of this second, where there are many
	first := 0               // of this second
	for _, c := range changes {
		if len(out) > first && out[first].At/1000 != c.At/1000 {
			first, seen = len(out), nil
		}
		if c.Key != 0 && isCopy(out[first:], c, &seen) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// isCopy says whether a change of one second is there already.
func isCopy(second []Change, c Change, seen *map[uint32]bool) bool {
	const many = 16
	if len(second) < many {
		return slices.ContainsFunc(second, func(x Change) bool { return x.Key == c.Key })
	}
	if *seen == nil {
		*seen = make(map[uint32]bool, 2*many)
		for _, x := range second {
			(*seen)[x.Key] = true
		}
	}
	known := (*seen)[c.Key]
	(*seen)[c.Key] = true
	return known
}

func order(a, b Change) int {
	if a.At != b.At {
		return cmp.Compare(a.At, b.At)
	}
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Signal, b.Signal), cmp.Compare(a.Key, b.Key))
}
