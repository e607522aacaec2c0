package counts_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/counts"
	"syncd/internal/store/partition"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// The number of live rows follows whatever writes the table, also by hand, from a session that knows of no bookkeeping, and after the
// schemas have other names.
func TestCountsFollowTheTable(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "CREATE SCHEMA elsewhere", "SET search_path TO elsewhere")
	const table = "polar.customers"
	schema := "polar"
	for _, step := range []struct {
		sql  string
		want int64
	}{
		{"INSERT INTO " + table + " (id, _hash, _requested_at) SELECT gen_random_uuid(), '', now() FROM generate_series(1, 10)", 10},
		{"INSERT INTO " + table + " (id, _hash, _requested_at, _deleted_at) SELECT gen_random_uuid(), '', now(), now()", 10},
		{"UPDATE " + table + " SET name = 'x'", 10},
		{"UPDATE " + table + " SET _deleted_at = CASE WHEN _deleted_at IS NULL THEN now() END WHERE id IN (SELECT id FROM " + table + " ORDER BY _deleted_at LIMIT 4)", 8},
		{"INSERT INTO " + table + " AS c (id, _hash, _requested_at) SELECT id, ''::bytea, now() FROM " + table + " UNION ALL SELECT gen_random_uuid(), '', now() ON CONFLICT (id) DO UPDATE SET _deleted_at = NULL", 12},
		{"BEGIN; DELETE FROM " + table + "; ROLLBACK", 12},
		{"MERGE INTO " + table + " c USING (SELECT id FROM " + table + " ORDER BY id LIMIT 2) o ON o.id = c.id WHEN MATCHED THEN DELETE", 10},
		{"DELETE FROM " + table + " WHERE id IN (SELECT id FROM " + table + " LIMIT 3)", 7},
		{"ALTER SCHEMA polar RENAME TO billing; ALTER SCHEMA polar_sync RENAME TO billing_sync; DELETE FROM billing.customers WHERE id IN (SELECT id FROM billing.customers LIMIT 3)", 4},
		{"TRUNCATE billing.customers; INSERT INTO billing.customers (id, _hash, _requested_at) SELECT gen_random_uuid(), '', now()", 1},
	} {
		if step.sql[:6] == "MERGE " && conn.PgConn().ParameterStatus("server_version") < "15" {
			continue
		}
		pgtest.Exec(t, conn, step.sql)
		if step.sql[:5] == "ALTER" {
			schema = "billing"
		}
		var counted, kept int64
		if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT (SELECT count(*) FROM %[1]s.customers WHERE _deleted_at IS NULL), (SELECT sum(rows) FROM %[1]s_sync.sync_row_counts WHERE stream = 'customers')", schema)).Scan(&counted, &kept); err != nil {
			t.Fatal(err)
		}
		if counted != step.want || kept != step.want {
			t.Fatalf("after %s: %d rows, kept as %d, want %d", step.sql, counted, kept, step.want)
		}
	}
}

// Transactions that have the turns of different streams may both bring rows of a third: neither waits.
func TestWritersOfDifferentStreamsDoNotWait(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	for _, writer := range []string{"orders", "subscriptions"} {
		conn := pgtest.Connect(t, dsn)
		pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", "SET lock_timeout TO '1s'", "BEGIN", "SELECT set_config('syncd.writer', '"+writer+"', true)",
			"INSERT INTO customers (id, _hash, _requested_at) SELECT gen_random_uuid(), '', now()") // and does not commit
	}
}

// What is written past the triggers makes the number wrong. The next count says so, corrects it, and leaves a trace.
func TestWrongCountsAreCorrected(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn, checks := pgtest.Connect(t, dsn), counts.New(pgtest.Pool(t, dsn))
	const add = "INSERT INTO customers (id, _hash, _requested_at) SELECT gen_random_uuid(), '', now() FROM generate_series(1, 3)"
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", "INSERT INTO sync_streams (stream) VALUES ('customers')", add,
		"SET session_replication_role TO replica", add, "SET session_replication_role TO DEFAULT", add)
	for _, want := range []string{"9 6 t 3", "9 9 t 3"} {
		seen, err := checks.Compare(t.Context(), "customers")
		if err != nil {
			t.Fatal(err)
		}
		done, err := checks.Correct(t.Context(), "customers")
		if err != nil || done != seen {
			t.Fatalf("compared %v, then corrected %v, %v", seen, done, err)
		}
		trace := pgtest.List(t, conn, "SELECT concat_ws(' ', rows_counted_at >= rows_corrected_at, rows_corrected_by) FROM sync_streams")[0]
		if got := fmt.Sprintf("%d %d %s", done.Counted, done.Kept, trace); got != want {
			t.Errorf("found %s, want %s", got, want)
		}
	}
}

// A month is dropped after the page that is being written: what that brings is in the count of what goes.
func TestMonthsAreDroppedBetweenPages(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn, pool := pgtest.Connect(t, dsn), pgtest.Pool(t, dsn)
	months := partition.New(pool, partition.Table{
		Name: "events", Column: "timestamp", Unit: partition.Month, Key: "id", Settles: true, Dropping: counts.Dropping("events", "timestamp"),
	})
	month := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	if err := months.Cover(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	const event = "INSERT INTO events (id, timestamp, _hash, _requested_at) SELECT gen_random_uuid(), timestamptz '2026-02-10Z', '', now() FROM generate_series(1, 3)"
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", "INSERT INTO sync_streams (stream) VALUES ('events')", event,
		"BEGIN", "SELECT set_config('syncd.writer', 'events', true) FROM sync_streams WHERE stream = 'events' FOR UPDATE") // a page that has its turn
	if dropped, err := months.Drop(t.Context(), month.AddDate(0, 1, 0)); err == nil {
		t.Errorf("%q are dropped under a page", dropped)
	}
	pgtest.Exec(t, conn, event, "COMMIT")
	if dropped, err := months.Drop(t.Context(), month.AddDate(0, 1, 0)); err != nil || !slices.Equal(dropped, []string{"events_2026_02"}) {
		t.Errorf("%q are dropped, %v", dropped, err)
	}
	if c, err := counts.New(pool).Compare(t.Context(), "events"); err != nil || c != (counts.Comparison{}) {
		t.Errorf("%+v, %v after the month was dropped", c, err)
	}
}
