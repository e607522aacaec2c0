package history_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/history"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Partitions are made ahead; what falls into none is in the default one; of limited changes those whose time is over are
// dropped, by whole months, and what is gone is on record.
func TestPartitions(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	pool := pgtest.Pool(t, dsn)
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync")
	maintain := func(now string, days int) {
		t.Helper()
		at, err := time.Parse(time.DateOnly, now)
		if err != nil {
			t.Fatal(err)
		}
		pgtest.StopClock(t, dsn, at, pool)
		for range 2 { // again: nothing is left to do
			if err := history.New(pool).Maintain(t.Context(), time.Duration(days)*24*time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(stream, retention, seen string) {
		pgtest.Exec(t, conn, `INSERT INTO changes (stream, id, operation, seen_at, changed_at, retention)
			VALUES ('`+stream+`', gen_random_uuid(), 'insert', '`+seen+`', now(), '`+retention+`')`)
	}
	in := func() []string {
		return pgtest.List(t, conn, "SELECT tableoid::regclass || ' ' || stream FROM changes ORDER BY seq")
	}
	change("customers", "limited", "2026-01-10Z") // before anything is made
	maintain("2026-01-20", 90)
	for _, seen := range []string{"2026-01-30Z", "2026-02-28Z", "2026-07-01Z"} {
		change("customers", "limited", seen)
		change("orders", "permanent", seen)
	}
	// January's limited changes are in the default partition already, so it keeps them, and no partition takes its place.
	if diff := cmp.Diff([]string{
		"changes_limited_default customers",
		"changes_limited_default customers", "changes_permanent_2026 orders",
		"changes_limited_2026_02 customers", "changes_permanent_2026 orders",
		"changes_limited_default customers", "changes_permanent_2026 orders",
	}, in()); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}

	dropped := func() []string {
		return pgtest.List(t, conn, "SELECT stream || ' ' || (seq - (SELECT min(seq) FROM changes)) FROM sync_history_dropped")
	}
	maintain("2026-05-29", 90) // February's last day is not 90 days ago
	if got := in(); !slices.Contains(got, "changes_limited_2026_02 customers") || len(got) != 5 {
		t.Errorf("after a time: %q", got)
	}
	maintain("2026-05-30", 90)
	if got, want := in(), []string{"changes_permanent_2026 orders", "changes_permanent_2026 orders", "changes_limited_default customers", "changes_permanent_2026 orders"}; !slices.Equal(got, want) {
		t.Errorf("after a longer time: %q, want %q", got, want)
	}
	if got := dropped(); !slices.Equal(got, []string{"customers 1"}) {
		t.Errorf("on record as dropped: %q", got)
	}
	if beside := pgtest.List(t, conn, "SELECT relname::text FROM pg_class WHERE relnamespace = 'polar'::regnamespace AND relispartition AND relkind = 'r'"); len(beside) > 0 {
		t.Errorf("readers of the schema see the partitions %q", beside)
	}
	maintain("2030-05-30", 0)
	if got := in(); len(got) != 4 {
		t.Errorf("without a limit: %q", got)
	}
}
