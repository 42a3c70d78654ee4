package reasons

import (
	"slices"
	"strings"
)

// Alarm is one CUCM alarm. Its name decides, at any severity: nodes lower and raise the severity of the same alarm.
type Alarm struct {
	Name         string   `json:"name"`
	Facility     string   `json:"facility"`
	Severity     uint8    `json:"severity"`                // as catalogued, 0 to 7
	SeveritySeen *uint8   `json:"severity_seen,omitempty"` // where real messages carry another one
	Also         string   `json:"also,omitempty"`          // second facility-severity of the same alarm: "UC_TVS-6"
	Role         string   `json:"role"`                    // one of Roles
	Scope        string   `json:"scope"`                   // what it is about: endpoint, device, trunk, node, …
	ReasonParam  string   `json:"reason_param,omitempty"`  // parameter with the reason code: Reason, ReasonCode, FailureReason, …
	ReasonTable  string   `json:"reason_table,omitempty"`  // Reason.Table of its codes; "" where there is none
	LoweredFor   []uint32 `json:"lowered_for"`             // codes for which the node lowers the severity to 6
	Params       []Param  `json:"params"`                  // in document order; on the wire any order, any may be missing
	Meaning      string   `json:"meaning"`
	Action       string   `json:"action"`
	Notes        []string `json:"notes"`
	History      []string `json:"history"`
	Releases     []string `json:"releases"`
	Origin
}

// Param is a documented parameter of an alarm.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // String, Enum, Int, UInt, Long, ULong
	Optional bool   `json:"optional"`
}

// Roles are the words of Alarm.Role: what an alarm means for the registration of its device.
var Roles = [...]string{"down", "up", "attempt-failed", "action", "node", "capacity", "info", "transport"}

// everywhere ends the parameter list of every alarm.
var everywhere = [...]Param{{Name: "AppID", Type: "String"}, {Name: "ClusterID", Type: "String"}, {Name: "NodeID", Type: "String"}}

func (c *Catalogue) readAlarms(s *sheets) {
	seen := once[string]{}
	for r := range s.rows("alarms.csv", "name facility severity severity_seen also role scope reason_param reason_table "+
		"lowered_for params meaning action notes history releases source confidence") {
		a := Alarm{
			Name: r.text("name"), Facility: r.text("facility"), Severity: r.severity("severity"), Also: r.maybe("also"),
			Role: r.text("role"), Scope: r.text("scope"), ReasonParam: r.maybe("reason_param"), ReasonTable: r.maybe("reason_table"),
			LoweredFor: r.numbers("lowered_for"), Params: r.params(), Meaning: r.text("meaning"), Action: r.text("action"),
			Notes: r.list("notes"), History: r.list("history"), Releases: r.words("releases"), Origin: r.origin(),
		}
		if r.maybe("severity_seen") != "" {
			seen := r.severity("severity_seen")
			a.SeveritySeen = &seen
		}
		seen.check(r, a.Name)
		c.checkAlarm(r, &a)
		c.alarms = append(c.alarms, a)
	}
	c.alarmNamed = make(map[string]*entry, len(c.alarms))
	for i := range c.alarms {
		c.alarmNamed[c.alarms[i].Name] = &entry{alarm: &c.alarms[i]}
	}
}

// params reads "DeviceName MACAddress? DeviceType:Enum?".
func (r row) params() []Param {
	var list []Param
	for _, w := range r.words("params") {
		w, optional := strings.CutSuffix(w, "?")
		name, kind, typed := strings.Cut(w, ":")
		switch {
		case !typed:
			kind = "String"
		case !slices.Contains([]string{"Enum", "Int", "UInt", "Long", "ULong"}, kind):
			r.complain("params: unknown type %q of %s", kind, name)
		}
		list = append(list, Param{name, kind, optional})
	}
	return append(list, everywhere[:]...)
}

// checkAlarm sees that the words of an alarm are known and that each enumerated parameter is explained somewhere.
func (c *Catalogue) checkAlarm(r row, a *Alarm) {
	if !slices.Contains(Roles[:], a.Role) {
		r.complain("unknown role %q", a.Role)
	}
	if a.ReasonTable != "" && a.ReasonParam == "" {
		r.complain("reason_table without reason_param")
	}
	if a.ReasonParam != "" && !a.has(a.ReasonParam) {
		r.complain("reason_param %q is not in params", a.ReasonParam)
	}
	for _, p := range a.Params {
		if p.Type == "Enum" && !a.explains(p.Name) && !c.enumerates(p.Name) {
			r.complain("no table explains the enumerated parameter %s", p.Name)
		}
	}
}

func (a *Alarm) has(param string) bool {
	return slices.ContainsFunc(a.Params, func(p Param) bool { return p.Name == param })
}

// explains reports whether reasons.csv has a table for the parameter; that it really does, readReasons checks.
func (a *Alarm) explains(param string) bool {
	return param == a.ReasonParam && a.ReasonTable != "" || strings.HasPrefix(a.ReasonTable, a.Name+".")
}
