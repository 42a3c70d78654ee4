package notify

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// Alertmanager hands alerts to Prometheus Alertmanager (API v2, POST /api/v2/alerts). It groups, silences and repeats by itself,
// and forgets alerts that it is not told again: those that are open are refreshed.
type Alertmanager struct {
	Poster *Poster
	URL    string // without /api/v2/alerts
}

// Name implements Channel.
func (*Alertmanager) Name() string { return "alertmanager" }

// lasts is how long Alertmanager believes in an alert that is not refreshed: several refreshes may fail.
const lasts = 10 * refreshEvery

// postableAlert is one of the API's document.
type postableAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// Send implements Channel.
func (m *Alertmanager) Send(ctx context.Context, n Notice) error {
	ends := n.Alert.Ended
	if n.State != Settled {
		ends = n.At.Add(lasts)
	}
	return m.post(ctx, postable(&n, ends))
}

// Refresh tells all that is open again.
func (m *Alertmanager) Refresh(ctx context.Context, open []Alert, now time.Time) error {
	list := make([]postableAlert, len(open))
	for i := range open {
		list[i] = postable(&Notice{State: New, At: now, Alert: open[i]}, now.Add(lasts))
	}
	return m.post(ctx, list...)
}

// postable writes an alert down. Labels are what an alert is known by: they stay the same while it lasts, however many devices
// join it.
func postable(n *Notice, ends time.Time) postableAlert {
	a := &n.Alert
	p := postableAlert{
		Labels: map[string]string{"alertname": "flapwatch_" + string(a.Kind), "service": "flapwatch", "kind": string(a.Kind), "id": a.ID, "severity": a.Kind.severity()},
		Annotations: map[string]string{
			"summary": a.Title, "description": n.text(), "why": a.Cause.Why, "check": strings.Join(a.Cause.Checks, "\n"), "fix": a.Cause.Fix,
		},
		StartsAt: a.Since, EndsAt: ends,
	}
	if a.Cluster != "" {
		p.Labels["cluster"] = a.Cluster
	}
	for name, text := range p.Annotations {
		if p.Annotations[name] = strings.ToValidUTF8(text, "\ufffd"); text == "" {
			delete(p.Annotations, name)
		}
	}
	return p
}

// severity of a kind: what keeps many people or us from working is critical.
func (k Kind) severity() string {
	switch k {
	case Outage, Silence, Lag:
		return "critical"
	case Test:
		return "info"
	}
	return "warning"
}

func (m *Alertmanager) post(ctx context.Context, list ...postableAlert) error {
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return m.Poster.post(ctx, strings.TrimRight(m.URL, "/")+"/api/v2/alerts", body, nil)
}
