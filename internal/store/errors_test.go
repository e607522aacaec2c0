package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// says checks an error of the database: one line with these words in it, told as one of the store.
func says(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil || !store.IsStore(err) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, w := range words {
		if strings.Count(err.Error(), w) != 1 {
			t.Errorf("%s: %v; want %q in it, once", what, err, w)
		}
	}
}

func TestFailuresSayWhatHelps(t *testing.T) {
	t.Parallel()
	admin := pgtest.Connect(t, pgtest.Migrated(t))
	_, dsn := pgtest.NewRole(t, admin, "SUPERUSER")
	pgtest.Exec(t, admin, `CREATE FUNCTION polar.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$`,
		"CREATE TRIGGER full_disk BEFORE INSERT ON polar.customers EXECUTE FUNCTION polar.full()")
	s := open(t, dsn, "polar")
	run := begin(t, s)
	_, err := run.Put(t.Context(), customers(), customerPage(1))
	says(t, "disk", err, "No space left on device", "SQLSTATE 53100", "the disk of the database server is full", "store page of customers")

	for setting, words := range map[string][]string{
		"lock_timeout=20":                  {"SQLSTATE 55P03", "raise lock_timeout"},
		"statement_timeout=1s":             {"SQLSTATE 57014", "raise statement_timeout"},
		"default_transaction_read_only=on": {"SQLSTATE 25006", "the database takes no writes"},
	} {
		t.Run(setting, func(t *testing.T) {
			s := open(t, dsn+" "+setting, "polar")
			pgtest.Exec(t, admin, "BEGIN")
			if strings.Contains(setting, "timeout") {
				pgtest.Exec(t, admin, "LOCK TABLE polar_sync.sync_meta")
			}
			err := s.Polar().BindOrganization(t.Context(), uuid.NameSpaceOID, "https://api.polar.sh")
			pgtest.Exec(t, admin, "COMMIT")
			says(t, setting, err, words...)
		})
	}

	pgtest.Exec(t, admin, "BEGIN", "LOCK TABLE polar_sync.sync_row_counts")
	failed := make(chan error, 1)
	go func() { _, err := s.Rows("customers").CountLive(t.Context()); failed <- err }()
	waitFor(t, admin, "= 'relation'")
	pgtest.Exec(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", "COMMIT")
	says(t, "ended", <-failed, "57P01", "somebody ended this session")
	if _, err := s.Rows("customers").CountLive(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A connection that breaks is a failure of the database wherever it breaks.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := pgtest.Connect(t, dsn)
	pgtest.Pooler(t, dsn, "session") // skips where there is none
	for what, use := range map[string]func(*store.Store, *store.Run) error{
		"a question": func(s *store.Store, _ *store.Run) error {
			_, err := s.Rows("customers").CountLive(t.Context())
			return err
		},
		"rows": func(s *store.Store, _ *store.Run) error { _, _, err := s.Polar().Organization(t.Context()); return err },
		"a page": func(_ *store.Store, r *store.Run) error {
			_, err := r.Put(t.Context(), customers(), customerPage(1))
			return err
		},
		"an end": func(_ *store.Store, r *store.Run) error {
			return r.Finish(t.Context(), store.Closing{Outcome: "succeeded"})
		},
	} {
		pooler, err := localpg.StartPooler(t.Context(), dsn, "session")
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, pooler.DSN(), "polar")
		run, err := s.Runs().Begin(t.Context(), "customers", store.KindSweep, "test", time.Nanosecond)
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, admin, "BEGIN", "LOCK TABLE polar.customers, polar_sync.sync_row_counts, polar_sync.sync_meta, polar_sync.sync_runs")
		failed := make(chan error, 1)
		go func() { failed <- use(s, run) }()
		waitFor(t, admin, "= 'relation'")
		if err := pooler.Close(); err != nil {
			t.Error(err)
		}
		says(t, what, <-failed, "the connection to the database was lost")
		pgtest.Exec(t, admin, "COMMIT")
	}
}

// waitFor waits until a session waits for a lock whose type is such.
func waitFor(t *testing.T, conn *pgx.Conn, such string) {
	t.Helper()
	late := time.After(time.Minute)
	for len(pgtest.List(t, conn, "SELECT pid::text FROM pg_locks WHERE NOT granted AND locktype "+such+" AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())")) == 0 {
		select {
		case <-late:
			t.Fatal("waited a minute in vain for a session that waits for a lock")
		default:
		}
	}
}
