// Package parse turns the bytes of one record into an event.Event: CUCM alarms in whatever envelope they come (straight from
// a service, through the Syslog Agent, through a relay, out of a syslog file, an Event Viewer export or a trace), and enough of
// everything else that arrives on the same port to count it by program.
//
// It says what was sent and never what it means: codes, signals and device types are decoded in the reasons room. It opens no
// files and no archives and splits no streams; Records cuts a text file into records, and Joiner puts messages together that
// were sent in several parts.
//
// Start with Parser.Parse. The shape of a message, from outside in:
//
//	[octet count] [<PRI>] [relay or agent envelope] [SEQ ": "] [HOST ": "] TIME " : %" FACILITY "-" SEVERITY "-" NAME ": %" [key=value]... ": " TEXT
//
// The grammar is CiscoLog of the Managed Services Guide for Cisco Unified Communications Manager 12.5(1), widened by what
// public samples show; testdata holds them.
package parse

import (
	"fmt"
	"strings"
	"time"

	"flapwatch/event"
)

// Context is what is known about a record from outside.
type Context struct {
	Received time.Time      // when it was taken in
	Source   string         // peer address or file name
	Zone     *time.Location // for times without a zone; nil is UTC, which CUCM uses
}

// Error says which part of a record could not be understood.
type Error struct {
	Offset int    // byte of the record, from 0
	What   string // "header: the name of the alarm is cut"
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.What) }

// Parser reads records. Use one per goroutine: Clone is cheap.
type Parser struct {
	keys    *keys // shared, never changed
	relay   relays
	day     day
	hosts   hosts
	headers headers
	endings endings
}

// New makes a Parser that knows keys as the names of alarm parameters ("DeviceName"). Other keys are understood too; the known
// ones tell where a free text ends that contains brackets itself, and what a label of an old flat message means.
func New(known []string) *Parser {
	return &Parser{keys: newKeys(known), relay: newRelays()}
}

// Clone gives a Parser for another goroutine.
func (p *Parser) Clone() *Parser {
	return &Parser{keys: p.keys, relay: newRelays()}
}

// Parse fills e from raw, whose bytes must not change afterwards: the strings of e are parts of it wherever that is possible.
//
// The error is not nil exactly when the status is event.Unparsed; it is an *Error then, and e holds whatever was understood.
func (p *Parser) Parse(raw string, at Context, e *event.Event) (event.Status, error) {
	return p.parse(raw, at, e, false)
}

// parse is Parse, without the short ways if that is asked for: tests compare the two.
func (p *Parser) parse(raw string, at Context, e *event.Event, slow bool) (event.Status, error) {
	e.Reset()
	e.Raw, e.Source, e.Received = raw, at.Source, at.Received.UTC()
	e.Time = e.Received
	var r record
	r.p, r.e, r.zone, r.s, r.slow = p, e, at.Zone, trimEnd(raw), slow
	status, err := r.read()
	if e.Node == "" && e.Host != unknownHost {
		e.Node = e.Host
	}
	if err != nil {
		return event.Unparsed, err
	}
	return status, nil
}

// record is the work on one record.
type record struct {
	p    *Parser
	e    *event.Event
	zone *time.Location // Context.Zone

	s     string // the record without what framing left at its end
	start int    // where s begins behind octet count and PRI
	coded bool   // OpenNMS wrote it
	plain bool   // values can be taken as they are: see isPlain
	slow  bool   // no short ways

	enveloped bool // something stood between PRI and header

	layout     event.Layout // of what was read so far, 0 if there is none
	seen       uint32       // the fields for which a tag was read, by bit
	described  int          // where the value of a Description without a Reason before it begins
	twice      bool         // a field came twice behind a Description
	apart      bool         // the Reason does not stand directly behind the Description
	cutKey     bool         // the record ends inside a key
	lesser     uint32       // the fields that a parameter of lesser rank filled, by bit
	lastReason int          // the ']' before the last Reason, once it matters
}

// unknownHost is sent by a node that does not know its own name.
const unknownHost = "0.0.0.0"

// read takes the short way for alarms straight from their service, and the general way for everything else.
func (r *record) read() (event.Status, *Error) {
	var h header
	if !r.slow && r.direct(&h) {
		return r.body(&h)
	}
	return r.general()
}

// general tries the shapes from the most telling to the least.
func (r *record) general() (event.Status, *Error) {
	r.skipFraming()
	if r.start >= len(r.s) {
		return event.Unparsed, &Error{r.start, "empty record"}
	}
	var h header
	if at := strings.IndexByte(r.s[r.start:], '%'); at >= 0 && r.p.headers.at(r.s, r.start+at, &h) {
		return r.alarm(&h)
	}
	switch {
	case !h.find(r.s, r.start):
		return r.noHeader(&h)
	case !h.cucm:
		return r.sibling(&h)
	}
	r.p.headers.keep(r.s, &h)
	return r.alarm(&h)
}
