package pg_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/localpg/pgtest"
	"syncd/migrations"
)

// catalog is all that a schema is made of, a line each. Some servers give the columns of each table a number of their own, pg_attver,
// however the table is made: it says nothing of the schema.
const catalog = `
WITH n AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('polar', 'polar_sync')), lines (line) AS (
	SELECT concat_ws(' | ', 'schema', nspname, nspacl, obj_description(n.oid, 'pg_namespace')) FROM pg_namespace n WHERE nspname IN ('polar', 'polar_sync')
	UNION ALL
	SELECT concat_ws(' | ', 'relation', c.oid::regclass, relkind, relpersistence, relreplident, relacl, reloptions, pg_get_partkeydef(c.oid), pg_get_expr(relpartbound, c.oid),
		CASE WHEN relkind = 'v' THEN pg_get_viewdef(c.oid) END, obj_description(c.oid, 'pg_class'))
	FROM pg_class c JOIN n ON relnamespace = n.oid
	UNION ALL
	SELECT concat_ws(' | ', 'column', c.oid::regclass, a.attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage, attcompression,
		attstattarget, attacl, (SELECT array_agg(o) FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_attver=%'), pg_get_expr(adbin, adrelid), col_description(c.oid, a.attnum))
	FROM pg_class c JOIN n ON relnamespace = n.oid JOIN pg_attribute a ON attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = a.attnum
	UNION ALL
	SELECT concat_ws(' | ', 'index', pg_get_indexdef(indexrelid), indisprimary, indisvalid, indisclustered) FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN n ON relnamespace = n.oid
	UNION ALL
	SELECT concat_ws(' | ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')) FROM pg_constraint k JOIN n ON connamespace = n.oid
	UNION ALL
	SELECT concat_ws(' | ', 'trigger', pg_get_triggerdef(t.oid), tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN n ON relnamespace = n.oid WHERE NOT tgisinternal
	UNION ALL
	SELECT concat_ws(' | ', 'function', p.oid::regprocedure, CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END, proacl, obj_description(p.oid, 'pg_proc')) FROM pg_proc p JOIN n ON pronamespace = n.oid
	UNION ALL
	SELECT concat_ws(' | ', 'sequence', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle) FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN n ON relnamespace = n.oid
	UNION ALL
	SELECT concat_ws(' | ', 'type', t.oid::regtype, typtype, format_type(typbasetype, typtypmod)) FROM pg_type t JOIN n ON typnamespace = n.oid
	UNION ALL
	SELECT concat_ws(' | ', 'rows', c.oid::regclass, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1])
	FROM pg_class c JOIN n ON relnamespace = n.oid WHERE relkind IN ('r', 'p')
) SELECT line FROM lines ORDER BY line COLLATE "C"`

// An empty schema is made in one transaction, and is what the migrations make of it one by one.
func TestEmptySchemaIsMigratedAtOnce(t *testing.T) {
	t.Parallel()
	all, err := migrations.All()
	if err != nil {
		t.Fatal(err)
	}
	const transactions = "SELECT count(DISTINCT xmin::text)::text FROM polar.sync_migrations WHERE version_id > 0"
	var made [2][]string
	for i, parts := range [][][]migrations.Migration{{all}, {all[:1], all}} {
		dsn := pgtest.Empty(t)
		pool, admin := openSchema(t, dsn, "polar"), pgtest.Connect(t, dsn)
		pgtest.Exec(t, admin, "CREATE SCHEMA polar")
		var names []string
		for _, part := range parts {
			applied, err := pool.Up(t.Context(), part)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, applied...)
		}
		if len(names) != len(all) || names[0] != all[0].Name {
			t.Errorf("applied %q", names)
		}
		if again, err := pool.Up(t.Context(), all); err != nil || len(again) > 0 {
			t.Errorf("once more applied %q, %v", again, err)
		}
		want := []string{"1"}
		if i == 1 {
			want = pgtest.List(t, admin, "SELECT (max(version_id))::text FROM polar.sync_migrations")
		}
		if got := pgtest.List(t, admin, transactions); !slices.Equal(got, want) {
			t.Errorf("by %d calls: %q transactions, want %q", len(parts), got, want)
		}
		made[i] = append(pgtest.List(t, admin, catalog), pgtest.List(t, admin, "SELECT version_id || ' ' || is_applied FROM polar.sync_migrations ORDER BY id")...)
	}
	if len(made[0]) < 1500 {
		t.Errorf("only %d lines", len(made[0]))
	}
	if diff := cmp.Diff(made[1], made[0]); diff != "" {
		t.Errorf("(-one by one +at once):\n%s", diff)
	}
}

// What cannot be done at once is done one by one: what goes stays, and the error names the file.
func TestEmptySchemaGoesOnByStep(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t)
	pool, admin := openSchema(t, dsn, "polar"), pgtest.Connect(t, dsn)
	pgtest.Exec(t, admin, "CREATE SCHEMA polar")
	names, err := pool.Up(t.Context(), []migrations.Migration{
		{Version: 1, Name: "00001_first.sql", SQL: "CREATE TABLE first (id int)"},
		{Version: 2, Name: "00002_second.sql", SQL: "SELECT 1 / 0"},
	})
	if err == nil || !strings.Contains(err.Error(), "00002_second.sql") || !slices.Equal(names, []string{"00001_first.sql"}) {
		t.Errorf("applied %q, %v", names, err)
	}
	if got := pgtest.List(t, admin, "SELECT max(version_id)::text FROM polar.sync_migrations"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the schema is at %q", got)
	}
}
