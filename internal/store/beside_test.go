package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// A reply that was requested earlier and arrives late must not undo a later one,
// not even where the later one found the row as it was.
func TestBesideLateReplyLosesToOneThatFoundNoChange(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	sweep := begin(t, s)
	now := time.Now().Add(-time.Minute) // nothing of this minute is later than now
	at := func(p store.Page, d time.Duration) store.Page { p.RequestedAt = now.Add(d); return p }
	store1 := func(run *store.Run, p store.Page) store.Counts {
		t.Helper()
		c, err := run.Put(t.Context(), customers(), p)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	store1(sweep, at(customerPage(1, "A"), -time.Minute))

	tail, err := s.Runs().Open(t.Context(), "customers", store.KindTail, "test")
	if err != nil {
		t.Fatal(err)
	}
	// A became B and A again: the sweep met B, its reply is on its way; the tail meets A.
	if c := store1(tail, at(customerPage(1, "A"), 2*time.Second)); c.Unchanged != 1 {
		t.Fatalf("%+v, want the row unchanged", c)
	}
	if err := tail.Finish(t.Context(), store.Closing{Outcome: "succeeded"}); err != nil {
		t.Fatal(err)
	}
	if c := store1(sweep, at(customerPage(1, "B"), time.Second)); c.Stale != 1 || c.Updated != 0 {
		t.Errorf("late reply: %+v, want it stale", c)
	}
	n, err := sweep.Tombstone(t.Context(), "customers", ids(customerPage(1)), now.Add(time.Second), "late 404")
	if err != nil || n != 0 {
		t.Errorf("late 404 marked %d rows (%v), want none", n, err)
	}
	if c := store1(sweep, at(customerPage(1, "B"), 3*time.Second)); c.Updated != 1 {
		t.Errorf("later reply: %+v, want it stored", c)
	}
	n, err = sweep.CountDistinct(t.Context())
	if err != nil || n != 1 {
		t.Errorf("%d ids of the sweep (%v), want 1: those of the tail do not count", n, err)
	}
}

// A lease of its own: a backfill keeps its checkpoint while the sweep of the stream comes and goes.
func TestBesideSlotKeepsItsCheckpoint(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	slot := func() *store.Run {
		t.Helper()
		run, err := s.Runs().BeginSlot(t.Context(), "customers", "backfill", store.KindBackfill, "test", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	backfill := slot()
	if _, err := backfill.Put(t.Context(), customers(), customerPage(2)); err != nil {
		t.Fatal(err)
	}
	if err := backfill.Finish(t.Context(), store.Closing{Outcome: "interrupted"}); err != nil {
		t.Fatal(err)
	}
	sweep := begin(t, s)
	if sweep.Checkpoint != nil {
		t.Errorf("the sweep begins at %s", sweep.Checkpoint)
	}
	if _, err := sweep.Put(t.Context(), customers(), customerPage(3)); err != nil {
		t.Fatal(err)
	}
	if err := sweep.Finish(t.Context(), store.Closing{Outcome: "succeeded", Verdict: "complete", SweepEnded: true}); err != nil {
		t.Fatal(err)
	}
	again := slot()
	if string(again.Checkpoint) != `{"page": 2}` || again.SweepID != backfill.ID {
		t.Errorf("the backfill goes on at %s of run %d, want page 2 of %d", again.Checkpoint, again.SweepID, backfill.ID)
	}
}

// What runs without a lease have received goes with the next run of any stream, once it tells nothing any more: a daemon makes
// thousands of rounds a day. What a sweep under way has received stays, however old.
func TestBesideSeenGoes(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	long := time.Now().Add(-time.Hour)
	sweep := begin(t, s)
	tail, err := s.Runs().BeginSlot(t.Context(), "", "tail", store.KindTail, "test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := tail.ForStreams(t.Context(), store.KindTail, "customers")
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range append(beside, sweep) {
		p := customerPage(1)
		p.RequestedAt = long
		if _, err := run.Put(t.Context(), customers(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := tail.Finish(t.Context(), store.Closing{Outcome: "succeeded"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Runs().Open(t.Context(), "orders", store.KindRefresh, "test"); err != nil {
		t.Fatal(err)
	}
	other, err := s.Runs().Begin(t.Context(), "orders", store.KindSweep, "test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Finish(t.Context(), store.Closing{Outcome: "interrupted"}); err != nil {
		t.Fatal(err)
	}
	var kept []string
	rows, err := s.Pool().Query(t.Context(), "SELECT stream FROM sync_seen")
	if err == nil {
		kept, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil || len(kept) != 1 || kept[0] != "customers" {
		t.Errorf("kept: %q (%v), want what the sweep of customers has received", kept, err)
	}
}

// A run without a lease whose process has died is closed by the next of its kind: after an hour, and at once if it began before the
// clock of the database was set back by more. One that was alive all the same says how it ended.
func TestRunsThatNeverEnd(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	began := map[string]string{"minutes ago": "-59 minutes", "an hour ago": "-61 minutes", "a day from now": "1 day"}
	runs := map[string]*store.Run{}
	for name, at := range began {
		run, err := s.Runs().Open(t.Context(), "orders", store.KindRefresh, name)
		if err != nil {
			t.Fatal(err)
		}
		runs[name] = run
		if _, err := s.Pool().Exec(t.Context(), "UPDATE sync_runs SET started_at = now() + $1::interval WHERE id = $2", at, run.ID); err != nil {
			t.Fatal(err)
		}
	}
	next, err := s.Runs().Open(t.Context(), "orders", store.KindRefresh, "next")
	if err != nil {
		t.Fatal(err)
	}
	outcomes := func() string {
		var list string
		if err := s.Pool().QueryRow(t.Context(), "SELECT string_agg(holder || ': ' || COALESCE(outcome, 'open'), ', ' ORDER BY holder) FROM sync_runs").Scan(&list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := outcomes(); got != "a day from now: interrupted, an hour ago: interrupted, minutes ago: open, next: open" {
		t.Error(got)
	}
	for _, run := range []*store.Run{runs["a day from now"], runs["minutes ago"], next} {
		if err := run.Finish(t.Context(), store.Closing{Outcome: "succeeded"}); err != nil {
			t.Error(err)
		}
	}
	if got := outcomes(); got != "a day from now: succeeded, an hour ago: interrupted, minutes ago: succeeded, next: succeeded" {
		t.Error(got)
	}
}

// What a round has read is stored as long as the round has its lease: a process that stood still, while another took the lease over, writes
// nothing that it had on its way, and marks nothing as deleted.
func TestBesidePartsOfARoundHaveItsLease(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	part := func(holder string) *store.Run {
		t.Helper()
		round, err := s.Runs().BeginSlot(t.Context(), "", "tail", store.KindTail, holder, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := round.ForStreams(t.Context(), store.KindTail, "customers")
		if err != nil {
			t.Fatal(err)
		}
		return parts[0]
	}
	first := part("first")
	if _, err := first.Put(t.Context(), customers(), customerPage(1)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, pgtest.Connect(t, dsn), "UPDATE polar_sync.sync_streams SET leased_until = clock_timestamp() WHERE stream = 'tail'")
	second := part("second")
	if _, err := first.Put(t.Context(), customers(), customerPage(2)); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("a page of the round that is over: %v", err)
	}
	if n, err := first.Tombstone(t.Context(), "customers", ids(customerPage(1)), time.Now(), "404"); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("%d rows are marked as deleted by the round that is over: %v", n, err)
	}
	if _, err := second.Put(t.Context(), customers(), customerPage(3)); err != nil {
		t.Error(err)
	}
}
