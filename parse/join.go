package parse

import (
	"slices"
	"strings"
	"time"

	"flapwatch/event"
)

// Joiner puts messages together that were sent in several parts, which CiscoLog marks with the tag part=FIRST.N/TOTAL, FIRST
// being the sequence number of the first part. It holds the parts of at most so many messages, each of at most 64 KiB, 16 MiB in all; what
// is beyond that, and what waits for longer than the limit, is given out incomplete. It is for one goroutine, and gives the same
// answers when it is shown the same parts at the same times again.
type Joiner struct {
	limit   time.Duration
	max     int
	bytes   int      // of all parts
	pending []*parts // in the order in which they began
}

// Joined is a message made of its parts, or of those that came.
type Joined struct {
	Raw      string // the first part, with the tags and the text of the others that it does not have itself
	Source   string // of the part that came first
	Received time.Time
	Position uint64 // of the part that came first
	Parts    int    // how many parts are in it
	Complete bool
}

// Limits of one message.
const (
	maxParts     = 64
	maxPartBytes = 64 << 10
)

// maxHeld is how many bytes of records wait for others at the most.
const maxHeld = 16 << 20

// parts are those of one message.
type parts struct {
	host, process string
	first         uint64
	total         int
	part          []part // by number
	bytes         int
	source        string
	received      time.Time
	began         time.Time
	position      uint64
}

// part is one part: what of its record comes before the text, the text, and its tags.
type part struct {
	number     int
	head, text string
	tags       []event.Tag
}

// NewJoiner makes a Joiner that waits for the rest of a message for limit and holds max messages.
func NewJoiner(limit time.Duration, max int) *Joiner {
	return &Joiner{limit: limit, max: max}
}

// Add takes a record whose event has a Part. It gives the messages that are ready now: the one to which the part belonged, if
// it was the last that was missing, and one that had to make room. repeated tells that the same part is held already, and that
// this copy was dropped. The position is the caller's; now is best the receive time, so that a second run over the same
// records gives the same messages.
func (j *Joiner) Add(e *event.Event, position uint64, now time.Time) (ready []Joined, repeated bool) {
	first, n, total, ok := partOf(e.Part)
	if !ok || total == 1 {
		return []Joined{{e.Raw, e.Source, e.Received, position, 1, ok}}, false
	}
	i := slices.IndexFunc(j.pending, func(p *parts) bool {
		return p.first == first && p.total == total && p.host == e.Host && p.process == e.AppID
	})
	if i < 0 {
		if len(j.pending) >= j.max {
			ready = append(ready, j.take(0))
		}
		i = len(j.pending)
		j.pending = append(j.pending, &parts{
			host: strings.Clone(e.Host), process: strings.Clone(e.AppID), first: first, total: total,
			source: strings.Clone(e.Source), received: e.Received, began: now, position: position,
		})
	}
	p := j.pending[i]
	before := p.bytes
	if !p.add(e, n) {
		return ready, true
	}
	j.bytes += p.bytes - before
	if len(p.part) == total || p.bytes > maxPartBytes {
		ready = append(ready, j.take(i))
	}
	for j.bytes > maxHeld {
		ready = append(ready, j.take(0))
	}
	return ready, false
}

// Expire gives the messages that waited too long.
func (j *Joiner) Expire(now time.Time) []Joined {
	var ready []Joined
	for len(j.pending) > 0 && now.Sub(j.pending[0].began) >= j.limit {
		ready = append(ready, j.take(0))
	}
	return ready
}

// Take gives the messages whose first part came from a source that which chooses, for the end of a file.
func (j *Joiner) Take(which func(source string) bool) []Joined {
	var ready []Joined
	for i := 0; i < len(j.pending); {
		if which(j.pending[i].source) {
			ready = append(ready, j.take(i))
		} else {
			i++
		}
	}
	return ready
}

// Oldest is the position of the message that waits longest, if any does, and when it began to: what lies before it is decided.
func (j *Joiner) Oldest() (position uint64, began time.Time, ok bool) {
	if len(j.pending) == 0 {
		return 0, time.Time{}, false
	}
	return j.pending[0].position, j.pending[0].began, true
}

func (j *Joiner) take(i int) Joined {
	p := j.pending[i]
	j.pending = slices.Delete(j.pending, i, i+1)
	j.bytes -= p.bytes
	return p.join()
}

// partOf reads "16.1/3".
func partOf(s string) (first uint64, n, total int, ok bool) {
	seq, rest, _ := strings.Cut(s, ".")
	which, of, _ := strings.Cut(rest, "/")
	first, a := number(seq, 1<<32)
	i, b := number(which, maxParts+1)
	t, c := number(of, maxParts+1)
	return first, int(i), int(t), a && b && c && i >= 1 && i <= t
}

// add keeps a copy of a part, unless it has it already.
func (p *parts) add(e *event.Event, n int) bool {
	i, has := slices.BinarySearchFunc(p.part, n, func(a part, n int) int { return a.number - n })
	if has {
		return false
	}
	raw := strings.Clone(strings.TrimRight(e.Raw, "\r\n\x00"))
	cut := textStart(raw, e.Text)
	own := part{number: n, head: raw[:cut], text: raw[cut:]}
	for _, t := range e.Tags {
		own.tags = append(own.tags, event.Tag{Key: strings.Clone(t.Key), Value: strings.Clone(t.Value), Unknown: t.Unknown})
	}
	p.part = slices.Insert(p.part, i, own)
	p.bytes += len(raw)
	return true
}

// textStart is where the text of raw begins: behind the colon of the tag list and one space. The parser takes all spaces off,
// but here they may stand between two words.
func textStart(raw, text string) int {
	end := trimEnd(raw)
	if !strings.HasSuffix(end, text) {
		return len(raw)
	}
	i := len(end) - len(text)
	for i > 2 && raw[i-1] == ' ' && raw[i-2] == ' ' {
		i--
	}
	return i
}

// join makes one record of the parts.
func (p *parts) join() Joined {
	var raw strings.Builder
	head := p.part[0].head
	list := strings.LastIndexByte(head, ']') + 1
	raw.WriteString(head[:list])
	for _, other := range p.part[1:] {
		for _, t := range other.tags {
			if !slices.ContainsFunc(p.part[0].tags, func(own event.Tag) bool { return own.Key == t.Key }) {
				p.part[0].tags = append(p.part[0].tags, t)
				raw.WriteString("[" + t.Key + "=" + escape.Replace(t.Value) + "]")
			}
		}
	}
	raw.WriteString(head[list:])
	for _, part := range p.part {
		raw.WriteString(part.text)
	}
	return Joined{raw.String(), p.source, p.received, p.position, len(p.part), len(p.part) == p.total}
}

// escape is the escaping that CiscoLog asks for in values.
var escape = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`)
