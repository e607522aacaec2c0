package serve

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// webhookBuckets range from one request to Polar to a database that is away.
var webhookBuckets = []float64{.1, .25, .5, 1, 2, 5, 10, 30, 60, 300}

// Webhooks counts what becomes of Polar's webhooks.
type Webhooks struct {
	accepted, queued, dropped prometheus.Counter
	refused                   *prometheus.CounterVec
	fetched                   prometheus.Histogram
	last                      *prometheus.GaugeVec
}

// AddWebhooks adds the counts of a receiver of webhooks, which refuses them for these reasons. Call it once.
func (m *Metrics) AddWebhooks(reasons []string) *Webhooks {
	count := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "syncd", Name: name, Help: help})
	}
	w := &Webhooks{
		accepted: count("webhooks_accepted_total", "Webhooks with a valid signature."),
		queued:   count("webhooks_queued_total", "Webhooks that named something to be fetched."),
		dropped:  count("webhooks_dropped_total", "Webhooks whose names found no room, since too much waits to be fetched. The feeds find what is behind them."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "syncd", Name: "webhooks_refused_total",
			Help: "Webhooks that were refused, by reason: headers, time or signature are not valid, size, busy, unread or format."}, []string{"reason"}),
		fetched: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "syncd", Name: "webhook_to_row_seconds",
			Help: "Time from the arrival of a webhook until the rows of what it named were stored.", Buckets: webhookBuckets}),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "syncd", Name: "webhook_accepted_timestamp_seconds",
			Help: "When the last webhook was accepted, as seconds since 1970. Missing before the first."}, nil),
	}
	m.registry.MustRegister(w.accepted, w.queued, w.dropped, w.refused, w.fetched, w.last)
	for _, reason := range reasons {
		w.refused.WithLabelValues(reason)
	}
	return w
}

// Accepted counts a webhook with a valid signature.
func (w *Webhooks) Accepted(at time.Time) {
	w.accepted.Inc()
	w.last.WithLabelValues().Set(seconds(at))
}

// Refused counts a webhook that was refused.
func (w *Webhooks) Refused(reason string) { w.refused.WithLabelValues(reason).Inc() }

// Queued counts a webhook that named something to be fetched.
func (w *Webhooks) Queued() { w.queued.Inc() }

// Dropped counts a webhook whose names found no room.
func (w *Webhooks) Dropped() { w.dropped.Inc() }

// Fetched counts a webhook whose names have been fetched, so long after it came.
func (w *Webhooks) Fetched(after time.Duration) { w.fetched.Observe(after.Seconds()) }
