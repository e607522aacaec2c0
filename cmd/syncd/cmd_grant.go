package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/config"
	"syncd/internal/store"
	"syncd/internal/store/pg"
	"syncd/internal/store/readers"
)

type grantCmd struct {
	Role                string `arg:"" help:"A role of Postgres that exists."`
	WithoutPersonalData bool   `xor:"what" help:"Let it read views that have pseudonyms or nothing in place of personal data, in a schema of their own with _safe behind its name, and nothing else."`
	Revoke              bool   `xor:"what" help:"Take back what the role may read."`
	DryRun              bool   `help:"Print the SQL, and change nothing."`
	databaseFlags
}

func (cmd *grantCmd) Run(c *command) error {
	change := readers.Change{Role: cmd.Role, WithoutPersonalData: cmd.WithoutPersonalData, Revoke: cmd.Revoke}
	var said string
	err := c.withTables(func(ctx context.Context, _ *config.Config, s *store.Store) error {
		if !cmd.DryRun {
			said = cmd.said(s.Schema())
			return readers.Apply(ctx, s.Pool(), s.Schema(), change)
		}
		statements, err := readers.Statements(ctx, s.Pool(), s.Schema(), change)
		said = fmt.Sprintf("BEGIN;\nSET LOCAL search_path TO %s, %s, pg_temp;\n%s;\nCOMMIT;\n", pgx.Identifier{s.Schema()}.Sanitize(), pgx.Identifier{pg.Bookkeeping(s.Schema())}.Sanitize(), strings.Join(statements, ";\n"))
		return err
	})
	if errors.Is(err, readers.ErrRole) {
		return usageError(err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(c.stdout, said)
	return err
}

// said is what the change has done.
func (cmd *grantCmd) said(schema string) string {
	data, safe, books := fmt.Sprintf("%q", schema), fmt.Sprintf("%q", pg.Safe(schema)), fmt.Sprintf("%q", pg.Bookkeeping(schema))
	switch {
	case cmd.Revoke:
		return fmt.Sprintf("role %q reads nothing in the schemas %s and %s any more\n", cmd.Role, data, safe)
	case cmd.WithoutPersonalData:
		return fmt.Sprintf("role %q reads the schema %s: every table and view without personal data, and those that will come\nit has no right to %s and %s\n", cmd.Role, safe, data, books)
	default:
		return fmt.Sprintf("role %q reads the schema %s: every table, view and function, and those that will come\npersonal data included; to keep it from the role, add --without-personal-data\nit has no right to %s from this\n", cmd.Role, data, books)
	}
}
