package reasons

import (
	"fmt"
	"slices"
	"strings"
)

// Reason is one code in the table of one alarm. The same code in another table is another reason.
type Reason struct {
	Table           string   `json:"table"`           // "EndPointUnregistered", or "DeviceApplyConfigResult.Phone_Result" where an alarm has several
	Alarm           string   `json:"alarm"`           // alarm of the table
	Code            uint32   `json:"code"`            //
	Place           string   `json:"place,omitempty"` // "Local" or "Remote" where the code stands inside a text as Local=1
	Name            string   `json:"name"`
	Meaning         string   `json:"meaning"`
	Checks          []string `json:"checks"`
	Protocol        string   `json:"protocol"`         // SIP, SCCP, MGCP, any
	Expected        bool     `json:"expected"`         // planned or normal: no fault
	SeverityLowered bool     `json:"severity_lowered"` // sent at severity 6
	Releases        string   `json:"releases"`
	Origin
}

// highestCode bounds the codes, because tables are indexed by them.
const highestCode = 1023

func (c *Catalogue) readReasons(s *sheets) {
	seen := once[string]{}
	for r := range s.rows("reasons.csv", "table code name protocol expected severity_lowered meaning checks releases source confidence") {
		x := Reason{
			Table: r.text("table"), Name: r.text("name"), Meaning: r.text("meaning"), Checks: r.list("checks"), Protocol: r.text("protocol"),
			Expected: r.flag("expected"), SeverityLowered: r.flag("severity_lowered"), Releases: r.text("releases"), Origin: r.origin(),
		}
		x.Alarm, _, _ = strings.Cut(x.Table, ".")
		x.Place, x.Code = r.code("code", r.text("code"))
		seen.check(r, fmt.Sprintf("%s %d", x.Table, x.Code))
		c.checkReason(r, &x)
		c.reasons = append(c.reasons, x)
	}
	c.indexReasons(s)
}

// code reads "13" or "Local=3".
func (r row) code(column, v string) (place string, code uint32) {
	if p, n, ok := strings.Cut(v, "="); ok {
		place, v = p, n
	}
	return place, r.parse(column, v, highestCode+1)
}

func (c *Catalogue) checkReason(r row, x *Reason) {
	e := c.alarmNamed[x.Alarm]
	if e == nil {
		r.complain("table %q: no such alarm", x.Table)
		return
	}
	_, param, several := strings.Cut(x.Table, ".")
	if several && !e.alarm.has(param) || !several && e.alarm.ReasonTable != x.Table {
		r.complain("table %q does not belong to its alarm", x.Table)
	}
	own := x.Table == e.alarm.ReasonTable
	if own && x.SeverityLowered != slices.Contains(e.alarm.LoweredFor, x.Code) {
		r.complain("severity_lowered does not agree with lowered_for in alarms.csv")
	}
}

// indexReasons gives each alarm its own table.
func (c *Catalogue) indexReasons(s *sheets) {
	for i := range c.reasons {
		x := &c.reasons[i]
		if e := c.alarmNamed[x.Alarm]; e != nil && e.alarm.ReasonTable == x.Table {
			e.add(x)
		}
	}
	for i := range c.alarms {
		if a := &c.alarms[i]; a.ReasonTable != "" && len(c.alarmNamed[a.Name].codes) == 0 {
			s.problems = append(s.problems, fmt.Errorf("alarms.csv: %s: reasons.csv has no table %q", a.Name, a.ReasonTable))
		}
	}
}

// Alarm gives the alarm of that name, or nil.
func (c *Catalogue) Alarm(name string) *Alarm {
	if e := c.alarmNamed[name]; e != nil {
		return e.alarm
	}
	return nil
}

// Reason gives the meaning of code in the table of alarm, or nil.
func (c *Catalogue) Reason(alarm string, code uint32) *Reason {
	if e := c.alarmNamed[alarm]; e != nil {
		return e.reason(code)
	}
	return nil
}

// ReasonName gives the name of code in the table of alarm; where there is none it says so: "unknown code 77 for EndPointUnregistered".
func (c *Catalogue) ReasonName(alarm string, code uint32) string {
	if x := c.Reason(alarm, code); x != nil {
		return x.Name
	}
	return fmt.Sprintf("unknown code %d for %s", code, alarm)
}
