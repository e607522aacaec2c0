package readers

import (
	"context"
	_ "embed" // runner.sql
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// runnerSQL makes the function by which statements are run with the rights of a reader. It belongs to the reader and has its name,
// in the schema of the bookkeeping, which readers cannot enter: so syncd alone calls it. In a function that runs with the rights of
// its owner, Postgres refuses to change the role (SET ROLE, RESET ROLE, set_config); a role that was merely set could be left. Being
// STABLE, it runs no statement that writes. Source: PostgreSQL's guc.c (GUC_NOT_WHILE_SEC_REST) and spi.c (read_only).
//
//go:embed runner.sql
var runnerSQL string

// runnerTypes are its parameters: a statement, after how many rows it is left, and after how many bytes of memory.
const runnerTypes = "(text, integer, bigint)"

// Runner makes the function that runs statements with the rights of a reader, and tells its name, as SQL. The role must be a reader; with
// make it becomes one, and is made where it does not exist, without a login. What is so already stays so, and then nothing is written.
func Runner(ctx context.Context, pool *pg.Pool, schema string, c Change, make bool) (function string, err error) {
	function = name(pg.Bookkeeping(schema)) + "." + name(c.Role)
	var ready bool
	err = pool.Snapshot(ctx, func(tx pgx.Tx) error {
		ready, err = isReady(ctx, tx, schema, c)
		return err
	})
	if err != nil || ready {
		return function, err
	}
	err = pool.Exclusively(ctx, func(tx pgx.Tx) error {
		if make {
			if err := makeRole(ctx, tx, c.Role); err != nil {
				return err
			}
		}
		p, err := look(ctx, tx, schema, c)
		if err != nil {
			return err
		}
		if make {
			err = p.apply(ctx, pool, tx)
		} else {
			err = p.isReader(ctx, tx)
		}
		if err != nil {
			return err
		}
		return p.makeRunner(ctx, tx, function)
	})
	return function, err
}

// isReady tells whether the function is there, and the role reads what it should and no more.
func isReady(ctx context.Context, tx pgx.Tx, schema string, c Change) (is bool, err error) {
	p := plan{Change: c, schema: schema}
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
			WHERE p.pronamespace = to_regnamespace(quote_ident($1)) AND p.proname = $2 AND r.rolname = $2 AND p.prosrc = $3 AND p.prosecdef
			  AND has_function_privilege(p.oid, 'EXECUTE')
			  AND EXISTS (SELECT FROM pg_namespace WHERE nspname = $4 AND has_schema_privilege(r.oid, oid, 'USAGE')))`,
		pg.Bookkeeping(schema), c.Role, source(), p.reads()).Scan(&is)
	if err != nil || !is {
		return false, err
	}
	if err = p.isReader(ctx, tx); errors.Is(err, ErrRole) {
		return false, nil
	}
	return err == nil, err
}

// isReader wants a role that reads the schema, and nothing personal unless it may.
func (p plan) isReader(ctx context.Context, tx pgx.Tx) error {
	grant := "syncd grant " + p.Role
	if p.WithoutPersonalData {
		grant += " --without-personal-data"
	}
	var more string
	var reads bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $2 AND has_schema_privilege($1, oid, 'USAGE')),
			COALESCE((SELECT min(nspname) FROM pg_namespace WHERE nspname = ANY ($3) AND $4 AND has_schema_privilege($1, oid, 'USAGE')), '')`,
		p.Role, p.reads(), []string{p.schema, pg.Bookkeeping(p.schema)}, p.WithoutPersonalData).Scan(&reads, &more)
	switch {
	case err != nil:
		return fmt.Errorf("ask what role %q may read: %w", p.Role, err)
	case more != "":
		return &pg.Error{Err: fmt.Errorf("%w %q may use the schema %s, which has personal data", ErrRole, p.Role, more), Remedy: "run " + grant + ", or allow personal data"}
	case !reads:
		return &pg.Error{Err: fmt.Errorf("%w %q may not use the schema %s", ErrRole, p.Role, p.reads()), Remedy: "run " + grant}
	}
	return nil
}

// source is the text between the dollars.
func source() string { return strings.Split(runnerSQL, "$$")[1] }

// reads is the schema that the role reads.
func (p plan) reads() string {
	if p.WithoutPersonalData {
		return pg.Safe(p.schema)
	}
	return p.schema
}

// makeRole makes a role that nobody can log in as, and lets that of the connection become it.
func makeRole(ctx context.Context, tx pgx.Tx, role string) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(`
		DO $$
		BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %[2]s) THEN
				CREATE ROLE %[1]s NOLOGIN;
			END IF;
			-- Since Postgres 16 a member may have no right to become the role, as who makes one has none.
			IF NOT pg_has_role(session_user, %[2]s, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
				GRANT %[1]s TO SESSION_USER;
			END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN -- somebody makes it at the same time
		END $$`, name(role), pg.Literal(role)))
	if pg.IsCode(err, "42501") {
		return &pg.Error{
			Err:    fmt.Errorf("%w %q is not there, or the connection may not become it: %w", ErrRole, role, err),
			Remedy: fmt.Sprintf("have an administrator run CREATE ROLE %[1]s; GRANT %[1]s TO the role that syncd connects as", name(role)),
		}
	}
	return err
}

// makeRunner makes the function. Its owner needs rights on the schema for the moment.
func (p plan) makeRunner(ctx context.Context, tx pgx.Tx, function string) error {
	books, role := name(pg.Bookkeeping(p.schema)), name(p.Role)
	var enters bool
	if err := tx.QueryRow(ctx, "SELECT has_schema_privilege($1, $2, 'USAGE')", p.Role, pg.Bookkeeping(p.schema)).Scan(&enters); err != nil {
		return err
	}
	rights := "USAGE, CREATE"
	if enters {
		rights = "CREATE"
	}
	for _, sql := range []string{
		"SET LOCAL ROLE " + name(p.owner),
		fmt.Sprintf("GRANT %s ON SCHEMA %s TO %s", rights, books, role),
		"RESET ROLE",
		"SET LOCAL ROLE " + role,
		fmt.Sprintf(runnerSQL, function),
		fmt.Sprintf("REVOKE ALL ON FUNCTION %s%s FROM PUBLIC", function, runnerTypes),
		fmt.Sprintf("GRANT EXECUTE ON FUNCTION %s%s TO %s, SESSION_USER", function, runnerTypes, name(p.owner)),
		"SET LOCAL ROLE " + name(p.owner),
		fmt.Sprintf("REVOKE %s ON SCHEMA %s FROM %s", rights, books, role),
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return p.failed(sql, err)
		}
	}
	return nil
}
