package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"syncd/internal/httpserver"
)

// Config is what a Server listens on and reports.
type Config struct {
	// Addr is host:port; port 0 takes a free port. There is no authentication: keep it on a loopback or a private address.
	Addr string
	// Ready are the conditions of /readyz, in order.
	Ready []Check
	// Status returns what /status shows, as a value to encode as JSON.
	Status func(context.Context) (any, error)
	// Page is what / shows to people; nil = nothing.
	Page http.Handler
	// More is what else is shown, by patterns of http.ServeMux; MoreStatus is what is shown as JSON, as Status is.
	More       map[string]http.Handler
	MoreStatus map[string]func(*http.Request) (any, error)
	// Metrics is what /metrics shows.
	Metrics *Metrics
	Log     *slog.Logger
}

// ErrNone is the error of a status that is not there. It is answered with 404.
var ErrNone = errors.New("there is none")

// Server answers until it is told to stop.
type Server struct {
	cfg      Config
	listener net.Listener
	http     *http.Server
	ready    *readiness
	stopping atomic.Bool
}

// Limits on what a caller may take. Answers are small and made within checkTimeout, so all limits are short.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 15 * time.Second
	idleTimeout     = 2 * time.Minute
	statusTimeout   = 10 * time.Second
	shutdownTimeout = 5 * time.Second
	maxHeader       = 16 << 10
)

// Listen binds the address, so that an address in use is an error at once. Run serves on it.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for health and metrics: %w", cfg.Addr, err)
	}
	s := &Server{cfg: cfg, listener: l}
	s.ready = &readiness{checks: append([]Check{{Name: "shutdown", Ask: s.notStopping}}, cfg.Ready...)}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	s.http.RegisterOnShutdown(s.SetStopping)
	return s, nil
}

// Addr is the address that the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// SetStopping makes /readyz answer that the process is shutting down, while everything else is still served.
func (s *Server) SetStopping() { s.stopping.Store(true) }

func (s *Server) notStopping(context.Context) error {
	if s.stopping.Load() {
		return errors.New("shutting down")
	}
	return nil
}

// Run serves until ctx ends, and returns when the current requests have finished.
func (s *Server) Run(ctx context.Context) error {
	return httpserver.Run(ctx, s.http, s.listener, "health and metrics", shutdownTimeout)
}

// Close releases the address if Run was never called.
func (s *Server) Close() error { return s.listener.Close() }

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { s.text(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.cfg.Metrics.Handler())
	mux.HandleFunc("GET /status", s.json(func(r *http.Request) (any, error) { return s.cfg.Status(r.Context()) }))
	if s.cfg.Page != nil {
		mux.Handle("GET /{$}", s.cfg.Page)
	}
	for pattern, handler := range s.cfg.More {
		mux.Handle(pattern, handler)
	}
	for pattern, read := range s.cfg.MoreStatus {
		mux.HandleFunc(pattern, s.json(read))
	}
	return mux
}

// readyz answers 200 when every check passes, and 503 otherwise, with one line for each check.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ready, report := s.ready.report(r.Context())
	code := http.StatusOK
	if !ready {
		code = http.StatusServiceUnavailable
	}
	s.text(w, code, report)
}

// json answers with a value, or with why it could not be read.
func (s *Server) json(read func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
		defer cancel()
		v, err := read(r.WithContext(ctx))
		switch {
		case errors.Is(err, ErrNone):
			s.text(w, http.StatusNotFound, err.Error()+"\n")
		case err != nil:
			s.cfg.Log.Warn("status could not be read", "error", err)
			s.text(w, http.StatusServiceUnavailable, "the status could not be read: "+err.Error()+"\n")
		default:
			s.encode(w, v)
		}
	}
}

func (s *Server) encode(w http.ResponseWriter, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		s.cfg.Log.Error("status cannot be encoded as JSON", "error", err)
		s.text(w, http.StatusInternalServerError, "the status could not be written\n")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	s.write(w, http.StatusOK, string(body)+"\n")
}

func (s *Server) text(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	s.write(w, code, body)
}

func (s *Server) write(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	if _, err := io.WriteString(w, body); err != nil {
		s.cfg.Log.Debug("the client did not read the whole answer", "error", err)
	}
}
