package tails_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/tails"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A change that was fetched stays fetched, and one noted after that is pending, wherever the clock is set to in between.
func TestChangesSurviveTheSettingOfTheClock(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, steps := range map[string][2]time.Duration{
		"back before it is fetched":    {-time.Hour, -time.Hour},
		"back after it was fetched":    {0, -time.Hour},
		"forth and back":               {24 * time.Hour, 0},
		"back, and back once more":     {-time.Hour, -2 * time.Hour},
		"as it should be":              {0, 0},
		"a little back, a little more": {-time.Second, -2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Migrated(t)
			pool := pgtest.Pool(t, dsn)
			q, changes := db.New(pool), tails.New(pool).Changes()
			id := uuid.NewString()
			at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			note := func(at time.Time) {
				t.Helper()
				if err := changes.Note(t.Context(), []tails.Changed{{Stream: "orders", Filter: tails.ByID, Value: id, At: at}}); err != nil {
					t.Fatal(err)
				}
			}
			pending := func(want int) {
				t.Helper()
				list, err := changes.Pending(t.Context(), "orders", tails.Wanted{Most: 10})
				if err != nil || len(list) != want {
					t.Errorf("%d changes are pending (%v), want %d", len(list), err, want)
				}
				counts, err := changes.PendingCounts(t.Context())
				if err != nil || counts["orders"] != int64(want) {
					t.Errorf("%v are counted as pending (%v), want %d", counts, err, want)
				}
				fresh, err := q.Freshness(t.Context())
				if err != nil || len(fresh) != 1 || fresh[0].PendingChanges != int64(want) {
					t.Errorf("freshness has other pending changes (%v), want %d: %+v", err, want, fresh)
				}
			}
			if _, err := pool.Exec(t.Context(), "INSERT INTO sync_streams (stream) VALUES ('orders')"); err != nil {
				t.Fatal(err)
			}
			note(at)
			pending(1)
			pgtest.SetClock(t, dsn, steps[0], pool)
			asked, err := clock.Stamp(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := changes.Settle(t.Context(), "orders", tails.ByID, []string{id}, asked, at.Add(time.Hour), 0); err != nil {
				t.Fatal(err)
			}
			pending(0)
			pgtest.SetClock(t, dsn, steps[1], pool)
			pending(0)
			note(at.Add(time.Minute)) // it changed again
			pending(1)
		})
	}
}

// Two webhooks may tell of one object and have the same time. What the first one made a round fetch lacks the second change.
func TestTwoChangesOfOneMoment(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	changes := tails.New(pool).Changes()
	change := []tails.Changed{{Stream: "orders", Filter: tails.ByID, Value: uuid.NewString(), At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	for i, step := range []struct {
		note func(context.Context, []tails.Changed) error
		want int
	}{{changes.NoteTold, 1}, {changes.Note, 0}, {changes.NoteTold, 1}} {
		if err := step.note(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		list, err := changes.Pending(t.Context(), "orders", tails.Wanted{Lag: -1, Most: 10})
		if err != nil || len(list) != step.want {
			t.Errorf("step %d: %d changes are pending (%v), want %d", i, len(list), err, step.want)
		}
		asked, err := clock.Stamp(t.Context(), db.New(pool))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := changes.Settle(t.Context(), "orders", tails.ByID, []string{change[0].Value}, asked, asked, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// What was not answered by a replica need not be fetched once more. What is noted later has to be, however soon that is.
func TestWhatReplicasDoNotAnswer(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	changes, lag := tails.New(pool).Changes(), 10*time.Second
	change := tails.Changed{Stream: "refunds", Filter: tails.ByID, Value: uuid.NewString(), At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	note := func() {
		t.Helper()
		if err := changes.Note(t.Context(), []tails.Changed{change}); err != nil {
			t.Fatal(err)
		}
	}
	stamp := func() time.Time {
		t.Helper()
		asked, err := clock.Stamp(t.Context(), db.New(pool))
		if err != nil {
			t.Fatal(err)
		}
		return asked
	}
	settle := func(asked time.Time) {
		t.Helper()
		if _, err := changes.Settle(t.Context(), "refunds", tails.ByID, []string{change.Value}, asked, asked, lag); err != nil {
			t.Fatal(err)
		}
	}
	pending := func(what string, want int) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), "UPDATE sync_changes SET noted_at = noted_at - interval '20 s', known_at = known_at - interval '20 s'"); err != nil {
			t.Fatal(err)
		}
		list, err := changes.Pending(t.Context(), "refunds", tails.Wanted{Lag: lag, Most: 10})
		if err != nil || len(list) != want {
			t.Errorf("%s: %d changes are pending (%v), want %d", what, len(list), err, want)
		}
		if _, err := pool.Exec(t.Context(), "UPDATE sync_changes SET noted_at = noted_at + interval '20 s', known_at = known_at + interval '20 s'"); err != nil {
			t.Fatal(err)
		}
	}
	note()
	settle(stamp())
	pending("fetched", 0)
	change.At = change.At.Add(time.Second)
	note()
	pending("changed again", 1)
	asked := stamp()
	change.At = change.At.Add(time.Second)
	note()
	settle(asked)
	pending("changed while it was fetched", 1)
}
