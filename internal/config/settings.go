package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/sched"
)

// Groups of settings. A command asks for the groups that it uses; they are also headings of its help.
const (
	GroupFleet    = "Organizations"
	GroupDatabase = "Database"
	GroupPolar    = "Polar"
	GroupStreams  = "Streams"
	GroupSchedule = "Schedule"
	GroupServe    = "Health and metrics"
	GroupWebhooks = "Webhooks"
	GroupLog      = "Logging"
)

// setting is one thing that can be configured. Its key is its name in the file; the other names follow from it:
// log_level is --log-level and SYNCD_LOG_LEVEL. Keys that begin with polar_ are POLAR_... in the environment, as in
// Polar's own tools.
type setting struct {
	key     string
	group   string
	hint    string // what to write, in help
	def     string // default, as a user would write it; "" = none
	meaning string
	secret  bool        // hidden when shown, and may come from a file: key_file holds its path
	noFlag  bool        // not on the command line, which other users of the machine can read
	live    bool        // takes effect while the daemon runs, when it reads its configuration again
	process bool        // of the whole process: an organization has none of its own
	needed  func() bool // a secret that is needed only then; nil: always
	set     func(string) error
	show    func() string // nil: as it was written
}

// fileOf ends the key of a setting that holds the path of a secret.
const fileOf = "_file"

// configPath and selected are the settings that the file cannot hold: where it is, and which of its organizations is meant.
const (
	configPath = "config"
	selected   = "organization"
)

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// KeyOfFlag returns the key of the setting that a flag of this name sets.
func KeyOfFlag(name string) string { return strings.ReplaceAll(name, "-", "_") }

func variableName(key string) string {
	name := strings.ToUpper(key)
	if !strings.HasPrefix(name, "POLAR_") {
		name = "SYNCD_" + name
	}
	return name
}

// settings binds every setting to its field. These tables are the one place that names settings: flags, environment, file,
// `syncd config print`, `syncd config reference` and docs/configuration.md follow from them.
func (c *Config) settings() []setting {
	return slices.Concat(c.fleetSettings(), c.databaseSettings(), c.polarSettings(), c.streamSettings(), c.scheduleSettings(), c.serveSettings(), c.webhookSettings(), c.logSettings())
}

func (c *Config) fleetSettings() []setting {
	return []setting{
		{key: "organizations_dir", group: GroupFleet, hint: "PATH", process: true, set: func(v string) error {
			c.OrganizationsDir = v
			return nil
		}, meaning: "directory with a file NAME.yaml for each organization, which holds the settings that are its own"},
	}
}

func (c *Config) databaseSettings() []setting {
	return []setting{
		{key: "database_url", group: GroupDatabase, hint: "URL", secret: true, process: true, set: func(v string) error {
			c.DatabaseURL = Secret(v)
			return c.domain.CheckDatabase(v)
		}, show: func() string { return c.domain.RedactDatabase(c.DatabaseURL.Reveal()) },
			meaning: "Postgres database to write to, as URL or key=value pairs"},
		{key: "schema", group: GroupDatabase, hint: "NAME", def: defaultSchema(c.Name), set: func(v string) error {
			c.Schema = v
			return nil
		}, meaning: "schema of the data, created when missing, as is NAME_sync for the bookkeeping; one schema holds one organization: polar_NAME by default where organizations have names"},
	}
}

func (c *Config) polarSettings() []setting {
	return []setting{
		{key: "polar_access_token", group: GroupPolar, hint: "TOKEN", secret: true, noFlag: true, live: true, set: func(v string) error {
			c.AccessToken = Secret(v)
			return nil
		}, show: func() string { return c.AccessToken.String() },
			meaning: "organization access token, from the settings of the organization at Polar"},
		{key: "polar_server", group: GroupPolar, hint: "NAME", def: "production", set: func(v string) error {
			c.Server = v
			return checkServer(v)
		}, meaning: "which Polar to read from: production, sandbox or a URL"},
		{key: "polar_version", group: GroupPolar, hint: "VERSION", def: c.domain.PolarVersion, set: func(v string) error {
			c.PolarVersion = v
			if _, err := time.Parse("2006-01", v); err != nil {
				return errors.New("write a year and a month such as " + c.domain.PolarVersion)
			}
			return nil
		}, meaning: "version of Polar's API to request; once Polar has retired it, syncd uses the current one"},
		{key: "polar_organization_id", group: GroupPolar, hint: "UUID", set: func(v string) error {
			id, err := uuid.Parse(v)
			c.OrganizationID = id.String()
			if err != nil {
				return errors.New("an organization has an id such as 1dbfc517-0bbf-4301-9ba8-555ca42b9737")
			}
			return nil
		}, meaning: "refuse a token of any other organization"},
		{key: headerKey, group: GroupPolar, hint: "BOOL", def: "false", set: func(v string) (err error) {
			if c.OrganizationHeader, err = strconv.ParseBool(v); err != nil {
				return errors.New("write true or false")
			}
			return nil
		}, meaning: "name polar_organization_id to Polar in each request (Polar-Organization), so that a personal or OAuth token of many organizations acts on that one"},
		{key: "requests_per_minute", group: GroupPolar, hint: "N", def: "auto", live: true, set: func(v string) error {
			if v == "auto" {
				c.RequestsPerMinute = 0
				return nil
			}
			return setNumber(&c.RequestsPerMinute, v, 1, 60000)
		}, meaning: "budget, retries included; auto is half of Polar's default limit: 250, sandbox 50"},
		{key: "patience", group: GroupPolar, hint: "DURATION", def: "5m", live: true, set: func(v string) error {
			return setDuration(&c.Patience, v, time.Second, 24*time.Hour, "write a duration from 1s to 24h, such as 5m")
		}, meaning: "how long requests wait for a Polar that is away, before a run fails; it must have answered before"},
		{key: "parallel", group: GroupPolar, hint: "N", def: "4", set: func(v string) error {
			return setNumber(&c.Parallel, v, 1, 64)
		}, meaning: "streams read at the same time"},
		{key: "lease", group: GroupPolar, hint: "DURATION", def: "30s", set: func(v string) error {
			return setDuration(&c.Lease, v, time.Second, time.Hour, "write a duration from 1s to 1h, such as 30s")
		}, meaning: "how long a process that died keeps others from its streams"},
	}
}

func (c *Config) streamSettings() []setting {
	return []setting{
		{key: "streams", group: GroupStreams, hint: "LIST", def: "default", set: func(v string) (err error) {
			c.StreamsOff, err = c.domain.SelectStreams(v)
			return err
		}, meaning: "streams to sync: names, or +NAME and -NAME to add to or take from the default ones; default and all stand for sets"},
		{key: "events_retention", group: GroupStreams, hint: "DAYS", def: "90", set: func(v string) error {
			if v == "all" {
				c.EventsRetention = 0
				return nil
			}
			return setNumber(&c.EventsRetention, v, 1, 36500)
		}, meaning: "days that events are kept, if that stream is on; older ones are removed; all keeps them"},
		{key: "history_retention", group: GroupStreams, hint: "DAYS", def: "90", set: func(v string) error {
			if v == "all" {
				c.HistoryRetention = 0
				return nil
			}
			return setNumber(&c.HistoryRetention, v, 1, 36500)
		}, meaning: "days that changes of limited retention are kept, removed by whole months; changes of money and subscriptions are always kept; all keeps them"},
	}
}

func (c *Config) scheduleSettings() []setting {
	return []setting{
		{key: "schedule", group: GroupSchedule, hint: "SPEC", live: true, show: func() string { return c.Schedule }, set: func(v string) error {
			c.Schedule = v
			return sched.Validate(v)
		}, meaning: `when streams are swept: cron fields, @daily, "@every 6h" or off; by default nightly at 3, metrics hourly, and costly streams on Sundays`},
		{key: "tail", group: GroupSchedule, hint: "DURATION", def: "5m", live: true, set: func(v string) error {
			if c.Tail = 0; v == "off" {
				return nil
			}
			return setDuration(&c.Tail, v, 30*time.Second, 24*time.Hour, "write a duration from 30s to 24h such as 5m, or off")
		}, meaning: "how often syncd looks for changes between sweeps, at about ten requests a time, beside fresh_share; off for never"},
		{key: "feed", group: GroupSchedule, hint: "DURATION", def: "5s", live: true, set: func(v string) error {
			if c.Feed = 0; v == "off" {
				return nil
			}
			return setDuration(&c.Feed, v, time.Second, time.Hour, "write a duration from 1s to 1h such as 5s, or off")
		}, meaning: "how often syncd asks Polar's feeds of changes between these times, at one request a time while nothing happens; off for never, as with tail off"},
		{key: "fresh_share", group: GroupSchedule, hint: "PERCENT", def: "10", live: true, set: func(v string) error {
			return setNumber(&c.FreshShare, v, 0, 50)
		}, meaning: "percent of requests_per_minute that the daemon spends on reading more often what shows changes late; 0 for none"},
		{key: "audit", group: GroupSchedule, hint: "SPEC", def: "0 6 * * *", live: true, set: func(v string) error {
			c.Audit = v
			return sched.Validate(v)
		}, meaning: "when the daemon compares Polar's metrics with the mirror's rows, without a request, as a schedule; off for never"},
		{key: "timezone", group: GroupSchedule, hint: "NAME", def: "UTC", live: true, set: func(v string) (err error) {
			c.Timezone, err = time.LoadLocation(v)
			if err != nil || v == "" || v == "Local" {
				return errors.New("write a name of the IANA database such as Europe/Paris, or UTC")
			}
			return nil
		}, meaning: "time zone of schedules"},
		{key: "jitter", group: GroupSchedule, hint: "DURATION", def: "1m", live: true, set: func(v string) error {
			return setDuration(&c.Jitter, v, 0, time.Hour, "write a duration from 0s to 1h, such as 30s")
		}, meaning: "scheduled runs start late by a random time below this"},
	}
}

func (c *Config) serveSettings() []setting {
	return []setting{
		{key: "listen", group: GroupServe, hint: "HOST:PORT", def: "127.0.0.1:9464", process: true, set: func(v string) error {
			if c.Listen = v; v == "off" {
				c.Listen = ""
				return nil
			}
			return checkAddress(v)
		}, meaning: "address of the status page, /status, /metrics, /healthz and /readyz, which need no password; off for none"},
	}
}

// leastSecret is how long a secret of an endpoint is at least; Polar's have 32 characters and more.
const leastSecret = 16

func (c *Config) webhookSettings() []setting {
	return []setting{
		{key: "webhook_listen", group: GroupWebhooks, hint: "HOST:PORT", def: "off", process: true, set: func(v string) error {
			if c.WebhookListen = v; v == "off" {
				c.WebhookListen = ""
				return nil
			}
			return checkAddress(v)
		}, meaning: "address on which Polar's webhooks are received, at any path, or of many organizations at /webhooks/NAME; off for none"},
		{key: "webhook_secret", group: GroupWebhooks, hint: "SECRET", secret: true, noFlag: true, live: true, needed: func() bool { return c.WebhookListen != "" }, set: func(v string) error {
			c.WebhookSecrets = nil
			for _, secret := range strings.Fields(v) {
				if len(secret) < leastSecret {
					return fmt.Errorf("a secret of an endpoint has at least %d characters: copy it from the endpoint at Polar", leastSecret)
				}
				c.WebhookSecrets = append(c.WebhookSecrets, Secret(secret))
			}
			if len(c.WebhookSecrets) == 0 {
				return errors.New("it holds no secret")
			}
			return nil
		}, show: func() string { return Secret("").String() },
			meaning: "secret of the webhook endpoint at Polar; several, separated by spaces or lines, while one replaces another"},
	}
}

func (c *Config) logSettings() []setting {
	return []setting{
		{key: "log_level", group: GroupLog, hint: "LEVEL", def: "info", live: true, process: true, set: func(v string) error {
			if c.LogLevel.UnmarshalText([]byte(v)) != nil {
				return errors.New("write debug, info, warn or error")
			}
			return nil
		}, meaning: "lowest level of the lines in the log: debug, info, warn or error"},
		{key: "log_format", group: GroupLog, hint: "FORMAT", def: "text", process: true, set: func(v string) error {
			if c.LogFormat = v; v != "text" && v != "json" {
				return errors.New("write text or json")
			}
			return nil
		}, meaning: "form of the lines in the log: text or json"},
	}
}

func setNumber(into *int, v string, least, most int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return fmt.Errorf("write a whole number from %d to %d", least, most)
	}
	*into = n
	return nil
}

// setDuration reads a duration within bounds; remedy says what to write instead of an invalid one.
func setDuration(into *time.Duration, v string, least, most time.Duration, remedy string) (err error) {
	*into, err = time.ParseDuration(v)
	if err != nil || *into < least || *into > most {
		return errors.New(remedy)
	}
	return nil
}

// checkServer checks roughly: the client knows where a token may be sent.
func checkServer(v string) error {
	if v == "production" || v == "sandbox" {
		return nil
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("write production, sandbox or a URL such as https://api.polar.sh")
	}
	return nil
}

func checkAddress(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("write host:port such as 127.0.0.1:9464, or off")
	}
	return nil
}
