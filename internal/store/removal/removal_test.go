package removal_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/readers"
	"syncd/internal/store/removal"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// All that syncd made is dropped, whatever it is; what others made, or what others need, keeps all of it.
func TestDrop(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	pool, conn := pgtest.Pool(t, dsn), pgtest.Connect(t, dsn)
	role, _ := pgtest.NewRole(t, conn, "")
	if err := readers.Apply(t.Context(), pool, "polar", readers.Change{Role: role, WithoutPersonalData: true}); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, conn, "CREATE TABLE polar_sync.changes_2099_01 PARTITION OF polar_sync.changes_limited FOR VALUES FROM ('2099-01-01') TO ('2099-02-01')")
	there, err := removal.Drop(t.Context(), pool, "polar", true)
	if err != nil || !slices.Equal(there, []string{"polar", "polar_safe", "polar_sync"}) {
		t.Fatalf("%q, %v", there, err)
	}
	for _, tc := range []struct{ make, says, drop string }{
		{"CREATE TABLE polar.notes (id int)", "table polar.notes", "DROP TABLE polar.notes"},
		{"CREATE VIEW public.paid AS SELECT id FROM polar.orders_live", `rule "_RETURN" on public.paid`, "DROP VIEW public.paid"},
		{"CREATE FUNCTION public.first() RETURNS polar.orders LANGUAGE sql AS 'SELECT * FROM polar.orders LIMIT 1'", "function public.first()", "DROP FUNCTION public.first"},
		{"CREATE FUNCTION polar_sync.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function polar_sync.mine()", "DROP FUNCTION polar_sync.mine"},
		{"CREATE TYPE polar_safe.mood AS ENUM ('a')", "type polar_safe.mood", "DROP TYPE polar_safe.mood"},
		{"CREATE TABLE public.o (id uuid REFERENCES polar.orders)", "table constraint o_id_fkey on public.o:", "DROP TABLE public.o"},
		{"CREATE TABLE public.p () INHERITS (polar.orders)", "table public.p", "DROP TABLE public.p"},
	} {
		pgtest.Exec(t, conn, tc.make)
		if _, err := removal.Drop(t.Context(), pool, "polar", false); !errors.Is(err, removal.ErrForeign) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.make, err)
		}
		pgtest.Exec(t, conn, tc.drop)
	}
	pgtest.Exec(t, conn, "CREATE TABLE public.kept (id int)")
	if _, err := removal.Drop(t.Context(), pool, "polar", false); err != nil {
		t.Fatal(err)
	}
	left := pgtest.List(t, conn, "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'polar%' UNION ALL SELECT 'kept' FROM public.kept HAVING count(*) = 0")
	if !slices.Equal(left, []string{"kept"}) {
		t.Errorf("%q are left", left)
	}
	if there, err := removal.Drop(t.Context(), pool, "polar", false); err != nil || len(there) > 0 {
		t.Errorf("what is not there: %q, %v", there, err)
	}
}
