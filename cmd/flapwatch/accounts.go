package main

import (
	"context"
	"time"

	"flapwatch/api"
	"flapwatch/spool"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats adds the spool's numbers to the store's: received is what the spool took in and what was lost before it. The spool is
// read last, and what it says is in the spool is what the store does not account for; so the sum holds at any moment.
func (s *service) Stats(ctx context.Context) (api.Stats, error) {
	c, err := s.database.totals(ctx, s.spool.ID())
	if err != nil {
		return api.Stats{}, err
	}
	decided := c.Stored + c.Duplicate + c.Unparsed + c.Other + c.Dropped
	q := s.spool.Stats()
	st := api.Stats{
		Stored: c.Stored, Duplicate: c.Duplicate, Unparsed: c.Unparsed, Other: c.Other, Dropped: c.Dropped,
		Received: q.Appended + (decided - c.Received), InSpool: q.Appended - c.Received,
		SpoolBytes: q.Bytes, DamagedRecords: q.Damaged, EngineRestarts: s.database.restarts(),
		StoreLagSeconds: s.counters.CommitLag.Seconds(),
	}
	if st.InSpool > 0 {
		st.SpoolAgeSeconds = age(q)
	}
	return st, nil
}

// age is how long the message that waits longest has waited in the spool, in seconds.
func age(q spool.Stats) float64 {
	if q.Oldest.IsZero() {
		return 0
	}
	return time.Since(q.Oldest).Seconds()
}

// accounts shows the accounting to Prometheus.
type accounts struct{ *service }

var (
	messagesMetric = prometheus.NewDesc("flapwatch_messages", "Messages since the data folder began, by what became of them: received is the sum of the others. "+
		"Left out while the store does not answer.", []string{"state"}, nil)
	spoolAgeMetric   = prometheus.NewDesc("flapwatch_spool_age_seconds", "How long the message that waits longest has waited for the store.", nil, nil)
	spoolBytesMetric = prometheus.NewDesc("flapwatch_spool_bytes", "Bytes that the queue takes on disk.", nil, nil)
)

// Describe implements prometheus.Collector.
func (accounts) Describe(all chan<- *prometheus.Desc) {
	all <- messagesMetric
	all <- spoolAgeMetric
	all <- spoolBytesMetric
}

// Collect implements prometheus.Collector.
func (a accounts) Collect(all chan<- prometheus.Metric) {
	q := a.spool.Stats()
	all <- prometheus.MustNewConstMetric(spoolAgeMetric, prometheus.GaugeValue, age(q))
	all <- prometheus.MustNewConstMetric(spoolBytesMetric, prometheus.GaugeValue, float64(q.Bytes))
	if a.database.ready() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := a.Stats(ctx)
	if err != nil {
		return
	}
	for state, n := range map[string]uint64{
		"received": s.Received, "stored": s.Stored, "duplicate": s.Duplicate, "unparsed": s.Unparsed, "other": s.Other,
		"dropped": s.Dropped, "in_spool": s.InSpool,
	} {
		all <- prometheus.MustNewConstMetric(messagesMetric, prometheus.GaugeValue, float64(n), state)
	}
}
