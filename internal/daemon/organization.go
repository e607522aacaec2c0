package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/serve"
	"syncd/internal/store"
	"syncd/internal/store/pg"
	"syncd/internal/token"
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
	// Transport sends requests to Polar; nil = one of its own.
	Transport http.RoundTripper
	Room      *mirror.Room // for pages on their way; nil = one of its own

	// For commands that somebody waits for.
	Hasty bool                                         // give up soon where nobody is at Polar's address
	Waits func(what string) (over func(answered bool)) // is told what is waited for; nil = nobody
}

// Open prepares everything to mirror. It sends a request to Polar only before a migration: see prepare. If the pool of connections is
// too small for the configured number of streams read at once, it reduces that number in the configuration.
func Open(ctx context.Context, cfg *config.Config, o Opening) (*Organization, error) {
	client, err := NewClient(cfg, o)
	if err != nil {
		return nil, err
	}
	over := func(bool) {}
	if o.Waits != nil {
		over = o.Waits("connecting to the database " + pg.RedactDSN(cfg.DatabaseURL.Reveal()))
	}
	s, err := OpenStore(ctx, cfg, o.Log)
	over(err == nil)
	if err != nil {
		client.Close()
		return nil, err
	}
	org, err := open(ctx, cfg, o, client, s, func(ctx context.Context) error { return checkToken(ctx, cfg, o, s) })
	if err != nil {
		s.Close()
		client.Close()
	}
	return org, err
}

// open makes the mirror between a client and a store. ask is what must hold before the first migration.
func open(ctx context.Context, cfg *config.Config, o Opening, client *fetch.Client, s *store.Store, ask func(context.Context) error) (*Organization, error) {
	if err := prepare(ctx, cfg, o, s, ask); err != nil {
		return nil, err
	}
	return assemble(cfg, o, client, s)
}

// prepare makes the tables ready, if it was told to. It asks first what can be wrong at Polar's, so that a token that does not work
// leaves no tables behind.
func prepare(ctx context.Context, cfg *config.Config, o Opening, s *store.Store, ask func(context.Context) error) error {
	if err := s.CheckWrites(ctx); err != nil || !o.Migrate {
		return err
	}
	applied, err := s.Migrate(ctx, ask)
	if len(applied) > 0 {
		o.Log.Info("schema migrated", "schema", cfg.Schema, "applied", len(applied), "last", applied[len(applied)-1])
	}
	return err
}

// checkToken asks which organization the token belongs to, by a client of its own: the clock that dates requests is in the tables
// that may not be there yet.
func checkToken(ctx context.Context, cfg *config.Config, o Opening, s *store.Store) error {
	client, err := NewClient(cfg, o)
	if err != nil {
		return err
	}
	defer client.Close()
	id, err := token.Organization(ctx, client, cfg.OrganizationID)
	if err != nil {
		return err
	}
	return s.Polar().CheckOrganization(ctx, id)
}

// assemble makes the mirror.
func assemble(cfg *config.Config, o Opening, client *fetch.Client, s *store.Store) (*Organization, error) {
	if fits := s.Parallel(); fits < cfg.Parallel && !s.Pool().IsShared() {
		o.Log.Warn("pool_max_conns is too small for the configured parallel streams: syncd reads fewer at once", "pool_max_conns", s.Pool().Config().MaxConns,
			"parallel", fits, "instead_of", cfg.Parallel, "which_needs", store.Connections(cfg.Parallel))
		cfg.Parallel = fits
	}
	m, err := catalog.New(catalog.Config{Config: mirror.Config{
		Client: client, Store: s, Off: cfg.StreamsOff, Retention: cfg.Retention(), KeepHistory: cfg.KeepHistory(), Parallel: cfg.Parallel,
		OrganizationID: cfg.OrganizationID, Room: o.Room, LeaseTTL: cfg.Lease, Log: o.Log, Observer: o.Observer,
	}})
	if err != nil {
		return nil, err
	}
	return &Organization{client, s, m}, nil
}

// Close closes the connections.
func (org *Organization) Close() {
	org.Mirror.LeaveBudget()
	org.Store.Close()
	org.Client.Close()
}

// OpenStore connects to the database. It writes nothing.
func OpenStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*store.Store, error) {
	return openStore(ctx, cfg, Beside{}, log)
}

// openStore does so by connections that are there, if there are any.
func openStore(ctx context.Context, cfg *config.Config, beside Beside, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(ctx, store.Config{
		Connections: beside.Connections,
		Guard:       beside.Guard,
		DSN:         cfg.DatabaseURL.Reveal(),
		Schema:      cfg.Schema,
		MaxConns:    int32(store.Connections(cfg.Parallel)),
		Log:         log,
	})
	if err != nil && !store.IsStore(err) { // the database was not even reached
		return nil, config.Problems{err}
	}
	return s, err
}

// RequestObserver is told of each attempt of a request to Polar: see fetch.Config.
type RequestObserver = func(status int, took time.Duration)

// NewClient makes the client of Polar. It sends nothing.
func NewClient(cfg *config.Config, o Opening) (*fetch.Client, error) {
	actsOn := ""
	if cfg.OrganizationHeader {
		actsOn = cfg.OrganizationID
	}
	client, err := fetch.New(fetch.Config{
		ActsOn:            actsOn,
		Server:            cfg.Server,
		Token:             cfg.AccessToken.Reveal(),
		Version:           cfg.PolarVersion,
		OrganizationID:    cfg.OrganizationID,
		RequestsPerMinute: cfg.RequestsPerMinute,
		Patience:          cfg.Patience,
		UserAgent:         "syncd/" + o.Build.Version + " (mirror of Polar billing data into Postgres)",
		Log:               o.Log,
		Observe:           o.Requests,
		Hasty:             o.Hasty,
		Waits:             o.Waits,
		Transport:         o.Transport,
	})
	if err != nil {
		return nil, config.Problems{err}
	}
	return client, nil
}
