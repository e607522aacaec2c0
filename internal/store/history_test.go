package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// products are where products go, with their prices.
func products() *store.Target {
	table, prices := store.TableOf((*db.Queries).ProductsUpsert), store.TableOf((*db.Queries).ProductPricesUpsert)
	child := item.Child{Field: "prices", Name: "product_prices", Parent: "product_id", Key: "id"}
	child.Columns = prices.Columns
	return &store.Target{Stream: "products", Table: table, Shape: item.NewShape(item.Spec{Columns: table.Columns, Children: []item.Child{child}}),
		Children: []store.ChildTarget{{Name: child.Name, Parent: child.Parent, Key: child.Key, Table: prices}}}
}

// pageOf is a page of these objects, requested at a time.
func pageOf(t *testing.T, into *store.Target, at time.Time, objects ...string) store.Page {
	t.Helper()
	p := store.Page{RequestedAt: at, Read: len(objects), Checkpoint: []byte(`{}`), Requests: 1}
	var sp item.Splitter
	for _, o := range objects {
		it, err := sp.Split(into.Shape, []byte(o))
		if err != nil {
			t.Fatal(err)
		}
		p.Items = append(p.Items, it)
	}
	return p
}

// swept begins a run of a stream whose first sweep has ended, so that its changes are recorded.
func swept(t *testing.T, s *store.Store, into *store.Target, first ...store.Page) *store.Run {
	t.Helper()
	begin := func() *store.Run {
		run, err := s.Runs().Begin(t.Context(), into.Stream, store.KindSweep, "test", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	run := begin()
	put(t, run, into, first...)
	if err := run.Finish(t.Context(), store.Closing{Outcome: "succeeded", SweepEnded: true}); err != nil {
		t.Fatal(err)
	}
	return begin()
}

func put(t *testing.T, run *store.Run, into *store.Target, pages ...store.Page) {
	t.Helper()
	if _, err := run.Put(t.Context(), into, pages...); err != nil {
		t.Fatal(err)
	}
}

const (
	productID = "00000000-0000-4000-8000-00000000000a"
	priceID   = "00000000-0000-4000-8000-00000000000b"
)

func product(name, modified, prices string) string {
	return fmt.Sprintf(`{"id":%q,"created_at":"2026-01-01T00:00:00Z","modified_at":%s,"name":%q,"prices":[%s]}`, productID, modified, name, prices)
}

func price(amount int) string {
	return fmt.Sprintf(`{"id":%q,"created_at":"2026-01-01T00:00:00Z","modified_at":null,"price_amount":%d}`, priceID, amount)
}

// A first sweep records nothing. From then on each change of a row is one row of changes, with the columns that changed.
func TestChangesAreRecorded(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", "LISTEN polar", "SET timezone TO 'UTC'")
	at := func(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }
	into := products()
	run := swept(t, s, into, pageOf(t, into, at(0), product("first", "null", price(1000))))
	recorded := func() []string {
		return pgtest.List(t, conn, `
			SELECT concat_ws(' ', stream, operation, COALESCE('in ' || right(parent_id::text, 1), 'itself'), right(id::text, 1), retention, source, to_char(changed_at, 'MI:SS'), run_id = $1, old, '->',
				CASE WHEN operation = 'insert' THEN (new->'name')::text || (new->'price_amount')::text ELSE regexp_replace(new::text, '("_(deleted|removed)_at": )"[^"]*"', '\1"some time"') END)
			FROM changes ORDER BY seq`, run.ID)
	}
	if got := recorded(); len(got) > 0 {
		t.Errorf("a first sweep leaves %q", got)
	}
	put(t, run, into, pageOf(t, into, at(1), product("first", "null", price(1000))))                     // nothing
	put(t, run, into, pageOf(t, into, at(2), product("renamed", `"2026-01-02T03:01:30Z"`, price(1000)))) // Polar says when
	put(t, run, into, pageOf(t, into, at(3), product("renamed", `"2026-01-02T03:01:30Z"`, price(1200)))) // Polar does not
	put(t, run, into, pageOf(t, into, at(4), product("renamed", `"2099-01-02T03:01:30Z"`, price(1200)))) // Polar is wrong
	put(t, run, into, pageOf(t, into, at(5), product("renamed", `"2099-01-02T03:01:30Z"`, "")))          // a list lacks it
	if n, err := run.Tombstone(t.Context(), "products", []uuid.UUID{uuid.MustParse(productID)}, at(6), "test"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	put(t, run, into, pageOf(t, into, at(7), product("back", `"2099-01-02T03:01:30Z"`, "")))
	want := []string{
		`products update itself a permanent observed 01:30 t {"name": "first", "modified_at": null} -> {"name": "renamed", "modified_at": "2026-01-02T03:01:30+00:00"}`,
		`product_prices update in a b permanent observed 03:00 t {"price_amount": 1000} -> {"price_amount": 1200}`,
		`products update itself a permanent observed 04:00 t {"modified_at": "2026-01-02T03:01:30+00:00"} -> {"modified_at": "2099-01-02T03:01:30+00:00"}`,
		`product_prices delete in a b permanent observed 05:00 t {"_removed_at": null} -> {"_removed_at": "some time"}`,
		`products delete itself a permanent observed 06:00 t {"_deleted_at": null} -> {"_deleted_at": "some time"}`,
	}
	got := recorded()
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	last := pgtest.List(t, conn, `SELECT operation || ' ' || (SELECT string_agg(key, ' ' ORDER BY key) FROM jsonb_object_keys(new) key) FROM changes WHERE seq > (SELECT seq FROM changes ORDER BY seq OFFSET 4 LIMIT 1)`)
	if diff := cmp.Diff([]string{"restore _deleted_at name"}, last); diff != "" {
		t.Errorf("what comes back (-want +got):\n%s", diff)
	}

	// Whoever listens is told of each once it is committed, and of nothing else.
	var told []string
	for range want {
		n, err := conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, n.Payload)
	}
	seq := pgtest.List(t, conn, "SELECT seq::text FROM changes ORDER BY seq LIMIT 1")[0]
	first := fmt.Sprintf(`{"stream" : "products", "operation" : "update", "count" : 1, "ids" : [%q], "seq" : %s, "run" : %d}`, productID, seq, run.ID)
	if told[0] != first {
		t.Errorf("told %s, want %s", told[0], first)
	}
}

// A reader that goes on behind the last number that it saw misses nothing, whichever of two transactions wrote first.
func TestChangesAreNumberedInTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	swept(t, s, customers(), customerPage(2))
	early, late := pgtest.Connect(t, dsn), pgtest.Connect(t, dsn)
	begin := func(conn *pgx.Conn, id int) {
		pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", "SET lock_timeout TO '9s'", "BEGIN", "SELECT set_config('syncd.history', 'customers', true)",
			fmt.Sprintf("UPDATE customers SET name = 'new' WHERE id = '%s'", customerPage(2).Items[id].ID))
	}
	begin(early, 0)
	begin(late, 1)
	pgtest.Exec(t, late, "COMMIT")
	pgtest.Exec(t, early, "COMMIT") // neither waits for the other
	got := pgtest.List(t, late, "SELECT id::text FROM changes ORDER BY seq")
	if want := []string{customerPage(2).Items[1].ID.String(), customerPage(2).Items[0].ID.String()}; !slices.Equal(got, want) {
		t.Errorf("in the order %q, want that of the commits %q", got, want)
	}
}

// Beside many writers a reader that polls sees each change, once, and in order.
func TestNoChangeAppearsBehindAReader(t *testing.T) {
	t.Parallel()
	const writers, each = 6, 15
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	swept(t, s, customers(), customerPage(writers))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, writers)
	for w := range writers {
		conn := pgtest.Connect(t, dsn)
		go func() {
			failed <- func() error {
				for i := range each {
					_, err := conn.Exec(ctx, fmt.Sprintf(`SET search_path TO polar, polar_sync; BEGIN; SELECT set_config('syncd.history', 'customers', true);
						UPDATE customers SET name = 'n%d' WHERE id = '%s'; SELECT pg_sleep(random() / 500); COMMIT`, i, customerPage(writers).Items[w].ID))
					if err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	reader := pgtest.Connect(t, dsn)
	pgtest.Exec(t, reader, "SET search_path TO polar, polar_sync")
	var seen []int64
	for running, after := writers, int64(0); ; {
		done := running == 0
		rows, err := reader.Query(ctx, "SELECT seq FROM changes WHERE seq > $1 ORDER BY seq", after)
		if err != nil {
			t.Fatal(err)
		}
		more, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, more...); len(seen) > 0 {
			after = seen[len(seen)-1]
		}
		if done {
			break
		}
		select {
		case err := <-failed:
			if running--; err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
	if len(seen) != writers*each {
		t.Errorf("a reader saw %d changes of %d", len(seen), writers*each)
	}
}
