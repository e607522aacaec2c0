package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

func stamp(t *testing.T, s *store.Store) time.Time {
	t.Helper()
	at, err := s.Stamp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// However the clock of the database is set, a later stamp is later.
func TestStampNeverGoesBack(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	last := stamp(t, s)
	for _, offset := range []time.Duration{0, -time.Hour, -time.Hour, time.Hour, 24 * time.Hour, 0, -time.Minute} {
		pgtest.SetClock(t, dsn, offset, s.Pool())
		for range 3 {
			at := stamp(t, s)
			if !at.After(last) {
				t.Errorf("offset %v: %v after %v", offset, at, last)
			}
			last = at
		}
		now, err := s.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(now) - offset; off.Abs() > time.Minute {
			t.Fatalf("the clock of the database is %v beside what it was set to", off)
		}
		if ahead := last.Sub(now); ahead < -time.Minute || offset >= 0 && ahead > 25*time.Hour {
			t.Errorf("offset %v: stamps are %v ahead of the clock", offset, ahead)
		}
	}
}

// After it was set back the clock of the database catches up with the stamps: they go on at half speed, not at none, so
// that what is measured in them passes.
func TestStampGoesOnAtHalfSpeed(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	exec(t, s, "UPDATE sync_clock SET at = clock_timestamp() + interval '1 hour', read_at = clock_timestamp() - interval '20 seconds'")
	ahead := stamp(t, s)
	if got := time.Until(ahead); got < time.Hour+9*time.Second || got > time.Hour+time.Minute {
		t.Errorf("after 20 s it is %v ahead, want 1 h and 10 s", got)
	}
}

func TestStampsOfManyDiffer(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	var mu sync.Mutex
	seen := map[time.Time]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				at, err := s.Stamp(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[at.UTC()] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 400 {
		t.Errorf("%d different stamps of 400", len(seen))
	}
}

// The lease of a process that died must not outlast the setting back of the clock, and one that is taken for long must last.
func TestLeaseFromBeforeTheClockWasSetBackHasEnded(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	if _, err := s.Runs().Begin(t.Context(), "orders", store.KindSweep, "long", time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Runs().Begin(t.Context(), "customers", store.KindSweep, "dead", 30*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"orders", "customers"} {
		if _, err := s.Runs().Begin(t.Context(), stream, store.KindSweep, "next", time.Second); !isBusy(err) {
			t.Errorf("%s: %v, want it busy", stream, err)
		}
	}
	pgtest.SetClock(t, dsn, -time.Hour, s.Pool())
	for _, stream := range []string{"orders", "customers"} {
		if _, err := s.Runs().Begin(t.Context(), stream, store.KindSweep, "next", 30*time.Second); err != nil {
			t.Errorf("%s after the clock was set back: %v", stream, err)
		}
	}
	pgtest.SetClock(t, dsn, -48*time.Hour, s.Pool()) // and again, under a holder that lives and goes on
	run, err := s.Runs().Begin(t.Context(), "products", store.KindSweep, "next", 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.SetClock(t, dsn, -72*time.Hour, s.Pool())
	if err := run.Renew(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.Runs().Begin(t.Context(), "products", store.KindSweep, "other", 30*time.Second); !isBusy(err) {
		t.Errorf("a lease renewed after the clock was set back: %v, want it busy", err)
	}
}

func exec(t *testing.T, s *store.Store, sql string, args ...any) {
	t.Helper()
	if _, err := s.Pool().Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func isBusy(err error) bool { return errors.Is(err, store.ErrBusy) }
