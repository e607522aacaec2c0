package readers_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
	"syncd/internal/store/readers"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// database is a migrated one, and roles in it.
type database struct {
	pool  *pg.Pool
	admin *pgx.Conn
}

func start(t *testing.T) database {
	t.Helper()
	dsn := pgtest.Migrated(t)
	d := database{pgtest.Pool(t, dsn), pgtest.Connect(t, dsn)}
	pgtest.Exec(t, d.admin, "SET search_path TO polar, polar_sync", "SET timezone TO utc")
	return d
}

func (d database) change(t *testing.T, c readers.Change) {
	t.Helper()
	if err := readers.Apply(t.Context(), d.pool, "polar", c); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
}

// reader is a new role, and a connection of it.
func (d database) reader(t *testing.T) (role string, conn *pgx.Conn) {
	t.Helper()
	role, dsn := pgtest.NewRole(t, d.admin, "")
	return role, pgtest.Connect(t, dsn)
}

const id = "00000000-0000-4000-8000-00000000000a"

// fill puts one row into each table. All ids are the same one, so that views join all of them. Each personal column holds a canary.
func (d database) fill(t *testing.T) (canaries int) {
	t.Helper()
	data := catalog.PersonalData()
	rows, err := d.admin.Query(t.Context(), `
		SELECT c.relname::text, a.attname::text, y.typname::text, a.attnotnull
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type y ON y.oid = a.atttypid
		WHERE c.relnamespace = 'polar'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('sync_migrations', 'changes') ORDER BY 1, a.attnum`)
	if err != nil {
		t.Fatal(err)
	}
	columns, values := map[string][]string{}, map[string][]string{}
	var table, column, kind string
	var needed bool
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &kind, &needed}, func() error {
		value := ""
		treatment := data[table][column]
		canary := "canary " + table + " " + column
		switch {
		case column == "_deleted_at" || column == "_removed_at" || column == "deleted_at":
		case treatment != "" && treatment != catalog.None && kind == "text":
			value, canaries = "'"+canary+"'", canaries+1
		case treatment != "" && treatment != catalog.None:
			value, canaries = `'{"canary": "`+canary+`", "subscription_id": "`+id+`", "provider_subscription_id": "`+canary+`", "state": "`+canary+`", "country": "US"}'`, canaries+1
		case table == "events" && column == "name":
			value = "'subscription.migrated'"
		case table == "events" && column == "source":
			value = "'system'"
		case strings.Contains(column, "currency"):
			value = "'usd'"
		case kind == "text" && needed:
			value = "'day'"
		case kind == "jsonb" && needed:
			value = "'{}'"
		case kind == "uuid":
			value = "'" + id + "'"
		case kind == "timestamptz":
			value = "now() - interval '1 day'"
		case kind == "bool":
			value = "true"
		case needed && kind == "bytea":
			value = "''"
		case needed:
			value = "'1'"
		}
		if value != "" {
			columns[table], values[table] = append(columns[table], column), append(values[table], value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for table := range columns {
		pgtest.Exec(t, d.admin, "INSERT INTO "+table+" ("+strings.Join(columns[table], ", ")+") VALUES ("+strings.Join(values[table], ", ")+")",
			"INSERT INTO changes (stream, id, operation, seen_at, changed_at, old, new, retention) SELECT '"+table+"', '"+id+"', 'update', now(), now(), to_jsonb(t), to_jsonb(t), 'limited' FROM "+table+" t")
	}
	return canaries
}

// Of a hundred personal values in all tables, none is in a view without personal data. Each is as the table that it stands for.
func TestNothingPersonalIsLeft(t *testing.T) {
	t.Parallel()
	d := start(t)
	if n := d.fill(t); n < 100 {
		t.Fatalf("only %d canaries", n)
	}
	role, conn := d.reader(t)
	d.change(t, readers.Change{Role: role, WithoutPersonalData: true})

	const shape = `SELECT c.relname || ' ' || string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND c.relname <> 'sync_migrations' GROUP BY c.relname ORDER BY 1`
	want := pgtest.List(t, d.admin, shape, "polar")
	if got := pgtest.List(t, d.admin, shape, "polar_safe"); len(got) < 90 || !slices.Equal(got, want) {
		t.Errorf("the views are %q, want %q", got, want)
	}

	found, filled := 0, 0
	for _, relation := range want {
		relation, _, _ = strings.Cut(relation, " ")
		const canaries = "SELECT COALESCE(string_agg(v::text, ' '), '') FROM "
		is := pgtest.List(t, d.admin, canaries+"polar."+relation+" v")[0]
		found += strings.Count(is, "canary ")
		if safe := pgtest.List(t, conn, canaries+"polar_safe."+relation+" v")[0]; strings.Contains(safe, "canary") && relation != "tax_by_region_monthly" { // sums by state
			t.Errorf("%s: %s", relation, safe)
		} else if (safe == "") != (is == "") {
			t.Errorf("%s: there are rows with personal data, or without, and not both: %q, %q", relation, is, safe)
		} else if safe != "" {
			filled++
		}
	}
	if found < 500 || filled < 80 {
		t.Errorf("%d canaries in the data, rows in %d relations: the test sees too little", found, filled)
	}
	if got := pgtest.List(t, conn, "SELECT (old->>'status' IS NULL)::text || (new ? 'id')::text || (new ? '_extra')::text FROM polar_safe.changes WHERE stream = 'orders'")[0]; got != "truetruefalse" {
		t.Errorf("of the change of an order is left: %s", got)
	}
}

// Equal values have equal pseudonyms, in all tables; a reader without the key cannot compute them.
func TestPseudonymsJoin(t *testing.T) {
	t.Parallel()
	d := start(t)
	pgtest.Exec(t, d.admin,
		`INSERT INTO customers (id, email, external_id, _hash, _requested_at) SELECT gen_random_uuid(), 'a' || i % 7 || '@example.com', NULLIF('acct_' || i, 'acct_3'), '', now() FROM generate_series(1, 20) i`,
		`INSERT INTO members (id, email, _hash, _requested_at) SELECT gen_random_uuid(), 'a' || i || '@example.com', '', now() FROM generate_series(5, 10) i`)
	role, conn := d.reader(t)
	d.change(t, readers.Change{Role: role, WithoutPersonalData: true})
	for _, sql := range []string{
		"SELECT string_agg(c.id::text || m.id, ' ' ORDER BY c.id, m.id) FROM %.customers c JOIN %.members m USING (email)",
		"SELECT count(DISTINCT email) || ' ' || count(DISTINCT external_id) || ' ' || count(external_id) FROM %.customers_enriched",
	} {
		want := pgtest.List(t, d.admin, strings.ReplaceAll(sql, "%", "polar"))
		if got := pgtest.List(t, conn, strings.ReplaceAll(sql, "%", "polar_safe")); want[0] == "" || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if n := pgtest.List(t, conn, "SELECT count(*)::text FROM polar_safe.customers WHERE email IN ('a1@example.com', left(encode(sha256('a1@example.com'), 'hex'), 32), left(encode(sha256(sha256('a1@example.com')), 'hex'), 32))"); n[0] != "0" {
		t.Error("a pseudonym does not need the key")
	}
}

// may lists what a role may select, by schema: of the data, without personal data, of the bookkeeping. A right counts that can be used.
func (d database) may(t *testing.T, role string) string {
	t.Helper()
	return pgtest.List(t, d.admin, `
		SELECT string_agg(CASE n WHEN 0 THEN 'nothing' WHEN of THEN 'all' ELSE n || ' of ' || of END, ' ' ORDER BY place) FROM (
			SELECT s.place, count(c.oid) AS of, count(*) FILTER (WHERE has_schema_privilege($1, s.name, 'USAGE') AND has_table_privilege($1, c.oid, 'SELECT')) AS n
			FROM unnest('{polar,polar_safe,polar_sync}'::text[]) WITH ORDINALITY s (name, place)
			JOIN pg_class c ON c.relnamespace = s.name::regnamespace AND c.relkind IN ('r', 'p', 'v') GROUP BY s.place) x`, role)[0]
}

// A role reads what it was granted, also of what comes later, and nothing else; it can be taken back.
func TestRights(t *testing.T) {
	t.Parallel()
	d := start(t)
	all, _ := d.reader(t)
	safe, conn := d.reader(t)
	pgtest.Exec(t, d.admin, "CREATE SCHEMA polar_safe")
	is := func(when string, ofAll, ofSafe string) {
		t.Helper()
		if got := d.may(t, all); got != ofAll {
			t.Errorf("%s: the reader of all may read %s; want %s", when, got, ofAll)
		}
		if got := d.may(t, safe); got != ofSafe {
			t.Errorf("%s: the other reader may read %s; want %s", when, got, ofSafe)
		}
	}
	d.change(t, readers.Change{Role: safe}) // and then less
	for range 2 {
		d.change(t, readers.Change{Role: all})
		d.change(t, readers.Change{Role: safe, WithoutPersonalData: true})
		is("granted", "all nothing nothing", "nothing all nothing")
	}

	pgtest.Exec(t, d.admin, "CREATE TABLE later (id uuid)", "CREATE VIEW of_mine AS SELECT email FROM customers", "ALTER TABLE orders ADD COLUMN later text", "UPDATE sync_safe SET made_by = 'others'")
	if _, err := d.pool.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	is("later", "all nothing nothing", "nothing all nothing")
	pgtest.List(t, conn, "SELECT later::text FROM polar_safe.orders")
	if n := pgtest.List(t, d.admin, "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'polar_safe'::regnamespace AND relname IN ('of_mine', 'later')"); n[0] != "0" {
		t.Errorf("there are views of what syncd has not made")
	}
	key := pgtest.List(t, d.admin, "SELECT encode(key, 'hex') FROM sync_safe")
	if len(key) != 1 || len(key[0]) != 64 {
		t.Errorf("the key is %q", key)
	}

	for range 2 {
		d.change(t, readers.Change{Role: all, Revoke: true})
		d.change(t, readers.Change{Role: safe, Revoke: true})
		is("revoked", "nothing nothing nothing", "nothing nothing nothing")
	}
	pgtest.Exec(t, d.admin, "CREATE TABLE even_later (id uuid)")
	if n := pgtest.List(t, d.admin, "SELECT has_table_privilege($1, 'even_later', 'SELECT')::text", all); n[0] != "false" {
		t.Error("the right to what comes later is left")
	}
}

// A migration may change what views without personal data show; they are made again, with their rights.
func TestSafeViewsMakeWay(t *testing.T) {
	t.Parallel()
	d := start(t)
	role, conn := d.reader(t)
	d.change(t, readers.Change{Role: role, WithoutPersonalData: true})
	pgtest.Exec(t, d.admin, "DELETE FROM sync_views WHERE name = 'usage_current'", "UPDATE sync_views SET hash = 'old' WHERE name = 'customers_enriched'",
		"DROP VIEW polar_safe.usage_current, usage_current", "CREATE VIEW usage_current AS SELECT 1 AS other")
	pgtest.Exec(t, d.admin, "INSERT INTO sync_views (name, kind, hash, place) VALUES ('usage_current', 'VIEW', 'old', 0), ('gone', 'VIEW', 'old', 0)",
		"CREATE VIEW gone AS SELECT 1 AS other", "CREATE VIEW polar_safe.gone AS SELECT * FROM gone", "CREATE VIEW polar_safe.usage_current AS SELECT * FROM usage_current",
		"DROP FUNCTION polar_safe.round_half_even", "CREATE FUNCTION polar_safe.round_half_even(other numeric) RETURNS numeric LANGUAGE sql AS 'SELECT -1::numeric'",
		"INSERT INTO sync_views (name, kind, hash, place) VALUES ('gone_too', 'FUNCTION', 'old', 0)",
		"CREATE FUNCTION gone_too() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION polar_safe.gone_too() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	if _, err := d.pool.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.List(t, conn, "SELECT meter_name FROM polar_safe.usage_current")
	pgtest.List(t, conn, "SELECT email FROM polar_safe.customers_enriched")
	if got := pgtest.List(t, conn, "SELECT polar_safe.round_half_even(2.5) || ' ' || polar_safe.major_amount(1999, 'jpy')")[0]; got != "2 1999" {
		t.Errorf("functions without personal data give %s", got)
	}
	if n := pgtest.List(t, d.admin, "SELECT relname::text FROM pg_class WHERE relname = 'gone' UNION ALL SELECT proname::text FROM pg_proc WHERE proname = 'gone_too'"); len(n) > 0 {
		t.Errorf("%d views are left", len(n))
	}
}

// A role that cannot be a reader is refused with what helps, and nothing is changed.
func TestRefuses(t *testing.T) {
	t.Parallel()
	d := start(t)
	member, _ := d.reader(t)
	of, _ := d.reader(t)
	d.change(t, readers.Change{Role: of})
	pgtest.Exec(t, d.admin, "GRANT "+of+" TO "+member)
	for _, tc := range []struct {
		change readers.Change
		want   string
		usage  bool
	}{
		{readers.Change{Role: "no such"}, `CREATE ROLE "no such"`, true},
		{readers.Change{Role: d.admin.Config().User}, "owns the tables", true},
		{readers.Change{Role: member, WithoutPersonalData: true}, "take the role out of the others", false},
		{readers.Change{Role: member, Revoke: true}, "take the role out of the others", false},
	} {
		err := readers.Apply(t.Context(), d.pool, "polar", tc.change)
		if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, readers.ErrRole) != tc.usage {
			t.Errorf("%+v: %v", tc.change, err)
		}
	}
	if n := pgtest.List(t, d.admin, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'polar_safe'"); len(n) > 0 {
		t.Error("the schema was left behind")
	}
}

// The SQL of a dry run does, by itself, what the command does.
func TestStatements(t *testing.T) {
	t.Parallel()
	d := start(t)
	role, _ := d.reader(t)
	statements, err := readers.Statements(t.Context(), d.pool, "polar", readers.Change{Role: role, WithoutPersonalData: true})
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, d.admin, "BEGIN", strings.Join(statements, ";\n"), "COMMIT")
	if got, want := d.may(t, role), "nothing all nothing"; got != want {
		t.Errorf("the role may read %s; want %s", got, want)
	}
}
