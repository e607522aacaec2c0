package fetch

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"syncd/internal/fetch/limit"
)

// Polar's public hosts, and its default limits in requests per minute and organization: 500 in production, 100 in the sandbox
// (https://polar.sh/docs/api-reference/introduction). All integrations of an organization share the limit, its own shop included,
// so by default syncd takes half.
const (
	productionURL    = "https://api.polar.sh"
	sandboxURL       = "https://sandbox-api.polar.sh"
	productionBudget = 250
	sandboxBudget    = 50
)

// Config says which Polar to read, with which token, and how much of its request limit may be used. A zero value means the
// default given with each field.
type Config struct {
	// Server is "production" (default), "sandbox" or an absolute URL. Plain http is accepted for loopback hosts only.
	Server string
	// Token is the organization access token. It is sent as a bearer token, to Server only. It appears in no log line and no
	// error.
	Token string
	// Version is the Polar-Version to request; default DefaultVersion. Polar answers a version that it does not serve with 404
	// for every path (polarsource/polar, server/polar/kit/versioning.py). The client then uses the version that Polar answers in
	// when none is requested.
	Version string
	// OrganizationID replaces an empty organization_id in queries. When it is empty too, the parameter is left out.
	OrganizationID string
	// ActsOn, when set, is the organization that a token of many acts on, named to Polar in each request (docs.polar.sh, SDK:
	// "Polar-Organization"). A server that does not know the header ignores it.
	ActsOn string
	// RequestsPerMinute is the budget: no window of 60 s holds more requests, retries included. Default 250, for the sandbox 50;
	// negative = unlimited.
	RequestsPerMinute int
	// Window is the length of Polar's window; RequestsPerMinute and the limiter refer to it. Default 60 s. Only tests use a
	// shorter one.
	Window time.Duration
	// AttemptTimeout bounds one attempt, from sending it to the last byte of its body; default 60 s.
	AttemptTimeout time.Duration
	// ExportIdle is how long an export may be silent; default 5 minutes. Polar sends the header of a CSV file before it reads the
	// rows (polarsource/polar, server/polar/order/export.py), so a long silence after the header is normal.
	ExportIdle time.Duration
	// ExportDir is where exports are kept while they are read; default os.TempDir.
	ExportDir string
	// MaxAttempts bounds the attempts of one request; default 6. Attempts that Polar refuses with 429 are not counted: they are
	// repeated for up to 30 times MaxPause. So another client that uses up the limit slows syncd down and does not fail it.
	MaxAttempts int
	// Patience is how long requests are repeated while Polar is away, once it has answered this client before. A restart or a
	// proxy's 502 says nothing about what was requested, so such attempts are not counted. All requests wait together: see
	// fetch/limit. 0 = such attempts are counted too.
	Patience time.Duration
	// Backoff is the wait after failed attempt n (1, 2, ...). nil = half a second, doubled each time, at most 30 s; the upper
	// half of it is random.
	Backoff func(attempt int) time.Duration
	// MaxPause caps how long a Retry-After is obeyed; default 60 s, the length of Polar's window.
	MaxPause time.Duration
	// MaxBody bounds one body in bytes, after decompression; default 64 MiB. Pages of subscriptions reach several MB.
	MaxBody int64
	// UserAgent is sent with each request.
	UserAgent string
	// Log gets one debug line per attempt, and warnings; nil = discard.
	Log *slog.Logger
	// Observe is told of each attempt: the status of the answer, 0 without one, and the time until its header came; nil = nobody is.
	Observe func(status int, took time.Duration)
	// Hasty gives up after a few seconds while nobody is at the address of Server: its name does not resolve, or connections are
	// refused. It is for commands that somebody waits for.
	Hasty bool
	// Waits is told what a request begins to wait for, in words; what it returns is called when that wait is over, with true if
	// Polar has answered. It may be called from many goroutines. nil = nobody is told.
	Waits func(what string) (over func(answered bool))
	// Transport sends the requests; nil = a clone of http.DefaultTransport.
	Transport http.RoundTripper
	// Now is Polar's clock, which decides what "today" is; nil = estimated from the Date of Polar's last answer.
	Now func() time.Time
}

// withDefaults fills in zero fields and reports everything that is wrong at once.
func (cfg Config) withDefaults() (Config, *url.URL, error) {
	base, err := parseServer(cfg.Server)
	problems := []error{err, checkToken(cfg.Token)}
	cfg.Version = or(cfg.Version, DefaultVersion)
	cfg.RequestsPerMinute = or(cfg.RequestsPerMinute, defaultBudget(base))
	cfg.Window = or(cfg.Window, limit.Window)
	cfg.AttemptTimeout = or(cfg.AttemptTimeout, time.Minute)
	cfg.ExportIdle = or(cfg.ExportIdle, 5*time.Minute)
	cfg.MaxAttempts = or(cfg.MaxAttempts, 6)
	cfg.MaxPause = or(cfg.MaxPause, time.Minute)
	cfg.MaxBody = or(cfg.MaxBody, 64<<20)
	cfg.UserAgent = or(cfg.UserAgent, "syncd (mirror of Polar billing data into Postgres)")
	if strings.ContainsFunc(cfg.Version+cfg.UserAgent, isControl) {
		problems = append(problems, errors.New("the version or the user agent contains a control character: remove it"))
	}
	for _, number := range []struct {
		name  string
		value int64
	}{
		{"AttemptTimeout", int64(cfg.AttemptTimeout)}, {"MaxAttempts", int64(cfg.MaxAttempts)},
		{"MaxPause", int64(cfg.MaxPause)}, {"MaxBody", cfg.MaxBody}, {"Window", int64(cfg.Window)},
		{"ExportIdle", int64(cfg.ExportIdle)}, {"Patience", int64(cfg.Patience)},
	} {
		if number.value < 0 {
			problems = append(problems, fmt.Errorf("%s is negative: leave it out for the default", number.name))
		}
	}
	if cfg.Backoff == nil {
		cfg.Backoff = defaultBackoff
	}
	if cfg.Observe == nil {
		cfg.Observe = func(int, time.Duration) {}
	}
	if cfg.Waits == nil {
		cfg.Waits = func(string) func(bool) { return func(bool) {} }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg, base, errors.Join(problems...)
}

// defaultBudget is half of what Polar allows an organization by default.
func defaultBudget(base *url.URL) int {
	if base != nil && base.Host == "sandbox-api.polar.sh" {
		return sandboxBudget
	}
	return productionBudget
}

// parseServer turns a server name or URL into the base URL, without a trailing slash. Every API path begins with a slash, and
// Polar answers a doubled one with a redirect.
func parseServer(server string) (*url.URL, error) {
	switch server {
	case "", "production":
		server = productionURL
	case "sandbox":
		server = sandboxURL
	}
	base, err := url.Parse(server)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("POLAR_SERVER %q is neither production nor sandbox nor an absolute URL: write it as https://host", server)
	}
	switch {
	case base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("POLAR_SERVER %q: only https is supported", server)
	case base.Scheme == "http" && !isLoopback(base.Hostname()):
		return nil, fmt.Errorf("POLAR_SERVER %q would send the token unencrypted: use https (plain http is for loopback hosts only)", server)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("POLAR_SERVER carries a user name, a query or a fragment: leave only scheme, host and port; the token belongs in POLAR_ACCESS_TOKEN")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	if strings.HasSuffix(base.Path, "/v1") {
		return nil, fmt.Errorf("POLAR_SERVER %q ends in /v1, which syncd adds itself: leave it out", server)
	}
	return base, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("POLAR_ACCESS_TOKEN is empty: create an organization access token in the settings of the organization at Polar and set it")
	case strings.ContainsAny(token[:1]+token[len(token)-1:], "\"'`"):
		return errors.New("POLAR_ACCESS_TOKEN is in quotes, which are taken as part of it: remove them (an --env-file keeps quotes)")
	case strings.ContainsFunc(token, func(r rune) bool { return isControl(r) || r == ' ' || r > '~' }):
		return errors.New("POLAR_ACCESS_TOKEN contains a space, a line break or another character that no token has: set only the token")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// defaultBackoff waits 0.5, 1, 2, 4 ... seconds, at most 30, and takes off a random part of up to half, so that clients that
// failed together do not come back together.
func defaultBackoff(attempt int) time.Duration {
	const first, most = 500 * time.Millisecond, 30 * time.Second
	d := min(most, time.Duration(float64(first)*math.Exp2(float64(min(attempt, 20)-1))))
	return d/2 + rand.N(d/2)
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
