package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// Pages that are all as those before them take one round trip. What is otherwise is noticed by Postgres itself, and then stored as it is.
func TestPagesAsExpected(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	through, trips := counting(t, dsn)
	s, beside := open(t, through, "polar"), open(t, dsn, "polar")
	run := begin(t, s)
	minute := 0
	put := func(what string, from, to int, as string, want store.Counts, most int64) {
		t.Helper()
		page := customersFrom(t, from, to, as)
		minute++
		page.RequestedAt = time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC)
		want.Pages, want.Requests, want.Read = 1, 1, int64(to-from)
		before := trips.Load()
		got, err := run.Put(t.Context(), customers(), page)
		if n := trips.Load() - before; err != nil || got != want || n > most {
			t.Errorf("%s: %+v, %v; want %+v; %d round trips, want at most %d", what, got, err, want, n, most)
		}
	}
	const many = 20 // round trips do not matter
	put("the first", 0, 10, "a", store.Counts{Inserted: 10}, many)
	put("new ones again", 10, 20, "a", store.Counts{Inserted: 10}, 2)
	put("new ones, prepared", 20, 30, "a", store.Counts{Inserted: 10}, 2)
	put("new ones as expected", 30, 40, "a", store.Counts{Inserted: 10}, 1)
	put("one of them is known", 39, 49, "a", store.Counts{Inserted: 9, Unchanged: 1}, many)
	put("all changed", 0, 10, "b", store.Counts{Updated: 10}, 2)
	put("all changed again", 10, 20, "b", store.Counts{Updated: 10}, 2)
	put("all changed, prepared", 20, 30, "b", store.Counts{Updated: 10}, 2)
	put("all changed as expected", 30, 40, "b", store.Counts{Updated: 10}, 1)
	put("one of them is new", 48, 50, "b", store.Counts{Inserted: 1, Updated: 1}, many)
	put("none changed", 0, 10, "b", store.Counts{Unchanged: 10}, 2)
	put("none changed again", 10, 20, "b", store.Counts{Unchanged: 10}, 2)
	put("none changed, prepared", 20, 30, "b", store.Counts{Unchanged: 10}, 2)
	put("none changed as expected", 30, 40, "b", store.Counts{Unchanged: 10}, 1)
	put("one of them is changed", 30, 31, "c", store.Counts{Updated: 1}, many)

	for range 2 {
		put("all changed once more", 0, 10, fmt.Sprint("c", minute), store.Counts{Updated: 10}, many)
	}
	later := customersFrom(t, 0, 10, "later")
	later.RequestedAt = time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	tail, err := beside.Runs().Open(t.Context(), "customers", store.KindTail, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Put(t.Context(), customers(), later); err != nil {
		t.Fatal(err)
	}
	put("one that was read later", 9, 11, "c", store.Counts{Stale: 1, Updated: 1}, many)
}

// Without the lease nothing is written, though everything was as expected before.
func TestNothingIsExpectedWithoutTheLease(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := foreseen(t, s)
	exec(t, s, "UPDATE sync_streams SET lease_run = NULL, leased_until = NULL WHERE stream = 'customers'")
	if _, err := run.Put(t.Context(), customers(), customersFrom(t, 30, 40, "a")); !errors.Is(err, store.ErrLeaseLost) {
		t.Error(err)
	}
	if n, err := s.Rows("customers").CountLive(t.Context()); err != nil || n != 30 || run.SweepPages != 3 {
		t.Errorf("%d rows, %v, %d pages; want 30 of 3", n, err, run.SweepPages)
	}
}

// A copy of an unknown row is stored, though all copies before were of known ones.
func TestUnexpectedCopy(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	for k, of := range []int{0, 0, 0, 1} {
		page := orderPage(t, 10*k, 10*(k+1), "new")
		for i := range page.Items { // all of one customer
			page.Items[i].Copies[0] = fmt.Appendf(nil, `{"id":%q,"name":"c"}`, id("customer", of))
		}
		if c, err := run.Put(t.Context(), orders(), page); err != nil || c.Inserted != 10 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	copied, err := s.Rows("customers").CopiedIDs(t.Context())
	if err != nil || len(copied) != 2 {
		t.Errorf("known from copies: %v, %v; want two", copied, err)
	}
}

// customersFrom is a page of customers from one number to another.
func customersFrom(t *testing.T, from, to int, name string) store.Page {
	t.Helper()
	var objects []string
	for n := from; n < to; n++ {
		objects = append(objects, fmt.Sprintf(`{"id":%q,"name":%q}`, id("customer", n), name))
	}
	return pageOf(t, customers(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), objects...)
}
