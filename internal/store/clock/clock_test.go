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

// When the clock of the database is set back, what was counted on from the last stamp stays earlier than the next one. Until the clock has
// caught up stamps go on at half speed, and nothing is counted on from them: another process would be dated before it.
func TestTimesDoNotGoBackWithTheClock(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	pool := pgtest.Pool(t, dsn)
	of, q := clock.New(db.New(pool)), db.New(pool)
	last, err := of.Stamp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for from := last; last.Sub(from) < time.Millisecond; { // counted on, so the database does not know of it
		if last, err = of.Time(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.SetClock(t, dsn, -time.Hour, pool)
	next, err := of.Stamp(t.Context())
	if err != nil || !next.After(last) {
		t.Errorf("%v, %v: the stamp after the clock was set back is not later than %v", next, err, last)
	}
	for range 3 {
		if next, err = of.Time(t.Context()); err != nil {
			t.Fatal(err)
		}
		var stored time.Time
		if err := pool.QueryRow(t.Context(), "SELECT at FROM sync_clock").Scan(&stored); err != nil || !stored.Equal(next) {
			t.Errorf("%v was counted on from %v, %v, while stamps go on at half speed", next, stored, err)
		}
	}
	if other, err := clock.Stamp(t.Context(), q); err != nil || !other.After(next) {
		t.Errorf("%v, %v: another process is dated before %v", other, err, next)
	}
}
