package simulate

import (
	"math"
	"time"
)

// queue is a binary heap of everybody's next moment. Of equal moments, who was added first comes
// first, so that the order never depends on chance.
type queue []moment

type moment struct {
	at    time.Duration
	order int
	actor actor
}

func (m moment) before(n moment) bool {
	return m.at < n.at || m.at == n.at && m.order < n.order
}

// first is the earliest moment; an empty queue has none before the end of time.
func (q queue) first() time.Duration {
	if len(q) == 0 {
		return math.MaxInt64
	}
	return q[0].at
}

// who acts first.
func (q queue) who() actor { return q[0].actor }

// add takes in an actor.
func (q *queue) add(at time.Duration, a actor) {
	h := append(*q, moment{at, len(*q), a})
	*q = h
	for i := len(h) - 1; i > 0 && h[i].before(h[(i-1)/2]); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

// again moves the first actor to its next moment.
func (q queue) again(at time.Duration) {
	m := q[0]
	m.at = at
	i := 0
	for {
		child := 2*i + 1
		if child >= len(q) {
			break
		}
		if child+1 < len(q) && q[child+1].before(q[child]) {
			child++
		}
		if !q[child].before(m) {
			break
		}
		q[i] = q[child]
		i = child
	}
	q[i] = m
}
