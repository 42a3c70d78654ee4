package notify

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what becomes of alerts. A nil Metrics counts nothing.
type Metrics struct {
	Open    *prometheus.GaugeVec   // kind
	Pending *prometheus.GaugeVec   // channel: notices that wait
	Sent    *prometheus.CounterVec // channel
	Failed  *prometheus.CounterVec // channel, reason: attempts
	Dropped *prometheus.CounterVec // channel, reason: notices that nobody gets
	Blind   *prometheus.CounterVec // what could not be looked at: findings, senders, state
}

// NewMetrics makes the counters and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "flapwatch", Subsystem: "alerts", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "flapwatch", Subsystem: "alerts", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		Open:    gauge("open", "Alerts that are open, by kind.", "kind"),
		Pending: gauge("pending", "Notices that wait for a channel.", "channel"),
		Sent:    counter("sent_total", "Notices that a channel took.", "channel"),
		Failed:  counter("failed_total", "Attempts to hand over a notice that failed, by reason.", "channel", "reason"),
		Dropped: counter("dropped_total", "Notices that were given up, by reason.", "channel", "reason"),
		Blind:   counter("blind_total", "Looks that failed, by what could not be looked at.", "at"),
	}
	r.MustRegister(m.Open, m.Pending, m.Sent, m.Failed, m.Dropped, m.Blind)
	return m
}

func (m *Metrics) open(list []*entry) {
	if m == nil {
		return
	}
	for _, k := range Kinds() {
		m.Open.WithLabelValues(string(k)).Set(0)
	}
	for _, e := range list {
		if e.told() {
			m.Open.WithLabelValues(string(e.Kind)).Inc()
		}
	}
}

func (m *Metrics) pending(channel string, n int) {
	if m != nil {
		m.Pending.WithLabelValues(channel).Set(float64(n))
	}
}

func (m *Metrics) sent(channel string) {
	if m != nil {
		m.Sent.WithLabelValues(channel).Inc()
	}
}

func (m *Metrics) failed(channel, reason string) {
	if m != nil {
		m.Failed.WithLabelValues(channel, reason).Inc()
	}
}

func (m *Metrics) dropped(channel, reason string, n int) {
	if m != nil {
		m.Dropped.WithLabelValues(channel, reason).Add(float64(n))
	}
}

func (m *Metrics) looked(at string) {
	if m != nil {
		m.Blind.WithLabelValues(at).Inc()
	}
}
