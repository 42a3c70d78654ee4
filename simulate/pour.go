package simulate

import (
	"fmt"
	"time"
)

// pour runs the flood as a scenario: one line a millisecond, with loss and truth as for the others.
func pour(o Options, w *wire) (Truth, error) {
	p := &pouring{wire: w, flood: NewFlood(o.Seed, w.from, time.Millisecond, o.Phones)}
	p.devices = make([]tally, p.flood.devices)
	for n, node := range nodeNames {
		first := uint32(p.flood.seq(uint64(n)))
		p.sources[n] = &source{node: node, process: "Cisco CallManager", first: first}
	}
	for turn := 0; p.flood.at().Before(o.Until); turn++ {
		if turn%patience == 0 && w.ctx.Err() != nil {
			return p.truth(), w.ctx.Err()
		}
		if err := p.next(); err != nil {
			return p.truth(), err
		}
	}
	return p.truth(), nil
}

// pouring is a flood under way.
type pouring struct {
	wire    *wire
	flood   *Flood
	devices []tally
	sources [len(nodeNames)]*source
}

// next makes a line and hands it on, or loses it.
func (p *pouring) next() error {
	at, n := p.flood.at(), p.flood.n
	p.wire.buf = p.flood.Next(p.wire.buf[:0])
	s, about := p.sources[n%uint64(len(nodeNames))], &p.devices[p.flood.device(p.flood.dice(n))]
	if p.wire.loses(s, about) {
		return nil
	}
	return p.wire.pass(at, s, about)
}

func (p *pouring) truth() Truth {
	t := Truth{Lines: p.wire.lines, Lost: p.wire.lost}
	for i, d := range p.devices {
		t.Devices = append(t.Devices, DeviceTruth{
			Device: fmt.Sprintf("SEPE0D173%06X", i), Cluster: clusterID, Protocol: "SIP",
			Alarms: int(d.lines + d.lost), Lines: d.lines, Lost: d.lost,
		})
	}
	for _, s := range p.sources {
		t.Sources = append(t.Sources, s.truth())
	}
	return t
}
