package tails_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/tails"
)

// A stream is busy with pending changes and with rows known only from copies. What comes while one stream is worked on counts, too.
func TestWatch(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	changes := tails.New(pool).Changes()
	note := func(stream string) {
		t.Helper()
		if err := changes.Note(t.Context(), tails.ChangedByID(stream, []uuid.UUID{uuid.New()}, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	note("orders")
	if _, err := pool.Exec(t.Context(), "INSERT INTO sync_stubs (stream, id, copied_from, copied_id, run_id) VALUES ('customers', $1, 'orders', $1, 1)", uuid.New()); err != nil {
		t.Fatal(err)
	}
	watch := changes.Watch()
	for _, of := range []struct {
		stream string
		busy   bool
	}{{"products", false}, {"orders", true}, {"customers", true}, {"refunds", true}} {
		is, err := watch.IsBusy(t.Context(), of.stream, tails.Wanted{Most: 10})
		if err != nil || is != of.busy {
			t.Errorf("%s: %t, %v; want %t", of.stream, is, err, of.busy)
		}
		if of.stream == "orders" { // while its changes are fetched
			note("refunds")
		}
	}
}
