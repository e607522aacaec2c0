package readers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/readers"
)

// What a statement is refused by the rights of the reader, with no other check: the function is called as it is.
var refused = []struct{ sql, wrong string }{
	{"SELECT set_config('role', 'none', true)", `cannot set parameter "role" within security-definer function`},
	{"SELECT set_config('session_authorization', session_user::text, true)", `cannot set parameter "session_authorization" within security-definer function`},
	{"SELECT set_config('transaction_read_only', 'off', true)", "must be set before any query"},
	{"SET ROLE none", "cannot open SET query as cursor"},
	{"RESET ROLE", "cannot open RESET query as cursor"},
	{"SET SESSION AUTHORIZATION DEFAULT", "cannot open SET query as cursor"},
	{"COMMIT", "cannot open COMMIT query as cursor"},
	{"SELECT 1; RESET ROLE", "cannot open multi-query plan as cursor"},
	{"DO $$ BEGIN END $$", "cannot open DO query as cursor"},
	{"PREPARE p AS DELETE FROM products", "cannot open PREPARE query as cursor"},
	{"COPY products TO PROGRAM 'cat'", "cannot open COPY query as cursor"},
	{"COPY products TO STDOUT", "cannot open COPY query as cursor"},
	{"CALL nothing()", "does not exist"},
	{"DELETE FROM products", "cannot open DELETE query as cursor"},
	{"DELETE FROM products RETURNING id", "permission denied for view products"},
	{"WITH d AS (DELETE FROM products RETURNING id) SELECT * FROM d", "permission denied for view products"},
	{"EXPLAIN ANALYZE DELETE FROM products", "EXPLAIN is not allowed in a non-volatile function"},
	{"CREATE TABLE mine (id int)", "cannot open CREATE TABLE query as cursor"},
	{"SELECT * INTO mine FROM products", "cannot open"},
	{"SELECT * FROM polar.customers", "permission denied for schema polar"},
	{"SELECT * FROM polar_sync.sync_rejects", "permission denied for schema polar_sync"},
	{"SELECT query_to_xml('SELECT * FROM polar.customers', true, true, '')", "permission denied for schema polar"},
	{"SELECT polar.customer_state('" + id + "')", "permission denied for schema polar"},
	{"SELECT rolpassword FROM pg_authid", "permission denied for table pg_authid"},
	{"SELECT pg_read_file('/etc/passwd')", "permission denied for function pg_read_file"},
	{"SELECT pg_ls_dir('.')", "permission denied for function pg_ls_dir"},
	{"SELECT lo_import('/etc/passwd')", "permission denied for function lo_import"},
	{"SELECT * FROM sync_rejects", "does not exist"},
	{"SELECT public.of_an_administrator()", "read-only transaction"},
	{"SELECT * FROM polar_sync.%[1]s('SELECT 1', 1, 1) AS x (a int)", "permission denied for schema polar_sync"},
	{"SELECT pg_sleep(100)", "statement timeout"},
	{"SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b", "statement timeout"},
}

// Statements run with the rights of the reader, which they cannot leave, and no more rows are made than are taken.
func TestRunnerKeepsToTheReader(t *testing.T) {
	t.Parallel()
	d := start(t)
	role, _ := d.reader(t)
	change := readers.Change{Role: role, WithoutPersonalData: true}
	pgtest.Exec(t, d.admin, "INSERT INTO products (id, name, _hash, _requested_at) VALUES ('"+id+"', 'one', '', now())",
		"CREATE FUNCTION public.of_an_administrator() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM polar.products'")
	function, err := readers.Runner(t.Context(), d.pool, "polar", change, true)
	if err != nil {
		t.Fatal(err)
	}
	run := func(sql, columns, timeout string, rows, bytes int) (got []string, err error) {
		return got, d.pool.Snapshot(t.Context(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL search_path TO polar_safe, pg_temp; SET LOCAL statement_timeout TO "+timeout, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			found, err := tx.Query(t.Context(), "SELECT a::text FROM "+function+"($1, $2, $3) AS answer ("+columns+")", sql, rows, bytes)
			if err != nil {
				return err
			}
			got, err = pgx.CollectRows(found, pgx.RowTo[string])
			return err
		})
	}
	for _, a := range refused {
		sql := strings.ReplaceAll(a.sql, "%[1]s", role)
		if got, err := run(sql, "a text", "200", 10, 1000); err == nil || !strings.Contains(err.Error(), a.wrong) {
			t.Errorf("%s\nanswers %q, and says %v\nwant %s", sql, got, err, a.wrong)
		}
	}
	for _, a := range []struct {
		sql, columns string
		want         string
	}{
		{"SELECT current_user::text", "a text", "[" + role + "]"},
		{"SELECT name FROM products", "a text", "[one]"},
		{"SELECT count(*) FROM orders", "a bigint", "[0]"},
		{"SELECT generate_series(1, 100000000)", "a int", "[1 2 3]"},
		{"SELECT repeat('x', 15 + 0 * generate_series(1, 100000000))", "a text", "[xxxxxxxxxxxxxxx xxxxxxxxxxxxxxx]"},
		{"SELECT major_amount(1999, 'usd')", "a numeric", "[19.99]"},
		{"SELECT customer_state('" + id + "') IS NULL", "a boolean", "[true]"},
		{"SELECT count(*) FROM metrics_own('day', '2026-01-01', '2026-01-02')", "a bigint", "[110]"},
	} {
		got, err := run(a.sql, a.columns, "0", 3, 60)
		if err != nil || fmt.Sprint(got) != a.want {
			t.Errorf("%s: %q, %v; want %s", a.sql, got, err, a.want)
		}
	}
	before := pgtest.List(t, d.admin, "SELECT xmin::text || acl FROM (SELECT p.xmin, p.proacl::text AS acl FROM pg_proc p WHERE p.proname = $1) x", role)
	if _, err := readers.Runner(t.Context(), d.pool, "polar", change, true); err != nil {
		t.Fatal(err)
	}
	if after := pgtest.List(t, d.admin, "SELECT xmin::text || acl FROM (SELECT p.xmin, p.proacl::text AS acl FROM pg_proc p WHERE p.proname = $1) x", role); after[0] != before[0] || strings.Contains(after[0], "{=") || strings.Contains(after[0], ",=") {
		t.Errorf("the function is made again, or others may call it: %q, was %q", after, before)
	}
	if got := d.may(t, role); got != "nothing all nothing" {
		t.Errorf("the role may read %s", got)
	}
	d.change(t, readers.Change{Role: role, Revoke: true})
	if n := pgtest.List(t, d.admin, "SELECT proname::text FROM pg_proc WHERE proname = $1", role); len(n) > 0 {
		t.Error("the function is left")
	}
}
