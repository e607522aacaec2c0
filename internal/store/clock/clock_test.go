package clock_test

import (
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// What dates requests is later than the stamp that it counts on from, and never later than a new one.
func TestTimesLieBetweenStamps(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), pg.Config{DSN: pgtest.Migrated(t), Schema: "polar"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	of := clock.New(db.New(pool))
	last := time.Time{}
	for range 50 {
		from, err := of.Stamp(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !from.After(last) {
			t.Errorf("the stamp %v is not later than %v", from, last)
		}
		for range 3 {
			if last, err = of.Time(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !last.After(from) {
				t.Errorf("%v is not later than the stamp %v", last, from)
			}
		}
	}
	other, err := clock.Stamp(t.Context(), db.New(pool)) // as another process takes it
	if err != nil || !other.After(last) {
		t.Errorf("%v, %v: another process is dated before %v", other, err, last)
	}
}
