package simulate

import (
	"bytes"
	"strings"
	"time"
)

// Flood makes unregistrations as fast as memory can be written: lines of about 404 bytes in which
// device, address, reason, node and time vary, and no two of which are the same event.
//
// Two nodes take turns. The numbers of each are consecutive, and no number is used by both: the
// first node begins at FloodFirst, the second at 2·FloodFirst.
type Flood struct {
	n       uint64 // lines so far
	seed    uint64
	devices uint64
	from    time.Time
	step    time.Duration
	stamp   [stampLength]byte
	second  int64
	forms   [len(nodeNames)][len(floodReasons)]form
}

// FloodFirst is the first sequence number of the first node. All numbers have ten digits.
const FloodFirst = 1_000_000_000

// floodReasons are sent at severity 3, so that the level makes no difference.
var floodReasons = [...]uint8{13, 6, 10, 28, 16, 23, 13, 13}

// form is a line with places to be filled in.
type form struct {
	text                   []byte
	seq, time, device, ips int
}

// Lengths of what is filled in.
const (
	seqLength   = len("1000000000")
	stampLength = len("Jul 02 2015 06:22:31.123")
	digits      = "0123456789ABCDEF"
)

// floodDescription makes the lines as long as they are said to be, and is no easy reading.
const floodDescription = "Halle 4 [Tor 12]: Süd"

// NewFlood makes lines of that many devices, at most 2^24, the first at from, one every step.
func NewFlood(seed uint64, from time.Time, step time.Duration, devices int) *Flood {
	f := &Flood{seed: seed, devices: uint64(max(1, min(devices, 1<<24))), from: from.Truncate(time.Millisecond), step: step}
	for n, node := range nodeNames {
		for r, reason := range floodReasons {
			f.forms[n][r] = newForm(node, reason)
		}
	}
	f.second = f.from.Unix() - 1 // so that the first line writes the stamp
	return f
}

// newForm lets an ordinary alarm be written and finds the places in it.
func newForm(node string, reason uint8) form {
	const device, ip = "SEPE0D173000000", "10.60.100.100"
	signal := lastSignal(reason)
	fill := strings.Repeat(".", len("SIPStationDPrimaryLineTimeout")-len(signal))
	p := &phone{name: device, ip: ip, description: floodDescription + fill, model: deskSIP[1]}
	m := message{unregistered, 0, &source{node: node, host: node + domain, process: "Cisco CallManager"}, p, reason}
	at := time.Unix(0, 0)
	text := m.append(nil, FloodFirst, m.severity(), at, &stamp{})
	find := func(part string) int { return bytes.Index(text, []byte(part)) }
	return form{text, find("1000000000"), find("Jan 01 1970"), find("000000][IPAddress"), find("100.100]")}
}

// dice of the n-th line decide its device and its reason.
func (f *Flood) dice(n uint64) uint64 { return mix(n + f.seed) }

// device is the number of the device that dice speak of, evenly below devices.
func (f *Flood) device(dice uint64) uint64 { return (dice >> 32) * f.devices >> 32 }

// Next appends the next line to buf, without framing.
func (f *Flood) Next(buf []byte) []byte {
	node, dice := f.n%uint64(len(nodeNames)), f.dice(f.n)
	form := &f.forms[node][dice%uint64(len(floodReasons))]
	f.advance()
	start := len(buf)
	buf = append(buf, form.text...)
	line := buf[start:]
	putDecimal(line[form.seq:form.seq+seqLength], f.seq(f.n))
	copy(line[form.time:], f.stamp[:])
	device := f.device(dice)
	putHex(line[form.device:form.device+6], device)
	putDecimal(line[form.ips+1:form.ips+3], device/100%100)
	putDecimal(line[form.ips+5:form.ips+7], device%100)
	f.n++
	return buf
}

// Count is how many lines Next has made.
func (f *Flood) Count() uint64 { return f.n }

// seq is the sequence number of the n-th line.
func (f *Flood) seq(n uint64) uint64 {
	nodes := uint64(len(nodeNames))
	return FloodFirst*(1+n%nodes) + n/nodes
}

// at is the time of the next line.
func (f *Flood) at() time.Time { return f.from.Add(time.Duration(f.n) * f.step) }

// advance sets the stamp to the next line's time.
func (f *Flood) advance() {
	at := f.at()
	if u := at.Unix(); u != f.second {
		f.second = u
		at.UTC().AppendFormat(f.stamp[:0], "Jan 02 2006 15:04:05.")
	}
	putDecimal(f.stamp[stampLength-3:], uint64(at.Nanosecond())/uint64(time.Millisecond))
}

// putDecimal fills b with the digits of v.
func putDecimal(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
}

// putHex fills b with the hexadecimal digits of v.
func putHex(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = digits[v&15]
		v >>= 4
	}
}

// mix spreads n over 64 bits (the finaliser of SplitMix64, Steele and others 2014).
func mix(n uint64) uint64 {
	n += 0x9E3779B97F4A7C15
	n = (n ^ n>>30) * 0xBF58476D1CE4E5B9
	n = (n ^ n>>27) * 0x94D049BB133111EB
	return n ^ n>>31
}
