package pg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/migrations"
	"syncd/views"
)

// bookkeepingSince is the migration since which the bookkeeping has a schema of its own.
const bookkeepingSince = 50

// Bookkeeping is the name of the schema of what syncd keeps for itself.
func (p *Pool) Bookkeeping() string { return p.session.bookkeeping() }

// makeSchema creates a missing schema, and lists what is pending. The schema of the bookkeeping is made by a migration. Schemas that
// somebody else made need no right on the database. The first may hold other tables, but none that a pending migration would make.
func (p *Pool) makeSchema(ctx context.Context, all []migrations.Migration, files []views.File) (pending []migrations.Migration, err error) {
	err = p.InTx(ctx, func(tx pgx.Tx) error {
		var there, begun bool
		err := tx.QueryRow(ctx, `
			SELECT n.oid IS NOT NULL, EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = $2)
			FROM (SELECT 1) one LEFT JOIN pg_namespace n ON n.nspname = $1`, p.session.schema, VersionTable).Scan(&there, &begun)
		if err != nil {
			return err
		}
		pending = all
		if begun {
			if pending, err = p.unapplied(ctx, tx, all); err != nil {
				return err
			}
		}
		if len(pending) == 0 {
			return nil
		}
		if err := p.refuseForeign(ctx, tx, pending, files); err != nil {
			return err
		}
		if err := p.needRights(ctx, tx); err != nil || there {
			return err
		}
		_, err = tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{p.session.schema}.Sanitize())
		return err
	}, p.lockSchema())
	return pending, err
}

// unapplied are the migrations that a schema with a table of them lacks.
func (p *Pool) unapplied(ctx context.Context, tx pgx.Tx, all []migrations.Migration) ([]migrations.Migration, error) {
	at, err := applied(ctx, tx, p.session.schema)
	return slices.DeleteFunc(slices.Clone(all), func(m migrations.Migration) bool { _, is := at[m.Version]; return is }), err
}

// needRights says which rights on the two schemas the role lacks, all at once.
func (p *Pool) needRights(ctx context.Context, tx pgx.Tx) error {
	var role, database string
	var mayCreate bool
	if err := tx.QueryRow(ctx, "SELECT current_user::text, current_database()::text, has_database_privilege(current_database(), 'CREATE')").Scan(&role, &database, &mayCreate); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		SELECT s.name, n.oid IS NOT NULL, COALESCE(has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE'), false)
		FROM unnest($1::text[]) WITH ORDINALITY s (name, place) LEFT JOIN pg_namespace n ON n.nspname = s.name ORDER BY s.place`,
		[]string{p.session.schema, p.session.bookkeeping()})
	if err != nil {
		return err
	}
	grantee := pgx.Identifier{role}.Sanitize()
	var lacks, create, grant []string
	var schema string
	var there, open bool
	_, err = pgx.ForEachRow(rows, []any{&schema, &there, &open}, func() error {
		name := pgx.Identifier{schema}.Sanitize()
		switch {
		case !there && !mayCreate:
			lacks = append(lacks, fmt.Sprintf("schema %q does not exist, and role %q may not create it", schema, role))
			create = append(create, fmt.Sprintf("CREATE SCHEMA %s AUTHORIZATION %s", name, grantee))
		case there && !open:
			lacks = append(lacks, fmt.Sprintf("role %q may not create tables in schema %q", role, schema))
			grant = append(grant, fmt.Sprintf("GRANT ALL ON SCHEMA %s TO %s", name, grantee))
		}
		return nil
	})
	if err != nil || len(lacks) == 0 {
		return err
	}
	var remedies []string
	if len(grant) > 0 {
		remedies = append(remedies, "have the owner of the schema run "+strings.Join(grant, "; "))
	}
	if len(create) > 0 {
		remedies = append(remedies, fmt.Sprintf("have the owner of the database run %s, or GRANT CREATE ON DATABASE %s TO %s", strings.Join(create, "; "), pgx.Identifier{database}.Sanitize(), grantee))
	}
	return &Error{Err: errors.New(strings.Join(lacks, "; ")), Remedy: strings.Join(remedies, "; ")}
}

// made are the names of what migrations make.
func made(list []migrations.Migration) map[string]bool {
	names := map[string]bool{}
	for _, m := range list {
		for _, name := range m.Makes() {
			names[name] = true
		}
	}
	return names
}

// refuseForeign names what syncd has not made and what is in its way: in the schema of the data what has a name that a pending
// migration or a file of views would use; in that of the bookkeeping anything, before the bookkeeping moves there.
func (p *Pool) refuseForeign(ctx context.Context, tx pgx.Tx, pending []migrations.Migration, files []views.File) error {
	all, err := migrations.All()
	if err != nil {
		return err
	}
	names := made(pending)
	for _, f := range files {
		for _, o := range f.Makes {
			names[o.Name] = true
		}
	}
	isPending := func(m migrations.Migration) bool {
		return slices.ContainsFunc(pending, func(p migrations.Migration) bool { return p.Version == m.Version })
	}
	for name := range made(slices.DeleteFunc(slices.Clone(all), isPending)) {
		delete(names, name)
	}
	recorded, err := madeViews(ctx, tx, p.session.schema)
	if err != nil {
		return err
	}
	for o := range recorded {
		delete(names, o.Name)
	}
	if err := foreign(ctx, tx, p.session.schema, "name = ANY($2)", slices.Sorted(maps.Keys(names))); err != nil {
		return err
	}
	if isPending(migrations.Migration{Version: bookkeepingSince}) {
		return foreign(ctx, tx, p.session.bookkeeping(), "kind <> 'type' AND name <> ALL($2)", nil)
	}
	return nil
}

// inSchema is an SQL condition: an object of pg_class, pg_proc or pg_type is in the schema whose name is $1. These catalogs have no index by
// schema, and hold the objects of all; dependencies on a schema have one. Indexes, and the types of rows and arrays, depend on their table or
// type, and are left out.
func inSchema(catalog string) string { return catalog + ".oid = ANY (" + objects(catalog) + ")" }

func objects(catalog string) string {
	return "ARRAY(SELECT objid FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND classid = '" + catalog +
		"'::regclass AND refobjid = (SELECT oid FROM pg_namespace WHERE nspname = $1))"
}

// foreign is the error that names what a schema holds that is in the way.
func foreign(ctx context.Context, tx pgx.Tx, schema, which string, names []string) error {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT format('%s (owner %s)', name, pg_get_userbyid(owner)) FROM (
			SELECT 'relation', relname::text, relowner FROM pg_class WHERE `+inSchema("pg_class")+`
			UNION ALL SELECT 'relation', relname::text, relowner FROM pg_class WHERE oid = ANY (ARRAY(SELECT indexrelid FROM pg_index WHERE indrelid = ANY (`+objects("pg_class")+`)))
			UNION ALL SELECT 'type', typname::text, typowner FROM pg_type WHERE `+inSchema("pg_type")+`
			UNION ALL SELECT 'function', proname::text, proowner FROM pg_proc WHERE `+inSchema("pg_proc")+`
		) AS there (kind, name, owner) WHERE `+which+` ORDER BY 1`, schema, append([]string{}, names...))
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(found) == 0 {
		return err
	}
	const most = 5
	said := strings.Join(found[:min(most, len(found))], ", ")
	if more := len(found) - most; more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	return &Error{
		Err:    fmt.Errorf("the schema %q holds what syncd has not made, under names that it needs: %s", schema, said),
		Remedy: "choose another schema (--schema), or move these out of it",
	}
}

// checkBookkeeping looks whether the bookkeeping of a migrated schema is where this connection finds it.
func (p *Pool) checkBookkeeping(ctx context.Context) error {
	books := p.session.bookkeeping()
	// The table is named with its schema so that a role without a right to it is told so. What may hide it is looked up name by name: of EXISTS
	// Postgres may make a join with all relations of the database.
	rows, err := p.Query(ctx, `
		SELECT pg_class.relname::text FROM pg_class
		WHERE `+inSchema("pg_class")+`
		  AND (SELECT true FROM pg_class d WHERE d.relname = pg_class.relname AND d.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2))
		  AND NOT EXISTS (SELECT FROM `+pgx.Identifier{books, "sync_meta"}.Sanitize()+` WHERE false)
		ORDER BY 1`, books, p.session.schema)
	var hiding []string
	if err == nil {
		hiding, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	switch {
	case IsCode(err, "42P01", "3F000"):
		return &Error{
			Err:    fmt.Errorf("schema %q with the bookkeeping of schema %q is missing", books, p.session.schema),
			Remedy: fmt.Sprintf("restore it from the same backup; if it has another name, ALTER SCHEMA ... RENAME TO %s", pgx.Identifier{books}.Sanitize()),
		}
	case err != nil:
		return fmt.Errorf("read the bookkeeping in schema %q: %w", books, err)
	case len(hiding) > 0:
		return &Error{
			Err:    fmt.Errorf("schema %q holds what hides the bookkeeping in schema %q: %s", p.session.schema, books, strings.Join(hiding, ", ")),
			Remedy: "rename these, or move them to another schema",
		}
	}
	return nil
}
