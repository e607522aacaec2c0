package mcp

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/internal/store/pg"
)

// Config says what assistants may read.
type Config struct {
	Pool         *pg.Pool
	Schema       string                     // of the data
	Role         string                     // that statements run as; "" = that of the connection
	PersonalData bool                       // may be read
	Personal     map[string]map[string]bool // whether a column holds personal data, by table and column
	Streams      map[string]string          // the stream of each table
	Recipes      string                     // the page of questions
	Version      string
	// Verdicts says of each stream what `syncd verify` does, and whether several look wrong together.
	Verdicts func(context.Context) (list []Verdict, wrong string, err error)
	Log      *slog.Logger

	Rows     int           // of an answer; 0 = 200
	MaxBytes int           // of an answer; 0 = 256 KiB
	Timeout  time.Duration // of a statement; 0 = 10 s
}

// Server answers assistants.
type Server struct {
	cfg     Config
	recipes []recipe
	sdk     *sdk.Server
}

const instructions = `Reads a mirror of one organization's billing data in Polar (polar.sh), in Postgres. Nothing can be written.
Each answer says in "about" through which moment the data is known to be mirrored (data_through, UTC) and whether it is whole: tell the user when it is old or not whole.
Amounts whose column ends in _amount are in the smallest unit of their currency: major_amount(amount, currency) makes whole units. Never add amounts of different currencies.
Begin with answer_question: it has tested queries for common questions. Else list_tables, describe_table, and run_sql with an aggregate. Prefer views such as orders_enriched, and TABLE_live, which leaves out deleted rows.`

// New makes a server. The role must be one that the connection may take on.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Rows, cfg.MaxBytes, cfg.Timeout = cmp.Or(cfg.Rows, 200), cmp.Or(cfg.MaxBytes, 256<<10), cmp.Or(cfg.Timeout, 10*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, recipes: readRecipes(cfg.Recipes)}
	err := cfg.Pool.Snapshot(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, s.limits(), pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("become the role %q: %w", cfg.Role, err)
	}
	s.sdk = sdk.NewServer(&sdk.Implementation{Name: "syncd", Title: "Polar billing data", Version: cmp.Or(cfg.Version, "dev")},
		&sdk.ServerOptions{Instructions: instructions, Capabilities: &sdk.ServerCapabilities{}})
	s.addTools()
	s.sdk.AddResource(&sdk.Resource{
		URI: dictionary, Name: "data dictionary", MIMEType: "application/json",
		Description: "Every table and view with its columns, types, comments and keys.",
	}, s.dictionary)
	return s, nil
}

// Run answers over one connection until it ends, or ctx does.
func (s *Server) Run(ctx context.Context, t sdk.Transport) error {
	err := s.sdk.Run(ctx, t)
	if ctx.Err() != nil {
		return nil // told to stop
	}
	return err
}
