// Package reasons is the catalogue of what CUCM says about registrations: alarms, reason codes, signals, station
// states, device types, and the causes behind them. Each fact is a row of a file in data/, with its source and
// with a word on how sure it is; people who do not program can check and complete them.
//
// The package decodes; it does not parse messages, look at time or draw conclusions from more than one event.
// A reason code means something only together with its alarm: there is no way here to decode a bare number.
//
// Start with New and Decode; decode.go says how a cause is chosen, sheet.go how the files are read and checked.
package reasons

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Origin says where a fact comes from and how sure it is. It is part of every row.
type Origin struct {
	Source     string `json:"source"`     // titles with their addresses, parted by "; "
	Confidence string `json:"confidence"` // "documented", "seen in the wild", "inference", "own knowledge", with what limits it
}

// Catalogue holds all tables. It never changes after New and may be shared by goroutines.
// The slices it hands out are its own: read them, do not write to them.
type Catalogue struct {
	alarms       []Alarm
	reasons      []Reason
	signals      []Signal
	classes      []SignalClass
	states       []State
	sequences    []Sequence
	deviceTypes  []DeviceType
	names        []NamePattern
	enumerations []Enumeration
	causes       []Cause
	periodic     []PeriodicCause
	keys         []string

	alarmNamed  map[string]*entry
	signalNamed map[string]*Signal
	stateNamed  map[string]*State
	models      models
	namesFrom   [256][]*NamePattern // by first byte of the device name
}

// New reads the tables that are built into the program and checks them: no key twice, every reference resolves, every row has
// source and confidence, every number parses. An error lists all that is wrong, each with file and line.
func New() (*Catalogue, error) {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, fmt.Errorf("open the built-in tables: %w", err)
	}
	return read(data)
}

// read is New for the tables in files. The order matters: a table may only refer to those before it.
func read(files fs.FS) (*Catalogue, error) {
	s := &sheets{files: files}
	s.readSources()
	c := &Catalogue{}
	c.readEnumerations(s)
	c.readDeviceTypes(s)
	c.readNames(s)
	c.readAlarms(s)
	c.readReasons(s)
	c.readSignals(s)
	c.readCauses(s)
	c.readPeriodic(s)
	c.readKeys(s)
	if len(s.problems) > 0 {
		return nil, fmt.Errorf("read the catalogue: %w", errors.Join(s.problems...))
	}
	return c, nil
}

// Alarms by name.
func (c *Catalogue) Alarms() []Alarm { return c.alarms }

// Reasons by table and code.
func (c *Catalogue) Reasons() []Reason { return c.reasons }

// Signals by name.
func (c *Catalogue) Signals() []Signal { return c.signals }

// SignalClasses in the order in which they are tried.
func (c *Catalogue) SignalClasses() []SignalClass { return c.classes }

// States by name.
func (c *Catalogue) States() []State { return c.states }

// Sequences of alarms that mean more than each alone.
func (c *Catalogue) Sequences() []Sequence { return c.sequences }

// DeviceTypes by number.
func (c *Catalogue) DeviceTypes() []DeviceType { return c.deviceTypes }

// NamePatterns in the order in which they are tried.
func (c *Catalogue) NamePatterns() []NamePattern { return c.names }

// Enumerations by name.
func (c *Catalogue) Enumerations() []Enumeration { return c.enumerations }

// Causes by id.
func (c *Catalogue) Causes() []Cause { return c.causes }

// PeriodicCauses by id.
func (c *Catalogue) PeriodicCauses() []PeriodicCause { return c.periodic }

// Keys are all tag keys that a CUCM message is known to carry, sorted, each once.
func (c *Catalogue) Keys() []string { return c.keys }

// readKeys gathers the parameters of all alarms and the keys that are in no alarm's list.
func (c *Catalogue) readKeys(s *sheets) {
	seen := once[string]{}
	for r := range s.rows("keys.csv", "key where source confidence") {
		key := r.text("key")
		seen.check(r, key)
		r.text("where")
		r.origin()
		c.keys = append(c.keys, key)
	}
	for i := range c.alarms {
		for _, p := range c.alarms[i].Params {
			c.keys = append(c.keys, p.Name)
		}
	}
	slices.Sort(c.keys)
	c.keys = slices.Compact(c.keys)
}
