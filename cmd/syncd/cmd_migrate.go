package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/config"
	"syncd/internal/store"
	"syncd/internal/store/pg"
	"syncd/internal/terminal"
	"syncd/migrations"
	"syncd/views"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" organizations:"each" help:"Create the schema and its tables, or upgrade them." example:"syncd migrate up --schema polar"`
	Status migrateStatusCmd `cmd:"" organizations:"each" help:"Show which migrations and views have been applied. Writes nothing." example:"syncd migrate status"`
	Print  migratePrintCmd  `cmd:"" organizations:"each" help:"Print the SQL of all migrations and views, to review it." example:"syncd migrate print | less"`
	databaseFlags
}

type migrateUpCmd struct{ outputFlags }

func (cmd *migrateUpCmd) Run(c *command) error {
	var applied []string
	var schema string
	err := c.withStore(func(ctx context.Context, _ *config.Config, s *store.Store) (err error) {
		schema = s.Schema()
		applied, err = s.Migrate(ctx)
		return err
	})
	if err != nil {
		return err
	}
	value := struct {
		Schema  string   `json:"schema"`
		Applied []string `json:"applied"`
	}{schema, applied}
	return c.report(cmd.outputFlags, value, func(w io.Writer) error {
		var b strings.Builder
		for _, name := range applied {
			b.WriteString("applied " + name + "\n")
		}
		_, err := fmt.Fprintf(w, "%sschema %s is up to date\n", &b, schema)
		return err
	})
}

type migrateStatusCmd struct{ outputFlags }

func (cmd *migrateStatusCmd) Run(c *command) error {
	var list []pg.Migration
	err := c.withStore(func(ctx context.Context, _ *config.Config, s *store.Store) (err error) {
		list, err = s.Migrations(ctx)
		return err
	})
	if err != nil {
		return err
	}
	type migration struct {
		Name      string    `json:"name"`
		AppliedAt time.Time `json:"applied_at,omitzero"`
	}
	t := terminal.Table{Head: []string{"MIGRATION", "APPLIED"}}
	all := make([]migration, len(list))
	for i, m := range list {
		applied := "pending"
		if !m.AppliedAt.IsZero() {
			applied = m.AppliedAt.UTC().Format(time.DateTime) + " UTC"
		}
		t.Add(m.Name, applied)
		all[i] = migration{m.Name, m.AppliedAt.UTC()}
	}
	return c.report(cmd.outputFlags, all, t.Print)
}

type migratePrintCmd struct{}

func (migratePrintCmd) Run(c *command) error {
	cfg, _, err := c.config()
	if err != nil {
		return err
	}
	list, err := migrations.All()
	if err != nil {
		return err
	}
	files, err := views.All()
	if err != nil {
		return err
	}
	schema, books := pgx.Identifier{cfg.Schema}.Sanitize(), pgx.Identifier{pg.Bookkeeping(cfg.Schema)}.Sanitize()
	_, err = fmt.Fprintf(c.stdout, "-- For review. `syncd migrate up` applies this and records that it did.\nCREATE SCHEMA IF NOT EXISTS %s;\nSET search_path TO %s, %s;\n", schema, schema, books)
	for _, f := range files {
		list = append(list, migrations.Migration{Name: "views/" + f.Name, SQL: f.SQL})
	}
	for _, m := range list {
		if err != nil {
			break
		}
		_, err = fmt.Fprintf(c.stdout, "\n-- %s\n%s\n", m.Name, m.SQL)
	}
	return err
}
