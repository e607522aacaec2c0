package serve

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
	"syncd/internal/mirror"
)

// Build is what build_info tells about the binary.
type Build struct{ Version, Commit, Date string }

// Traffic counts what was sent to Polar since the start.
type Traffic interface {
	Requests() int64       // HTTP attempts
	AnsweredAt() time.Time // when the last answer came; zero before the first
	Budget() limit.Budget
	Version() string        // of the API, as requested
	RetiredVersion() string // the configured version, if Polar no longer serves it; else ""
	Now() time.Time
}

// Metrics collects what /metrics shows, in a registry of its own. It is an observer of the mirror.
type Metrics struct {
	registry    *prometheus.Registry
	streams     []string
	runs        *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	running     *prometheus.GaugeVec
	pages       *prometheus.CounterVec
	written     *prometheus.CounterVec
	lastSuccess *prometheus.GaugeVec
	rows        *prometheus.GaugeVec
	through     *prometheus.GaugeVec
	polled      *prometheus.GaugeVec
	current     *prometheus.GaugeVec
	pending     *prometheus.GaugeVec
	feedLag     *prometheus.GaugeVec
	feedStill   *prometheus.GaugeVec
	drift       *prometheus.GaugeVec
	whole       *prometheus.GaugeVec
	complete    *prometheus.GaugeVec
	rejects     *prometheus.GaugeVec
	held        *prometheus.GaugeVec
	requests    *prometheus.HistogramVec
}

var _ mirror.Observer = (*Metrics)(nil)

// runBuckets range from a stream of a few rows to the first sweep of a large organization within Polar's limits.
var runBuckets = []float64{.1, .5, 1, 5, 15, 60, 5 * 60, 15 * 60, 60 * 60, 4 * 60 * 60}

// requestBuckets range from an answer that needs no database to what Polar takes for a report.
var requestBuckets = []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// Kinds of rows, as the label of rows_written_total.
const (
	inserted = "inserted"
	updated  = "updated"
	rejected = "rejected"
)

// NewMetrics makes every counter of the named streams, at zero: a rate over a series that appears with its first event misses that
// event. A time that is not known yet has no series: zero would be read as 1970.
func NewMetrics(build Build, streams []string) *Metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "syncd", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "syncd", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		streams:  streams,
		runs:     vec("runs_total", "Runs that have ended, by stream and outcome: succeeded, partial, failed, interrupted or skipped.", "stream", "outcome"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "syncd", Name: "run_duration_seconds",
			Help: "How long runs took; skipped runs are not counted.", Buckets: runBuckets}, []string{"stream"}),
		running:     gauge("run_in_progress", "1 while a run of the stream is under way.", "stream"),
		pages:       vec("pages_total", "Pages stored.", "stream"),
		written:     vec("rows_written_total", "Rows written, by kind: inserted, updated, or rejected (kept in sync_rejects).", "stream", "kind"),
		lastSuccess: gauge("last_success_timestamp_seconds", "When the last run that succeeded began, as seconds since 1970. Missing when none has.", "stream"),
		rows:        gauge("stream_rows", "Rows in the stream's table that Polar still has, as of the last sweep or round of tails.", "stream"),
	}
	m.through = gauge("data_through_timestamp_seconds", "Moment up to which the stream is mirrored, as far as tails can see, as seconds since 1970. Missing before the first.", "stream")
	m.polled = gauge("polled_timestamp_seconds", "When Polar last answered a tail of the stream, as seconds since 1970. Missing when it never did.", "stream")
	m.current = gauge("current_timestamp_seconds", "Moment up to which the stream is current: a change from before it is mirrored, as far as tails can see, also where nothing changes. As seconds since 1970; missing where only sweeps show changes.", "stream")
	m.pending = gauge("pending_changes", "Pending changes: known, and not fetched yet.", "stream")
	m.feedLag = gauge("feed_lag_seconds", "Lag of a feed: how late it tells of changes, at least, by recent measurements.", "feed")
	m.feedStill = gauge("feed_stands_still", "1 while a feed tells of nothing although lists show new rows.", "feed")
	m.drift = gauge("open_drift", "Drift that nobody has acknowledged: fields, values and types that this syncd does not know.", "stream")
	m.whole = gauge("stream_whole", "Verdict on the stream, as syncd verify gives it: 1 when the table is whole as of the last complete sweep, 0 when something is missing. Missing where the token may not read the stream.", "stream")
	m.complete = gauge("complete_timestamp_seconds", "When the last complete sweep began, as seconds since 1970: the table held all that Polar listed then. Missing before the first.", "stream")
	m.rejects = gauge("open_rejects", "Objects that could not be stored, and have not been since: see sync_rejects.", "stream")
	m.held = gauge("held_deletions", "Deletions that are held back: see sync_suspects.", "stream")
	m.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "syncd", Name: "request_duration_seconds",
		Help: "Time until Polar began to answer, by the class of the status: 2xx, 4xx, 429, 5xx and so on; none without an answer.", Buckets: requestBuckets}, []string{"status"})
	info := gauge("build_info", "Always 1; the labels tell which syncd this is.", "version", "commit", "go")
	info.WithLabelValues(build.Version, build.Commit, runtime.Version()).Set(1)
	m.registry.MustRegister(m.runs, m.duration, m.running, m.pages, m.written, m.lastSuccess, m.rows, m.through, m.polled, m.current, m.pending, m.feedLag, m.feedStill, m.drift, m.whole, m.complete, m.rejects, m.held, m.requests, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, s := range streams {
		for _, o := range []mirror.Outcome{mirror.Succeeded, mirror.Partial, mirror.Failed, mirror.Interrupted, mirror.Skipped} {
			m.runs.WithLabelValues(s, string(o))
		}
		for _, kind := range []string{inserted, updated, rejected} {
			m.written.WithLabelValues(s, kind)
		}
		m.duration.WithLabelValues(s)
		m.running.WithLabelValues(s)
		m.pages.WithLabelValues(s)
		m.pending.WithLabelValues(s)
		m.drift.WithLabelValues(s)
	}
	return m
}

// AddTraffic adds the counts of requests to Polar. Call it once.
func (m *Metrics) AddTraffic(t Traffic) {
	m.registry.MustRegister(
		newBudget(t.Budget),
		versionInfo{t},
		lastAnswer{t},
		counter("requests_total", "HTTP requests sent to Polar, retries included.", t.Requests),
		counter("request_retries_total", "HTTP requests that repeated a failed one.", func() int64 { return t.Budget().Retries }),
		counter("rate_limited_total", "Requests that Polar refused as too many (429).", func() int64 { return t.Budget().RateLimited }))
}

// lastAnswer collects when Polar last answered.
type lastAnswer struct{ traffic Traffic }

var answered = prometheus.NewDesc("syncd_polar_answered_timestamp_seconds",
	"When Polar last answered this process, a refusal included, as seconds since 1970. Missing when it never did.", nil, nil)

func (l lastAnswer) Describe(ch chan<- *prometheus.Desc) { ch <- answered }

func (l lastAnswer) Collect(ch chan<- prometheus.Metric) {
	if at := l.traffic.AnsweredAt(); !at.IsZero() {
		ch <- prometheus.MustNewConstMetric(answered, prometheus.GaugeValue, seconds(at))
	}
}

// seconds is a time as Prometheus counts it: since 1970.
func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

// versionInfo collects the version of Polar's API, whose name is a label.
type versionInfo struct{ traffic Traffic }

var (
	versionLeft = prometheus.NewDesc("syncd_polar_version_left_seconds",
		"How long Polar still serves the requested version of its API; negative when it may have retired it. Missing where this syncd does not know the version.", []string{"version"}, nil)
	versionRetired = prometheus.NewDesc("syncd_polar_version_retired",
		"1 when Polar has retired the configured version of its API, so syncd uses the current one.", []string{"version"}, nil)
)

func (v versionInfo) Describe(ch chan<- *prometheus.Desc) { ch <- versionLeft; ch <- versionRetired }

func (v versionInfo) Collect(ch chan<- prometheus.Metric) {
	name, retired := v.traffic.Version(), 0.0
	if v.traffic.RetiredVersion() != "" {
		retired = 1
	}
	if known, is := fetch.FindVersion(name); is {
		ch <- prometheus.MustNewConstMetric(versionLeft, prometheus.GaugeValue, known.Ends.Sub(v.traffic.Now()).Seconds(), name)
	}
	ch <- prometheus.MustNewConstMetric(versionRetired, prometheus.GaugeValue, retired, name)
}

func counter(name, help string, value func() int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "syncd", Name: name, Help: help},
		func() float64 { return float64(value()) })
}

// Registry is what the metrics are in, for those who send them elsewhere.
func (m *Metrics) Registry() prometheus.Gatherer { return m.registry }

// Handler serves the metrics in the requested format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, Timeout: requestTimeout}))
}

// RunStarted is called by the mirror when it begins a run.
func (m *Metrics) RunStarted(stream string) { m.running.WithLabelValues(stream).Set(1) }

// PageStored is called by the mirror after each page.
func (m *Metrics) PageStored(stream string, _, _ int) { m.pages.WithLabelValues(stream).Inc() }

// RunFinished is called by the mirror when a run has ended.
func (m *Metrics) RunFinished(r mirror.Result) {
	m.running.WithLabelValues(r.Stream).Set(0)
	if r.Kind == "feed" { // its stream is that of rounds of tails, whose lease it takes
		r.Stream = r.Kind
	}
	m.runs.WithLabelValues(r.Stream, string(r.Outcome)).Inc()
	if r.Outcome != mirror.Skipped {
		m.duration.WithLabelValues(r.Stream).Observe(r.Duration.Seconds())
	}
	m.written.WithLabelValues(r.Stream, inserted).Add(float64(r.Inserted))
	m.written.WithLabelValues(r.Stream, updated).Add(float64(r.Updated))
	m.written.WithLabelValues(r.Stream, rejected).Add(float64(r.Rejected))
	if r.Outcome == mirror.Succeeded {
		m.SetLastSuccess(r.Stream, r.StartedAt)
	}
}

// SetLastSuccess sets when the last successful run began, of this or an earlier process. The zero time changes nothing.
func (m *Metrics) SetLastSuccess(stream string, at time.Time) {
	if !at.IsZero() {
		m.lastSuccess.WithLabelValues(stream).Set(seconds(at))
	}
}

// SetRows sets how many rows a stream's table has.
func (m *Metrics) SetRows(stream string, rows int64) {
	m.rows.WithLabelValues(stream).Set(float64(rows))
}

// SetFreshness sets up to when a stream is mirrored, when Polar last answered a tail of it, up to when it is current, and how many
// changes are pending. The zero time means never.
func (m *Metrics) SetFreshness(stream string, through, polled, current time.Time, pending int64) {
	if current.IsZero() {
		m.current.DeleteLabelValues(stream)
	} else {
		m.current.WithLabelValues(stream).Set(seconds(current))
	}
	if !through.IsZero() {
		m.through.WithLabelValues(stream).Set(seconds(through))
	}
	if !polled.IsZero() {
		m.polled.WithLabelValues(stream).Set(seconds(polled))
	}
	m.pending.WithLabelValues(stream).Set(float64(pending))
}

// SetStanding sets the verdict on a stream: whether it is available to the token, whether it is whole, and as of when; and how many
// objects could not be stored and how many deletions are held back.
func (m *Metrics) SetStanding(stream string, available, whole bool, complete time.Time, rejects, held int64) {
	switch {
	case !available:
		m.whole.DeleteLabelValues(stream)
	case whole:
		m.whole.WithLabelValues(stream).Set(1)
	default:
		m.whole.WithLabelValues(stream).Set(0)
	}
	if !complete.IsZero() {
		m.complete.WithLabelValues(stream).Set(seconds(complete))
	}
	m.rejects.WithLabelValues(stream).Set(float64(rejects))
	m.held.WithLabelValues(stream).Set(float64(held))
}

// RequestAnswered counts an attempt of a request to Polar; the status is 0 without an answer.
func (m *Metrics) RequestAnswered(status int, took time.Duration) {
	class := strconv.Itoa(status/100) + "xx"
	switch status {
	case 0:
		class = "none"
	case http.StatusTooManyRequests:
		class = "429"
	}
	m.requests.WithLabelValues(class).Observe(took.Seconds())
}

// SetDrift sets how much drift is open, by stream; a stream that is missing has none.
func (m *Metrics) SetDrift(open map[string]int64) {
	for _, s := range m.streams {
		m.drift.WithLabelValues(s).Set(float64(open[s]))
	}
}

// SetFeed sets the lag of a feed, at least, and whether it stands still.
func (m *Metrics) SetFeed(feed string, lag time.Duration, still bool) {
	m.feedLag.WithLabelValues(feed).Set(lag.Seconds())
	stands := 0.0
	if still {
		stands = 1
	}
	m.feedStill.WithLabelValues(feed).Set(stands)
}
