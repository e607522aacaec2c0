package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// A catalogue changes at random for a hundred steps: products come, are renamed, deleted, found again and taken out of the table, and
// their prices come, change, leave the list and return. As of the end of each step the functions give what the tables held.
func TestTablesAsOfEachStep(t *testing.T) {
	t.Parallel()
	const steps, seed = 100, 7
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync")
	random := rand.New(rand.NewPCG(seed, seed))
	at := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	id := func(kind string, n int) string {
		return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, kind, n)).String()
	}
	object := func(n int) string {
		var prices []string
		for p := range 3 {
			if random.IntN(3) > 0 {
				prices = append(prices, fmt.Sprintf(`{"id":%q,"price_amount":%d,"seat_tiers":%s}`, id("price", 10*n+p), random.IntN(3), []string{"null", `{"tiers":[1]}`}[random.IntN(2)]))
			}
		}
		modified := []string{"null", `"2026-01-02T03:00:00.123456Z"`}[random.IntN(2)]
		return fmt.Sprintf(`{"id":%q,"modified_at":%s,"name":"name %d","is_archived":%t,"metadata":{"n":%d},"unknown":%d,"prices":[%s]}`,
			id("product", n), modified, random.IntN(3), random.IntN(2) == 0, random.IntN(2), random.IntN(2), strings.Join(prices, ","))
	}
	into := products()
	run := swept(t, s, into, pageOf(t, into, at, object(0), object(1), object(2)))
	const held = `SELECT COALESCE(jsonb_agg(to_jsonb(t) - '{_hash,_requested_at,_synced_at}'::text[] ORDER BY t.id), '[]')::text FROM %s t`
	look := func(tables ...string) (all []string) {
		for _, table := range tables {
			all = append(all, pgtest.List(t, conn, fmt.Sprintf(held, table))...)
		}
		return all
	}
	var ends []string
	var copies [][]string
	for range steps {
		at = at.Add(time.Minute)
		n := random.IntN(8)
		switch random.IntN(6) {
		case 0:
			if _, err := run.Tombstone(t.Context(), "products", []uuid.UUID{uuid.MustParse(id("product", n))}, at, "test", store.ChildTable{Table: "product_prices", Parent: "product_id"}); err != nil {
				t.Fatal(err)
			}
		case 1:
			pgtest.Exec(t, conn, "BEGIN; SELECT set_config('syncd.history', 'products', true); DELETE FROM products WHERE id = '"+id("product", n)+"'; COMMIT")
		default:
			put(t, run, into, pageOf(t, into, at, object(n), object(n+1)))
		}
		ends = append(ends, pgtest.List(t, conn, "SELECT clock_timestamp()::text")[0])
		copies = append(copies, look("products", "product_prices"))
	}
	for i, end := range ends {
		for k, got := range look("products_as_of('"+end+"')", "product_prices_as_of('"+end+"')") {
			if want := copies[i][k]; got != want {
				t.Fatalf("as of the end of step %d:\n%s\nwant\n%s", i, got, want)
			}
		}
	}
	kinds := pgtest.List(t, conn, "SELECT DISTINCT stream || ' ' || operation FROM changes WHERE operation <> 'delete' OR new IS NULL OR new ? '_deleted_at' OR new ? '_removed_at' ORDER BY 1")
	if len(kinds) < 8 {
		t.Errorf("only these changes were made: %q", kinds)
	}
	// A version ends where the next begins, and none is of a time at which the row was deleted.
	if wrong := pgtest.List(t, conn, `
		SELECT id::text FROM (SELECT id, product_id, valid_to, lead(valid_from) OVER (PARTITION BY id, product_id ORDER BY valid_from, valid_to) AS next FROM product_price_history) v
		WHERE valid_to > next OR next IS NOT NULL AND valid_to IS NULL
		UNION ALL
		SELECT id::text FROM product_prices p WHERE (_removed_at IS NULL) <> EXISTS (SELECT FROM product_price_history h WHERE h.id = p.id AND h.product_id = p.product_id AND h.valid_to IS NULL AND h.price_amount = p.price_amount)`); len(wrong) > 0 {
		t.Errorf("versions of prices do not fit together: %q", wrong)
	}
}

// A reader that is behind what is kept is told from where to go on, and one that is ahead of the database that it is.
func TestChangesAfter(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	s := open(t, dsn, "polar")
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO elsewhere")
	run := swept(t, s, customers(), customerPage(3))
	put(t, run, customers(), func() store.Page {
		p := customerPage(3, "a", "b", "c")
		p.RequestedAt = p.RequestedAt.Add(time.Minute)
		return p
	}())
	read := func(args string) []string {
		return pgtest.List(t, conn, "SELECT (seq - (SELECT min(seq) FROM polar.changes))::text || ' ' || operation FROM polar.changes_after("+args+")")
	}
	for args, want := range map[string]string{
		"0":                                    "[0 update 1 update 2 update]",
		"0, most => 2":                         "[0 update 1 update]",
		"0, '{orders}'":                        "[]",
		"(SELECT max(seq) FROM polar.changes)": "[]",
	} {
		if got := fmt.Sprint(read(args)); got != want {
			t.Errorf("changes_after(%s): %s, want %s", args, got, want)
		}
	}
	pgtest.Exec(t, conn, "INSERT INTO polar_sync.sync_history_dropped SELECT 'customers', min(seq), now() FROM polar.changes",
		"DELETE FROM polar.changes WHERE seq = (SELECT min(seq) FROM polar.changes)")
	if got := fmt.Sprint(read("0, '{orders}'")); got != "[]" {
		t.Errorf("one that reads orders alone: %s", got)
	}
	for args, want := range map[string]string{"0": "Read the tables anew, and go on with changes_after(1)", "99": "the last one has the number 3", "NULL": "after is null"} {
		_, err := conn.Exec(t.Context(), "SELECT polar.changes_after("+args+")")
		if err == nil || !strings.Contains(errorText(err), want) {
			t.Errorf("changes_after(%s): %v, want %q", args, errorText(err), want)
		}
	}
}

// errorText is an error of Postgres with its hint.
func errorText(err error) string {
	if e, is := errors.AsType[*pgconn.PgError](err); is {
		return e.Message + "\n" + e.Hint
	}
	return fmt.Sprint(err)
}
