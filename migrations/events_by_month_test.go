package migrations_test

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

// exec runs statements.
func exec(t *testing.T, conn *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

const addEvents = `INSERT INTO events (id, timestamp, name, _hash, _requested_at)
	SELECT gen_random_uuid(), at, 'e', 'x', now() FROM (VALUES (timestamptz '1999-01-01Z'), (now() - interval '40 days'), (now()), (now() + interval '90 days'), (NULL)) v (at)`

// The table that is there becomes a partition as it is; rows, rights, triggers and views upon it stay. What cannot stay is named, and nothing
// has changed.
func TestEventsAreDividedByMonth(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	if _, err := provider.UpTo(t.Context(), 61); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, addEvents,
		`CREATE SCHEMA elsewhere`,
		`CREATE VIEW elsewhere.mine WITH (security_barrier = true) AS SELECT name, count(*) AS n FROM events GROUP BY name`,
		`CREATE VIEW elsewhere.upon AS SELECT n FROM elsewhere.mine`,
		`CREATE FUNCTION elsewhere.counted() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM events; END`,
		`GRANT SELECT ON elsewhere.mine TO PUBLIC`,
		`GRANT SELECT ON events TO PUBLIC`, `GRANT UPDATE (label) ON events TO PUBLIC`,
		`CREATE FUNCTION elsewhere.label() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.label := 'labelled'; RETURN NEW; END $$`,
		`CREATE TRIGGER label BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION elsewhere.label()`)
	for _, c := range []struct{ made, dropped, named string }{
		{"CREATE MATERIALIZED VIEW kept AS SELECT id FROM events", "DROP MATERIALIZED VIEW kept", "materialized view kept"},
		{"CREATE TABLE mine (event uuid REFERENCES events)", "DROP TABLE mine", "constraint mine_event_fkey on table mine"},
		{"CREATE TABLE mine (of events[])", "DROP TABLE mine", "table mine"},
		{"CREATE PUBLICATION of_events FOR TABLE events", "DROP PUBLICATION of_events", "publication of_events"},
		{"CREATE POLICY mine ON events USING (true)", "DROP POLICY mine ON events", "policy mine"},
	} {
		exec(t, conn, c.made)
		_, err := provider.Up(t.Context())
		if refused, is := errors.AsType[*pgconn.PgError](err); !is || refused.Code != "2BP01" || !strings.Contains(refused.Detail, c.named) {
			t.Errorf("%s: %v", c.made, err)
		}
		exec(t, conn, c.dropped)
	}
	const (
		content = "SELECT events::text FROM events ORDER BY id"
		rights  = `SELECT concat_ws(' ', relacl::text, (SELECT attacl FROM pg_attribute a WHERE a.attrelid = c.oid AND attname = 'label')) FROM pg_class c
			WHERE oid IN ('events'::regclass, 'elsewhere.mine'::regclass) ORDER BY relname`
		file   = "SELECT relfilenode::text FROM pg_class WHERE relname IN ('events', 'events_customer_id_timestamp_idx', 'events_pkey') AND relkind IN ('r', 'i') ORDER BY 1"
		months = "SELECT COALESCE(regexp_replace(p::regclass::text, '[0-9_]+$', ''), '') || ' ' || n FROM (SELECT tableoid AS p, count(*) AS n FROM events GROUP BY 1) g ORDER BY 1"
	)
	before := [][]string{lines(t, conn, content), lines(t, conn, rights), lines(t, conn, file)}
	up(t, provider)
	after := [][]string{lines(t, conn, content), lines(t, conn, rights), lines(t, conn, "SELECT pg_relation_filenode(relid)::text FROM pg_partition_tree('events') WHERE isleaf AND relid::text LIKE '%before%' UNION ALL "+
		"SELECT pg_relation_filenode(i.indexrelid)::text FROM pg_partition_tree('events') JOIN pg_index i ON i.indrelid = relid WHERE isleaf AND relid::text LIKE '%before%' AND (indisprimary OR pg_get_indexdef(indexrelid) LIKE '%customer_id%') ORDER BY 1")}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("rows, rights and files (-before +after):\n%s", diff)
	}
	if got, want := lines(t, conn, months), []string{`"bill-2_sync".events_before 3`, `"bill-2_sync".events_default 2`}; !slices.EqualFunc(got, want, func(g, w string) bool {
		return strings.TrimPrefix(w, `"bill-2_sync".`) == strings.TrimPrefix(g, `"bill-2_sync".`)
	}) {
		t.Errorf("rows of each partition: %q, want %q", got, want)
	}
	exec(t, conn, addEvents)
	if got := lines(t, conn, "SELECT n::text FROM elsewhere.upon"); !slices.Equal(got, []string{"10"}) {
		t.Errorf("a view upon events shows %q of 10 rows", got)
	}
	if got := lines(t, conn, "SELECT reloptions::text FROM pg_class WHERE oid = 'elsewhere.mine'::regclass"); !slices.Equal(got, []string{"{security_barrier=true}"}) {
		t.Errorf("options of the view: %q", got)
	}
	if got := lines(t, conn, "SELECT count(*)::text FROM events WHERE label = 'labelled'"); !slices.Equal(got, []string{"5"}) {
		t.Errorf("the trigger has written %q of 5 rows", got)
	}
	if got := lines(t, conn, "SELECT elsewhere.counted()::text"); !slices.Equal(got, []string{"10"}) {
		t.Errorf("a function upon events counts %q of 10 rows", got)
	}
	if _, err := provider.DownTo(t.Context(), 61); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, conn, "SELECT count(*)::text FROM events"); !slices.Equal(got, []string{"10"}) {
		t.Errorf("%q of 10 rows after the way back", got)
	}
}
