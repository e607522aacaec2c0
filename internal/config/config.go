package config

import (
	"log/slog"
	"slices"
	"time"

	"syncd/internal/sched"
)

// Config is everything that can be configured. Each field takes its value from the first source that has it: a flag, the
// environment, the file named by --config or SYNCD_CONFIG, the default. The table in settings.go has names, defaults and
// meanings.
type Config struct {
	// Name is that of the organization in the configuration; "" where it has no organizations of its own.
	Name string
	// OrganizationsDir holds one file for each organization; "" = none.
	OrganizationsDir string

	// DatabaseURL names the database of the mirror. The role needs the right to create the schema, or all rights in an existing
	// one.
	DatabaseURL Secret
	// Schema is the Postgres schema of the data; created when missing, as is that of the bookkeeping. One schema mirrors one organization.
	Schema string

	// AccessToken is an organization access token of Polar. It is sent to Server only.
	AccessToken Secret
	// Server is production, sandbox or the URL of a server that answers like Polar.
	Server string
	// PolarVersion is the version of the API to request.
	PolarVersion string
	// OrganizationID, when set, is the organization that the token must belong to: a token of another one is refused
	// before anything is written.
	OrganizationID string
	// OrganizationHeader: each request names OrganizationID, and the token may be one of many organizations.
	OrganizationHeader bool
	// RequestsPerMinute is the budget. Everything that uses the organization's tokens shares Polar's limit, its shop included. 0
	// = half of what Polar allows by default.
	RequestsPerMinute int
	// Patience is how long requests wait for a Polar that has answered before and does not answer now.
	Patience time.Duration
	// Parallel is how many streams are read at once. They share the budget.
	Parallel int
	// Lease is how long a process that died keeps others from its streams. A living process renews it.
	Lease time.Duration

	// StreamsOff are the streams that are synced only when a command names them.
	StreamsOff map[string]bool
	// EventsRetention is for how many days events are kept; 0 = all of them.
	EventsRetention int
	// HistoryRetention is for how many days changes of limited retention are kept; 0 = all of them.
	HistoryRetention int

	// Schedule is when a stream is swept, unless it has its own. "" = the default of each stream.
	Schedule string
	// Schedules are the schedules of single streams; only the file sets them.
	Schedules map[string]string
	// Tail is the interval of the rounds that look for changes between sweeps; 0 = never.
	Tail time.Duration
	// Feed is how often the feeds are asked between these rounds; 0 = never.
	Feed time.Duration
	// FreshShare is how many percent of the budget go into reading more often what shows changes late; 0 = none.
	FreshShare int
	// Audit is when the daemon compares Polar's metrics with the mirror's rows.
	Audit string
	// Timezone is where the fields of schedules are read.
	Timezone *time.Location
	// Jitter spreads the start of scheduled runs.
	Jitter time.Duration

	// Listen is the address of health, readiness, metrics and status; "" = none. There is no authentication.
	Listen string

	// WebhookListen is the address on which Polar's webhooks are received; "" = none. Each webhook is signed with one of
	// WebhookSecrets.
	WebhookListen  string
	WebhookSecrets []Secret

	// LogLevel and LogFormat (text or json) are those of the log on standard error.
	LogLevel  slog.Level
	LogFormat string

	domain Domain
}

// Domain is what settings are checked against. This package cannot know it by itself: it knows no streams, no Postgres and no
// Polar.
type Domain struct {
	// Streams are all existing streams.
	Streams []Stream
	// SelectStreams reads a list of streams, and returns those that it leaves out.
	SelectStreams func(list string) (off map[string]bool, err error)
	// CheckDatabase says what is wrong with a connection string, without repeating any of it.
	CheckDatabase func(dsn string) error
	// RedactDatabase returns a connection string without its passwords.
	RedactDatabase func(dsn string) string
	// Schemas are all schemas that a mirror has whose data are in this one.
	Schemas func(schema string) []string
	// PolarVersion is the default version of the API.
	PolarVersion string
}

// Stream is what settings need to know about one stream.
type Stream struct {
	Name     string
	OptIn    string // why it is off by default; "" = it is on
	Schedule string // the default
}

// StreamNames lists all streams, on or off.
func (d Domain) StreamNames() []string {
	names := make([]string, len(d.Streams))
	for i, s := range d.Streams {
		names[i] = s.Name
	}
	return names
}

func (d Domain) stream(name string) Stream {
	if i := slices.IndexFunc(d.Streams, func(s Stream) bool { return s.Name == name }); i >= 0 {
		return d.Streams[i]
	}
	return Stream{Name: name}
}

// StreamNames lists all streams, on or off.
func (c *Config) StreamNames() []string { return c.domain.StreamNames() }

// StreamsOn lists the streams that are synced without being named.
func (c *Config) StreamsOn() []string {
	return slices.DeleteFunc(c.domain.StreamNames(), func(name string) bool { return c.StreamsOff[name] })
}

// WhyOff is the reason why a stream is synced only when it is named; "" = it is on.
func (c *Config) WhyOff(stream string) string {
	switch optIn := c.domain.stream(stream).OptIn; {
	case !c.StreamsOff[stream]:
		return ""
	case optIn != "":
		return optIn
	}
	return "switched off"
}

// ScheduleOf returns the schedule of a stream's sweeps.
func (c *Config) ScheduleOf(stream string) string {
	switch {
	case c.Schedules[stream] != "":
		return c.Schedules[stream]
	case c.Schedule != "":
		return c.Schedule
	}
	return c.domain.stream(stream).Schedule
}

// TailSchedule returns the schedule of the rounds of tails.
func (c *Config) TailSchedule() string {
	if c.Tail <= 0 {
		return sched.Off
	}
	return "@every " + c.Tail.String()
}

// FeedEvery is how often the feeds are asked; 0 = never, as without rounds of tails, which read what comes late.
func (c *Config) FeedEvery() time.Duration {
	if c.Tail <= 0 {
		return 0
	}
	return c.Feed
}

// Retention is how long the rows of a stream are kept, by stream. A stream that is missing keeps all.
func (c *Config) Retention() map[string]time.Duration {
	return map[string]time.Duration{"events": time.Duration(c.EventsRetention) * 24 * time.Hour}
}

// KeepHistory returns how long changes of limited retention are kept; 0 = for ever.
func (c *Config) KeepHistory() time.Duration {
	return time.Duration(c.HistoryRetention) * 24 * time.Hour
}

// WithLive returns a copy that has the live settings of another configuration: those that take effect while the daemon runs. The
// access token is live, too, but the caller must first test whether the new one works.
func (c *Config) WithLive(other *Config) *Config {
	merged := *c
	merged.RequestsPerMinute, merged.Patience = other.RequestsPerMinute, other.Patience
	merged.Schedule, merged.Schedules, merged.Tail, merged.Feed = other.Schedule, other.Schedules, other.Tail, other.Feed
	merged.Audit = other.Audit
	merged.Timezone, merged.Jitter = other.Timezone, other.Jitter
	merged.WebhookSecrets = other.WebhookSecrets
	merged.LogLevel = other.LogLevel
	return &merged
}
