package reasons

// PeriodicCause is something that makes devices leave at even distances. Its id is part of the API.
type PeriodicCause struct {
	ID            string    `json:"id"`
	Class         string    `json:"class"` // network, administration, node, trunk, retry loop, client
	Cause         string    `json:"cause"` // title
	Periods       []float64 `json:"periods"`
	PeriodText    string    `json:"period_text"` // the same in words
	Tolerance     string    `json:"tolerance,omitempty"`
	Phase         string    `json:"phase"`        // who shares the beat: device, wall clock, segment, node, global, …
	Alarms        []string  `json:"alarms"`       // where the pattern shows
	Reasons       []uint32  `json:"reasons"`      // codes in the tables of these alarms
	Protocols     []string  `json:"protocols"`    // empty: any
	DeviceTypes   []uint32  `json:"device_types"` // empty: any
	Names         []string  `json:"names"`        // NamePattern.Group; empty: any
	OutageSeconds float64   `json:"outage_seconds,omitempty"`
	Mechanism     string    `json:"mechanism"`
	Evidence      string    `json:"evidence"`
	Checks        []string  `json:"checks"`
	Fix           string    `json:"fix"`
	Origin
}

func (c *Catalogue) readPeriodic(s *sheets) {
	seen := once[string]{}
	for r := range s.rows("periodic_causes.csv", "id class cause periods period_text tolerance phase alarms reasons protocols "+
		"device_types names outage_seconds mechanism evidence checks fix source confidence") {
		p := PeriodicCause{
			ID: r.text("id"), Class: r.text("class"), Cause: r.text("cause"), Periods: r.seconds("periods"), PeriodText: r.text("period_text"),
			Tolerance: r.maybe("tolerance"), Phase: r.text("phase"), Alarms: r.words("alarms"), Reasons: r.numbers("reasons"),
			Protocols: r.words("protocols"), DeviceTypes: r.numbers("device_types"), Names: r.words("names"),
			Mechanism: r.text("mechanism"), Evidence: r.text("evidence"), Checks: r.list("checks"), Fix: r.text("fix"), Origin: r.origin(),
		}
		if outage := r.seconds("outage_seconds"); len(outage) > 0 {
			p.OutageSeconds = outage[0]
		}
		seen.check(r, p.ID)
		c.checkPeriodic(r, &p)
		c.periodic = append(c.periodic, p)
	}
}

// checkPeriodic sees that all that a periodic cause names exists.
func (c *Catalogue) checkPeriodic(r row, p *PeriodicCause) {
	if len(p.Checks) == 0 {
		r.complain("checks is empty")
	}
	for _, name := range p.Alarms {
		e := c.alarmNamed[name]
		if e == nil {
			r.complain("no alarm %q in alarms.csv", name)
			continue
		}
		for _, code := range p.Reasons {
			if e.reason(code) == nil {
				r.complain("%s has no code %d", name, code)
			}
		}
	}
	for _, n := range p.DeviceTypes {
		if c.models.get(n) == "" {
			r.complain("no device type %d in device_types.csv", n)
		}
	}
	for _, group := range p.Names {
		if !c.named(group) {
			r.complain("no group %q in device_names.csv", group)
		}
	}
	for i := range c.causes {
		if c.causes[i].ID == p.ID {
			r.complain("%s is the id of a cause in causes.csv too", p.ID)
		}
	}
}
