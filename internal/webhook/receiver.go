package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"syncd/internal/httpserver"
	"syncd/internal/store/tails"
)

// Limits on what a caller may take: anybody can reach the address. Polar waits ten seconds for an answer.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 2 * time.Second
	maxHeader       = 16 << 10
	maxBody         = 1 << 20
	maxAtOnce       = 64
)

// More reasons to refuse a webhook, beside those of keys.go.
var (
	errTooLarge  = errors.New("size")
	errTooMany   = errors.New("busy")
	errUnread    = errors.New("unread")
	errNoMessage = errors.New("format")
)

// Reasons lists why webhooks are refused, as Observer.Refused is told.
func Reasons() (list []string) {
	for _, err := range []error{errHeaders, errTime, errSignature, errTooLarge, errTooMany, errUnread, errNoMessage} {
		list = append(list, err.Error())
	}
	return list
}

// Observer is told what becomes of webhooks.
type Observer interface {
	Accepted(at time.Time)       // a webhook with a valid signature; at is Polar's clock
	Refused(reason string)       // see Reasons
	Queued()                     // what a webhook named waits to be fetched
	Dropped()                    // what a webhook named found no room
	Fetched(after time.Duration) // what a webhook named is stored, so long after it came
}

// Config of an Endpoint.
type Config struct {
	Secrets []string // of the endpoints at Polar
	// Now is Polar's clock, which dates signatures. It must not wait for Polar: whoever sends is answered at once.
	Now func() time.Time
	// Arrived is told of each webhook with a valid signature: see Silence.
	Arrived func(now time.Time)
	// Names says what a message names. Nothing: it tells of no stream.
	Names func(Message) []tails.Changed
	// Nudge has what was named fetched, and calls fetched when it is stored. It does not wait. It returns false where it has no
	// room for more.
	Nudge    func(named []tails.Changed, fetched func()) bool
	Observer Observer
	Log      *slog.Logger
}

// Endpoint takes the webhooks of one organization.
type Endpoint struct {
	cfg      Config
	keys     atomic.Pointer[Keys]
	repeats  repeats
	refusals throttle
	drops    throttle
}

// NewEndpoint makes an Endpoint.
func NewEndpoint(cfg Config) (*Endpoint, error) {
	e := &Endpoint{cfg: cfg}
	return e, e.SetSecrets(cfg.Secrets)
}

// SetSecrets replaces the secrets; webhooks that are signed with another are refused from now on.
func (e *Endpoint) SetSecrets(secrets []string) error {
	keys, err := NewKeys(secrets)
	if err == nil {
		e.keys.Store(&keys)
	}
	return err
}

// Receiver answers Polar's webhooks.
type Receiver struct {
	find     func(path string) *Endpoint
	listener net.Listener
	http     *http.Server
	slots    chan struct{}
}

// Listen binds the address, host:port, so that an address in use is an error at once; port 0 takes a free port. Run serves on it. find
// returns whose webhooks come to a path; nil = nobody's.
func Listen(ctx context.Context, addr string, log *slog.Logger, find func(path string) *Endpoint) (*Receiver, error) {
	r := &Receiver{find: find, slots: make(chan struct{}, maxAtOnce)}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for webhooks: %w", addr, err)
	}
	r.listener = l
	r.http = &http.Server{
		Handler:           r.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return r, nil
}

// Addr is the address that the receiver listens on.
func (r *Receiver) Addr() string { return r.listener.Addr().String() }

// Run receives until ctx ends, and returns when the current requests have been answered.
func (r *Receiver) Run(ctx context.Context) error {
	return httpserver.Run(ctx, r.http, r.listener, "webhooks", shutdownTimeout)
}

// Close releases the address if Run was never called.
func (r *Receiver) Close() error { return r.listener.Close() }

func (r *Receiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, req *http.Request) {
		if e := r.find(req.URL.Path); e != nil {
			e.answer(w, req, r.slots)
			return
		}
		reply(w, http.StatusNotFound, "nobody receives webhooks here")
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, "ok") })
	return mux
}

// answer is quick whatever becomes of the webhook: it waits for nothing but the body.
func (e *Endpoint) answer(w http.ResponseWriter, req *http.Request, slots chan struct{}) {
	err := e.receive(w, req, slots)
	if err == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	e.cfg.Observer.Refused(err.Error())
	if n, say := e.refusals.add(time.Now()); say {
		from, _, _ := net.SplitHostPort(req.RemoteAddr)
		e.cfg.Log.WarnContext(req.Context(), "webhooks are refused", "refused", n, "reason", err.Error(), "from", from)
	}
	switch {
	case errors.Is(err, errTooLarge):
		reply(w, http.StatusRequestEntityTooLarge, "the body is too large")
	case errors.Is(err, errTooMany):
		w.Header().Set("Retry-After", "1")
		reply(w, http.StatusServiceUnavailable, "too many requests at once")
	case errors.Is(err, errUnread):
		reply(w, http.StatusBadRequest, "the body could not be read")
	case errors.Is(err, errNoMessage):
		reply(w, http.StatusUnprocessableEntity, "this is no webhook of the format raw")
	default:
		reply(w, http.StatusForbidden, "the signature is not valid")
	}
}

// receive takes a webhook in.
func (e *Endpoint) receive(w http.ResponseWriter, req *http.Request, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		return errTooMany
	}
	came := time.Now()
	if err := inTime(req.Header, e.cfg.Now()); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return errTooLarge
	} else if err != nil {
		return errUnread
	}
	now := e.cfg.Now()
	if err := e.keys.Load().Verify(req.Header, body, now); err != nil {
		return err
	}
	m, ok := read(body)
	if !ok {
		return errNoMessage
	}
	e.cfg.Arrived(now)
	e.cfg.Observer.Accepted(now)
	id := req.Header.Get(standardwebhooks.HeaderWebhookID)
	if e.repeats.repeated(id, body, now) {
		return nil
	}
	list := e.cfg.Names(m)
	e.cfg.Log.DebugContext(req.Context(), "webhook", "id", id, "names", len(list))
	if len(list) == 0 {
		return nil
	}
	if e.cfg.Nudge(list, func() { e.cfg.Observer.Fetched(time.Since(came)) }) {
		e.cfg.Observer.Queued()
		return nil
	}
	e.cfg.Observer.Dropped()
	if n, say := e.drops.add(time.Now()); say {
		e.cfg.Log.WarnContext(req.Context(), "too much that webhooks named waits to be fetched: the feeds find what did not fit", "dropped", n)
	}
	return nil
}

func reply(w http.ResponseWriter, code int, text string) { http.Error(w, text, code) }
