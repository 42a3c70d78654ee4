package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"

	"github.com/danielgtaylor/huma/v2"
)

// fleet asks for everything concluded in a window.
func (s *server) fleet(ctx context.Context, a *Ask) (*diagnose.Survey, error) {
	fleet, err := s.Findings.Fleet(ctx, a.filter)
	if err != nil {
		return nil, s.fail("findings", err)
	}
	return fleet, nil
}

// Ranking holds the parameters of answers that are worked out from everything in the window.
type Ranking struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"Most items in one answer."`
	Cursor string `query:"cursor" maxLength:"2048" pattern:"^[A-Za-z0-9_-]*$" doc:"Where the answer before ended: its next_cursor. It stays valid while events arrive."`
	Form
}

func (s *server) flapping(ctx context.Context, in *struct {
	Ask
	Ranking
	State string `query:"state" enum:"stable,flapping,settling" doc:"Only devices in this state at the end of the window."`
}) (*listing[List[Flapping]], error) {
	fleet, err := s.fleet(ctx, &in.Ask)
	if err != nil {
		return nil, err
	}
	found, next, err := s.rankings.flapping(fleet).page(in.Cursor, in.Limit, func(v *diagnose.Verdict) bool {
		return in.State == "" || in.State == string(v.Device.Flap.In(fleet.Window).State)
	})
	if err != nil {
		return nil, s.fail("flapping devices", err)
	}
	items := make([]Flapping, len(found))
	for i, v := range found {
		items[i] = s.viewFlapping(v, fleet.Window)
	}
	return list(in.request, items, next, fleet.Window), nil
}

// patternsInput is a question about patterns.
type patternsInput struct {
	Ask
	Ranking
	MaxP float64 `query:"max_p" doc:"Show every pattern up to this p-value, at most 0.05. Default: p ≤ 1e-3 that stand at a false discovery rate of 1 % over the fleet."`
}

// Resolve implements huma.Resolver.
func (i *patternsInput) Resolve(c huma.Context) []error {
	errs := append(i.Ask.Resolve(c), finite("max_p", i.MaxP)...)
	if i.MaxP < 0 || i.MaxP > 0.05 { // not left to huma, which cannot repeat an infinite number
		errs = append(errs, &huma.ErrorDetail{Location: "query.max_p", Message: "lies between 0 and 0.05"})
	}
	return errs
}

func (s *server) patterns(ctx context.Context, in *patternsInput) (*listing[List[Pattern]], error) {
	fleet, err := s.fleet(ctx, &in.Ask)
	if err != nil {
		return nil, err
	}
	found, next, err := rankPatterns(fleet, func(p *diagnose.Judged) bool {
		return p.Passed || (in.MaxP > 0 && p.Finding.PValue <= in.MaxP)
	}).page(in.Cursor, in.Limit, all)
	if err != nil {
		return nil, s.fail("patterns", err)
	}
	items := make([]Pattern, len(found))
	for i, x := range found {
		items[i] = s.viewPattern(x.Verdict, x.Judged)
	}
	return list(in.request, items, next, fleet.Window), nil
}

// finding is a pattern of a device.
type finding struct {
	*diagnose.Verdict
	*diagnose.Judged
}

// rankPatterns ranks the patterns of a survey that are to be shown, the surest first.
func rankPatterns(fleet *diagnose.Survey, shown func(*diagnose.Judged) bool) *ranking[finding] {
	var list []finding
	for _, v := range fleet.Verdicts {
		for i := range v.Patterns {
			if p := &v.Patterns[i]; shown(p) {
				list = append(list, finding{v, p})
			}
		}
	}
	return rank(list, func(x finding) string {
		p := x.Judged
		return up(p.Finding.PValue) + down(float64(p.Finding.Events)) + p.Cluster + "\x00" + p.Device + "\x00" + up(p.Finding.Period)
	})
}

// Outage is many devices that went down together.
type Outage struct {
	Cluster      string         `json:"cluster"`
	Start        Time           `json:"start"`
	End          Time           `json:"end"`
	Devices      int            `json:"devices"`
	ShareOfKnown float64        `json:"share_of_known"`
	ByNode       map[string]int `json:"by_node"`
	BySubnet     map[string]int `json:"by_subnet"`
	ByModel      map[string]int `json:"by_model"`
	BySwitch     map[string]int `json:"by_switch" doc:"Of the devices that said what they are plugged into."`
	ByReason     map[string]int `json:"by_reason"`
	Kind         string         `json:"kind" enum:"node,subnet,model,switch,cluster,mixed"`
	Place        string         `json:"place" doc:"The node, subnet, model or switch."`
	PValue       float64        `json:"p_value"`
	Diagnoses    []Diagnosis    `json:"diagnoses" nullable:"false"`
	Cause        *string        `json:"cause" doc:"Id of the diagnosis that stands out, with a score of 0.3 or more; null where none does."`
	Checks       []string       `json:"checks" nullable:"false" doc:"What to look at next: the checks of the cause, else what the devices share."`
}

func (s *server) outages(ctx context.Context, in *struct {
	Ask
	Ranking
}) (*listing[List[Outage]], error) {
	fleet, err := s.fleet(ctx, &in.Ask)
	if err != nil {
		return nil, err
	}
	items := make([]*Outage, len(fleet.Outages))
	for i := range fleet.Outages {
		o := viewOutage(&fleet.Outages[i])
		items[i] = &o
	}
	found, next, err := rank(items, func(o *Outage) string { // newest first
		return down(float64(o.Start.UnixMilli())) + down(float64(o.End.UnixMilli())) + o.Cluster + "\x00" + o.Kind + "\x00" + o.Place
	}).page(in.Cursor, in.Limit, all)
	if err != nil {
		return nil, s.fail("outages", err)
	}
	page := make([]Outage, len(found))
	for i, o := range found {
		page[i] = *o
	}
	return list(in.request, page, next, fleet.Window), nil
}

// Device is a device with its counts.
type Device struct {
	Device          string  `json:"device"`
	Cluster         string  `json:"cluster"`
	Model           string  `json:"model"`
	DeviceType      *uint32 `json:"device_type"`
	Description     string  `json:"description"`
	IP              string  `json:"ip"`
	Protocol        string  `json:"protocol"`
	Node            string  `json:"node" doc:"Of the last event."`
	LastAlarm       string  `json:"last_alarm"`
	Registered      *bool   `json:"registered" doc:"As far as the log tells; null where it does not."`
	First           Time    `json:"first"`
	Last            Time    `json:"last"`
	Unregistrations uint64  `json:"unregistrations"`
	Expected        uint64  `json:"expected_unregistrations"`
	Registrations   uint64  `json:"registrations"`
	Attempts        uint64  `json:"attempts" doc:"Registrations that were tried and not completed."`
}

func viewDevice(d event.DeviceSummary) Device {
	out := Device{
		Device: d.Device, Cluster: d.Cluster, Model: d.Model, DeviceType: when(d.DeviceType > 0, d.DeviceType), Description: d.Description,
		IP: d.IP, Protocol: d.Protocol, Node: d.Node, LastAlarm: d.Alarm, First: Time{d.First}, Last: Time{d.Last},
		Unregistrations: d.Unregistrations, Expected: d.Expected, Registrations: d.Registrations, Attempts: d.Attempts,
	}
	out.Registered = when(d.Role == event.Up || d.Role == event.Down, d.Role == event.Up)
	return out
}

func (s *server) devices(ctx context.Context, in *struct {
	Ask
	Page
}) (*listing[List[Device]], error) {
	found, next, err := s.Reader.Devices(ctx, in.filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, s.fail("devices", err)
	}
	items := make([]Device, len(found))
	for i, d := range found {
		items[i] = viewDevice(d)
	}
	return list(in.request, items, next, in.window), nil
}

// named is a question about one device.
type named struct {
	Name string `path:"name" maxLength:"255" doc:"Device name, percent-encoded." example:"SEPE0D1730A8137"`
	Span
	Place
}

// Resolve implements huma.Resolver. A device and its cluster may be called anything, as senders are not bound to what CUCM allows: what
// is stored can be asked for, and another name is not found.
func (n *named) Resolve(c huma.Context) []error {
	return append(n.Span.Resolve(c), clean("node", n.Node)...)
}

// one finds the device of a name, and what is concluded about it.
func (s *server) one(ctx context.Context, in *named) (*event.DeviceSummary, *diagnose.Verdict, error) {
	f := event.Filter{Window: in.window, Cluster: in.Cluster, Node: in.Node, Device: in.Name}
	found, _, err := s.Reader.Devices(ctx, f, "", 100)
	if err != nil {
		return nil, nil, s.fail("device "+in.Name, err)
	}
	clusters := make([]string, len(found))
	for i, d := range found {
		clusters[i] = d.Cluster
	}
	if err := exactlyOne(in.Name, clusters); err != nil {
		return nil, nil, err
	}
	f.Cluster = clusters[0]
	fleet, err := s.Findings.Fleet(ctx, f)
	if err != nil {
		return nil, nil, s.fail("device "+in.Name, err)
	}
	for i := range fleet.Verdicts {
		if v := fleet.Verdicts[i]; v.Device.Case.Cluster == f.Cluster {
			return &found[0], v, nil
		}
	}
	quiet := &diagnose.Verdict{Device: diagnose.Judged{Case: diagnose.NewCase(event.History{Cluster: f.Cluster, Device: in.Name}, f.Window, nil)}}
	return &found[0], quiet, nil
}

// exactlyOne cluster has a device of the name: 404 where none has, 409 with the clusters where several have.
func exactlyOne(name string, clusters []string) error {
	switch len(clusters) {
	case 0:
		return huma.Error404NotFound("no event of device " + name + " in the window; ask for a longer one with from=-90d")
	case 1:
		return nil
	}
	var words []string
	var details []error
	for _, c := range clusters {
		words = append(words, "cluster="+c)
		details = append(details, &huma.ErrorDetail{Location: "query.cluster", Message: "has a device of this name", Value: c})
	}
	return huma.Error409Conflict("several clusters have a device "+name+": say "+strings.Join(words, " or "), details...)
}

// DeviceDetail is one device with everything concluded about it.
type DeviceDetail struct {
	Device
	Window    Window      `json:"window"`
	Nodes     []NodeStay  `json:"nodes" nullable:"false" doc:"Where it was registered, the node with the most sessions first."`
	Flapping  Flapping    `json:"flapping"`
	Failover  *Failover   `json:"failover"`
	Patterns  []Pattern   `json:"patterns" nullable:"false"`
	Diagnoses []Diagnosis `json:"diagnoses" nullable:"false" doc:"Of the device, where it has no pattern."`
}

// NodeStay is what a device did on one node.
type NodeStay struct {
	Node     string  `json:"node"`
	Sessions int     `json:"sessions"`
	Seconds  float64 `json:"registered_seconds" doc:"In all, within the window."`
	First    Time    `json:"first"`
	Last     Time    `json:"last"`
}

// viewNodes sums sessions by node.
func viewNodes(sessions []pattern.Session) []NodeStay {
	nodes := map[string]*NodeStay{}
	for _, x := range sessions {
		n := nodes[x.Node]
		if n == nil {
			n = &NodeStay{Node: x.Node, First: millis(x.From)}
			nodes[x.Node] = n
		}
		n.Sessions++
		n.Seconds += x.Seconds()
		n.Last = millis(x.Until)
	}
	out := []NodeStay{}
	for _, n := range nodes {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b NodeStay) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(a.Node, b.Node))
	})
	return out
}

func (s *server) device(ctx context.Context, in *named) (*answer[DeviceDetail], error) {
	d, v, err := s.one(ctx, in)
	if err != nil {
		return nil, err
	}
	out := DeviceDetail{
		Device: viewDevice(*d), Window: viewWindow(in.window), Nodes: viewNodes(v.Sessions), Flapping: s.viewFlapping(v, in.window),
		Patterns: []Pattern{}, Diagnoses: viewDiagnoses(v.Device.Hypotheses),
	}
	for i := range v.Patterns {
		out.Patterns = append(out.Patterns, s.viewPattern(v, &v.Patterns[i]))
	}
	out.Failover = viewTrips(v.Device.Failover)
	return &answer[DeviceDetail]{Body: out}, nil
}

// Session is a stay of a device on a node.
type Session struct {
	Node        string  `json:"node"`
	From        Time    `json:"from"`
	Until       Time    `json:"until"`
	Seconds     float64 `json:"seconds"`
	OpenStart   bool    `json:"open_start" doc:"Nobody saw it begin."`
	OpenEnd     bool    `json:"open_end" doc:"Nobody saw it end."`
	EndReason   *Reason `json:"end_reason"`
	EndExpected bool    `json:"end_expected"`
	EndSignal   *Signal `json:"end_signal"`
}

// Gap is a stretch of time in which a device was registered nowhere.
type Gap struct {
	From    Time    `json:"from"`
	Until   Time    `json:"until"`
	Seconds float64 `json:"seconds"`
}

// Timeline is what a device did.
type Timeline struct {
	Device   string    `json:"device"`
	Cluster  string    `json:"cluster"`
	Window   Window    `json:"window"`
	Sessions []Session `json:"sessions" nullable:"false"`
	Gaps     []Gap     `json:"gaps" nullable:"false"`
}

// unregistered is the alarm in whose table the reasons of a session's end are.
const unregistered = "EndPointUnregistered"

func (s *server) timeline(ctx context.Context, in *named) (*answer[Timeline], error) {
	found, err := s.Reader.Changes(ctx, event.Filter{Window: in.window, Cluster: in.Cluster, Node: in.Node, Device: in.Name})
	if err != nil {
		return nil, s.fail("device "+in.Name, err)
	}
	clusters := make([]string, len(found))
	for i, h := range found {
		clusters[i] = h.Cluster
	}
	if err := exactlyOne(in.Name, clusters); err != nil {
		return nil, err
	}
	sessions := pattern.Sessions(found[0], in.window)
	out := Timeline{Device: in.Name, Cluster: clusters[0], Window: viewWindow(in.window), Sessions: []Session{}, Gaps: []Gap{}}
	for _, x := range sessions {
		out.Sessions = append(out.Sessions, Session{
			Node: x.Node, From: millis(x.From), Until: millis(x.Until), Seconds: x.Seconds(), OpenStart: x.OpenStart, OpenEnd: x.OpenEnd,
			EndReason: s.viewReason(unregistered, when(x.HasEndReason, x.EndReason)), EndExpected: x.EndExpected, EndSignal: s.viewSignal(x.EndSignal),
		})
	}
	for _, g := range pattern.Gaps(sessions, in.window) {
		out.Gaps = append(out.Gaps, Gap{millis(g.From), millis(g.Until), float64(g.Until-g.From) / 1000})
	}
	return &answer[Timeline]{Body: out}, nil
}
