package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"syncd/internal/fetch/limit"
)

// budget collects the state of the request budget at one moment.
type budget struct {
	read                                          func() limit.Budget
	limit, pace, used, left, paused, pauses, peer *prometheus.Desc
	requests, waiting                             *prometheus.Desc // by priority
}

func newBudget(read func() limit.Budget) *budget {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("syncd", "budget", name), help, labels, nil)
	}
	return &budget{
		read:     read,
		limit:    desc("limit_requests", "Requests a minute that the configuration allows; 0 without a limit."),
		pace:     desc("pace_requests", "Requests a minute that this process allows itself now: less than the limit after repeated refusals."),
		used:     desc("used_requests", "Requests that this process has sent in the last minute."),
		left:     desc("left_requests", "Requests that it may still send in this minute."),
		paused:   desc("paused", "1 while a refusal (429) keeps every request waiting."),
		pauses:   desc("paused_seconds_total", "How long refusals (429) have kept every request waiting."),
		peer:     desc("sharers", "Processes that share the budget through the database, this one included; 0 when it is not shared."),
		requests: desc("requests_total", "HTTP requests sent to Polar, retries included, by priority: refresh, tail, sweep or export.", "priority"),
		waiting:  desc("waiting_requests", "Requests that wait for their turn, by priority.", "priority"),
	}
}

// Describe implements prometheus.Collector.
func (b *budget) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(b, to) }

// Collect implements prometheus.Collector.
func (b *budget) Collect(to chan<- prometheus.Metric) {
	now := b.read()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(b.limit, float64(now.PerMinute))
	gauge(b.pace, float64(now.Pace))
	gauge(b.used, float64(now.Used))
	gauge(b.left, float64(now.Left))
	gauge(b.peer, float64(now.Sharers))
	paused := 0.0
	if !now.PausedUntil.IsZero() {
		paused = 1
	}
	gauge(b.paused, paused)
	to <- prometheus.MustNewConstMetric(b.pauses, prometheus.CounterValue, now.Paused.Seconds())
	for _, p := range limit.Priorities() {
		to <- prometheus.MustNewConstMetric(b.requests, prometheus.CounterValue, float64(now.Requests[p]), p.String())
		gauge(b.waiting, float64(now.Waiting[p]), p.String())
	}
}
