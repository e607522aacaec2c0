package store_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store"
)

// Who holds a lock that syncd waits for is told once, to a role without special rights, directly and through a pooler.
func TestLockOfAnotherSession(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, mode := range []string{"", "transaction"} {
		t.Run("pooler "+mode, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Empty(t)
			admin := connectTo(t, dsn)
			name, roleDSN := role(t, admin, "")
			do(t, admin, "CREATE SCHEMA polar AUTHORIZATION "+name)
			if mode != "" {
				roleDSN = pgtest.Pooler(t, roleDSN, mode)
			}
			log, lines := watched()
			s, err := store.Open(t.Context(), store.Config{DSN: roleDSN, Schema: "polar", Log: log, LockAfter: 20 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			run := begin(t, s)
			do(t, admin, "BEGIN", "LOCK TABLE polar.customers, polar.sync_meta IN ACCESS EXCLUSIVE MODE")
			errs := make(chan error, 2)
			go func() { _, err := run.Put(t.Context(), customers(), customerPage(1)); errs <- err }()
			first := await(t, lines, "waiting for a lock")
			pid := strconv.Itoa(int(admin.PgConn().PID()))
			if first["holder_pid"] != pid || first["holder_user"] != admin.Config().User || first["on"] != "customers" || !strings.Contains(first["waiting"], "SELECT") {
				t.Errorf("%v; the lock is held by %s", first, pid)
			}
			go func() { _, _, err := s.Polar().Organization(t.Context()); errs <- err }()
			second := await(t, lines, "waiting for a lock")
			if second["on"] != "sync_meta" || second["holder_pid"] != pid {
				t.Errorf("%v: the first wait is told again, or another", second)
			}
			do(t, admin, "COMMIT")
			for range 2 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}
