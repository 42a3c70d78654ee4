package main

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"flapwatch/event"
)

// Shares of the devices that do more than come and go in office hours.
const (
	sixteenMinute = 0.003 // lost every 963 s by the primary, home from the secondary after 120 s
	nightly       = 0.002 // reset every night at three
)

const (
	registeredMean = 963 * time.Second // of a sixteen-minute phone
	away           = 122 * time.Second // until it is back on its primary
)

// phone is one device of the population and what it does next.
type phone struct {
	name, ip, description string
	primary, secondary    int
	habit                 habit
	at                    time.Time // of its next event
	step                  int       // in its cycle
}

type habit uint8

const (
	ordinary habit = iota
	periodic
	planned
)

// population makes the events of a fleet in the order of time: the phones of both seed cases among many that are lost now and then,
// mostly in office hours, and an outage of a subnet every ten days.
type population struct {
	random *rand.Rand
	phones phones
	gap    time.Duration // of an ordinary phone, mean between two losses in office hours
	seq    [2]uint32
	row    event.Row
	raw    []byte
	mute   bool // events are not written: those that are stored already
}

var nodes = [...]string{"ucm-01", "ucm-02"}

// newPopulation makes devices that have about so many events between from and until.
func newPopulation(devices, events int, from, until time.Time) *population {
	p := &population{random: rand.New(rand.NewPCG(1, 2)), seq: [...]uint32{1_000_000_000, 2_000_000_000}}
	length := until.Sub(from)
	regular := float64(devices)*sixteenMinute*4*length.Seconds()/(registeredMean+away).Seconds() + float64(devices)*nightly*2*length.Hours()/24
	losses := max(1, (float64(events)-regular)/2/float64(devices))
	p.gap = time.Duration(float64(length) * busyShare / losses)
	for i := range devices {
		h := &phone{
			name: fmt.Sprintf("SEP%012X", 0xE0D173000000+i), ip: fmt.Sprintf("10.%d.%d.%d", 60+i/62500, i/250%250, 1+i%250),
			description: fmt.Sprintf("Room %d desk %d", i/8, i%8), primary: i % 2, secondary: 1 - i%2,
		}
		switch kind := float64(i%1000) / 1000; {
		case kind < sixteenMinute:
			h.habit, h.at = periodic, from.Add(time.Duration(p.random.Int64N(int64(registeredMean))))
		case kind < sixteenMinute+nightly:
			h.habit, h.at = planned, p.night(from)
		default:
			h.at = p.later(from.Add(-time.Duration(p.random.Float64() * float64(time.Hour))))
		}
		p.phones = append(p.phones, h)
	}
	for at := from.Add(length / 6); at.Before(until); at = at.Add(length / 3) {
		p.outage(at)
	}
	heap.Init(&p.phones)
	return p
}

// busyShare of all hours are counted as office hours: 9 h on five days, and a tenth of the others.
const busyShare = (9*5 + (7*24-9*5)*0.1) / (7 * 24)

func busy(t time.Time) bool {
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && t.Hour() >= 8 && t.Hour() < 17
}

// later is the next loss of an ordinary phone (thinning, Lewis and Shedler 1979).
func (p *population) later(t time.Time) time.Time {
	for {
		t = t.Add(time.Minute + time.Duration(p.random.ExpFloat64()*float64(p.gap)))
		if busy(t) || p.random.Float64() < 0.1 {
			return t
		}
	}
}

func (p *population) night(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+1, 3, 0, 0, 0, time.UTC).Add(time.Duration(p.random.Float64() * float64(40*time.Second)))
}

// outage takes the ordinary phones of one subnet down at once.
func (p *population) outage(at time.Time) {
	subnet := p.random.IntN(max(1, len(p.phones)/250)) * 250
	for _, h := range p.phones[subnet:min(subnet+250, len(p.phones))] {
		if h.habit == ordinary {
			h.at = at.Add(time.Duration(p.random.Float64() * float64(20*time.Second)))
		}
	}
}

// next gives the next event. It is overwritten by the one after.
func (p *population) next() *event.Row {
	h := p.phones[0]
	at := h.at
	noise := time.Duration(p.random.NormFloat64() * float64(time.Second))
	switch {
	case h.habit == periodic && h.step == 0: // the primary's timer ran out
		p.write(h, at, h.primary, 13)
		h.at, h.step = at.Add(2*time.Second), 1
	case h.habit == periodic && h.step == 1:
		p.write(h, at, h.secondary, registered)
		h.at, h.step = at.Add(away-2*time.Second+noise/10), 2
	case h.habit == periodic && h.step == 2: // going home
		p.write(h, at, h.secondary, 28)
		h.at, h.step = at.Add(200*time.Millisecond), 3
	case h.step%2 == 1:
		p.write(h, at, h.primary, registered)
		h.step = 0
		switch h.habit {
		case periodic:
			h.at = at.Add(registeredMean + 3*noise)
		case planned:
			h.at = p.night(at)
		default:
			h.at = p.later(at)
		}
	case h.habit == planned:
		p.write(h, at, h.primary, 9)
		h.at, h.step = at.Add(42*time.Second+noise), 1
	default:
		p.write(h, at, h.primary, [...]int{13, 13, 13, 6, 10, 16}[p.random.IntN(6)])
		h.at, h.step = at.Add(5*time.Second+time.Duration(p.random.ExpFloat64()*float64(time.Minute))), 1
	}
	heap.Fix(&p.phones, 0)
	return &p.row
}

const registered = -1 // in place of a reason

// write fills p.row, as the parser and the catalogue would from the line that it writes.
func (p *population) write(h *phone, at time.Time, node, reason int) {
	e := &p.row
	e.Reset()
	if p.mute {
		e.Time = at.Truncate(time.Millisecond)
		p.seq[node]++
		return
	}
	e.Names = event.Names{Role: event.Down, Expected: reason == 28 || reason == 9, Model: "Cisco 3905"}
	p.seq[node]++
	e.Time, e.TimeSource, e.Received = at.Truncate(time.Millisecond), event.FromMessage, at.Add(40*time.Millisecond).Truncate(time.Millisecond)
	e.Seq, e.HasSeq, e.Host, e.Node, e.Source, e.Cluster, e.AppID = p.seq[node], true, nodes[node], nodes[node], "10.0.0."+nodes[node][5:], "Campus", "Cisco CallManager"
	e.PRI, e.HasPRI, e.Facility, e.Severity, e.Alarm, e.Text = 187, true, "UC_CALLMANAGER", 3, "EndPointUnregistered", "An endpoint has unregistered"
	e.Device, e.IP, e.Description, e.Protocol, e.DeviceType, e.HasDeviceType = h.name, h.ip, h.description, "SIP", 592, true
	switch reason {
	case registered:
		e.PRI, e.Severity, e.Alarm, e.Text, e.Role = 190, 6, "EndPointRegistered", "An endpoint registered", event.Up
	case 13:
		e.Signal, e.Names.Reason = "SIPStationDPrimaryLineTimeout", "KeepAliveTimeout"
	default:
		e.Signal = "SIPRegisterInd"
	}
	e.Tags = append(e.Tags, event.Tag{Key: "DeviceName", Value: h.name}, event.Tag{Key: "IPAddress", Value: h.ip}, event.Tag{Key: "Protocol", Value: e.Protocol},
		event.Tag{Key: "DeviceType", Value: "592"}, event.Tag{Key: "Description", Value: h.description})
	if reason != registered {
		e.Event.Reason, e.HasReason = uint32(reason), true
		e.Tags = append(e.Tags, event.Tag{Key: "Reason", Value: strconv.Itoa(reason)}, event.Tag{Key: "LastSignalReceived", Value: e.Signal})
	}
	e.Tags = append(e.Tags, event.Tag{Key: "AppID", Value: e.AppID}, event.Tag{Key: "ClusterID", Value: e.Cluster}, event.Tag{Key: "NodeID", Value: e.Node})
	b := fmt.Appendf(p.raw[:0], "<%d>%d: %s: ", e.PRI, e.Seq, e.Host)
	from := len(b)
	b = e.Time.AppendFormat(b, "Jan 02 2006 15:04:05.000 UTC")
	to := len(b)
	b = fmt.Appendf(b, " :  %%UC_CALLMANAGER-%d-%s: %%", e.Severity, e.Alarm)
	for _, tag := range e.Tags {
		b = fmt.Appendf(b, "[%s=%s]", tag.Key, tag.Value)
	}
	b = fmt.Appendf(b, ": %s", e.Text)
	p.raw, e.Raw = b, string(b)
	e.Claimed = e.Raw[from:to]
	e.Identify(event.Alarm, "")
}

// phones are a heap by the time of the next event.
type phones []*phone

func (p phones) Len() int           { return len(p) }
func (p phones) Less(i, j int) bool { return p[i].at.Before(p[j].at) }
func (p phones) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *phones) Push(x any)        { *p = append(*p, x.(*phone)) }
func (p *phones) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
