package reasons

// Question is what a message says about a registration. Empty fields were not sent.
type Question struct {
	Alarm         string // "EndPointUnregistered"
	Code          uint32 // value of the alarm's own reason parameter
	HasCode       bool   // zero is a legal code
	Signal        string // LastSignalReceived
	Protocol      string // SIP, SCCP
	State         string // StationState
	Device        string // DeviceName
	DeviceType    uint32
	HasDeviceType bool
}

// Answer is what the catalogue knows about a Question: pointers into its tables, nil or empty where it knows nothing.
// HasCode with a nil Reason is a code that is not in the table of the alarm; Cause says so, and ReasonName has the words.
type Answer struct {
	Alarm  *Alarm
	Reason *Reason
	Signal *Signal
	Class  *SignalClass // what the name of the signal tells where Signal is nil
	State  *State
	Cause  *Cause
	Model  string
	Kind   *NamePattern
}

// Decode looks q up. The code is read in the table of its own alarm and nowhere else. Of the causes for alarm and code the
// one with the most telling conditions wins: kind of device name, then signal, then station state, then protocol.
// It does not allocate.
func (c *Catalogue) Decode(q Question) Answer {
	a := Answer{Kind: c.Kind(q.Device)}
	if q.Signal != "" {
		if a.Signal = c.signalNamed[q.Signal]; a.Signal == nil {
			a.Class = c.class(q.Signal)
		}
	}
	if q.State != "" {
		a.State = c.stateNamed[q.State]
	}
	if q.HasDeviceType {
		a.Model = c.models.get(q.DeviceType)
	}
	if e := c.alarmNamed[q.Alarm]; e != nil {
		a.Alarm = e.alarm
		var causes choices
		a.Reason, causes = e.find(&q)
		a.Cause = causes.first(&q, &a)
	}
	return a
}

// entry is all that is known about one alarm.
type entry struct {
	alarm   *Alarm
	codes   []coded // by code; nil for an alarm without a table
	absent  choices // no code was sent, or the alarm has no table
	unknown choices // a code that is not in the table
}

// coded is one code of a table, or a hole in it.
type coded struct {
	reason *Reason
	causes choices
}

func (e *entry) add(x *Reason) {
	for uint32(len(e.codes)) <= x.Code {
		e.codes = append(e.codes, coded{})
	}
	e.codes[x.Code].reason = x
}

func (e *entry) reason(code uint32) *Reason {
	if code >= uint32(len(e.codes)) {
		return nil
	}
	return e.codes[code].reason
}

func (e *entry) find(q *Question) (*Reason, choices) {
	if e.codes == nil || !q.HasCode {
		return nil, e.absent
	}
	if x := e.reason(q.Code); x != nil {
		return x, e.codes[q.Code].causes
	}
	return nil, e.unknown
}

// first gives the cause of the first choice whose conditions are met by q and by what is known of it so far.
func (l choices) first(q *Question, a *Answer) *Cause {
	for i := range l {
		if l[i].met(q, a) {
			return l[i].cause
		}
	}
	return nil
}

func (ch *choice) met(q *Question, a *Answer) bool {
	return (ch.names == "" || a.Kind != nil && ch.names == a.Kind.Group) &&
		(ch.signal == nil || ch.signal == a.Signal) &&
		(ch.signals == nil || ch.signals.match(q.Signal)) &&
		(ch.state == nil || ch.state == a.State) &&
		(ch.protocol == "" || ch.protocol == q.Protocol)
}
