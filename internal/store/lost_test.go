package store_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// A connection that was cut while nobody used it is told as lost by the next statement, with and without a pooler in between:
// the one after that has another.
func TestLost(t *testing.T) {
	t.Parallel()
	for name, pooled := range map[string]bool{"direct": false, "as through a pooler": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Migrated(t)
			s := open(t, dsn, "polar")
			if pooled {
				s.TakePooler()
			}
			if _, err := s.Now(t.Context()); err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context()) //nolint:errcheck // nothing is left to be written
			// It waits until the sessions are gone.
			if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Now(t.Context()); !store.IsLost(err) || !store.IsStore(err) {
				t.Errorf("%v", err)
			}
			if _, err := s.Now(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
