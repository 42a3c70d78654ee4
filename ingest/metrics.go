package ingest

import (
	"math"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what moves. Hot paths add to it once per read, not once per message.
type Metrics struct {
	Frames    *prometheus.CounterVec // transport: messages read
	Bytes     *prometheus.CounterVec // transport
	Dropped   *prometheus.CounterVec // reason: received and lost
	Overlong  prometheus.Counter     // messages cut at MaxFrame
	Refused   *prometheus.CounterVec // reason: connections and datagrams turned away
	Conns     *prometheus.GaugeVec   // transport: open connections
	Decided   *prometheus.CounterVec // status: messages behind the spool
	Batches   prometheus.Counter     // ranges committed
	Retries   prometheus.Counter     // commits tried again
	CommitLag *Lag                   // between receipt and commit, of the last range
	Buffer    *prometheus.GaugeVec   // address: receive buffer granted by the kernel, bytes
}

// Lag is a time in seconds that is set here and read there.
type Lag struct{ bits atomic.Uint64 }

// Set notes it.
func (l *Lag) Set(seconds float64) { l.bits.Store(math.Float64bits(seconds)) }

// Seconds is what was set last, 0 before that.
func (l *Lag) Seconds() float64 { return math.Float64frombits(l.bits.Load()) }

// NewMetrics makes the counters and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "flapwatch", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "flapwatch", Name: name, Help: help}, labels)
	}
	vecs := []*prometheus.CounterVec{
		counter("received_messages_total", "Messages read from sockets and files, by transport.", "transport"),
		counter("received_bytes_total", "Bytes of messages read, by transport.", "transport"),
		counter("dropped_messages_total", "Messages lost before they were safe on disk, by reason; those of the kernel were never read.", "reason"),
		counter("overlong_messages_total", "Messages longer than 64 KiB, cut there."),
		counter("refused_total", "Connections and datagrams turned away, by reason.", "reason"),
		counter("decided_messages_total", "Messages behind the spool, by what became of them.", "status"),
		counter("batches_total", "Spool ranges committed to the store."),
		counter("commit_retries_total", "Commits to the store that were tried again."),
	}
	transports := []string{"udp", "tcp", "tls", "file", "mark"}
	labels := [][]string{ // known beforehand: rate() does not see the first of a series that begins with it
		transports, transports, {"kernel_buffer", "intake_full", "stopped"}, nil,
		{
			"sender_not_allowed", "too_many_connections", "silent_connection", "tls_client_certificate_missing", "tls_client_authority", "tls_client_expired",
			"tls_client_name", "tls_timeout", "tls_handshake",
		},
		{"stored", "duplicate", "unparsed", "other", "damaged"}, nil, nil,
	}
	gauges := []*prometheus.GaugeVec{
		gauge("connections", "Open syslog connections, by transport.", "transport"),
		gauge("receive_buffer_bytes", "Receive buffer granted by the kernel, by address.", "address"),
	}
	for i, v := range vecs {
		r.MustRegister(v)
		for _, label := range labels[i] {
			v.WithLabelValues(label)
		}
	}
	for _, v := range gauges {
		r.MustRegister(v)
	}
	lag := new(Lag)
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "flapwatch", Name: "commit_lag_seconds", Help: "Time from receipt to commit of the last range.",
	}, lag.Seconds))
	return &Metrics{
		Frames: vecs[0], Bytes: vecs[1], Dropped: vecs[2], Overlong: vecs[3].WithLabelValues(), Refused: vecs[4],
		Decided: vecs[5], Batches: vecs[6].WithLabelValues(), Retries: vecs[7].WithLabelValues(),
		Conns: gauges[0], CommitLag: lag, Buffer: gauges[1],
	}
}
