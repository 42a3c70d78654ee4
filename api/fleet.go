package api

import (
	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"
)

// Flapping is how a device loses its registration.
type Flapping struct {
	Device                 string   `json:"device"`
	Cluster                string   `json:"cluster"`
	Model                  string   `json:"model"`
	Description            string   `json:"description"`
	IP                     string   `json:"ip"`
	Unregistrations        int      `json:"unregistrations" doc:"Unplanned."`
	ExpectedUnregistration int      `json:"expected_unregistrations" doc:"Planned or normal."`
	RatePerHour            float64  `json:"rate_per_hour"`
	FlapScore              float64  `json:"flap_score" doc:"A point for each unplanned unregistration; points decay by half in two hours."`
	State                  string   `json:"state" enum:"stable,flapping,settling"`
	MedianRegistered       *float64 `json:"median_registered_seconds"`
	MedianOutage           *float64 `json:"median_outage_seconds"`
	Availability           *float64 `json:"availability" doc:"Share of the known time of the window in which it was registered: not of what was before the first event of its cluster. Null where the log does not tell."`
	TopReason              *Reason  `json:"top_reason"`
	First                  Time     `json:"first"`
	Last                   Time     `json:"last"`
	Pattern                *Brief   `json:"pattern"`
}

// Brief is a pattern in a line.
type Brief struct {
	PeriodSeconds float64 `json:"period_seconds"`
	PValue        float64 `json:"p_value"`
	Confidence    string  `json:"confidence" enum:"alarm,likely,hint"`
	Diagnosis     string  `json:"diagnosis" doc:"Id of the most likely cause."`
}

// Pattern is a period with its cause.
type Pattern struct {
	Device         string      `json:"device"`
	Cluster        string      `json:"cluster"`
	Model          string      `json:"model"`
	Description    string      `json:"description"`
	IP             string      `json:"ip"`
	Kind           string      `json:"kind" enum:"renewal,clock,unknown"`
	PeriodSeconds  float64     `json:"period_seconds" doc:"From alarm to alarm on one node."`
	PeriodLow      float64     `json:"period_low_seconds"`
	PeriodHigh     float64     `json:"period_high_seconds"`
	JitterSeconds  float64     `json:"jitter_seconds" doc:"Standard deviation of one cycle."`
	Registered     *float64    `json:"registered_seconds" doc:"Time registered in each cycle; null where registrations are not seen."`
	Events         int         `json:"events"`
	CyclesExpected int         `json:"cycles_expected"`
	CyclesSeen     int         `json:"cycles_seen"`
	Missed         int         `json:"missed"`
	First          Time        `json:"first"`
	Last           Time        `json:"last"`
	NextExpected   Time        `json:"next_expected"`
	PValue         float64     `json:"p_value"`
	Posterior      float64     `json:"posterior"`
	Confidence     string      `json:"confidence" enum:"alarm,likely,hint"`
	Reason         *Reason     `json:"reason"`
	Signal         *Signal     `json:"signal"`
	Planned        bool        `json:"planned" doc:"The period is one of planned or normal unregistrations: a job, a schedule, a habit."`
	Failover       *Failover   `json:"failover"`
	Warnings       []string    `json:"warnings" nullable:"false"`
	Diagnoses      []Diagnosis `json:"diagnoses" nullable:"false"`
}

// Failover is where a device goes and when it comes back.
type Failover struct {
	Node          string   `json:"node"`
	ReturnSeconds *float64 `json:"return_seconds"`
	Trips         int      `json:"trips"`
}

// Diagnosis is a ranked cause.
type Diagnosis struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Score    float64  `json:"score" doc:"0 to 1."`
	Why      string   `json:"why"`
	Evidence []string `json:"evidence" nullable:"false"`
	Against  []string `json:"against" nullable:"false"`
	Checks   []string `json:"checks" nullable:"false"`
	Fix      string   `json:"fix"`
	Source   string   `json:"source"`
}

func (s *server) viewFlapping(v *diagnose.Verdict, w event.Window) Flapping {
	c := &v.Device.Case
	f := c.Flap.In(w)
	out := Flapping{
		Device: c.Device, Cluster: c.Cluster, Model: v.Model, Description: v.Description, IP: c.IP,
		Unregistrations: f.Unregistrations, ExpectedUnregistration: f.Expected, RatePerHour: f.RatePerHour, FlapScore: f.Score, State: string(f.State),
		MedianRegistered: f.MedianRegistered, MedianOutage: f.MedianOutage, Availability: f.Availability, TopReason: s.viewReason(c.Alarm, f.TopReason),
		First: millis(f.First), Last: millis(f.Last),
	}
	if len(v.Patterns) > 0 {
		p := &v.Patterns[0]
		out.Pattern = &Brief{PeriodSeconds: p.Finding.Period, PValue: p.Finding.PValue, Confidence: string(p.Finding.Confidence())}
		if len(p.Hypotheses) > 0 {
			out.Pattern.Diagnosis = p.Hypotheses[0].ID
		}
	}
	return out
}

func (s *server) viewPattern(v *diagnose.Verdict, p *diagnose.Judged) Pattern {
	f := p.Finding
	return Pattern{
		Device: p.Device, Cluster: p.Cluster, Model: v.Model, Description: v.Description, IP: p.IP,
		Kind: string(f.Kind), PeriodSeconds: f.Period, PeriodLow: f.PeriodLow, PeriodHigh: f.PeriodHigh, JitterSeconds: f.Jitter,
		Registered: p.Registered, Events: f.Events, CyclesExpected: f.CyclesExpected, CyclesSeen: f.CyclesSeen, Missed: f.Missed,
		First: millis(f.First), Last: millis(f.Last), NextExpected: millis(f.NextExpected), PValue: f.PValue, Posterior: f.Posterior,
		Confidence: string(f.Confidence()), Reason: s.viewReason(p.Alarm, p.Reason), Signal: s.viewSignal(p.Signal), Planned: p.Planned,
		Failover: viewTrips(p.Failover), Warnings: some(f.Warnings), Diagnoses: viewDiagnoses(p.Hypotheses),
	}
}

func viewOutage(j *diagnose.Judged) Outage {
	o := j.Outage
	out := Outage{
		Cluster: o.Cluster, Start: millis(o.Start), End: millis(o.End), Devices: len(o.Devices), ShareOfKnown: o.ShareOfKnown,
		ByNode: o.ByNode, BySubnet: o.BySubnet, ByModel: o.ByModel, BySwitch: o.BySwitch, ByReason: o.ByReason,
		Kind: string(o.Kind), Place: o.Place, PValue: o.PValue, Diagnoses: viewDiagnoses(j.Hypotheses), Checks: some(j.Checks()),
	}
	if h := j.Cause(); h != nil {
		out.Cause = &h.ID
	}
	return out
}

// viewReason gives the words for an unregistration's code.
func (s *server) viewReason(alarm string, code *uint32) *Reason {
	if code == nil {
		return nil
	}
	r := &Reason{Code: *code, Name: "unknown", Meaning: s.Words.ReasonName(alarm, *code)}
	if known := s.Catalogue.Reason(alarm, *code); known != nil {
		r.Name, r.Meaning, r.Expected = known.Name, known.Meaning, known.Expected
	}
	return r
}

// viewSignal gives the words for a LastSignalReceived.
func (s *server) viewSignal(name string) *Signal {
	if name == "" {
		return nil
	}
	out := &Signal{Name: name}
	if known := s.Words.Explain(&event.Event{Signal: name}).Signal; known != nil {
		out.Meaning = known.Meaning
	}
	return out
}

func viewTrips(t *pattern.FailoverSummary) *Failover {
	if t == nil {
		return nil
	}
	return &Failover{Node: t.Node, ReturnSeconds: t.ReturnSeconds, Trips: t.Count}
}

func viewDiagnoses(list []diagnose.Hypothesis) []Diagnosis {
	out := make([]Diagnosis, len(list))
	for i, h := range list {
		out[i] = Diagnosis{h.ID, h.Title, h.Score, h.Why, some(h.Evidence), some(h.Against), some(h.Checks), h.Fix, h.Source}
	}
	return out
}
