package daemon

import (
	"context"
	"log/slog"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/serve"
	"syncd/internal/store"
)

// Organization is one organization at Polar and the schema that mirrors it: the client that reads, the store that writes, and
// the mirror between them.
type Organization struct {
	Client *fetch.Client
	Store  *store.Store
	Mirror *catalog.Mirror
}

// Opening says how to open an organization.
type Opening struct {
	Migrate  bool            // bring the tables up to date first
	Build    serve.Build     // the syncd that the user agent names
	Observer mirror.Observer // is told of each run; nil = nobody
	Requests RequestObserver // is told of each request; nil = nobody
	Log      *slog.Logger
}

// Open prepares everything to mirror, without a request to Polar. If the pool of connections is too small for the configured
// number of streams read at once, it reduces that number in the configuration.
func Open(ctx context.Context, cfg *config.Config, o Opening) (*Organization, error) {
	client, err := NewClient(cfg, o.Build, o.Requests, o.Log)
	if err != nil {
		return nil, err
	}
	s, err := OpenStore(ctx, cfg, o.Log, o.Migrate)
	if err != nil {
		client.Close()
		return nil, err
	}
	if err := s.CheckWrites(ctx); err != nil {
		s.Close()
		client.Close()
		return nil, err
	}
	if fits := s.Parallel(); fits < cfg.Parallel {
		o.Log.Warn("pool_max_conns is too small for the configured parallel streams: syncd reads fewer at once", "pool_max_conns", s.Pool().Config().MaxConns,
			"parallel", fits, "instead_of", cfg.Parallel, "which_needs", store.Connections(cfg.Parallel))
		cfg.Parallel = fits
	}
	m, err := catalog.New(catalog.Config{Config: mirror.Config{
		Client: client, Store: s, Off: cfg.StreamsOff, Retention: cfg.Retention(), KeepHistory: cfg.KeepHistory(), Parallel: cfg.Parallel,
		OrganizationID: cfg.OrganizationID, LeaseTTL: cfg.Lease, Log: o.Log, Observer: o.Observer,
	}})
	if err != nil {
		s.Close()
		client.Close()
		return nil, err
	}
	return &Organization{client, s, m}, nil
}

// Close closes the connections.
func (org *Organization) Close() {
	org.Store.Close()
	org.Client.Close()
}

// OpenStore connects to the database, and migrates it if told to.
func OpenStore(ctx context.Context, cfg *config.Config, log *slog.Logger, migrate bool) (*store.Store, error) {
	s, err := store.Open(ctx, store.Config{
		DSN:      cfg.DatabaseURL.Reveal(),
		Schema:   cfg.Schema,
		MaxConns: int32(store.Connections(cfg.Parallel)),
		Log:      log,
	})
	switch {
	case store.IsStore(err):
		return nil, err
	// The database was not even reached.
	case err != nil:
		return nil, config.Problems{err}
	}
	if !migrate {
		return s, nil
	}
	applied, err := s.Migrate(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	if len(applied) > 0 {
		log.Info("schema migrated", "schema", cfg.Schema, "applied", len(applied), "last", applied[len(applied)-1])
	}
	return s, nil
}

// RequestObserver is told of each attempt of a request to Polar: see fetch.Config.
type RequestObserver = func(status int, took time.Duration)

// NewClient makes the client of Polar. It sends nothing.
func NewClient(cfg *config.Config, build serve.Build, observe RequestObserver, log *slog.Logger) (*fetch.Client, error) {
	client, err := fetch.New(fetch.Config{
		Server:            cfg.Server,
		Token:             cfg.AccessToken.Reveal(),
		Version:           cfg.PolarVersion,
		OrganizationID:    cfg.OrganizationID,
		RequestsPerMinute: cfg.RequestsPerMinute,
		Patience:          cfg.Patience,
		UserAgent:         "syncd/" + build.Version + " (mirror of Polar billing data into Postgres)",
		Log:               log,
		Observe:           observe,
	})
	if err != nil {
		return nil, config.Problems{err}
	}
	return client, nil
}
