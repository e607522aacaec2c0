package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/docs"
	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/mcp"
	"syncd/internal/mirror"
	"syncd/internal/report"
	"syncd/internal/store"
	"syncd/internal/store/readers"
)

type mcpCmd struct {
	Listen       string        `placeholder:"HOST:PORT" help:"Serve over HTTP, at /mcp, instead of stdio. An address that others can reach needs a token: set SYNCD_MCP_TOKEN_FILE or SYNCD_MCP_TOKEN."`
	Role         string        `placeholder:"ROLE" help:"Run statements with the rights of this role of Postgres, which exists and reads the schema of the answers (syncd grant). Without it syncd makes a reader of its own, without a login, if it may."`
	PersonalData bool          `help:"Answer from the schema of the data, with names, e-mail addresses, addresses, metadata. Without it answers come from the schema whose name ends in _safe: pseudonyms or nothing in their place."`
	Rows         int           `default:"200" help:"Most rows of one answer."`
	Timeout      time.Duration `default:"10s" help:"Longest time that one statement may take."`
	databaseFlags
	streamFlags
}

// Help is the long description of the command.
func (cmd *mcpCmd) Help() string {
	return `An assistant starts it and speaks with it over stdin and stdout; with --listen it serves any number of them over HTTP. It only
reads, sends nothing to Polar, and says with each answer how fresh the data is and whether it is whole. See docs/mcp.md.`
}

// Run serves until the assistant closes the connection, or a signal comes.
func (cmd *mcpCmd) Run(c *command) error {
	token, err := c.sources.TokenOfMCP()
	if err != nil {
		return usageError(err)
	}
	if cmd.Rows < 1 || cmd.Timeout < time.Millisecond {
		return usageError(errors.New("--rows must be at least 1, and --timeout at least 1ms"))
	}
	return c.withTables(func(ctx context.Context, cfg *config.Config, s *store.Store) error {
		server, err := mcp.New(ctx, mcp.Config{
			Pool: s.Pool(), Schema: cfg.Schema, Role: cmd.Role, PersonalData: cmd.PersonalData,
			Streams: catalog.StreamsOfTables(), Recipes: docs.Recipes, Version: buildInfo().Version, Log: c.logger(cfg),
			Rows: cmd.Rows, Timeout: cmd.Timeout, Verdicts: verdictsOf(s, cfg),
		})
		if errors.Is(err, readers.ErrRole) {
			return usageError(err)
		}
		if err != nil {
			return err
		}
		if cmd.Listen == "" {
			return server.Run(ctx, &sdk.IOTransport{Reader: os.Stdin, Writer: keptOpen{c.stdout}})
		}
		l, err := mcp.Listen(ctx, cmd.Listen, token.Reveal())
		if err != nil {
			return usageError(err)
		}
		c.logger(cfg).InfoContext(ctx, "serving assistants", "url", "http://"+l.Addr().String()+"/mcp")
		return server.Serve(ctx, l, token.Reveal())
	})
}

// keptOpen is stdout, which the end of a session does not close.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

// verdictsOf says what `syncd verify` says, and how fresh each stream is.
func verdictsOf(s *store.Store, cfg *config.Config) func(context.Context) ([]mcp.Verdict, string, error) {
	return func(ctx context.Context) (list []mcp.Verdict, wrong string, err error) {
		fresh, err := s.Streams().Freshness(ctx)
		if err != nil {
			return nil, "", err
		}
		names, _ := resolveStreams(nil)
		standings, err := s.Streams().Standings(ctx, names)
		if err != nil {
			return nil, "", err
		}
		for _, v := range report.NewVerification(standings, cfg.WhyOff).Streams {
			list = append(list, mcp.Verdict{Stream: v.Stream, Verdict: v.Verdict, Reason: v.Reason, DataThrough: fresh[v.Stream].DataThrough.UTC()})
		}
		emptied, err := s.Streams().ListEmptied(ctx)
		return list, mirror.LooksWrong(emptied), err
	}
}
