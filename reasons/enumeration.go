package reasons

import (
	"slices"
	"strings"
)

// Enumeration explains the values of one or several enumerated parameters. It has no values where none are published.
type Enumeration struct {
	Name    string   `json:"name"`
	Params  []string `json:"params"` // parameters that carry it
	Meaning string   `json:"meaning"`
	Values  []Value  `json:"values"`
	Origin
}

// Value is one value of an enumeration.
type Value struct {
	Value   string `json:"value"` // as sent; a number but for Protocol
	Name    string `json:"name"`
	Meaning string `json:"meaning,omitempty"`
	Origin
}

// readEnumerations reads groups of rows: the first of a group speaks of the enumeration, the others of its values.
func (c *Catalogue) readEnumerations(s *sheets) {
	seen := once[string]{}
	for r := range s.rows("enumerations.csv", "enumeration value name meaning source confidence") {
		name, value := r.text("enumeration"), r.maybe("value")
		seen.check(r, name+" "+value)
		if value == "" {
			c.enumerations = append(c.enumerations, Enumeration{name, strings.Fields(r.maybe("name")), r.text("meaning"), []Value{}, r.origin()})
			continue
		}
		if n := len(c.enumerations); n == 0 || c.enumerations[n-1].Name != name {
			r.complain("no row without a value stands before the values of %s", name)
			continue
		}
		e := &c.enumerations[len(c.enumerations)-1]
		e.Values = append(e.Values, Value{value, r.text("name"), r.maybe("meaning"), r.origin()})
	}
}

// enumerates reports whether a parameter has an enumeration or is a device type.
func (c *Catalogue) enumerates(param string) bool {
	return param == "DeviceType" || param == "DBDeviceType" ||
		slices.ContainsFunc(c.enumerations, func(e Enumeration) bool { return slices.Contains(e.Params, param) })
}
