package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/store/pg"
)

// everything is what a database holds: schemas, relations, functions, types and settings, those of Postgres itself left out.
func everything(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	return pgtest.List(t, conn, `
		SELECT line FROM (
			SELECT nspname, 'schema ' || nspname FROM pg_namespace
			UNION ALL SELECT nspname, nspname || '.' || relname || ' ' || relkind::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
			UNION ALL SELECT nspname, nspname || '.' || proname || '()' FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
			UNION ALL SELECT nspname, nspname || '.' || typname || ' type' FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace
			UNION ALL SELECT 'settings', setrole::text || array_to_string(setconfig, ',') FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
		) l (nsp, line) WHERE nsp !~ '^(pg_|information_schema)' ORDER BY line`)
}

// bent are defaults of a role or a database that change what SQL means, or how its results are written.
var bent = []string{
	"search_path = 'elsewhere', 'public'", "client_encoding = 'LATIN1'", "timezone = 'Asia/Kolkata'", "datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'",
	"default_transaction_isolation = 'serializable'", "standard_conforming_strings = off", "bytea_output = 'escape'", "extra_float_digits = 0", "row_security = on",
	"statement_timeout = '59s'", "jit = on",
}

// Whatever stands between syncd and its database, and whatever the role's defaults are, the mirror is in its schema alone and
// holds what was sent.
func TestEveryConnectionIsWhatSyncdNeeds(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, tc := range []struct {
		name     string
		mode     string // of a pooler; "" = none
		settings []string
		schema   string
		defaults []string
	}{
		{name: "direct", schema: "polar"},
		{name: "direct, bent defaults", schema: "pölar", defaults: bent},
		{name: "session pooler", mode: "session", schema: "polar"},
		{name: "session pooler that drops search_path", mode: "session", settings: []string{"ignore_startup_parameters=search_path"}, schema: "polar", defaults: bent},
		{name: "transaction pooler", mode: "transaction", schema: "polar"},
		{name: "transaction pooler, bent defaults", mode: "transaction", settings: []string{"ignore_startup_parameters=search_path,client_encoding,timezone"}, schema: `p"ö\lar`, defaults: bent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Empty(t)
			watch := pgtest.Connect(t, dsn)
			pgtest.Exec(t, watch, "CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.customers (id int)", "CREATE TABLE public.sync_migrations (version_id int)")
			var database string
			if err := watch.QueryRow(t.Context(), "SELECT current_database()").Scan(&database); err != nil {
				t.Fatal(err)
			}
			for _, d := range tc.defaults {
				pgtest.Exec(t, watch, "ALTER ROLE CURRENT_USER IN DATABASE "+pgx.Identifier{database}.Sanitize()+" SET "+d)
			}
			before := everything(t, watch)
			through := dsn
			if tc.mode != "" {
				through = pgtest.Pooler(t, dsn, tc.mode, tc.settings...)
			}
			work(t, through, tc.schema)

			ours := func(line string) bool {
				of, _, _ := strings.Cut(strings.TrimPrefix(line, "schema "), ".")
				return of == tc.schema || of == pg.Bookkeeping(tc.schema)
			}
			after := everything(t, watch)
			if diff := cmp.Diff(before, slices.DeleteFunc(slices.Clone(after), ours)); diff != "" {
				t.Errorf("outside of the schema something was changed (-before +after):\n%s", diff)
			}
			if n := len(after) - len(before); n < 250 {
				t.Errorf("%d things were made in the schema", n)
			}
			pgtest.Exec(t, watch, "SET client_encoding TO UTF8", "SET timezone TO UTC", "SET datestyle TO ISO", "SET search_path TO "+pgx.Identifier{tc.schema}.Sanitize())
			got := pgtest.List(t, watch, `SELECT name || ' ' || _requested_at FROM customers ORDER BY name COLLATE "C"`)
			if diff := cmp.Diff([]string{"customer 1 2026-01-02 03:04:05+00", `Łukasz "Zoë" \n'日本' 2026-01-02 03:04:05+00`}, got); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			if tc.mode == "transaction" { // what others find in the sessions that were used
				other := pgtest.Connect(t, through)
				var path string
				if err := other.QueryRow(t.Context(), "SHOW search_path", pgx.QueryExecModeExec).Scan(&path); err != nil || strings.Contains(path, "lar") {
					t.Errorf("a session of the pooler is left with the search_path %s, %v", path, err)
				}
			}
		})
	}
}

// work does some of everything that a store does, from several connections.
func work(t *testing.T, dsn, schema string) {
	t.Helper()
	ctx := t.Context()
	s := open(t, dsn, schema)
	for range 2 {
		if _, err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CheckSchema(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Polar().BindOrganization(ctx, uuid.NameSpaceOID, "https://api.polar.sh"); err != nil {
		t.Fatal(err)
	}
	runs := make(chan error, 4)
	for i := range cap(runs) {
		go func() { runs <- oneRun(ctx, s, i) }()
	}
	for range cap(runs) {
		if err := <-runs; err != nil {
			t.Error(err)
		}
	}
	if n, err := s.Rows("customers").CountLive(ctx); err != nil || n != 2 {
		t.Errorf("%d customers, %v", n, err)
	}
	for name, value := range map[string]string{
		"TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "client_encoding": "UTF8", "standard_conforming_strings": "on",
		"bytea_output": "hex", "extra_float_digits": "1", "row_security": "off", "jit": "off", "transaction_isolation": "read committed",
	} {
		var got string
		if err := s.Pool().QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&got); err != nil || got != value {
			t.Errorf("%s is %q, %v; want %q", name, got, err, value)
		}
	}
	s.Close()
}

// oneRun stores two customers in a stream of its own.
func oneRun(ctx context.Context, s *store.Store, i int) error {
	run, err := s.Runs().BeginSlot(ctx, "customers", string(rune('a'+i)), store.KindBackfill, "test", time.Minute)
	if err != nil {
		return err
	}
	if err := run.Renew(ctx); err != nil {
		return err
	}
	if _, err := run.Put(ctx, customers(), customerPage(2, `Łukasz "Zoë" \n'日本'`)); err != nil {
		return err
	}
	if _, err := run.RecordDrift(ctx, []item.Finding{{Kind: "new_field", Field: `ö'\`}}); err != nil {
		return err
	}
	if _, err := s.Streams().Standings(ctx, []string{"customers"}); err != nil {
		return err
	}
	return run.Finish(ctx, store.Closing{Outcome: "succeeded"})
}
