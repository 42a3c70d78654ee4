package simulate

import "time"

// play is a story while it is told: everybody in it has exactly one next moment, and the earliest
// comes next. So memory goes with the phones, not with the lines.
type play struct {
	from  time.Time
	zone  zone
	until time.Duration
	seed  uint64

	wire      *wire
	sources   []*source
	phones    []*phone
	schedules []*schedule
	queue     queue
}

// actor is somebody in the play. act does what is due and says when to come again, never before at.
type actor interface {
	act(p *play, at time.Duration) (time.Duration, error)
}

// step is what a phone does next.
type step uint8

const (
	warn  step = iota // the administrator's order is reported
	fall              // the registration at home ends
	move              // registers on the backup node
	leave             // leaves the backup node
	come              // registers at home
)

func newPlay(o Options, s script, w *wire) *play {
	p := &play{from: w.from, zone: zone{w.from}, until: o.Until.Sub(w.from), seed: o.Seed, wire: w}
	rng := stream(o.Seed, 1<<41)
	var nodes []*source
	for _, name := range nodeNames {
		nodes = append(nodes, newSource(name, "Cisco CallManager", rng))
	}
	p.sources = nodes
	for i, count := range split(o.Phones, s.groups) {
		h := s.groups[i].habit(p)
		for range count {
			p.phones = append(p.phones, newPhone(len(p.phones), o.Seed, s.groups[i], h, nodes))
		}
	}
	for _, ph := range p.phones {
		p.queue.add(ph.begin(), ph)
	}
	if s.clerk {
		c := &clerk{source: newSource(nodeNames[0], "Cisco Tomcat", rng), rng: stream(o.Seed, 1<<40)}
		p.sources = append(p.sources, c.source)
		p.queue.add(c.again(p, 0), c)
	}
	return p
}

// patience is how many turns pass before somebody asks whether to stop.
const patience = 256

// run tells the story to its end.
func (p *play) run() (Truth, error) {
	for turn := 0; p.queue.first() < p.until; turn++ {
		if turn%patience == 0 && p.wire.ctx.Err() != nil {
			return p.truth(), p.wire.ctx.Err()
		}
		at := p.queue.first()
		next, err := p.queue.who().act(p, at)
		if err != nil {
			return p.truth(), err
		}
		p.queue.again(max(at, next.Truncate(time.Millisecond)))
	}
	return p.truth(), nil
}

func (p *play) truth() Truth {
	t := Truth{Lines: p.wire.lines, Lost: p.wire.lost, Devices: make([]DeviceTruth, 0, len(p.phones))}
	for _, ph := range p.phones {
		t.Devices = append(t.Devices, ph.truth())
	}
	for _, s := range p.schedules {
		t.Outages = append(t.Outages, s.told()...)
	}
	for _, s := range p.sources {
		t.Sources = append(t.Sources, s.truth())
	}
	return t
}

// begin lets p be at home for a while when the play starts, and gives the first moment of its story.
func (p *phone) begin() time.Duration {
	p.tally = newTally()
	for {
		at := p.expect(-p.between(0, p.habit.lead()))
		if at >= 0 {
			return at.Truncate(time.Millisecond)
		}
	}
}

// expect asks for the next trouble of p, at home since up, and gives its first moment.
func (p *phone) expect(up time.Duration) time.Duration {
	p.plan = p.habit.next(p, up)
	p.step = fall
	if p.plan.notice == 0 {
		return p.plan.at
	}
	p.step = warn
	return p.plan.at - time.Second
}

// act tells the next line about p.
func (p *phone) act(s *play, at time.Duration) (time.Duration, error) {
	t := &p.plan
	switch p.step {
	case warn:
		p.step = fall
		return t.at, s.wire.send(message{t.notice, at, p.home, p, 0}, p)
	case fall:
		return p.fall(s, at)
	case move:
		p.step = leave
		return at + t.stay, s.wire.send(message{registered, at, p.backup, p, 0}, p)
	case leave:
		p.step = come
		return at + t.home, s.wire.send(message{unregistered, at, p.backup, p, fallbackInitiated}, p)
	default:
		p.up = at
		err := s.wire.send(message{registered, at, p.home, p, 0}, p)
		return p.expect(at), err
	}
}

// fallbackInitiated is the reason that a node gives when a phone leaves it for one of higher priority.
const fallbackInitiated = 28

// fall ends the registration at home.
func (p *phone) fall(s *play, at time.Duration) (time.Duration, error) {
	t := &p.plan
	p.fell(at)
	if t.outage != nil {
		t.outage.Devices++
	}
	err := s.wire.send(message{unregistered, at, p.home, p, t.reason}, p)
	if t.backup > 0 {
		p.step = move
		return at + t.backup, err
	}
	p.step = come
	return at + t.home, err
}
