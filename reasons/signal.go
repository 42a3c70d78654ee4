package reasons

import "strings"

// Signal is a value of LastSignalReceived: the internal signal that the station process of the node received last.
type Signal struct {
	Name         string   `json:"name"`
	Family       string   `json:"family"` // SIP, SCCP, both, node, database
	Kind         string   `json:"kind"`   // timer, message from device, transport event, …
	Meaning      string   `json:"meaning"`
	PointsTo     string   `json:"points_to,omitempty"`
	SeenInAlarms []string `json:"seen_in_alarms"` // "EndPointUnregistered 13 SIP …"
	SeenInTraces []string `json:"seen_in_traces"` // "SIPStationD: wait 662, wait_register 36"
	Origin
}

// SignalClass is what the name of a signal tells that is in no list.
type SignalClass struct {
	Pattern string `json:"pattern"` // "SIP*Ind"
	Kind    string `json:"kind"`
	Meaning string `json:"meaning"`
	Origin
	pattern pattern
}

// State is a value of StationState.
type State struct {
	Name         string `json:"name"`
	Meaning      string `json:"meaning"`
	SeenInAlarms bool   `json:"seen_in_alarms"`
	Origin
}

// Sequence is what several alarms one after the other tell.
type Sequence struct {
	ID       string `json:"id"`
	Sequence string `json:"sequence"`
	Reading  string `json:"reading"`
	Origin
}

// pattern is a text in which one '*' stands for any text.
type pattern struct {
	head, tail string
	wild       bool
}

func newPattern(s string) pattern {
	head, tail, wild := strings.Cut(s, "*")
	return pattern{head, tail, wild}
}

func (p pattern) match(s string) bool {
	if !p.wild {
		return s == p.head
	}
	return len(s) >= len(p.head)+len(p.tail) && strings.HasPrefix(s, p.head) && strings.HasSuffix(s, p.tail)
}

func (c *Catalogue) readSignals(s *sheets) {
	signals, states, sequences := once[string]{}, once[string]{}, once[string]{}
	for r := range s.rows("signals.csv", "name family kind meaning points_to seen_in_alarms seen_in_traces source confidence") {
		x := Signal{r.text("name"), r.text("family"), r.text("kind"), r.text("meaning"), r.maybe("points_to"),
			r.list("seen_in_alarms"), r.list("seen_in_traces"), r.origin()}
		signals.check(r, x.Name)
		c.signals = append(c.signals, x)
	}
	for r := range s.rows("signal_classes.csv", "pattern kind meaning source confidence") {
		p := r.text("pattern")
		signals.check(r, p)
		c.classes = append(c.classes, SignalClass{p, r.text("kind"), r.text("meaning"), r.origin(), newPattern(p)})
	}
	for r := range s.rows("states.csv", "name meaning seen_in_alarms source confidence") {
		x := State{r.text("name"), r.text("meaning"), r.flag("seen_in_alarms"), r.origin()}
		states.check(r, x.Name)
		c.states = append(c.states, x)
	}
	for r := range s.rows("sequences.csv", "id sequence reading source confidence") {
		x := Sequence{r.text("id"), r.text("sequence"), r.text("reading"), r.origin()}
		sequences.check(r, x.ID)
		c.sequences = append(c.sequences, x)
	}
	c.indexSignals()
}

func (c *Catalogue) indexSignals() {
	c.signalNamed = make(map[string]*Signal, len(c.signals))
	for i := range c.signals {
		c.signalNamed[c.signals[i].Name] = &c.signals[i]
	}
	c.stateNamed = make(map[string]*State, len(c.states))
	for i := range c.states {
		c.stateNamed[c.states[i].Name] = &c.states[i]
	}
}

// class gives the first class that fits name, or nil.
func (c *Catalogue) class(name string) *SignalClass {
	for i := range c.classes {
		if c.classes[i].pattern.match(name) {
			return &c.classes[i]
		}
	}
	return nil
}
