// Package readers gives roles of Postgres the right to read the mirror, all of it or what is not personal, and takes it back.
package readers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Change is what is to be done to the rights of a role.
type Change struct {
	Role string
	// WithoutPersonalData: the role reads the schema of views without personal data, and not the data.
	WithoutPersonalData bool
	// Revoke takes back whatever the role may read.
	Revoke bool
}

// ErrRole: the role cannot be made a reader.
var ErrRole = errors.New("role")

// plan is what a change does, by the state of the database.
type plan struct {
	Change
	schema string // of the data
	owner  string // the role that migrates
	safe   bool   // there is a schema without personal data
	runner bool   // there is a function that runs statements with the rights of the role: see Runner
}

// Statements is the SQL of a change, in order, for review. It writes nothing.
func Statements(ctx context.Context, pool *pg.Pool, schema string, c Change) (statements []string, err error) {
	err = pool.Snapshot(ctx, func(tx pgx.Tx) error {
		p, err := look(ctx, tx, schema, c)
		if err != nil {
			return err
		}
		statements = p.statements()
		return nil
	})
	return statements, err
}

// Apply makes a change, in one transaction. What is so already stays so. It fails where the role could read afterwards what it
// should not, or not what it should.
func Apply(ctx context.Context, pool *pg.Pool, schema string, c Change) error {
	return pool.Exclusively(ctx, func(tx pgx.Tx) error {
		p, err := look(ctx, tx, schema, c)
		if err != nil {
			return err
		}
		return p.apply(ctx, pool, tx)
	})
}

// MakeSafe makes the schema without personal data, which nobody reads yet but its owner. What is there already stays.
func MakeSafe(ctx context.Context, pool *pg.Pool, schema string) error {
	var is bool
	err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AND EXISTS (SELECT FROM sync_safe WHERE made_by <> '')", pg.Safe(schema)).Scan(&is)
	if err != nil || is {
		return err
	}
	return pool.Exclusively(ctx, func(tx pgx.Tx) error {
		p := plan{Change: Change{WithoutPersonalData: true}, schema: schema}
		if err := p.find(ctx, tx); err != nil {
			return err
		}
		return p.run(ctx, pool, tx, p.safeViews())
	})
}

// apply makes the change, and verifies it.
func (p plan) apply(ctx context.Context, pool *pg.Pool, tx pgx.Tx) error {
	if err := p.run(ctx, pool, tx, p.statements()); err != nil {
		return err
	}
	return p.check(ctx, tx)
}

func (p plan) run(ctx context.Context, pool *pg.Pool, tx pgx.Tx, statements []string) (err error) {
	for _, sql := range statements {
		if sql == pg.SafeViews {
			err = pool.MakeSafeViews(ctx, tx)
		} else {
			_, err = tx.Exec(ctx, sql)
		}
		if err != nil {
			return p.failed(sql, err)
		}
	}
	return nil
}

// look reads what the statements depend on.
func look(ctx context.Context, tx pgx.Tx, schema string, c Change) (plan, error) {
	p := plan{Change: c, schema: schema}
	if err := p.find(ctx, tx); err != nil {
		return p, err
	}
	var there, super bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), COALESCE((SELECT rolsuper FROM pg_roles WHERE rolname = $1), false),
			EXISTS (SELECT FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident($2)) AND proname = $1)`, c.Role, pg.Bookkeeping(schema)).Scan(&there, &super, &p.runner)
	switch {
	case err != nil:
		return p, fmt.Errorf("look up role %q: %w", c.Role, err)
	case !there:
		return p, fmt.Errorf("%w %q does not exist: have an administrator run CREATE ROLE %s LOGIN PASSWORD '...', or name one that exists", ErrRole, c.Role, name(c.Role))
	case c.Role == p.owner:
		return p, fmt.Errorf("%w %q owns the tables, as syncd writes with it: give readers a role of their own", ErrRole, c.Role)
	case super && !c.Revoke:
		return p, fmt.Errorf("%w %q is a superuser and may read everything: give readers a role of their own", ErrRole, c.Role)
	}
	return p, nil
}

// find reads who owns the tables, and whether there is a schema without personal data.
func (p *plan) find(ctx context.Context, tx pgx.Tx) error {
	err := tx.QueryRow(ctx, `
		SELECT (SELECT tableowner::text FROM pg_tables WHERE schemaname = $1 AND tablename = 'sync_migrations'),
			EXISTS (SELECT FROM pg_namespace WHERE nspname = $2)`, p.schema, pg.Safe(p.schema)).Scan(&p.owner, &p.safe)
	if err != nil {
		return fmt.Errorf("look up who owns the tables: %w", err)
	}
	return nil
}

// safeViews are the statements that make the schema without personal data.
func (p plan) safeViews() []string {
	list := []string{"SET LOCAL ROLE " + name(p.owner)}
	if !p.safe {
		list = append(list, "CREATE SCHEMA "+name(pg.Safe(p.schema)))
	}
	return append(list, pg.SafeViews)
}

func (p plan) statements() []string {
	data, safe := name(p.schema), name(pg.Safe(p.schema))
	list := []string{"SET LOCAL ROLE " + name(p.owner)}
	switch {
	case p.Revoke:
		if p.runner {
			list = append(list, fmt.Sprintf("DROP FUNCTION IF EXISTS %s.%s%s", name(pg.Bookkeeping(p.schema)), name(p.Role), runnerTypes))
		}
		list = append(list, p.rights("REVOKE", data, "FROM")...)
		if p.safe {
			list = append(list, p.rights("REVOKE", safe, "FROM")...)
		}
	case p.WithoutPersonalData:
		list = p.safeViews()
		list = append(list, p.rights("REVOKE", data, "FROM")...)
		list = append(list, p.rights("GRANT", safe, "TO")...)
	default:
		list = append(list, p.rights("GRANT", data, "TO")...)
	}
	return list
}

// rights gives or takes the right to read a schema, what is in it and what will come.
func (p plan) rights(verb, schema, to string) []string {
	role := name(p.Role)
	return []string{
		fmt.Sprintf("%s USAGE ON SCHEMA %s %s %s", verb, schema, to, role),
		fmt.Sprintf("%s SELECT ON ALL TABLES IN SCHEMA %s %s %s", verb, schema, to, role),
		fmt.Sprintf("%s EXECUTE ON ALL FUNCTIONS IN SCHEMA %s %s %s", verb, schema, to, role),
		fmt.Sprintf("ALTER DEFAULT PRIVILEGES IN SCHEMA %s %s SELECT ON TABLES %s %s", schema, verb, to, role),
		fmt.Sprintf("ALTER DEFAULT PRIVILEGES IN SCHEMA %s %s EXECUTE ON FUNCTIONS %s %s", schema, verb, to, role),
	}
}

// check asks Postgres what the role may do now. A right may come from PUBLIC or from a role that it is a member of, and a GRANT of
// somebody who may not give the right only warns.
func (p plan) check(ctx context.Context, tx pgx.Tx) error {
	var data, safe, books bool
	err := tx.QueryRow(ctx, `
		SELECT has_schema_privilege($1, $2, 'USAGE'),
			COALESCE((SELECT has_schema_privilege($1, oid, 'USAGE') FROM pg_namespace WHERE nspname = $3), false),
			has_schema_privilege($1, $4, 'USAGE')`, p.Role, p.schema, pg.Safe(p.schema), pg.Bookkeeping(p.schema)).Scan(&data, &safe, &books)
	switch {
	case err != nil:
		return fmt.Errorf("ask what role %q may read: %w", p.Role, err)
	case p.Revoke && (data || safe), p.WithoutPersonalData && data:
		return p.still(p.schema)
	case p.WithoutPersonalData && books:
		return p.still(pg.Bookkeeping(p.schema))
	case p.Revoke:
		return nil
	case p.WithoutPersonalData && !safe:
		return p.cannot(pg.Safe(p.schema))
	case !p.WithoutPersonalData && !data:
		return p.cannot(p.schema)
	}
	return nil
}

func (p plan) still(schema string) error {
	return &pg.Error{
		Err:    fmt.Errorf("role %q may still use schema %q, and nothing was changed: the right comes from PUBLIC, from a role that it is a member of, or from somebody else's GRANT", p.Role, schema),
		Remedy: fmt.Sprintf("have the owner of the schema run REVOKE USAGE ON SCHEMA %s FROM PUBLIC, %s, or take the role out of the others", name(schema), name(p.Role)),
	}
}

func (p plan) cannot(schema string) error {
	return &pg.Error{
		Err:    fmt.Errorf("role %q may not give rights on schema %q, and nothing was changed", p.owner, schema),
		Remedy: fmt.Sprintf("have its owner run GRANT USAGE ON SCHEMA %s TO %s WITH GRANT OPTION", name(schema), name(p.owner)),
	}
}

// failed names what helps where Postgres refused a statement.
func (p plan) failed(sql string, err error) error {
	switch safe := pg.Safe(p.schema); {
	case strings.HasPrefix(sql, "CREATE SCHEMA"):
		return &pg.Error{Err: err, Remedy: fmt.Sprintf("have the owner of the database run CREATE SCHEMA %s AUTHORIZATION %s", name(safe), name(p.owner))}
	case strings.HasPrefix(sql, "SET LOCAL ROLE"):
		return &pg.Error{Err: err, Remedy: fmt.Sprintf("connect as %q, with which syncd migrates", p.owner)}
	case sql == pg.SafeViews:
		return err
	}
	return fmt.Errorf("%s: %w", sql, err)
}

func name(of string) string { return pgx.Identifier{of}.Sanitize() }
