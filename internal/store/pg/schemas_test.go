package pg_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
	"syncd/migrations"
	"syncd/views"
)

func openSchema(t *testing.T, dsn, schema string) *pg.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Schema: schema, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// A role with the rights that docs/connect.md gives to readers may select from everything in the schema of the data and call
// everything there, under any search_path. It has no right to the bookkeeping.
func TestReader(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := pgtest.Connect(t, dsn)
	name, as := pgtest.NewRole(t, admin, "")
	pgtest.Exec(t, admin, "GRANT USAGE ON SCHEMA polar TO "+name, "GRANT SELECT ON ALL TABLES IN SCHEMA polar TO "+name,
		"INSERT INTO polar_sync.sync_streams (stream, history_since) VALUES ('customers', now()) ON CONFLICT (stream) DO UPDATE SET history_since = now()",
		"INSERT INTO polar.changes (stream, id, operation, seen_at, changed_at, retention) VALUES ('customers', gen_random_uuid(), 'insert', now(), now(), 'limited')")
	asks := pgtest.List(t, admin, `
		SELECT format('SELECT * FROM polar.%I', relname) FROM pg_class WHERE relnamespace = 'polar'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')`)
	calls := pgtest.List(t, admin, `
		SELECT format(CASE p.prokind WHEN 'a' THEN 'SELECT polar.%I(%s)' ELSE 'SELECT * FROM polar.%I(%s)' END, p.proname, (SELECT string_agg(CASE a.type
			WHEN 'text'::regtype THEN CASE WHEN p.proname IN ('metrics_own', 'metrics_computed', 'metrics_compared') THEN CASE a.place WHEN 1 THEN '''day''' ELSE '''UTC''' END ELSE '''usd''' END
			WHEN 'uuid'::regtype THEN 'gen_random_uuid()' WHEN 'date'::regtype THEN 'current_date' WHEN 'timestamptz'::regtype THEN 'now()'
			WHEN 'text[]'::regtype THEN '''{customers}''' WHEN 'jsonb'::regtype THEN '''{}''::jsonb' ELSE '0' END, ', ' ORDER BY a.place)
			FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place)))
		FROM pg_proc p
		WHERE p.pronamespace = 'polar'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'void'::regtype) AND p.proname <> 'mrr_spans_of' -- what syncd alone calls
		  AND NOT 'anyelement'::regtype = ANY (p.proargtypes::oid[]) -- what functions for each table are made of`)
	if len(asks) < 60 || len(calls) < 30 {
		t.Fatalf("only %d tables and views and %d functions", len(asks), len(calls))
	}
	reader := pgtest.Connect(t, as)
	for _, path := range []string{"public", "polar"} {
		pgtest.Exec(t, reader, "SET search_path TO "+path)
		for _, sql := range slices.Concat(asks, calls) {
			if _, err := reader.Exec(t.Context(), sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
	if n := pgtest.List(t, reader, "SELECT count(*)::text FROM polar.changes_after(0)"); n[0] != "1" {
		t.Errorf("changes_after gives %s changes", n)
	}
	for _, sql := range []string{"TABLE polar_sync.sync_runs", "SELECT polar_sync.lock_changes()"} {
		if _, err := reader.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// A database from before keeps its rows, the rights on them and what others have built upon them. What the role lacks is said
// before anything moves.
func TestBookkeepingMoves(t *testing.T) {
	t.Parallel()
	admin := pgtest.Connect(t, pgtest.Empty(t))
	name, dsn := pgtest.NewRole(t, admin, "")
	watcher, as := pgtest.NewRole(t, admin, "")
	database := pgx.Identifier{admin.Config().Database}.Sanitize()
	pgtest.Exec(t, admin, "CREATE SCHEMA polar AUTHORIZATION "+name)
	all, err := migrations.All()
	if err != nil {
		t.Fatal(err)
	}
	files, err := views.All()
	if err != nil {
		t.Fatal(err)
	}
	const before = 49
	pool := openSchema(t, dsn, "polar")
	if _, err := pool.Up(t.Context(), all[:before]); err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f views.File) bool {
		return strings.Contains(f.SQL, "balance_events") || strings.Contains(f.SQL, "mrr_") || strings.Contains(f.SQL, "polled_at")
	}) // later tables
	if _, err := pool.MakeViews(t.Context(), files...); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, admin, `SET ROLE `+name, `SET search_path TO polar`,
		"INSERT INTO sync_runs (stream, kind, holder) VALUES ('customers', 'sweep', 'a/1/x')",
		"INSERT INTO sync_streams (stream, history_since) VALUES ('customers', now())",
		"CREATE TABLE changes_permanent_2026 PARTITION OF changes_permanent FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z')",
		"INSERT INTO changes (stream, id, operation, seen_at, changed_at, retention) VALUES ('orders', gen_random_uuid(), 'insert', '2026-05-05Z', now(), 'permanent')",
		"CREATE TABLE sync_mine (id int)", // somebody's own
		"GRANT USAGE ON SCHEMA polar TO "+watcher, "GRANT SELECT ON sync_runs TO "+watcher, "RESET ROLE",
		"CREATE VIEW public.runs AS SELECT stream, kind FROM polar.sync_runs", "GRANT SELECT ON public.runs TO "+watcher)
	_, err = pool.Migrate(t.Context())
	if want := fmt.Sprintf(`CREATE SCHEMA "polar_sync" AUTHORIZATION "%s", or GRANT CREATE ON DATABASE %s TO "%[1]s"`, name, database); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("without a right: %v, want %s", err, want)
	}
	pgtest.Exec(t, admin, "CREATE SCHEMA polar_sync AUTHORIZATION "+name)
	if _, err := pool.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.List(t, admin, `SELECT DISTINCT relname::text FROM pg_class WHERE relnamespace = 'polar'::regnamespace AND relkind IN ('r', 'p') AND relname ~ '^(sync|changes)_' ORDER BY 1`); !slices.Equal(got, []string{"sync_migrations", "sync_mine"}) {
		t.Errorf("beside the data there are %q", got)
	}
	for sql, want := range map[string]string{
		"SELECT holder FROM polar_sync.sync_runs":                                                   "a/1/x",
		"SELECT tableoid::regclass::text || ' ' || stream FROM polar.changes":                       "polar_sync.changes_permanent_2026 orders",
		"SELECT recorded_since IS NOT NULL FROM polar.history WHERE table_name = 'customers'":       "true",
		"SELECT stream FROM polar.freshness":                                                        "customers",
		"SELECT count(*) FROM polar.orders_as_of(now())":                                            "0",
		"SELECT stream FROM polar.changes_after(0)":                                                 "orders",
		"SELECT array_to_string(proconfig, ' ') FROM pg_proc WHERE proname = 'orders_as_of'":        "search_path=polar, polar_sync, pg_temp",
		"SELECT max(version_id) >= 50 FROM polar.sync_migrations":                                   "true", // by which an older syncd refuses the schema
		"SELECT has_table_privilege('" + watcher + "', 'polar_sync.sync_runs'::regclass, 'SELECT')": "true",
	} {
		if got := pgtest.List(t, admin, "SELECT v::text FROM ("+sql+") q (v)"); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", sql, got, want)
		}
	}
	if got := pgtest.List(t, pgtest.Connect(t, as), "SELECT kind FROM public.runs"); !slices.Equal(got, []string{"sweep"}) {
		t.Errorf("a view upon the bookkeeping: %q", got)
	}
}

// A mirror whose bookkeeping is missing, or hidden by something of the same name, says so and reads nothing else in its place.
func TestBookkeepingElsewhere(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := pgtest.Connect(t, dsn)
	pool := pgtest.Pool(t, dsn)
	refuses := func(what string, wants ...string) {
		t.Helper()
		_, listed := pool.Migrations(t.Context())
		_, migrated := pool.Migrate(t.Context())
		for _, err := range []error{pool.CheckSchema(t.Context()), listed, migrated} {
			for _, want := range wants {
				if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, pg.ErrSchemaBehind) {
					t.Errorf("%s: %v, want %q", what, err, want)
				}
			}
		}
	}
	pgtest.Exec(t, admin, "ALTER SCHEMA polar_sync RENAME TO lost")
	refuses("renamed", `schema "polar_sync" with the bookkeeping of schema "polar" is missing`, `RENAME TO "polar_sync"`)
	pgtest.Exec(t, admin, "CREATE SCHEMA polar_sync")
	refuses("empty", "is missing")
	pgtest.Exec(t, admin, "DROP SCHEMA polar_sync", "ALTER SCHEMA lost RENAME TO polar_sync", "CREATE VIEW polar.sync_runs AS TABLE polar_sync.sync_runs")
	refuses("hidden", `schema "polar" holds what hides the bookkeeping in schema "polar_sync": sync_runs`)
	pgtest.Exec(t, admin, "DROP VIEW polar.sync_runs")

	// Both under another name are a mirror that works, with functions for its new names.
	pgtest.Exec(t, admin, "ALTER SCHEMA polar RENAME TO billing", "ALTER SCHEMA polar_sync RENAME TO billing_sync")
	billing := openSchema(t, dsn, "billing")
	applied, err := billing.Migrate(t.Context())
	if err != nil || len(applied) == 0 || slices.ContainsFunc(applied, func(n string) bool { return !strings.HasPrefix(n, "views/") }) {
		t.Errorf("both renamed: %q, %v", applied, err)
	}
	if n := pgtest.List(t, admin, "SELECT count(*)::text FROM billing.changes_after(0)"); n[0] != "0" {
		t.Errorf("changes_after: %s", n)
	}
	if again, err := billing.Migrate(t.Context()); err != nil || len(again) > 0 {
		t.Errorf("once more: %q, %v", again, err)
	}
}

// The schema of one mirror's bookkeeping is not that of another's data, whichever comes first.
func TestMirrorsBesideEachOther(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t)
	must := func(schema string) *pg.Pool {
		t.Helper()
		pool := openSchema(t, dsn, schema)
		if _, err := pool.Migrate(t.Context()); err != nil {
			t.Fatalf("%q: %v", schema, err)
		}
		return pool
	}
	refused := func(schema, where string) {
		t.Helper()
		_, err := openSchema(t, dsn, schema).Migrate(t.Context())
		if want := fmt.Sprintf("the schema %q holds what syncd has not made", where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("schema %q: %v, want %s", schema, err, want)
		}
	}
	one, two := must("Mine"), must(`o"ne`)
	refused("Mine_sync", "Mine_sync")
	must("a_sync")
	refused("a", "a_sync")
	for _, pool := range []*pg.Pool{one, two} {
		if err := pool.CheckSchema(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := pool.Exec(t.Context(), "INSERT INTO sync_streams (stream) VALUES ('orders')"); err != nil {
			t.Error(err)
		}
	}
	admin := pgtest.Connect(t, dsn)
	for _, schema := range []string{`"Mine_sync"`, `"o""ne_sync"`} {
		if n := pgtest.List(t, admin, "SELECT count(*)::text FROM "+schema+".sync_streams"); n[0] != "1" {
			t.Errorf("%s has %s streams", schema, n)
		}
	}
}
