package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/store"
)

// Config is everything that can be configured. Each field is set from the first of these that has it: a flag, the
// environment, the file that --config or SYNCD_CONFIG names, the default. See Config.settings for names and defaults.
type Config struct {
	// DatabaseURL is where the mirror is kept. The role needs the right to create the schema, or all rights in it when it
	// is there.
	DatabaseURL Secret
	// Schema is the Postgres schema of the tables; created when missing. One schema mirrors one organization.
	Schema string

	// AccessToken is an organization access token of Polar. It is sent to Server only.
	AccessToken Secret
	// Server is production, sandbox or the URL of something that answers like Polar.
	Server string
	// PolarVersion is the version of the API that is asked for.
	PolarVersion string
	// OrganizationID, when set, is the organization that the token must belong to: a token of another one is refused
	// before anything is written.
	OrganizationID string
	// RequestsPerMinute is the budget. Polar's limit is shared by everything that uses the organization's tokens, its
	// shop included. 0 = half of what Polar allows by default.
	RequestsPerMinute int
	// Patience is for how long a Polar that was there and is away is waited for.
	Patience time.Duration
	// Parallel is how many streams are read at once. They share the budget.
	Parallel int
	// Lease is how long a process that died keeps others from its streams. One that lives renews it.
	Lease time.Duration

	// StreamsOff are the streams that are not synced unless they are named, as mirror.Select has them.
	StreamsOff map[string]bool
	// EventsRetention is for how many days events are kept; 0 = all of them.
	EventsRetention int

	// Schedule is when a stream is swept, unless it has its own. "" = the built-in ones.
	Schedule string
	// Schedules are those of single streams; only the file sets them.
	Schedules map[string]string
	// Tail is how often changes are looked for between sweeps; 0 = never.
	Tail time.Duration
	// Timezone is where the fields of schedules are read.
	Timezone *time.Location
	// Jitter spreads the beginning of scheduled runs.
	Jitter time.Duration

	// Listen is the address of health, readiness, metrics and status; "" = not at all. There is no authentication.
	Listen string

	// LogLevel and LogFormat (text or json) are those of the log on standard error.
	LogLevel  slog.Level
	LogFormat string
}

// A sweep costs one request per 100 rows. Nightly it is cheap enough for every stream; Polar's metrics change by the
// hour and cost a handful of requests whatever the size of the organization.
const (
	nightly = "0 3 * * *"
	hourly  = "@every 1h"
	weekly  = "0 5 * * 0"
)

// builtinSchedules are those of streams that are not swept nightly.
var builtinSchedules = map[string]string{
	"metrics": hourly,
	// What costs most, where it is on.
	"events": weekly, "license_key_activations": weekly, "payment_methods": weekly,
	// A little after the sweeps, so that the rows that those of an export belong to are there.
	"customers_export": "20 4 * * *", "orders_export": "25 4 * * *", "subscriptions_export": "30 4 * * *", "metrics_export": "35 4 * * *",
}

// ScheduleOf is when a stream is swept.
func (c *Config) ScheduleOf(stream string) string {
	switch {
	case c.Schedules[stream] != "":
		return c.Schedules[stream]
	case c.Schedule != "":
		return c.Schedule
	case builtinSchedules[stream] != "":
		return builtinSchedules[stream]
	}
	return nightly
}

// tailSpec is when rounds of tails are made, as a schedule.
func (c *Config) tailSpec() string {
	if c.Tail <= 0 {
		return sched.Off
	}
	return "@every " + c.Tail.String()
}

// streamsOn lists the streams that are synced without being named.
func (c *Config) streamsOn() []string {
	return slices.DeleteFunc(streamNames(), func(name string) bool { return c.StreamsOff[name] })
}

// off says why a stream is not synced unless it is named; "" = it is.
func (c *Config) off(stream string) string {
	if !c.StreamsOff[stream] {
		return ""
	}
	for _, s := range mirror.Streams() {
		if s.Name == stream && s.OptIn != "" {
			return s.OptIn
		}
	}
	return "switched off"
}

// retention is how far back the rows of a stream are kept, as mirror.Config wants it.
func (c *Config) retention() map[string]time.Duration {
	return map[string]time.Duration{"events": time.Duration(c.EventsRetention) * 24 * time.Hour}
}

// Groups of settings: what a command needs, and headings of its help.
const (
	groupDatabase = "Database"
	groupPolar    = "Polar"
	groupStreams  = "Streams"
	groupSchedule = "Schedule"
	groupServe    = "Health and metrics"
	groupLog      = "Logging"
)

// settings binds every setting to its field. This table is the one place that names them: flags, environment, file,
// `syncd config print` and `syncd config reference` follow from it.
func (c *Config) settings() []setting {
	return []setting{
		{key: "database_url", group: groupDatabase, hint: "URL", secret: true, set: func(v string) error {
			c.DatabaseURL = Secret(v)
			return store.CheckDSN(v)
		}, show: func() string { return store.RedactDSN(string(c.DatabaseURL)) },
			doc: "Postgres database to write to, as URL or key=value pairs"},
		{key: "schema", group: groupDatabase, hint: "NAME", def: "polar", set: func(v string) error {
			c.Schema = v
			return nil
		}, doc: "schema of the tables, created when missing; one schema holds one organization"},

		{key: "polar_access_token", group: groupPolar, hint: "TOKEN", secret: true, noFlag: true, set: func(v string) error {
			c.AccessToken = Secret(v)
			return nil
		}, show: func() string { return c.AccessToken.String() },
			doc: "organization access token, from the settings of the organization at Polar"},
		{key: "polar_server", group: groupPolar, hint: "NAME", def: "production", set: func(v string) error {
			c.Server = v
			return checkServer(v)
		}, doc: "production, sandbox or a URL"},
		{key: "polar_version", group: groupPolar, hint: "VERSION", def: fetch.DefaultVersion, set: func(v string) error {
			c.PolarVersion = v
			if _, err := time.Parse("2006-01", v); err != nil {
				return errors.New("write a year and a month such as " + fetch.DefaultVersion)
			}
			return nil
		}, doc: "version of Polar's API to ask for; where Polar has retired it, its current one is used"},
		{key: "polar_organization_id", group: groupPolar, hint: "UUID", set: func(v string) error {
			id, err := uuid.Parse(v)
			c.OrganizationID = id.String()
			if err != nil {
				return errors.New("an organization has an id such as 1dbfc517-0bbf-4301-9ba8-555ca42b9737")
			}
			return nil
		}, doc: "refuse a token of any other organization"},
		{key: "requests_per_minute", group: groupPolar, hint: "N", def: "auto", set: func(v string) error {
			if v == "auto" {
				c.RequestsPerMinute = 0
				return nil
			}
			return number(&c.RequestsPerMinute, v, 1, 60000)
		}, doc: "budget, retries included; auto is half of Polar's default limit: 250, sandbox 50"},
		{key: "patience", group: groupPolar, hint: "DURATION", def: "5m", set: func(v string) (err error) {
			c.Patience, err = time.ParseDuration(v)
			if err != nil || c.Patience < time.Second || c.Patience > 24*time.Hour {
				return errors.New("write a duration from 1s to 24h, such as 5m")
			}
			return nil
		}, doc: "how long requests wait for a Polar that has answered and is away, before a run fails"},
		{key: "parallel", group: groupPolar, hint: "N", def: "4", set: func(v string) error {
			return number(&c.Parallel, v, 1, 64)
		}, doc: "streams read at the same time"},
		{key: "lease", group: groupPolar, hint: "DURATION", def: "30s", set: func(v string) (err error) {
			c.Lease, err = time.ParseDuration(v)
			if err != nil || c.Lease < time.Second || c.Lease > time.Hour {
				return errors.New("write a duration from 1s to 1h, such as 30s")
			}
			return nil
		}, doc: "how long a process that died keeps others from its streams"},

		{key: "streams", group: groupStreams, hint: "LIST", def: "default", set: func(v string) (err error) {
			c.StreamsOff, err = mirror.Select(v, mirror.Streams())
			return err
		}, doc: "streams to sync: names, or +NAME and -NAME to add to or take from the default ones; default and all stand for sets"},
		{key: "events_retention", group: groupStreams, hint: "DAYS", def: "90", set: func(v string) error {
			if v == "all" {
				c.EventsRetention = 0
				return nil
			}
			return number(&c.EventsRetention, v, 1, 36500)
		}, doc: "days for which events are kept, where that stream is on; older ones are removed; all keeps them"},

		{key: "schedule", group: groupSchedule, hint: "SPEC", show: func() string { return c.Schedule }, set: func(v string) error {
			c.Schedule = v
			return sched.Validate(v)
		}, doc: `when streams are swept: cron fields, @daily, "@every 6h" or off; nightly at 3, metrics hourly, and what costs most on Sundays, unless set`},
		{key: "tail", group: groupSchedule, hint: "DURATION", def: "5m", set: func(v string) (err error) {
			if c.Tail = 0; v == "off" {
				return nil
			}
			c.Tail, err = time.ParseDuration(v)
			if err != nil || c.Tail < 30*time.Second || c.Tail > 24*time.Hour {
				return errors.New("write a duration from 30s to 24h such as 5m, or off")
			}
			return nil
		}, doc: "how often changes are looked for between sweeps, at some ten requests a time; off for never"},
		{key: "timezone", group: groupSchedule, hint: "NAME", def: "UTC", set: func(v string) (err error) {
			c.Timezone, err = time.LoadLocation(v)
			if err != nil || v == "" || v == "Local" {
				return errors.New("write a name of the IANA database such as Europe/Paris, or UTC")
			}
			return nil
		}, doc: "time zone of schedules"},
		{key: "jitter", group: groupSchedule, hint: "DURATION", def: "1m", set: func(v string) (err error) {
			c.Jitter, err = time.ParseDuration(v)
			if err != nil || c.Jitter < 0 || c.Jitter > time.Hour {
				return errors.New("write a duration from 0s to 1h, such as 30s")
			}
			return nil
		}, doc: "scheduled runs begin a random time below this late"},

		{key: "listen", group: groupServe, hint: "HOST:PORT", def: "127.0.0.1:9464", set: func(v string) error {
			if c.Listen = v; v == "off" {
				c.Listen = ""
				return nil
			}
			return checkAddr(v)
		}, doc: "address of /healthz, /readyz, /metrics and /status, which ask for no password; off for none"},

		{key: "log_level", group: groupLog, hint: "LEVEL", def: "info", set: func(v string) error {
			if c.LogLevel.UnmarshalText([]byte(v)) != nil {
				return errors.New("write debug, info, warn or error")
			}
			return nil
		}, doc: "debug, info, warn or error"},
		{key: "log_format", group: groupLog, hint: "FORMAT", def: "text", set: func(v string) error {
			c.LogFormat = v
			return oneOf(v, "text", "json")
		}, doc: "text or json"},
	}
}

func number(into *int, v string, least, most int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return fmt.Errorf("write a whole number from %d to %d", least, most)
	}
	*into = n
	return nil
}

func oneOf(v string, among ...string) error {
	if slices.Contains(among, v) {
		return nil
	}
	return fmt.Errorf("write %s or %s", strings.Join(among[:len(among)-1], ", "), among[len(among)-1])
}

// checkServer leaves the finer points of a URL to the client, which knows where a token may be sent.
func checkServer(v string) error {
	if v == "production" || v == "sandbox" {
		return nil
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("write production, sandbox or a URL such as https://api.polar.sh")
	}
	return nil
}

func checkAddr(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("write host:port such as 127.0.0.1:9464, or off")
	}
	return nil
}
