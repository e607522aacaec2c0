package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
)

// migrated is a connection to a database of its own, with every table and view.
func migrated(t *testing.T) *pgx.Conn {
	t.Helper()
	db := pgtest.Connect(t, pgtest.Migrated(t))
	pgtest.Exec(t, db, "SET search_path TO "+schema)
	return db
}

// Each table of Polar's objects whose rows can be deleted or removed has its view, with the same columns and comments but for syncd's own.
func TestLiveViewOfEachTable(t *testing.T) {
	t.Parallel()
	const shape = `
		SELECT format('%s.%%s %%s: %%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum))
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND %s
		ORDER BY replace(c.relname, '_live', ''), a.attnum`
	db := migrated(t)
	tables := pgtest.List(t, db, fmt.Sprintf(shape, "%s_live", `c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'sync\_%' AND a.attname NOT LIKE '\_%'
		AND EXISTS (SELECT FROM pg_attribute m WHERE m.attrelid = c.oid AND m.attname IN ('_deleted_at', '_removed_at'))`))
	views := pgtest.List(t, db, fmt.Sprintf(shape, "%s", `c.relkind = 'v' AND c.relname LIKE '%\_live'`))
	if len(tables) < 400 {
		t.Fatalf("only %d columns", len(tables))
	}
	if diff := cmp.Diff(tables, views); diff != "" {
		t.Errorf("the views (-want +got):\n%s", diff)
	}
}

func TestLiveViewsLeaveOutWhatIsGone(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	pgtest.Exec(t, db, `
		INSERT INTO orders (id, status, _hash, _requested_at, _deleted_at)
		SELECT format('00000000-0000-0000-0000-00000000000%s', n)::uuid, status, '', now(), gone
		FROM (VALUES (1, 'here', NULL), (2, 'gone', now())) v (n, status, gone)`, `
		INSERT INTO order_items (order_id, id, label, _position, _hash, _requested_at, _removed_at)
		SELECT o.id, gen_random_uuid(), o.status || ' ' || v.label, 0, '', now(), v.gone
		FROM orders o, (VALUES ('listed', NULL), ('removed', now())) v (label, gone)`)
	if got := pgtest.List(t, db, "SELECT status FROM orders_live"); !slices.Equal(got, []string{"here"}) {
		t.Errorf("orders: %q", got)
	}
	if got := pgtest.List(t, db, "SELECT label FROM order_items_live"); !slices.Equal(got, []string{"here listed"}) {
		t.Errorf("items, of which two are of a deleted order, and one more is removed: %q", got)
	}
}

// A column that a migration adds comes last, so that the view can be replaced under what users have built on it.
func TestLiveViewsOutliveNewColumns(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	pgtest.Exec(t, db, "CREATE VIEW mine AS SELECT id, email FROM customers_live",
		"ALTER TABLE customers ADD COLUMN shoe_size bigint", "COMMENT ON COLUMN customers.shoe_size IS 'EU size.'")
	tables, err := readTables(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	sql, err := live(t.Context(), db, tables)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, db, sql, "INSERT INTO customers (id, email, shoe_size, _hash, _requested_at) VALUES (gen_random_uuid(), 'a@b.example', 43, '', now())")
	if got := pgtest.List(t, db, "SELECT m.email || ' ' || c.shoe_size FROM mine m JOIN customers_live c USING (id)"); !slices.Equal(got, []string{"a@b.example 43"}) {
		t.Errorf("%q", got)
	}
}

// A view is as quick as its table: what is looked for by an indexed column is found by the index.
func TestLiveViewsUseIndexes(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	pgtest.Exec(t, db, "SET session_replication_role = replica", `
		INSERT INTO customers (id, external_id, email, metadata, _hash, _requested_at)
		SELECT gen_random_uuid(), 'acct_' || n, 'Buyer' || n || '@example.com', jsonb_build_object('user', n), '', now() FROM generate_series(1, 2000) n`, `
		INSERT INTO subscriptions (id, status, current_period_end, discount_id, metadata, _hash, _requested_at)
		SELECT id, 'active', now() + hashtext(email) * interval '1 s', CASE WHEN external_id LIKE '%00' THEN id END, metadata, '', now() FROM customers`, `
		INSERT INTO orders (id, customer_id, checkout_id, discount_id, status, created_at, metadata, _hash, _requested_at)
		SELECT id, id, id, CASE WHEN external_id LIKE '%00' THEN id END, CASE WHEN external_id LIKE '%00' THEN 'pending' ELSE 'paid' END, now(), metadata, '', now()
		FROM customers`, `
		INSERT INTO order_items (order_id, id, product_price_id, _position, _hash, _requested_at) SELECT id, id, id, 0, '', now() FROM customers`, "ANALYZE")
	const one = " = (SELECT id FROM customers WHERE external_id = 'acct_100')"
	for query, index := range map[string]string{
		"customers_live WHERE external_id = 'acct_42'":                                              "customers_external_id_idx",
		"customers_live WHERE lower(email) = 'buyer42@example.com'":                                 "customers_email_idx",
		`customers_live WHERE metadata @> '{"user": 42}'`:                                           "customers_metadata_idx",
		"orders_live o JOIN customers_live c ON c.id = o.customer_id WHERE external_id = 'acct_42'": "orders_customer_id_idx",
		"orders_live WHERE checkout_id" + one:                                                       "orders_checkout_id_idx",
		"orders_live WHERE discount_id" + one:                                                       "orders_discount_id_idx",
		"orders_live WHERE status = 'pending' ORDER BY created_at LIMIT 5":                          "orders_status_created_at_idx",
		`orders_live WHERE metadata @> '{"user": 42}'`:                                              "orders_metadata_idx",
		"order_items_live WHERE order_id" + one:                                                     "order_items_pkey",
		"order_items_live WHERE product_price_id" + one:                                             "order_items_product_price_id_idx",
		"subscriptions_live WHERE discount_id" + one:                                                "subscriptions_discount_id_idx",
		"subscriptions_live WHERE status = 'active' AND current_period_end < now() - interval '60 years' ORDER BY current_period_end": "subscriptions_status_current_period_end_idx",
		`subscriptions_live WHERE metadata @> '{"user": 42}'`:                                                                         "subscriptions_metadata_idx",
	} {
		if plan := strings.Join(pgtest.List(t, db, "EXPLAIN SELECT * FROM "+query), "\n"); !strings.Contains(plan, index) {
			t.Errorf("%s does not use %s:\n%s", query, index, plan)
		}
	}
}
