package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/pattern"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

var begin = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)

// scene is what there is to see: findings, nodes and a queue.
type scene struct {
	survey  diagnose.Survey
	err     error
	heard   []event.Heard
	backlog Backlog
}

func (s *scene) Fleet(context.Context, event.Filter) (*diagnose.Survey, error) {
	return &s.survey, s.err
}
func (s *scene) Heard(context.Context, time.Time) ([]event.Heard, error) { return s.heard, nil }

// periodic adds a device that dropped in a period, the last time at last.
func (s *scene) periodic(name, cause string, last time.Time) {
	f := &pattern.Finding{Period: 1089, PValue: 1e-9, Events: 20, First: begin.Add(-6 * time.Hour).UnixMilli(), Last: last.UnixMilli()}
	v := verdict(name, pattern.Unsteady, "")
	v.Patterns = []diagnose.Judged{{Case: diagnose.Case{Finding: f}, Passed: true, Hypotheses: causes(cause)}}
	s.survey.Verdicts = append(s.survey.Verdicts, v)
}

// flaps adds a device that flaps without a period.
func (s *scene) flaps(name, cause string, state pattern.State) {
	s.survey.Verdicts = append(s.survey.Verdicts, verdict(name, state, cause))
}

func verdict(name string, state pattern.State, cause string) *diagnose.Verdict {
	reason := uint32(13)
	h := event.History{Cluster: "main", Device: name, Model: "Cisco 8851", Description: "Desk <!channel>", IP: "10.1.2.3"}
	flap := &pattern.Flapping{Unregistrations: 20, State: state, First: begin.UnixMilli()}
	return &diagnose.Verdict{History: h, Device: diagnose.Judged{Case: diagnose.Case{Cluster: "main", Flap: flap, Reason: &reason}, Hypotheses: causes(cause)}}
}

func causes(id string) []diagnose.Hypothesis {
	if id == "" {
		return nil
	}
	return []diagnose.Hypothesis{{ID: id, Title: "the cause " + id, Score: 0.9, Why: "because", Checks: []string{"look at " + id}, Fix: "mend it"}}
}

// book is a channel that keeps what it is given, and may refuse.
type book struct {
	err     error
	notices []Notice
}

func (*book) Name() string { return "book" }
func (b *book) Send(_ context.Context, n Notice) error {
	if b.err == nil {
		b.notices = append(b.notices, n)
	}
	return b.err
}

// take gives the heads of what was told, and forgets it.
func (b *book) take() (heads []string) {
	for i := range b.notices {
		heads = append(heads, string(b.notices[i].State)+" "+b.notices[i].head())
	}
	b.notices = nil
	return heads
}

func options(t *testing.T, s *scene, channels ...Channel) Options {
	return Options{
		Thresholds: Thresholds{
			Kinds: Kinds(), Window: 24 * time.Hour, Drops: 3, Confidence: pattern.Alarm, OutageDevices: 5, Silence: time.Hour, Lag: 10 * time.Minute,
			Gather: 10 * time.Minute, More: 4 * time.Hour,
		},
		Findings: s, Senders: s, Backlog: func() Backlog { return s.backlog }, Channels: channels, File: filepath.Join(t.TempDir(), "alerts.json"),
		Started: begin.Add(-time.Hour), Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Jitter: func() float64 { return 1 },
	}
}

// value reads a counter or a gauge.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var v dto.Metric
	if err := m.Write(&v); err != nil {
		t.Fatal(err)
	}
	return v.GetCounter().GetValue() + v.GetGauge().GetValue()
}

func alerter(t *testing.T, o Options) *Alerter {
	t.Helper()
	a, err := NewAlerter(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// round looks and delivers at a time after the beginning.
func round(t *testing.T, a *Alerter, after time.Duration) {
	t.Helper()
	a.Look(t.Context(), begin.Add(after))
	a.Deliver(t.Context(), begin.Add(after))
}

func told(t *testing.T, b *book, want ...string) {
	t.Helper()
	if got := b.take(); !reflect.DeepEqual(got, want) {
		t.Errorf("told\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// TestOneMessageForOneCause: ten phones whose periods are found one after the other are one message, and one more at the end.
func TestOneMessageForOneCause(t *testing.T) {
	s, b := &scene{}, &book{}
	a := alerter(t, options(t, s, b))
	for i := range 10 {
		s.periodic(fmt.Sprintf("SEP00000000000%d", i), "first-packet", begin.Add(time.Duration(i)*time.Minute))
		round(t, a, time.Duration(i)*time.Minute)
	}
	told(t, b)
	round(t, a, 10*time.Minute)
	if len(b.notices) != 1 || len(b.notices[0].New) != 10 || b.notices[0].Alert.Count != 10 || b.notices[0].Alert.Cause.ID != "first-packet" {
		t.Fatalf("told %+v", b.notices)
	}
	text := b.notices[0].text()
	for _, want := range []string{"SEP000000000000, Cisco 8851, 10.1.2.3", "SEP000000000009", "Check: look at first-packet", "Fix: mend it", "Cluster: main", "every 18 min 9 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q:\n%s", want, text)
		}
	}
	told(t, b, "new 10 devices drop every 18 min 9 s: the cause first-packet")
	first := a.state.Open[0].ID

	s.periodic("SEP00000000000A", "first-packet", begin.Add(11*time.Minute)) // joins, and is told when it is time
	round(t, a, 11*time.Minute)
	round(t, a, 60*time.Minute)
	told(t, b)
	for i := range s.survey.Verdicts { // they go on, but for one
		if i > 0 {
			s.survey.Verdicts[i].Patterns[0].Finding.Last = begin.Add(250 * time.Minute).UnixMilli()
		}
	}
	round(t, a, 251*time.Minute)
	told(t, b, "more 1 more device: 11 devices drop every 18 min 9 s: the cause first-packet")
	round(t, a, 250*time.Minute+3*1089*time.Second+hold-time.Second)
	told(t, b)
	round(t, a, 250*time.Minute+3*1089*time.Second+hold)
	if len(b.notices) != 1 || b.notices[0].Alert.ID != first || b.notices[0].Alert.Ended.IsZero() {
		t.Errorf("the end is told as %+v, the alert was %s", b.notices, first)
	}
	told(t, b, "settled Settled: 11 devices drop every 18 min 9 s: the cause first-packet")
	round(t, a, 24*time.Hour)
	told(t, b)
}

// TestFlapping: a device that flaps is told, one that is quieter keeps the alert up, and one whose period is found moves to the
// alert that says more, without an end being told.
func TestFlapping(t *testing.T) {
	s, b := &scene{}, &book{}
	a := alerter(t, options(t, s, b))
	s.flaps("SEPA", "proxy-arp", pattern.Unsteady)
	s.flaps("SEPB", "", pattern.Settling)
	s.flaps("SEPC", "", pattern.Unsteady)
	s.flaps("SEPD", "", pattern.Stable)
	round(t, a, 0)
	round(t, a, 10*time.Minute)
	told(t, b, "new 1 device drops again and again: the cause proxy-arp", "new 1 device drops again and again: no known cause fits (reason 13)")

	s.survey.Verdicts = nil
	s.flaps("SEPA", "proxy-arp", pattern.Settling)
	s.periodic("SEPC", "first-packet", begin.Add(15*time.Minute))
	round(t, a, 15*time.Minute)
	told(t, b)
	round(t, a, 25*time.Minute)
	told(t, b, "new 1 device drops every 18 min 9 s: the cause first-packet")
	s.survey.Verdicts[1].Patterns = nil // its period does not stand out for a while: no news
	round(t, a, 26*time.Minute)
	s.survey.Verdicts = nil
	round(t, a, 37*time.Minute) // SEPA was seen last at 26 min
	told(t, b, "settled Settled: 1 device drops again and again: the cause proxy-arp")
}

// TestJudgedOtherwise: a device whose cause changes before it is told does not wait again; after it was told, it stays.
func TestJudgedOtherwise(t *testing.T) {
	s, b := &scene{}, &book{}
	a := alerter(t, options(t, s, b))
	for i, cause := range []string{"a", "b", "a", "b"} {
		s.survey.Verdicts = nil
		s.periodic("SEPA", cause, begin.Add(time.Duration(i)*5*time.Minute))
		round(t, a, time.Duration(i)*5*time.Minute)
	}
	told(t, b, "new 1 device drops every 18 min 9 s: the cause a")
	if len(a.state.Open) != 1 {
		t.Errorf("%d alerts are open", len(a.state.Open))
	}
}

// TestOutage: an outage that grows and takes another name stays one alert, and ends when the devices were back.
func TestOutage(t *testing.T) {
	s, b := &scene{}, &book{}
	a := alerter(t, options(t, s, b))
	o := &pattern.Outage{Cluster: "main", Start: begin.UnixMilli(), LastLoss: begin.UnixMilli(), Kind: pattern.NodeOutage, Place: "cucm-1", Devices: devices(4)}
	s.survey.Outages = []diagnose.Judged{{Case: diagnose.Case{Outage: o}}}
	round(t, a, 0)
	round(t, a, 3*time.Minute)
	told(t, b) // four devices are too few
	o.Devices = devices(6)
	round(t, a, 4*time.Minute)
	round(t, a, 6*time.Minute)
	told(t, b, "new Outage (node cucm-1): 6 devices: no known cause fits")
	o.Devices, o.Kind, o.Place = devices(60), pattern.ClusterOutage, ""
	round(t, a, 7*time.Minute)
	told(t, b)
	o.End, o.EndSeen = begin.Add(8*time.Minute).UnixMilli(), true
	round(t, a, 17*time.Minute)
	told(t, b)
	round(t, a, 18*time.Minute)
	if ended := b.notices[0].Alert.Ended; !ended.Equal(begin.Add(8 * time.Minute)) {
		t.Errorf("ended %s", ended)
	}
	told(t, b, "settled Settled: Outage (cluster): 60 devices: no known cause fits")
}

func devices(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("SEP%012d", i))
	}
	return list
}

// TestSilence: nodes that are not heard any more are one message, those that seldom speak get more time, and nothing is silent
// while messages wait to be stored.
func TestSilence(t *testing.T) {
	s, b := &scene{}, &book{}
	o := options(t, s, b)
	o.Gather = 0
	a := alerter(t, o)
	s.heard = []event.Heard{
		{Cluster: "main", Node: "cucm-1", Messages: 1000, First: begin.Add(-24 * time.Hour), Last: begin},
		{Cluster: "main", Node: "cucm-2", Messages: 1000, First: begin.Add(-24 * time.Hour), Last: begin},
		{Cluster: "main", Node: "seldom", Messages: 25, First: begin.Add(-24 * time.Hour), Last: begin},
		{Cluster: "main", Node: "once", Messages: 1, First: begin.Add(-24 * time.Hour), Last: begin.Add(-24 * time.Hour)},
	}
	round(t, a, 59*time.Minute)
	s.backlog.Oldest = begin.Add(40 * time.Minute)
	round(t, a, 61*time.Minute)
	s.backlog.Oldest = time.Time{}
	told(t, b, "new The store is behind: a message waits since 21 min; 0 of 0 MiB of the spool are taken")
	round(t, a, 62*time.Minute)
	told(t, b, "new 2 nodes are silent: nothing was received for 1 h or longer")
	s.heard[0].Last, s.heard[1].Last = begin.Add(63*time.Minute), begin.Add(63*time.Minute)
	round(t, a, 72*time.Minute)
	if got := b.take(); len(got) != 2 || !strings.HasPrefix(got[0], "settled Settled: The store is behind") || !strings.HasPrefix(got[1], "settled Settled: 2 nodes are silent") {
		t.Errorf("told %q", got)
	}
	o.File = filepath.Join(t.TempDir(), "other")
	o.Started = begin.Add(100 * time.Hour) // nobody listened before
	round(t, alerter(t, o), 100*time.Hour+59*time.Minute)
	told(t, b)
}

// TestLag tells that messages wait, or that the queue is nearly full, although nothing else can be looked at.
func TestLag(t *testing.T) {
	s, b := &scene{err: event.ErrUnavailable}, &book{}
	o := options(t, s, b)
	a := alerter(t, o)
	s.backlog = Backlog{Oldest: begin.Add(-9 * time.Minute), Bytes: 700 << 20, Cap: 1000 << 20, Trouble: "connection refused"}
	round(t, a, 0)
	told(t, b)
	s.backlog.Bytes = 800 << 20
	if a.Look(t.Context(), begin) {
		t.Error("a look that could not see the findings was whole")
	}
	a.Deliver(t.Context(), begin)
	if !strings.Contains(b.notices[0].text(), "Why: connection refused") {
		t.Errorf("told %q", b.notices[0].text())
	}
	told(t, b, "new The store is behind: a message waits since 9 min; 800 of 1000 MiB of the spool are taken")
	if n := value(t, o.Metrics.Blind.WithLabelValues("findings")); n != 2 {
		t.Errorf("%v blind looks", n)
	}
	if n := value(t, o.Metrics.Open.WithLabelValues("lag")); n != 1 {
		t.Errorf("%v open", n)
	}
}

// TestRestart: what was told is not told again, what waits is told once, and what is over by then is settled.
func TestRestart(t *testing.T) {
	s, b := &scene{}, &book{}
	o := options(t, s, b)
	s.periodic("SEPA", "a", begin.Add(time.Hour))
	b.err = errors.New("away")
	a := alerter(t, o)
	round(t, a, 0)
	round(t, a, 10*time.Minute)
	b.err = nil
	a = alerter(t, o)
	round(t, a, 11*time.Minute)
	told(t, b, "new 1 device drops every 18 min 9 s: the cause a")
	a = alerter(t, o)
	s.err = event.ErrUnavailable // not seen is not over
	round(t, a, 20*time.Hour)
	told(t, b)
	s.err, s.survey.Verdicts = nil, nil
	a = alerter(t, o)
	round(t, a, 21*time.Hour)
	told(t, b, "settled Settled: 1 device drops every 18 min 9 s: the cause a")
	round(t, alerter(t, o), 22*time.Hour)
	told(t, b)
}

// TestDamagedState: a file that cannot be understood does not keep alerts from being told.
func TestDamagedState(t *testing.T) {
	s, b := &scene{}, &book{}
	o := options(t, s, b)
	for _, text := range []string{`{"open":[`, `[]`, `{"open":[null,{"key":"x"}],"pending":{"gone":[{}]}}`, "\x00"} {
		if err := os.WriteFile(o.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a := alerter(t, o)
		s.backlog.Oldest = begin.Add(-time.Hour)
		round(t, a, 0)
		if got := b.take(); len(got) != 1 {
			t.Errorf("%q: told %q", text, got)
		}
	}
}

// TestRefused: what is not taken is tried again, each time later, and given up after a day; the oldest of too many give way.
func TestRefused(t *testing.T) {
	s, b := &scene{}, &book{err: &failure{reason: "status_5xx", err: errors.New("answered 500")}}
	o := options(t, s, b)
	a := alerter(t, o)
	s.backlog.Oldest = begin.Add(-time.Hour)
	a.Look(t.Context(), begin)
	var pauses []time.Duration
	for now := begin; len(pauses) < 9; {
		a.Deliver(t.Context(), now)
		next, waits := a.next()
		if !waits {
			t.Fatal("nothing waits")
		}
		pauses, now = append(pauses, next.Sub(now)), next
	}
	if want := []time.Duration{5e9, 10e9, 20e9, 40e9, 80e9, 160e9, 320e9, 600e9, 600e9}; !reflect.DeepEqual(pauses, want) {
		t.Errorf("pauses %v, want %v", pauses, want)
	}
	if n := value(t, o.Metrics.Failed.WithLabelValues("book", "status_5xx")); n != 9 {
		t.Errorf("%v failed", n)
	}
	a.Deliver(t.Context(), begin.Add(25*time.Hour))
	if _, waits := a.next(); waits || value(t, o.Metrics.Dropped.WithLabelValues("book", "too_old")) != 1 {
		t.Error("old news still wait")
	}

	e := a.state.Open[0]
	for i := range mostPending + 3 {
		a.queue(e, New, nil, begin.Add(time.Duration(i)*time.Second))
	}
	if n := len(a.state.Pending["book"]); n != mostPending || value(t, o.Metrics.Dropped.WithLabelValues("book", "queue_full")) != 3 {
		t.Errorf("%d wait", n)
	}
	b.err = nil
	a.Deliver(t.Context(), begin.Add(time.Hour))
	if n := value(t, o.Metrics.Sent.WithLabelValues("book")); n != mostPending || len(b.notices) != mostPending {
		t.Errorf("%v sent", n)
	}
	b.err = &failure{reason: "refused", final: true, err: errors.New("bad")}
	a.queue(e, New, nil, begin)
	a.Deliver(t.Context(), begin.Add(time.Hour))
	if n := value(t, o.Metrics.Dropped.WithLabelValues("book", "refused")); n != 1 || len(a.state.Pending["book"]) != 0 {
		t.Errorf("%v given up", n)
	}
}
