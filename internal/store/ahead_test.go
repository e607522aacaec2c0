package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// foreseen begins a run whose first thirty customers were all new, so that more of them are expected.
func foreseen(t *testing.T, s *store.Store) *store.Run {
	t.Helper()
	run := begin(t, s)
	for k := range 3 {
		if _, err := run.Put(t.Context(), customers(), customersFrom(t, 10*k, 10*(k+1), "a")); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

// hold has others wait for the turn of customers until the function that it returns is called.
func hold(t *testing.T, dsn string) (free func()) {
	t.Helper()
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "BEGIN", "SELECT FROM polar_sync.sync_streams WHERE stream = 'customers' FOR UPDATE")
	return func() { pgtest.Exec(t, conn, "ROLLBACK") }
}

// Pages that are as expected are sent while those before them are being stored.
func TestPagesAhead(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	run := foreseen(t, s)
	free := hold(t, dsn)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a Put would wait for as long
	defer cancel()
	if got, err := run.PutAhead(ctx, customers(), customersFrom(t, 30, 40, "a")); err != nil || got != (store.Counts{}) || run.SweepPages != 3 {
		t.Errorf("under way: %+v, %v, %d pages", got, err, run.SweepPages)
	}
	free()
	want := store.Counts{Pages: 1, Requests: 1, Read: 10, Inserted: 10}
	if got, err := run.PutAhead(ctx, customers(), customersFrom(t, 40, 50, "a")); err != nil || got != want || run.SweepPages != 4 {
		t.Errorf("the first: %+v, %v, %d pages", got, err, run.SweepPages)
	}
	if got, err := run.Land(ctx); err != nil || got != want || run.SweepPages != 5 {
		t.Errorf("the second: %+v, %v, %d pages", got, err, run.SweepPages)
	}
	if got, err := run.Land(ctx); err != nil || got != (store.Counts{}) {
		t.Errorf("nothing is under way: %+v, %v", got, err)
	}
}

// Pages that were sent ahead are stored after those before them, or not at all: else a process that dies between the two, or that cannot
// store the first, would go on behind what it has lost.
func TestPagesAheadOfOthers(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		from int
		name string
		want store.Counts // of all pages; none: they fail
		rows string
	}{
		"all is as expected":    {30, "a", store.Counts{Pages: 3, Requests: 1, Read: 30, Inserted: 30}, "60 6 0"},
		"rows are there":        {25, "a", store.Counts{Pages: 3, Requests: 1, Read: 30, Inserted: 25, Unchanged: 5}, "55 6 0"},
		"a row is refused":      {30, "refused", store.Counts{Pages: 3, Requests: 1, Read: 30, Inserted: 20, Rejected: 10}, "50 6 10"},
		"they cannot be stored": {30, "never", store.Counts{}, "30 3 0"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := open(t, pgtest.Migrated(t), "polar")
			run := foreseen(t, s)
			for _, sql := range []string{
				"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = TG_ARGV[0]; END $$",
				"CREATE TRIGGER refused BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.name = 'refused') EXECUTE FUNCTION refuse('22023')",
				"CREATE TRIGGER never BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.name = 'never') EXECUTE FUNCTION refuse('42501')",
			} {
				exec(t, s, sql)
			}
			var sum store.Counts
			var failed error
			for k, page := range []store.Page{customersFrom(t, c.from, c.from+10, c.name), customersFrom(t, c.from+10, c.from+20, "a"), customersFrom(t, c.from+20, c.from+30, "a")} {
				counts, err := run.PutAhead(t.Context(), customers(), page)
				sum.Add(counts)
				if failed = err; failed != nil {
					if k == 0 {
						t.Error("the first was not sent ahead")
					}
					break
				}
			}
			counts, err := run.Land(t.Context())
			if sum.Add(counts); err != nil {
				t.Error(err)
			}
			if sum != c.want || (failed != nil) != (c.want == store.Counts{}) {
				t.Errorf("%+v, %v; want %+v", sum, failed, c.want)
			}
			var rows string
			if err := s.Pool().QueryRow(t.Context(), `
				SELECT format('%s %s %s', (SELECT count(*) FROM customers), (SELECT sweep_pages FROM sync_streams WHERE stream = 'customers'), (SELECT count(*) FROM sync_rejects))`).Scan(&rows); err != nil || rows != c.rows {
				t.Errorf("rows, pages, rejects: %s, %v; want %s", rows, err, c.rows)
			}
		})
	}
}

// Transactions that are under way wait in a queue. By the lock of the stream's row alone one that comes while it is free would pass by the one
// that waits, and be refused.
func TestPagesAheadQueue(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	run := foreseen(t, s)
	free := hold(t, dsn)
	if _, err := run.PutAhead(t.Context(), customers(), customersFrom(t, 30, 40, "a")); err != nil {
		t.Fatal(err)
	}
	conn := pgtest.Connect(t, dsn)
	waitFor(t, conn, "<> 'advisory'") // the first, for the row
	var second sync.WaitGroup
	second.Go(func() {
		if got, err := run.PutAhead(t.Context(), customers(), customersFrom(t, 40, 50, "a")); err != nil || got.Inserted != 10 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	waitFor(t, conn, "= 'advisory'")
	free()
	second.Wait()
	if got, err := run.Land(t.Context()); err != nil || got.Inserted != 10 {
		t.Errorf("%+v, %v", got, err)
	}
}
