package daemon

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/serve"
	"syncd/internal/store/tails"
	"syncd/internal/webhook"
)

// hooksAt begins the path of an organization's webhooks; its name follows.
const hooksAt = "/webhooks/"

// mostNotices bounds what waits to be passed on to other processes: the feeds find what did not fit.
const mostNotices = 5000

// Hooks receives the webhooks of many organizations, whichever process runs them. What is told of one that runs here is fetched as that of
// a single one is. The rest are notices, which somebody passes on to the process that runs the organization: see Waiting and Tell.
type Hooks struct {
	HooksConfig
	receiver *webhook.Receiver
	observer webhook.Observer
	entries  []catalog.Entry

	mu        sync.Mutex
	endpoints map[string]*webhook.Endpoint // by name; nil = the organization has no secret
	notices   map[Notice]struct{}
}

// HooksConfig says who receives.
type HooksConfig struct {
	Addr    string
	Names   func() []string                                    // organizations that there are
	Secrets func(organization string) ([]config.Secret, error) // of an organization
	Runner  func(organization string) *Runner                  // what runs it here; nil = another process, or nobody
	Now     func() time.Time                                   // the clock of the database
	Metrics *serve.Metrics
	Log     *slog.Logger
}

// arrivedOnly is the notice that a webhook has come, whatever it names: what one names is passed on by notices of their own. It is no JSON,
// so that a syncd which does not know it passes over it.
const arrivedOnly = "arrived"

// Notice is what another process is to be told of.
type Notice struct {
	Organization string
	Changed      string // what has changed, for Tell
}

// ListenHooks binds the address.
func ListenHooks(ctx context.Context, c HooksConfig) (h *Hooks, err error) {
	h = &Hooks{HooksConfig: c, observer: c.Metrics.AddWebhooks(webhook.Reasons()), entries: catalog.Entries(), endpoints: map[string]*webhook.Endpoint{}, notices: map[Notice]struct{}{}}
	h.receiver, err = webhook.Listen(ctx, c.Addr, c.Log, h.find)
	return h, err
}

// Addr is where they are received.
func (h *Hooks) Addr() string { return h.receiver.Addr() }

// Run receives until ctx ends.
func (h *Hooks) Run(ctx context.Context) error { return h.receiver.Run(ctx) }

// Reload reads the secrets again, each as a webhook comes.
func (h *Hooks) Reload() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.endpoints)
}

// find returns whose webhooks come to a path. Secrets are read once: whoever asks for a name that there is not costs nothing.
func (h *Hooks) find(path string) *webhook.Endpoint {
	name, is := strings.CutPrefix(path, hooksAt)
	if !is || !slices.Contains(h.Names(), name) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e, known := h.endpoints[name]
	if !known {
		e = h.endpoint(name)
		h.endpoints[name] = e
	}
	return e
}

func (h *Hooks) endpoint(name string) *webhook.Endpoint {
	log := h.Log.With("organization", name)
	secrets, err := h.Secrets(name)
	if err == nil && len(secrets) == 0 {
		return nil
	}
	var e *webhook.Endpoint
	if err == nil {
		e, err = webhook.NewEndpoint(webhook.Config{
			Secrets:  revealed(secrets),
			Now:      func() time.Time { return h.now(name) },
			Arrived:  func(now time.Time) { h.arrived(name, now) },
			Names:    func(m webhook.Message) []tails.Changed { return h.named(name, m) },
			Nudge:    func(named []tails.Changed, fetched func()) bool { return h.nudge(name, named, fetched) },
			Observer: h.observer,
			Log:      log,
		})
	}
	if err != nil {
		log.Error("webhooks of the organization are refused until the configuration is read again", slog.Any("error", err))
		return nil
	}
	return e
}

// now is Polar's clock as far as this process knows it: that of the database, where another process runs the organization. A host may be
// wrong by more than a signature may be old.
func (h *Hooks) now(name string) time.Time {
	if r := h.Runner(name); r != nil {
		return r.client.Now()
	}
	return h.Now()
}

// arrived has whoever runs the organization know that its webhooks come.
func (h *Hooks) arrived(name string, now time.Time) {
	if r := h.Runner(name); r != nil && r.IsOpen() {
		r.silence.Arrived(now)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.notices) < mostNotices {
		h.notices[Notice{name, arrivedOnly}] = struct{}{}
	}
}

// named is what a message names. Who fetches it leaves out streams that are off.
func (h *Hooks) named(name string, m webhook.Message) []tails.Changed {
	now := h.now(name)
	at := orNow(m.At, now)
	if now.Before(at) {
		at = now
	}
	return catalog.NamedBy(h.entries, m.Event, at, m.Data)
}

// nudge has what was named fetched here, or told to whoever runs the organization.
func (h *Hooks) nudge(name string, named []tails.Changed, fetched func()) bool {
	if r := h.Runner(name); r != nil && r.IsOpen() {
		return r.nudge(named, fetched)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.notices)+len(named) > mostNotices {
		return false
	}
	for _, c := range named {
		text, err := json.Marshal(c)
		if err != nil {
			return false
		}
		h.notices[Notice{name, string(text)}] = struct{}{}
	}
	return true
}

// Waiting takes what is to be passed on.
func (h *Hooks) Waiting() []Notice {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Collect(maps.Keys(h.notices))
	clear(h.notices)
	return list
}

// Tell has fetched here what another process was told of, if the organization runs here. That process may know Polar's clock worse: a
// change that is dated later than now would pass for newer than the next one.
func (h *Hooks) Tell(n Notice) {
	var c tails.Changed
	r := h.Runner(n.Organization)
	if r == nil {
		return
	}
	r.silence.Arrived(r.client.Now())
	if n.Changed != arrivedOnly && json.Unmarshal([]byte(n.Changed), &c) == nil {
		if now := r.client.Now(); now.Before(c.At) {
			c.At = now
		}
		r.nudge([]tails.Changed{c}, nil)
	}
}
