package mcp

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/internal/store/pg"
	"syncd/internal/store/readers"
)

// Config says what assistants may read.
type Config struct {
	Pool         *pg.Pool
	Schema       string            // of the data
	Role         string            // a reader, with whose rights statements run; "" = one of syncd's own, if it can be had
	PersonalData bool              // may be read: answers come from the schema of the data, else from the one without
	Streams      map[string]string // the stream of each table
	Recipes      string            // the page of questions
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
	reads   string // the schema of the answers
	role    string // with whose rights statements run; "" = that of the connection
	runner  string // the function that runs them; "" = the connection does
	recipes []recipe
	sdk     *sdk.Server
}

const instructions = `Reads a mirror of one organization's billing data in Polar (polar.sh), in Postgres. Nothing can be written.
Each answer says in "about" through which moment the data is known to be mirrored (data_through, UTC) and whether it is whole: tell the user when it is old or not whole.
Amounts whose column ends in _amount are in the smallest unit of their currency: major_amount(amount, currency) makes whole units. Never add amounts of different currencies.
Begin with answer_question: it has tested queries for common questions. Else list_tables, describe_table, and run_sql with an aggregate. Prefer views such as orders_enriched, and TABLE_live, which leaves out deleted rows.`

const withoutPersonal = `
Personal data is not here. In columns that describe_table marks as personal, an identifier is a pseudonym (32 hexadecimal digits, the same for the same value everywhere, so joins and counts work), a text is null, and a document is {}. Name customers by their id.`

// New makes a server, and whatever it reads by that is not there: the schema without personal data, a reader.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Rows, cfg.MaxBytes, cfg.Timeout = cmp.Or(cfg.Rows, 200), cmp.Or(cfg.MaxBytes, 256<<10), cmp.Or(cfg.Timeout, 10*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, recipes: readRecipes(cfg.Recipes)}
	if err := s.chooseReader(ctx); err != nil {
		return nil, err
	}
	instructions := instructions
	if !cfg.PersonalData {
		instructions += withoutPersonal
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

// chooseReader finds with whose rights statements run. A reader that was named must be one. One of syncd's own is made, if the connection may do
// that; if not, statements run with the rights of the connection, and that is said once.
func (s *Server) chooseReader(ctx context.Context) (err error) {
	s.reads = s.cfg.Schema
	if !s.cfg.PersonalData {
		s.reads = pg.Safe(s.cfg.Schema)
	}
	named := s.cfg.Role != ""
	s.role = cmp.Or(s.cfg.Role, s.reads+"_reader")
	s.runner, err = readers.Runner(ctx, s.cfg.Pool, s.cfg.Schema, readers.Change{Role: s.role, WithoutPersonalData: !s.cfg.PersonalData}, !named)
	if err == nil || named || ctx.Err() != nil {
		return err
	}
	s.cfg.Log.WarnContext(ctx, "assistants' statements run with the rights of the connection; only checks of them keep them to reading", "error", err)
	s.role, s.runner = "", ""
	if !s.cfg.PersonalData {
		return readers.MakeSafe(ctx, s.cfg.Pool, s.cfg.Schema)
	}
	return nil
}

// Run answers over one connection until it ends, or ctx does.
func (s *Server) Run(ctx context.Context, t sdk.Transport) error {
	err := s.sdk.Run(ctx, t)
	if ctx.Err() != nil {
		return nil // told to stop
	}
	return err
}
