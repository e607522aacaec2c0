package pg_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/bojanz/currency"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
	"syncd/migrations"
	"syncd/views"
)

// The views are those of the program, wherever the schema comes from; where they are, a start writes nothing.
func TestMigrateMakesViews(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t)
	admin := pgtest.Connect(t, dsn)
	pgtest.Exec(t, admin, "CREATE SCHEMA polar", "SET search_path TO polar, polar_sync")
	all, err := migrations.All()
	if err != nil {
		t.Fatal(err)
	}
	files, err := views.All()
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.Pool(t, dsn)
	applies := func(what string, want ...string) {
		t.Helper()
		got, err := pool.Migrate(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: applied %q (%v), want %q", what, got, err, want)
		}
		if missing := pgtest.List(t, admin, "SELECT 'customer_state' WHERE pg_get_functiondef('customer_state'::regproc) NOT LIKE '%units%'"); len(missing) > 0 {
			t.Errorf("%s: the body of %q is the old one", what, missing)
		}
		if n := pgtest.List(t, admin, "SELECT count(*)::text FROM migrated_subscriptions"); n[0] != "0" {
			t.Errorf("%s: %s", what, n)
		}
	}
	var names []string
	for _, f := range files {
		names = append(names, "views/"+f.Name)
	}

	// A database from before there were files of views, which has an old body.
	const old = 46
	if _, err := pool.Up(t.Context(), all[:old]); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, admin, "CREATE OR REPLACE FUNCTION customer_state(id uuid) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$")
	var later []string
	for _, m := range all[old:] {
		later = append(later, m.Name)
	}
	applies("an old database", append(later, names...)...)
	list, err := pool.Migrations(t.Context())
	if err != nil || len(list) != len(all)+len(files) || slices.ContainsFunc(list, func(m pg.Migration) bool { return m.AppliedAt.IsZero() }) {
		t.Errorf("%+v, %v", list, err)
	}

	if bare := pgtest.List(t, admin, `
		SELECT v.name || '.' || a.attname FROM sync_views v JOIN pg_attribute a ON v.kind = 'VIEW' AND a.attrelid = to_regclass(v.name) AND a.attnum > 0
		WHERE col_description(a.attrelid, a.attnum) IS NULL
		UNION ALL
		SELECT v.name FROM sync_views v
		WHERE CASE v.kind WHEN 'VIEW' THEN obj_description(to_regclass(v.name), 'pg_class') ELSE obj_description(to_regproc(v.name), 'pg_proc') END IS NULL`); len(bare) > 0 {
		t.Errorf("without a comment: %q", bare)
	}

	before := pgtest.List(t, admin, "SELECT v::text || v.xmin FROM sync_views v")
	reader, err := pg.Open(t.Context(), pg.Config{DSN: dsn + "&default_transaction_read_only=on", Schema: "polar"})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if got, err := reader.Migrate(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("with nothing new, where nothing can be written: %q, %v", got, err)
	}
	applies("nothing new")
	if after := pgtest.List(t, admin, "SELECT v::text || v.xmin FROM sync_views v"); !slices.Equal(after, before) {
		t.Errorf("the record became %q, was %q", after, before)
	}

	pgtest.Exec(t, admin, "DROP VIEW migrated_subscriptions")
	i := slices.IndexFunc(files, func(f views.File) bool { return strings.Contains(f.Name, "migrated") })
	applies("a view that somebody dropped", names[i])

	// A database that was taken back by hand.
	for i := len(all) - 1; i >= old-1; i-- {
		text, err := fs.ReadFile(migrations.FS, all[i].Name)
		if err != nil {
			t.Fatal(err)
		}
		_, down, _ := strings.Cut(string(text), "-- +goose Down")
		pgtest.Exec(t, admin, down, "DELETE FROM sync_migrations WHERE version_id = "+all[i].Name[:5])
	}
	applies("a database that was taken back", append([]string{all[old-1].Name}, append(later, names...)...)...)
}

// Views are replaced where Postgres lets them be, so that others may build on them, and made anew where it does not.
func TestViewsChange(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := pgtest.Connect(t, dsn)
	pool := pgtest.Pool(t, dsn)
	role, _ := pgtest.NewRole(t, admin, "")
	gone := role + "_gone"
	pgtest.Exec(t, admin, "CREATE ROLE "+gone, "SET search_path TO polar, polar_sync")
	makes := func(sql ...string) error {
		t.Helper()
		var list []views.File
		for _, s := range sql {
			name, _, _ := strings.Cut(s, " AS ")
			list = append(list, views.NewFile(name, s))
		}
		_, err := pool.MakeViews(t.Context(), list...)
		return err
	}
	must := func(what string, sql ...string) {
		t.Helper()
		if err := makes(sql...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if left := pgtest.List(t, admin, "SELECT name || ' ' || hash FROM sync_views WHERE hash = '' OR acl IS NOT NULL"); len(left) > 0 {
			t.Errorf("%s: the record is left as %q", what, left)
		}
	}
	may := func(what, right, want string) {
		t.Helper()
		if got := pgtest.List(t, admin, "SELECT "+right+"::text"); got[0] != want {
			t.Errorf("%s: %s is %s, want %s", what, right, got[0], want)
		}
	}
	const (
		a  = "CREATE OR REPLACE VIEW a AS SELECT id, email FROM customers"
		b  = "CREATE OR REPLACE VIEW b AS SELECT email FROM a"
		c  = "CREATE OR REPLACE FUNCTION c(x int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM b; END"
		a2 = "CREATE OR REPLACE VIEW a AS SELECT id, email, name FROM customers"
		a3 = "CREATE OR REPLACE VIEW a AS SELECT email, id FROM customers"
		c3 = "CREATE OR REPLACE FUNCTION c(x int, y int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM b; END"
	)
	must("the first", a, b, c) // those of the program go
	if left := pgtest.List(t, admin, "SELECT viewname::text FROM pg_views WHERE schemaname = 'polar' ORDER BY 1"); !slices.Equal(left, []string{"a", "b"}) {
		t.Errorf("there are %q", left)
	}
	pgtest.Exec(t, admin, "GRANT SELECT ON b TO "+role, "GRANT SELECT ON b TO "+gone, "REVOKE EXECUTE ON FUNCTION c FROM PUBLIC", "CREATE VIEW mine AS SELECT * FROM a")
	rights := func(what string) {
		t.Helper()
		may(what, "has_table_privilege('"+role+"', 'b', 'SELECT')", "true")
		may(what, "has_table_privilege('"+role+"', 'b', 'INSERT')", "false")
		may(what, "has_function_privilege('"+role+"', to_regproc('c'), 'EXECUTE')", "false")
	}
	must("one more column", a2, b, c)
	rights("one more column")

	err := makes(a3, b, c)
	if err == nil || !strings.Contains(err.Error(), "view mine depends on view a") || !strings.Contains(err.Error(), "make it again") || strings.Contains(err.Error(), "\n") {
		t.Errorf("what stands upon a view that cannot be replaced: %v", err)
	}
	rights("what was refused")
	pgtest.Exec(t, admin, "DROP VIEW mine")
	must("another order", a3, b, c)
	rights("another order")
	must("other parameters", a3, b, c3)
	rights("other parameters")

	// A migration changes what they use: they make way for it, and their rights are not forgotten meanwhile.
	list, err := migrations.All()
	if err != nil {
		t.Fatal(err)
	}
	step := func(version int64, sql string) error {
		_, err := pool.Up(t.Context(), append(list, migrations.Migration{Version: version, Name: "later.sql", SQL: sql}))
		return err
	}
	if err := step(90001, "ALTER TABLE customers DROP COLUMN email"); err != nil {
		t.Fatalf("a column that a view uses cannot be dropped: %v", err)
	}
	pgtest.Exec(t, admin, "REVOKE ALL ON ALL TABLES IN SCHEMA polar FROM "+gone, "DROP ROLE "+gone)
	const a4 = "CREATE OR REPLACE VIEW a AS SELECT name AS email, id FROM customers"
	must("after the migration", a4, b, c3)
	rights("after the migration")
	if err := step(90002, "ALTER TABLE customers ALTER COLUMN name TYPE varchar(9)"); err != nil {
		t.Fatalf("a column that a view uses cannot change its type: %v", err)
	}
	pgtest.Exec(t, admin, "CREATE VIEW mine AS SELECT name FROM customers")
	if err := step(90003, "ALTER TABLE customers DROP COLUMN name"); err == nil || !strings.Contains(err.Error(), "view mine depends on column name") {
		t.Errorf("a column that somebody's view uses: %v", err)
	}

	if err := makes(a4, b, c3, "CREATE OR REPLACE VIEW mine AS SELECT 1"); err == nil || !strings.Contains(err.Error(), "mine (owner ") {
		t.Errorf("somebody else's view under a name that is needed: %v", err)
	}
}

// The decimal places of currencies are those of ISO 4217.
func TestCurrencies(t *testing.T) {
	t.Parallel()
	db := pgtest.Connect(t, pgtest.Migrated(t))
	var want []string
	for _, code := range currency.GetCurrencyCodes() {
		digits, _ := currency.GetDigits(code)
		want = append(want, fmt.Sprintf("%s %d %d", strings.ToLower(code), digits, digits))
	}
	slices.Sort(want)
	got := pgtest.List(t, db, "SELECT format('%s %s %s', code, exponent, scale(polar.major_amount(1, upper(code)))) FROM polar.currencies ORDER BY code")
	if !slices.Equal(got, want) {
		t.Errorf("currencies:\n%q\nwant:\n%q", got, want)
	}
}
