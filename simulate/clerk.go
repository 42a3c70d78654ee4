package simulate

import (
	"math/rand/v2"
	"time"
)

// clerk is an administrator who changes a phone's record now and then. The lines come from another
// process of the first node, with numbers of its own, and are no alarms of phones.
type clerk struct {
	source *source
	rng    *rand.Rand
}

// betweenChanges is the mean time between two changes in busy hours.
const betweenChanges = 40 * time.Minute

func (c *clerk) act(p *play, at time.Duration) (time.Duration, error) {
	touched := p.phones[c.rng.IntN(len(p.phones))]
	err := p.wire.send(message{audit, at, c.source, touched, 0}, nil)
	return c.again(p, at), err
}

// again is when the next change comes.
func (c *clerk) again(p *play, at time.Duration) time.Duration {
	for {
		at += time.Duration(c.rng.ExpFloat64() * float64(betweenChanges))
		if c.rng.Float64() < p.zone.busy(at) {
			return at.Truncate(time.Millisecond)
		}
	}
}
