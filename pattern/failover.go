package pattern

import (
	"cmp"
	"maps"
	"slices"
)

// moveMS: a device that takes longer to appear on the next node was away, not moving.
const moveMS = 600_000

// Failover is one trip from the primary node to another one, and home again. Times are Unix milliseconds.
type Failover struct {
	Primary, Secondary string
	Down               int64    // the session on the primary ended
	SecondaryUp        int64    // the one on the secondary began; before Down where the primary's timer was the slower one
	ReturnUp           int64    // the next one on the primary began; 0 if it has not
	RegisteredSeconds  *float64 // on the primary before it broke, nil if its beginning was not seen
	ReturnSeconds      *float64 // from SecondaryUp to ReturnUp
}

// FailoverSummary is what the trips of one device have in common.
type FailoverSummary struct {
	Primary           string
	Node              string   // the secondary that was visited most
	Count             int      // trips
	Returns           int      // trips that led home again
	ReturnSeconds     *float64 // median
	RegisteredSeconds *float64 // median of the time on the primary in each cycle
}

// Failovers finds the trips in the sessions of one device, as Sessions gives them: a stay on the home node, one that
// begins on another node around its end, and then home again. Home is the node that the device leaves when a session
// breaks, and goes to when one ends as expected (reason 28 or 10); where that does not decide, it is the node with the
// most time.
func Failovers(sessions []Session) []Failover {
	var out []Failover
	home, ok := homeNode(sessions)
	if !ok {
		return nil
	}
	for i, s := range sessions {
		if s.Node != home || i+1 == len(sessions) {
			continue
		}
		if next := sessions[i+1]; next.Node != home && follows(s, next) {
			out = append(out, trip(s, next, sessions[i+2:]))
		}
	}
	return out
}

// follows: b on another node can be the continuation of a.
func follows(a, b Session) bool {
	return a.Node != b.Node && !b.OpenStart && b.From >= a.Until-handoverMS && b.From <= a.Until+moveMS
}

func trip(primary, secondary Session, later []Session) Failover {
	f := Failover{Primary: primary.Node, Secondary: secondary.Node, Down: primary.Until, SecondaryUp: secondary.From}
	if !primary.OpenStart {
		f.RegisteredSeconds = secondsBetween(primary.From, primary.Until)
	}
	if len(later) > 0 && later[0].Node == primary.Node && follows(secondary, later[0]) {
		f.ReturnUp = later[0].From
		f.ReturnSeconds = secondsBetween(f.SecondaryUp, f.ReturnUp)
	}
	return f
}

func secondsBetween(from, to int64) *float64 {
	s := seconds(to - from)
	return &s
}

// homeNode is false if sessions are all on one node.
func homeNode(sessions []Session) (string, bool) {
	signs, time := map[string]int{}, map[string]int64{}
	for i, s := range sessions {
		time[s.Node] += s.Until - s.From
		if i == 0 || !follows(sessions[i-1], s) {
			continue
		}
		switch last := sessions[i-1]; {
		case last.Broke():
			signs[last.Node]++
		case last.EndExpected:
			signs[s.Node]++
		}
	}
	if len(time) < 2 {
		return "", false
	}
	nodes := slices.Sorted(maps.Keys(time))
	return slices.MaxFunc(nodes, func(a, b string) int {
		return cmp.Or(cmp.Compare(signs[a], signs[b]), cmp.Compare(time[a], time[b]))
	}), true
}

// Summarize says what is typical of the trips; nil if there are none.
func Summarize(trips []Failover) *FailoverSummary {
	if len(trips) == 0 {
		return nil
	}
	s := FailoverSummary{Primary: trips[0].Primary, Count: len(trips)}
	visits := map[string]int{}
	var back, registered []float64
	for _, t := range trips {
		visits[t.Secondary]++
		if t.ReturnSeconds != nil {
			back = append(back, *t.ReturnSeconds)
		}
		if t.RegisteredSeconds != nil {
			registered = append(registered, *t.RegisteredSeconds)
		}
	}
	s.Node = mostOf(visits)
	s.Returns, s.ReturnSeconds, s.RegisteredSeconds = len(back), middle(back), middle(registered)
	return &s
}

// mostOf is the key with the highest count, the first in order of equals.
func mostOf[K cmp.Ordered](count map[K]int) K {
	return slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b K) int { return cmp.Compare(count[a], count[b]) })
}

func sortByEnd(s []Session) {
	slices.SortFunc(s, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(a.From, b.From), cmp.Compare(a.Node, b.Node))
	})
}
