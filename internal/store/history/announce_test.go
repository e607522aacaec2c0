package history_test

import (
	"testing"

	"syncd/internal/localpg/pgtest"
)

// Whoever announces a change holds the lock of all changes meanwhile: it may not read through those of years.
func TestAnnouncingReadsNoOtherChanges(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Migrated(t))
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", `
		INSERT INTO changes (stream, id, operation, seen_at, changed_at, retention)
		SELECT 'customers', gen_random_uuid(), 'update', now(), now(), 'limited' FROM generate_series(1, 5000)`, "ANALYZE changes")
	for range 8 { // after five times a plan may be kept
		pgtest.Exec(t, conn, "BEGIN", "SELECT set_config('syncd.history', 'customers', true)",
			"INSERT INTO customers (id, _hash, _requested_at) VALUES (gen_random_uuid(), '', now())", "SELECT announce_changes()")
		var scans int
		if err := conn.QueryRow(t.Context(), "SELECT sum(seq_scan)::int FROM pg_stat_xact_user_tables WHERE relname LIKE 'changes%'").Scan(&scans); err != nil {
			t.Fatal(err)
		}
		if scans > 0 {
			t.Fatalf("announcing one change has read through %d partitions", scans)
		}
		pgtest.Exec(t, conn, "COMMIT")
	}
}
