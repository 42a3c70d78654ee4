package api

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"

	"github.com/danielgtaylor/huma/v2"
)

// fleet asks for everything concluded in a window.
func (s *server) fleet(ctx context.Context, a *Ask) (*diagnose.Survey, error) {
	f, err := a.filter(s.Now())
	if err != nil {
		return nil, err
	}
	fleet, err := s.Findings.Fleet(ctx, f)
	if err != nil {
		return nil, s.fail("findings", err)
	}
	return fleet, nil
}

func (s *server) flapping(ctx context.Context, in *struct {
	Ask
	Limit int    `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"Most devices in the answer."`
	State string `query:"state" enum:"stable,flapping,settling" doc:"Only devices in this state at the end of the window."`
}) (*answer[List[Flapping]], error) {
	fleet, err := s.fleet(ctx, &in.Ask)
	if err != nil {
		return nil, err
	}
	items := []Flapping{}
	for i := range fleet.Verdicts {
		v := &fleet.Verdicts[i]
		if f := v.Device.Flap; f.Unregistrations+f.Expected > 0 && (in.State == "" || in.State == string(f.State)) {
			items = append(items, s.viewFlapping(v))
		}
	}
	slices.SortStableFunc(items, func(a, b Flapping) int {
		return cmp.Or(cmp.Compare(b.Unregistrations, a.Unregistrations), cmp.Compare(b.FlapScore, a.FlapScore))
	})
	return list(items[:min(len(items), in.Limit)], "", fleet.Window), nil
}

func (s *server) patterns(ctx context.Context, in *struct {
	Ask
	Limit int     `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"Most patterns in the answer."`
	MaxP  float64 `query:"max_p" minimum:"0" maximum:"0.05" doc:"Show every pattern up to this p-value. Default: p ≤ 1e-3 that stand at a false discovery rate of 1 % over the fleet."`
}) (*answer[List[Pattern]], error) {
	fleet, err := s.fleet(ctx, &in.Ask)
	if err != nil {
		return nil, err
	}
	items := []Pattern{}
	for i := range fleet.Verdicts {
		v := &fleet.Verdicts[i]
		for j := range v.Patterns {
			if p := &v.Patterns[j]; p.Passed || (in.MaxP > 0 && p.Finding.PValue <= in.MaxP) {
				items = append(items, s.viewPattern(v, p))
			}
		}
	}
	slices.SortStableFunc(items, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(a.PValue, b.PValue), cmp.Compare(b.Events, a.Events))
	})
	return list(items[:min(len(items), in.Limit)], "", fleet.Window), nil
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
	ByReason     map[string]int `json:"by_reason"`
	Kind         string         `json:"kind" enum:"node,subnet,model,switch,cluster,mixed"`
	Place        string         `json:"place" doc:"The node, subnet, model or switch."`
	PValue       float64        `json:"p_value"`
	Diagnoses    []Diagnosis    `json:"diagnoses" nullable:"false"`
}

func (s *server) outages(ctx context.Context, in *Ask) (*answer[List[Outage]], error) {
	fleet, err := s.fleet(ctx, in)
	if err != nil {
		return nil, err
	}
	items := []Outage{}
	for i := range fleet.Outages {
		items = append(items, viewOutage(&fleet.Outages[i]))
	}
	return list(items, "", fleet.Window), nil
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
}) (*answer[List[Device]], error) {
	f, err := in.filter(s.Now())
	if err != nil {
		return nil, err
	}
	found, next, err := s.Reader.Devices(ctx, f, in.Cursor, in.Limit)
	if err != nil {
		return nil, s.fail("devices", err)
	}
	items := make([]Device, len(found))
	for i, d := range found {
		items[i] = viewDevice(d)
	}
	return list(items, next, f.Window), nil
}

// named is a question about one device.
type named struct {
	Name string `path:"name" maxLength:"255" doc:"Device name, percent-encoded."`
	Ask
}

// one finds the device of a name: 404 where there is none, 409 with the clusters where there are several.
func (s *server) one(ctx context.Context, in *named) (*event.DeviceSummary, *diagnose.Verdict, event.Window, error) {
	name, err := url.PathUnescape(in.Name)
	if err != nil || control(name) {
		return nil, nil, event.Window{}, bad("path.name", "not a device name", in.Name)
	}
	in.Device = name
	f, err := in.filter(s.Now())
	if err != nil {
		return nil, nil, event.Window{}, err
	}
	found, _, err := s.Reader.Devices(ctx, f, "", 100)
	switch {
	case err != nil:
		return nil, nil, f.Window, s.fail("device "+name, err)
	case len(found) == 0:
		return nil, nil, f.Window, huma.Error404NotFound("no event of device " + name + " in the window; ask for a longer one with from=-90d")
	case len(found) > 1:
		clusters := make([]string, len(found))
		for i, d := range found {
			clusters[i] = d.Cluster
		}
		return nil, nil, f.Window, huma.Error409Conflict("several clusters have a device " + name + ": say cluster=" + strings.Join(clusters, " or cluster="))
	}
	f.Cluster = found[0].Cluster
	fleet, err := s.Findings.Fleet(ctx, f)
	if err != nil {
		return nil, nil, f.Window, s.fail("device "+name, err)
	}
	if len(fleet.Verdicts) > 0 {
		return &found[0], &fleet.Verdicts[0], f.Window, nil
	}
	quiet := &diagnose.Verdict{Device: diagnose.Judged{Case: diagnose.NewCase(event.History{Cluster: f.Cluster, Device: name}, f.Window, nil)}}
	return &found[0], quiet, f.Window, nil
}

// DeviceDetail is one device with everything concluded about it.
type DeviceDetail struct {
	Device
	Window    Window      `json:"window"`
	Flapping  Flapping    `json:"flapping"`
	Failover  *Failover   `json:"failover"`
	Patterns  []Pattern   `json:"patterns" nullable:"false"`
	Diagnoses []Diagnosis `json:"diagnoses" nullable:"false" doc:"Of the device, where it has no pattern."`
}

func (s *server) device(ctx context.Context, in *named) (*answer[DeviceDetail], error) {
	d, v, w, err := s.one(ctx, in)
	if err != nil {
		return nil, err
	}
	out := DeviceDetail{
		Device: viewDevice(*d), Window: Window{Time{w.From}, Time{w.To}}, Flapping: s.viewFlapping(v),
		Patterns: []Pattern{}, Diagnoses: viewDiagnoses(v.Device.Hypotheses),
	}
	for i := range v.Patterns {
		out.Patterns = append(out.Patterns, s.viewPattern(v, &v.Patterns[i]))
	}
	out.Failover = viewTrips(v.Device.Failover)
	return &answer[DeviceDetail]{out}, nil
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

func (s *server) timeline(ctx context.Context, in *named) (*answer[Timeline], error) {
	_, v, w, err := s.one(ctx, in)
	if err != nil {
		return nil, err
	}
	out := Timeline{Device: v.Device.Case.Device, Cluster: v.Device.Cluster, Window: Window{Time{w.From}, Time{w.To}}, Sessions: []Session{}, Gaps: []Gap{}}
	for _, x := range v.Sessions {
		row := Session{
			Node: x.Node, From: millis(x.From), Until: millis(x.Until), Seconds: x.Seconds(), OpenStart: x.OpenStart, OpenEnd: x.OpenEnd,
			EndReason: s.viewReason(v.Device.Alarm, when(x.HasEndReason, x.EndReason)), EndExpected: x.EndExpected, EndSignal: s.viewSignal(x.EndSignal),
		}
		out.Sessions = append(out.Sessions, row)
	}
	for _, g := range pattern.Gaps(v.Sessions, w) {
		out.Gaps = append(out.Gaps, Gap{millis(g.From), millis(g.Until), float64(g.Until-g.From) / 1000})
	}
	return &answer[Timeline]{out}, nil
}
