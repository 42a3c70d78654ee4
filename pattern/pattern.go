// Package pattern finds what repeats in event times: periods, flapping, sessions, failover and outages. Pure numbers go
// in, findings come out: it knows no alarms, no database and no clock, and the same input gives the same answer.
//
// Periods start at Find (one series) and Scan (a fleet of them). The method is a local alignment of the events with a
// train of gaps: candidate periods come from pairwise differences (candidates.go), a dynamic program finds the best chain
// of events that lie whole numbers of periods apart (chain.go), each link weighed against the density of pairs that the
// series shows anyway around that distance (null.go). The log-likelihood ratio, less the price of the search (price.go),
// is a score S in nats with p = exp(−S).
package pattern

import (
	"time"

	"flapwatch/event"
)

// LeastEvents of a series that can have a period.
const LeastEvents = 4

// Kind says how a period keeps its time.
type Kind string

const (
	Renewal Kind = "renewal" // every cycle starts when the last one ended: a timer; the phase wanders
	Clock   Kind = "clock"   // every cycle is due at a fixed phase: a schedule
	Unknown Kind = "unknown" // too few events to tell
)

// Input is one series and what is known about it. Only Times is required.
type Input struct {
	Times      []int64        // Unix milliseconds, in any order; not modified
	Window     event.Window   // what was observed; zero: from the first event to the last
	Resolution time.Duration  // of the collector's clock; zero: read from the times
	Prior      float64        // share of series with a pattern, in (0,1); zero: 0.5
	Location   *time.Location // for schedules in local time; nil: UTC
	Max        int            // most findings; zero: 4
}

// Result is the answer about one series.
type Result struct {
	Posterior float64   // probability that there is a pattern at all
	Findings  []Finding // p ≤ 0.05, best first; may be empty
}

// Finding is one period with its evidence. Times are Unix milliseconds, lengths of time seconds.
type Finding struct {
	Kind                          Kind
	Period, PeriodLow, PeriodHigh float64 // with a 95 % interval
	Jitter                        float64 // standard deviation of one cycle
	Score                         float64 // S in nats; it goes on where PValue has no more digits
	PValue                        float64 // exp(−S), at least 1e-300: chance of as much order in a series without a pattern
	Posterior                     float64
	Events                        int // events that belong to the pattern
	CyclesExpected, CyclesSeen    int
	Missed                        int // cycles without an event
	Extra                         int // events in the pattern's time that do not belong to it
	PerCycle                      int // events in one cycle
	First, Last                   int64
	NextExpected                  int64
	NextSD                        float64
	Segments                      [][2]int64 // first and last event of each uninterrupted stretch
	Members                       []int      // positions in the sorted times
	Warnings                      []string

	pace pace
}

// Confidence is the tier in which a finding is shown.
type Confidence string

const (
	Alarm  Confidence = "alarm"
	Likely Confidence = "likely"
	Hint   Confidence = "hint"
)

// Confidence of f: alarm from p ≤ 1e-4 and five events on, likely from p ≤ 1e-3, hint above.
func (f Finding) Confidence() Confidence {
	switch {
	case f.PValue <= 1e-4 && f.Events >= 5:
		return Alarm
	case f.PValue <= 1e-3:
		return Likely
	}
	return Hint
}
