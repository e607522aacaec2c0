package serve

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"syncd/internal/mirror"
	"syncd/internal/status"
)

// Members are the metrics of a process that runs many organizations: counts of all of them together, and a few gauges of each with the
// label organization. So a thousand organizations have some thousand series, and not the hundred thousand of a thousand processes.
type Members struct {
	*Metrics
	mu   sync.Mutex
	list map[string]*Member
}

// NewMembers makes the counters of all, at zero.
func NewMembers(build Build, streams []string) *Members {
	m := &Members{Metrics: NewMetrics(build, streams), list: map[string]*Member{}}
	for _, ofOne := range []prometheus.Collector{m.running, m.lastSuccess, m.rows, m.through, m.polled, m.current, m.pending, m.feedLag, m.feedStill, m.drift, m.whole, m.complete, m.rejects, m.held} {
		m.registry.Unregister(ofOne)
	}
	m.registry.MustRegister(m)
	return m
}

// Add makes an organization known.
func (m *Members) Add(name string) *Member {
	one := &Member{all: m.Metrics, streams: map[string]*standing{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list[name] = one
	return one
}

// Remove forgets an organization that runs here no more.
func (m *Members) Remove(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.list, name)
}

func ofOrganization(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("syncd", "organization", name), help, []string{"organization"}, nil)
}

var (
	memberCurrent  = ofOrganization("current_timestamp_seconds", "Moment up to which the organization is current, by the stream that is furthest behind, as seconds since 1970. Missing before the first round.")
	memberPolled   = ofOrganization("polled_timestamp_seconds", "When Polar last answered a tail of the organization, as seconds since 1970. Missing when it never did.")
	memberAnswered = ofOrganization("polar_answered_timestamp_seconds", "When Polar last answered this process for the organization, a refusal included, as seconds since 1970. Missing when it never did.")
	memberWhole    = ofOrganization("whole", "1 when each of its tables is whole as of its last complete sweep, 0 when something is missing or was never read to its end.")
	memberPending  = ofOrganization("pending_changes", "Pending changes: known, and not fetched yet.")
	memberRejects  = ofOrganization("open_rejects", "Objects that could not be stored, and have not been since: see sync_rejects.")
	memberHeld     = ofOrganization("held_deletions", "Deletions that are held back: see sync_suspects.")
	memberDrift    = ofOrganization("open_drift", "Drift that nobody has acknowledged: fields, values and types that this syncd does not know.")
	memberRequests = ofOrganization("requests_total", "HTTP requests sent to Polar, retries included.")
	memberLimited  = ofOrganization("rate_limited_total", "Requests that Polar refused as too many (429).")
	membersHere    = prometheus.NewDesc("syncd_organizations", "Organizations that this process runs.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *Members) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{memberCurrent, memberPolled, memberAnswered, memberWhole, memberPending, memberRejects, memberHeld, memberDrift, memberRequests, memberLimited, membersHere} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Members) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	to <- prometheus.MustNewConstMetric(membersHere, prometheus.GaugeValue, float64(len(m.list)))
	for name, one := range m.list {
		s := one.Summary()
		moment := func(d *prometheus.Desc, at time.Time) {
			if !at.IsZero() {
				to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, seconds(at), name)
			}
		}
		number := func(d *prometheus.Desc, kind prometheus.ValueType, v int64) {
			to <- prometheus.MustNewConstMetric(d, kind, float64(v), name)
		}
		moment(memberCurrent, s.CurrentAt)
		moment(memberPolled, s.PolledAt)
		whole := int64(0)
		if len(s.Missing) == 0 && s.First == 0 {
			whole = 1
		}
		number(memberWhole, prometheus.GaugeValue, whole)
		number(memberPending, prometheus.GaugeValue, s.Pending)
		number(memberRejects, prometheus.GaugeValue, s.Rejects)
		number(memberHeld, prometheus.GaugeValue, s.Held)
		number(memberDrift, prometheus.GaugeValue, s.Drift)
		if traffic := one.sent(); traffic != nil {
			moment(memberAnswered, traffic.AnsweredAt())
			number(memberRequests, prometheus.CounterValue, traffic.Requests())
			number(memberLimited, prometheus.CounterValue, traffic.Budget().RateLimited)
		}
	}
}

// Member is told how one organization stands.
type Member struct {
	all *Metrics

	mu      sync.Mutex
	traffic Traffic
	streams map[string]*standing
	drift   int64
}

// standing is how a stream stands.
type standing struct {
	current, polled, complete time.Time
	pending, rejects, held    int64
	judged, away, missing     bool
}

func (o *Member) set(stream string, change func(*standing)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.streams[stream] == nil {
		o.streams[stream] = &standing{}
	}
	change(o.streams[stream])
}

// AddTraffic adds the counts of requests to Polar.
func (o *Member) AddTraffic(t Traffic) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.traffic = t
}

func (o *Member) sent() Traffic {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.traffic
}

// Summary is how the organization stands.
func (o *Member) Summary() (s status.Summary) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Drift = o.drift
	judged := false
	for name, st := range o.streams {
		if !st.current.IsZero() && (s.CurrentAt.IsZero() || st.current.Before(s.CurrentAt)) {
			s.CurrentAt = st.current
		}
		if st.polled.After(s.PolledAt) {
			s.PolledAt = st.polled
		}
		if !st.complete.IsZero() && (s.CompleteAt.IsZero() || st.complete.Before(s.CompleteAt)) {
			s.CompleteAt = st.complete
		}
		s.Pending, s.Rejects, s.Held = s.Pending+st.pending, s.Rejects+st.rejects, s.Held+st.held
		judged = judged || st.judged
		switch {
		case !st.judged || st.away:
		case st.complete.IsZero():
			s.First++
		case st.missing:
			s.Missing = append(s.Missing, name)
		}
	}
	if !judged {
		s.First = max(1, s.First)
	}
	if s.First > 0 {
		s.CompleteAt = time.Time{}
	}
	slices.Sort(s.Missing)
	return s
}

// RunStarted implements mirror.Observer.
func (o *Member) RunStarted(string) {}

// PageStored implements mirror.Observer.
func (o *Member) PageStored(stream string, rows, total int) { o.all.PageStored(stream, rows, total) }

// RunFinished implements mirror.Observer.
func (o *Member) RunFinished(r mirror.Result) { o.all.RunFinished(r) }

// RequestAnswered counts an attempt of a request to Polar.
func (o *Member) RequestAnswered(status int, took time.Duration) { o.all.RequestAnswered(status, took) }

// SetLastSuccess is not kept: when the last complete sweep began says more.
func (o *Member) SetLastSuccess(string, time.Time) {}

// SetRows is not kept.
func (o *Member) SetRows(string, int64) {}

// SetFeed is not kept.
func (o *Member) SetFeed(string, time.Duration, bool) {}

// SetFreshness is as of Metrics.
func (o *Member) SetFreshness(stream string, _, polled, current time.Time, pending int64) {
	o.set(stream, func(s *standing) { s.polled, s.current, s.pending = polled, current, pending })
}

// SetStanding is as of Metrics.
func (o *Member) SetStanding(stream string, available, whole bool, complete time.Time, rejects, held int64) {
	o.set(stream, func(s *standing) {
		s.judged, s.away, s.missing, s.complete, s.rejects, s.held = true, !available, !whole, complete, rejects, held
	})
}

// SetDrift is as of Metrics.
func (o *Member) SetDrift(open map[string]int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drift = 0
	for _, n := range open {
		o.drift += n
	}
}
