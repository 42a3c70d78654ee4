package simulate

import (
	"time"

	"flapwatch/keepalive"
)

// Ids of periodic causes, as in the catalogue of reasons.
const (
	firstPacketLoss = "sip-refresh-first-packet-loss"
	proxyARP        = "proxy-arp"
)

// trouble is one end of a registration and how the phone comes back from it. Instants are times
// since the beginning of the play.
type trouble struct {
	at     time.Duration // when the home node reports the end
	reason uint8
	notice kind          // resetInitiated or restartInitiated shortly before, 0 for none
	backup time.Duration // then: until registered on the backup node; 0, the phone waits for its home
	stay   time.Duration // then: on the backup node
	home   time.Duration // then: until registered at home
	outage *Outage       // the outage that it is part of, nil for none
}

// end is when the phone is at home again.
func (t trouble) end() time.Duration { return t.at + t.backup + t.stay + t.home }

// habit is what befalls a phone: the next trouble of p, which is registered at home since up.
type habit interface {
	next(p *phone, up time.Duration) trouble
	lead() time.Duration // before the beginning of the play p was registered at home for at most so long
}

// settle is how long a registration lasts at least.
const settle = 5 * time.Second

// failover lets the trouble t of p end by way of the backup node.
func (t trouble) failover(p *phone, timers keepalive.SIP) trouble {
	t.backup = p.between(seconds(timers.Reregister.Low), seconds(timers.Reregister.High))
	t.stay = seconds(timers.Fallback) + p.between(0, 500*time.Millisecond)
	t.home = p.between(200*time.Millisecond, 1500*time.Millisecond)
	return t
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// sixteen is the cycle of the SIP refreshes that lose their first packet.
type sixteen struct {
	timers     keepalive.SIP
	registered time.Duration
}

// jitter is by how much the registered time of a cycle deviates: a few tenths of a second.
const jitter = 300 * time.Millisecond

func newSixteen(firstRetry float64) sixteen {
	timers := keepalive.DefaultSIP()
	timers.FirstRetry = firstRetry
	p, err := keepalive.Cycle(timers)
	if err != nil {
		panic("simulate: " + err.Error()) // the scenarios' own numbers
	}
	return sixteen{timers, seconds(p.Registered)}
}

func (s sixteen) lead() time.Duration { return s.registered }

func (s sixteen) next(p *phone, up time.Duration) trouble {
	return trouble{at: up + p.about(s.registered, jitter), reason: 13}.failover(p, s.timers)
}

// arpRace is a firewall that answers ARP in the node's place. The phone asks again whenever its
// entry ends, and now and then the wrong answer wins. Traffic and a full table end entries early or
// late: after a quarter of the lifetime at the earliest, then at any time, so that no clean period is
// left.
type arpRace struct {
	lifetime time.Duration
}

// arpLoses is how often the wrong answer wins.
const arpLoses = 0.3

func (a arpRace) lead() time.Duration { return a.lifetime }

func (a arpRace) next(p *phone, up time.Duration) trouble {
	at := up
	for {
		at += a.lifetime/4 + time.Duration(p.rng.ExpFloat64()*0.75*float64(a.lifetime))
		if p.rng.Float64() < arpLoses {
			return trouble{at: at, reason: 13, home: p.between(20*time.Second, 80*time.Second)}
		}
	}
}
