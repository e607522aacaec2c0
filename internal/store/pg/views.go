package pg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/migrations"
	"syncd/views"
)

// madeView is a view or function that sync_views names and that is there.
type madeView struct {
	hash string
	at   time.Time
}

// views are the files of the program for this schema. A function keeps the search_path under which it is made, so it is made anew
// when a schema was renamed.
func (p *Pool) views() ([]views.File, error) {
	files, err := views.All()
	for i, f := range files {
		files[i] = f.Under(p.session.path())
	}
	return files, err
}

// madeViews are those on record. One that somebody has dropped is not among them. A schema that lacks the record has none.
func madeViews(ctx context.Context, q Querier, schema string) (map[views.Object]madeView, error) {
	made := map[views.Object]madeView{}
	var recorded bool
	err := q.QueryRow(ctx, "SELECT to_regclass('sync_views') IS NOT NULL").Scan(&recorded)
	if err == nil && !recorded {
		return made, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read which views there are: %w", err)
	}
	rows, err := q.Query(ctx, `
		SELECT v.kind, v.name, v.hash, v.made_at FROM sync_views v
		WHERE CASE v.kind
			WHEN 'VIEW' THEN v.name IN (SELECT relname FROM pg_class WHERE relkind = 'v' AND `+inSchema("pg_class")+`)
			ELSE v.name IN (SELECT proname FROM pg_proc WHERE `+inSchema("pg_proc")+`)
		END`, schema)
	if err == nil {
		var of views.Object
		var is madeView
		_, err = pgx.ForEachRow(rows, []any{&of.Kind, &of.Name, &is.hash, &is.at}, func() error { made[of] = is; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read which views there are: %w", err)
	}
	return made, nil
}

// isMade tells when the objects of a file were made by it, the last of them; false where one was not.
func isMade(f views.File, made map[views.Object]madeView) (at time.Time, is bool) {
	for _, o := range f.Makes {
		m, there := made[o]
		if !there || m.hash != f.Hash {
			return time.Time{}, false
		}
		if m.at.After(at) {
			at = m.at
		}
	}
	return at, true
}

// missing are the files by which views are not made yet. Where there are none, gone tells whether there are views that no file makes.
func missing(files []views.File, made map[views.Object]madeView) (names []string, gone bool) {
	left := maps.Clone(made)
	for _, f := range files {
		if _, is := isMade(f, made); !is {
			names = append(names, "views/"+f.Name)
		}
		for _, o := range f.Makes {
			delete(left, o)
		}
	}
	return names, len(left) > 0
}

// viewsStatus lists files as migrations are listed.
func viewsStatus(files []views.File, made map[views.Object]madeView) (list []Migration) {
	for _, f := range files {
		at, _ := isMade(f, made)
		list = append(list, Migration{Name: "views/" + f.Name, AppliedAt: at})
	}
	return list
}

// makeViews makes the views and functions of a migrated schema as files have them, in one transaction, and returns the names of
// the files that are new. It writes nothing where all are there as they should be.
//
// They are replaced, so that rights on them stay, and views of others upon them. Only where Postgres refuses that, as a column
// changes its name, type or place, all of them are dropped and made again, and the rights given again. What others have built on
// them is in the way then, and the error names it.
func (p *Pool) makeViews(ctx context.Context, files []views.File) (names []string, err error) {
	made, err := madeViews(ctx, p, p.session.schema)
	if err != nil {
		return nil, err
	}
	if names, gone := missing(files, made); len(names) == 0 && !gone {
		return nil, nil
	}
	err = p.InTx(ctx, func(tx pgx.Tx) error {
		made, err := madeViews(ctx, tx, p.session.schema)
		if err != nil {
			return err
		}
		var gone bool
		if names, gone = missing(files, made); len(names) == 0 && !gone { // another process was first
			return nil
		}
		if err := p.refuseForeign(ctx, tx, nil, files); err != nil {
			return err
		}
		return replaceViews(ctx, tx, files)
	}, p.lockSchema())
	if err != nil {
		return nil, fmt.Errorf("make the views of schema %q: %w", p.session.schema, err)
	}
	return names, nil
}

func replaceViews(ctx context.Context, tx pgx.Tx, files []views.File) error {
	if err := recordViews(ctx, tx, files); err != nil { // those that migrations made are not on record yet
		return err
	}
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return runViews(ctx, tx, files) })
	if IsCode(err, "42P16", "42P13", "42809", "42725", "0A000") { // a view or function cannot be changed so; the last is of Citus, where one needs another that is there
		if err := dropViews(ctx, tx); err != nil {
			return err
		}
		err = runViews(ctx, tx, files)
	}
	if err != nil {
		return err
	}
	if err := recordViews(ctx, tx, files); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, giveRights); err != nil {
		return fmt.Errorf("give the rights on views again: %w", err)
	}
	return dropOthers(ctx, tx, files)
}

// runViews runs the files. A function whose parameters have changed would stand beside the old one, and its name would be ambiguous.
func runViews(ctx context.Context, tx pgx.Tx, files []views.File) error {
	for _, f := range files {
		if _, err := tx.Exec(ctx, f.SQL); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, o := range f.Makes {
			if o.Kind != "FUNCTION" {
				continue
			}
			if _, err := tx.Exec(ctx, "SELECT $1::text::regproc", o.Name); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// recordViews puts down what files make. What they made before keeps its time.
func recordViews(ctx context.Context, tx pgx.Tx, files []views.File) error {
	var names, kinds, hashes []string
	for _, f := range files {
		for _, o := range f.Makes {
			names, kinds, hashes = append(names, o.Name), append(kinds, o.Kind), append(hashes, f.Hash)
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO sync_views AS v (name, kind, hash, place)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
		ON CONFLICT (name) DO UPDATE SET kind = EXCLUDED.kind, hash = EXCLUDED.hash, place = EXCLUDED.place, made_at = EXCLUDED.made_at
		WHERE (v.kind, v.hash, v.place) IS DISTINCT FROM (EXCLUDED.kind, EXCLUDED.hash, EXCLUDED.place)`, names, kinds, hashes)
	return err
}

// dropMarked is SQL that drops the views and functions on record that have lost their hash, and keeps their rights on record.
const dropMarked = `
DO $$
DECLARE
	v record;
	o record;
	is_safe boolean := false; -- one of the same name is made upon it
BEGIN
	IF to_regclass('sync_safe') IS NOT NULL THEN
		SELECT bool_or(made_by <> '') INTO is_safe FROM sync_safe;
	END IF;
	FOR v IN SELECT name, kind FROM sync_views WHERE hash = '' ORDER BY place DESC LOOP
		FOR o IN
			SELECT c.oid::regclass::text AS name, c.relacl AS acl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = current_schema() AND c.relname = v.name AND c.relkind = 'v' AND v.kind = 'VIEW'
			UNION ALL
			SELECT p.oid::regprocedure::text, p.proacl FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = current_schema() AND p.proname = v.name AND v.kind = 'FUNCTION'
		LOOP
			UPDATE sync_views s SET acl = o.acl::text[] WHERE s.name = v.name AND o.acl IS NOT NULL;
			IF is_safe THEN
				EXECUTE format('DROP %s IF EXISTS %I.%I', v.kind, current_schema() || '_safe', v.name);
			END IF;
			EXECUTE format('DROP %s %s', v.kind, o.name);
		END LOOP;
	END LOOP;
END $$`

// dropAll is SQL that drops all views and functions on record.
const dropAll = "UPDATE sync_views SET hash = '';" + dropMarked

func dropViews(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, dropAll)
	return dependents(err)
}

// dropOthers drops the views and functions on record that no file makes any more.
func dropOthers(ctx context.Context, tx pgx.Tx, files []views.File) error {
	var names []string
	for _, f := range files {
		for _, o := range f.Makes {
			names = append(names, o.Name)
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE sync_views SET hash = '' WHERE NOT name = ANY($1)", names); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, dropMarked); err != nil {
		return dependents(err)
	}
	_, err := tx.Exec(ctx, "DELETE FROM sync_views WHERE hash = ''")
	return err
}

// giveRights is SQL that gives the rights again that were on what was dropped. A role that is gone gets none.
const giveRights = `
DO $$
DECLARE
	v record;
	item text;
	r record;
BEGIN
	FOR v IN SELECT name, CASE kind WHEN 'VIEW' THEN 'TABLE' ELSE 'FUNCTION' END AS kind, acl FROM sync_views WHERE acl IS NOT NULL LOOP
		EXECUTE format('REVOKE ALL ON %s %I FROM PUBLIC', v.kind, v.name);
		FOREACH item IN ARRAY v.acl LOOP
			BEGIN
				FOR r IN SELECT * FROM aclexplode(ARRAY[item::aclitem]) LOOP
					EXECUTE format('GRANT %s ON %s %I TO %s', r.privilege_type, v.kind, v.name,
						CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END
						|| CASE WHEN r.is_grantable AND r.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END);
				END LOOP;
			EXCEPTION WHEN undefined_object THEN
				NULL;
			END;
		END LOOP;
	END LOOP;
	UPDATE sync_views SET acl = NULL WHERE acl IS NOT NULL;
END $$`

// needsViewsGone tells that Postgres cannot change a column, because a view or function uses it. Source: PostgreSQL's
// dependency.c and tablecmds.c.
func needsViewsGone(err error) bool { return IsCode(err, "2BP01", "0A000") }

// migrateWithoutViews applies a migration again that could not change a column because something uses it: without syncd's own views,
// which are made again when all is migrated.
func migrateWithoutViews(ctx context.Context, tx *sql.Tx, m migrations.Migration, cause error) error {
	if _, err := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT migration"); err != nil {
		return errors.Join(cause, err)
	}
	var recorded bool
	if err := tx.QueryRowContext(ctx, "SELECT to_regclass('sync_views') IS NOT NULL").Scan(&recorded); err != nil || !recorded {
		return errors.Join(cause, err)
	}
	if _, err := tx.ExecContext(ctx, dropSafe+dropAll); err != nil {
		return dependents(err)
	}
	_, err := tx.ExecContext(ctx, m.SQL)
	return dependents(err)
}

// dependents says what is in the way where something that syncd has not made depends on what is to be dropped or changed.
func dependents(err error) error {
	var pg *pgconn.PgError
	if !needsViewsGone(err) || !errors.As(err, &pg) {
		return err
	}
	return &Error{
		Err:    fmt.Errorf("%w: %s", err, strings.ReplaceAll(pg.Detail, "\n", "; ")),
		Remedy: "drop what depends on it, start syncd again, and make it again",
	}
}
