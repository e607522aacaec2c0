package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
	"syncd/internal/store/erasure"
)

// Rows that are new when they are compared are inserted. Where one is there after all, nothing is lost, and nothing is refused.
func TestNewRowsThatAreThere(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	if _, err := run.Put(t.Context(), orders(), orderPage(t, 0, 3, "first")); err != nil {
		t.Fatal(err)
	}
	// Somebody has taken the order out, and left its item.
	if _, err := s.Pool().Exec(t.Context(), "DELETE FROM orders WHERE id = $1", id("order", 1)); err != nil {
		t.Fatal(err)
	}
	again := orderPage(t, 0, 5, "second")
	again.RequestedAt = again.RequestedAt.Add(time.Second)
	got, err := run.Put(t.Context(), orders(), again, orderPage(t, 5, 9, "second"))
	if want := (store.Counts{Pages: 2, Requests: 9, Read: 9, Inserted: 7, Updated: 2}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	fresh := orderPage(t, 1, 2, "third")
	fresh.RequestedAt = fresh.RequestedAt.Add(time.Minute)
	if _, err := s.Pool().Exec(t.Context(), "DELETE FROM orders WHERE id = $1", id("order", 1)); err != nil {
		t.Fatal(err)
	}
	got, err = run.Put(t.Context(), orders(), fresh, orderPage(t, 9, 12, "third"))
	if want := (store.Counts{Pages: 2, Requests: 12, Read: 4, Inserted: 4}); err != nil || got != want {
		t.Errorf("only new rows: %+v, %v; want %+v", got, err, want)
	}
	var left string
	if err := s.Pool().QueryRow(t.Context(), `
		SELECT concat_ws(' ', (SELECT count(*) FROM orders), (SELECT count(*) FROM order_items), (SELECT count(*) FROM sync_rejects),
			(SELECT o.status || i.label FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id = $1))`, id("order", 1)).Scan(&left); err != nil || left != "12 12 0 thirdthird" {
		t.Errorf("%s, %v; want 12 12 0 thirdthird", left, err)
	}
}

// named is a page of orders from one number to another, each with the name of whom it is billed to. The customer of the last one is spelled as given.
func named(t *testing.T, from, to int, last string) store.Page {
	t.Helper()
	p := store.Page{RequestedAt: time.Date(2026, 1, 2, 3, 4, to, 0, time.UTC), Read: to - from, Requests: int64(to), Checkpoint: []byte("{}")}
	var sp item.Splitter
	for n := from; n < to; n++ {
		customer := id("customer", n).String()
		if n == to-1 {
			customer = last
		}
		o, err := sp.Split(orders().Shape, fmt.Appendf(nil, `{"id":%q,"customer_id":"%s","billing_name":"Ada %d","items":[{"id":%q,"label":"x","amount":7,"note":"Ada"}]}`,
			id("order", n), customer, n, id("item", n)))
		if err != nil {
			t.Fatal(err)
		}
		p.Items = append(p.Items, o)
	}
	return p
}

// Where most rows are new, whose they are is asked for all of them at once. Nobody who is erased comes in by that, however the id is spelled.
func TestErasedAmongNewRows(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	erased := id("customer", 1000)
	if _, err := erasure.New(s.Pool()).Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{erased}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	put := func(from, to int, last string) {
		t.Helper()
		if c, err := run.Put(t.Context(), orders(), named(t, from, to, last)); err != nil || c.Inserted != int64(to-from) {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	put(0, 10, erased.String())
	put(10, 20, erased.String())
	put(20, 30, fmt.Sprintf(`\u00%x%s`, erased.String()[0], erased.String()[1:]))
	put(30, 40, id("customer", 39).String())

	var names, notes int
	var billed string
	if err := s.Pool().QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE billing_name IS NOT NULL), (SELECT count(*) FROM order_items WHERE _extra->>'note' = 'Ada'),
			COALESCE(string_agg(billing_name, ' ') FILTER (WHERE customer_id = $1), '')
		FROM orders`, erased).Scan(&names, &notes, &billed); err != nil {
		t.Fatal(err)
	}
	if names != 37 || notes != 37 || billed != "" {
		t.Errorf("%d orders have a name and %d items a note, want 37; of the erased customer %q", names, notes, billed)
	}

	// The triggers ask for none of the others: here that would fail.
	if _, err := s.Pool().Exec(t.Context(), `
		CREATE OR REPLACE FUNCTION polar_sync.is_erased(customer uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'asked for %', customer; END $$`); err != nil {
		t.Fatal(err)
	}
	put(40, 50, id("customer", 49).String())
	if c, err := run.Put(t.Context(), orders(), named(t, 50, 60, erased.String())); err == nil {
		t.Errorf("nobody asks whose a row of an erased customer is: %+v", c)
	}
	if _, err := s.Pool().Exec(t.Context(), "UPDATE orders SET seats = 1 WHERE id = $1", id("order", 45)); err == nil {
		t.Error("nobody asks whose the rows are that others write")
	}
}
