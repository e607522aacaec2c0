package erasure_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/audit"
	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/rebuild"
	"syncd/internal/slowtest"
	"syncd/internal/store/db"
	"syncd/internal/store/erasure"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// canary is in all personal data of the person who is erased, and of nobody else.
const canary = "cnry"

// person is a world with somebody in it who is known by canaries.
type person struct {
	*worldtest.Harness
	id                  string
	order, subscription map[string]any
}

// start makes the world, of everything but metrics.
func start(t *testing.T) *person {
	t.Helper()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 12}, Mirror: func(c *catalog.Config) {
		c.Entries = slices.DeleteFunc(catalog.Entries(), func(e catalog.Entry) bool { return strings.HasPrefix(e.Name, "metrics") })
		c.Tail.Lag = -1
	}})
	p := &person{Harness: h}
	owns := map[any]map[string]any{}
	for _, s := range h.All(t, "/v1/subscriptions/", url.Values{"active": {"true"}}) {
		owns[s["customer_id"]] = s
	}
	p.order = h.First(t, "/v1/orders/", url.Values{"status": {"paid"}}, func(o map[string]any) bool {
		return owns[o["customer_id"]] != nil && o["is_invoice_generated"] == false
	})
	p.id = p.order["customer_id"].(string)
	p.subscription = owns[p.id]
	p.speak(t, "1")
	h.Make(t, "/v1/checkouts/", fmt.Sprintf(`{"products":[%q],"customer_email":"Cnry@example.com","customer_name":"Cnry Given Up"}`, p.subscription["product_id"]))
	h.Want(t, 200, "POST", "/v1/events/ingest", `{"events":[{"name":"spoke","external_customer_id":"ext cnry","metadata":{"said":"cnry words"}}]}`)
	return p
}

// speak has Polar know the person by these words.
func (p *person) speak(t *testing.T, word string) {
	t.Helper()
	p.Want(t, 200, "PATCH", "/v1/customers/"+p.id, fmt.Sprintf(`{"name":"Cnry Person %s","email":"cnry@example.com","external_id":"ext cnry",
		"metadata":{"note":"cnry %[1]s"},"billing_address":{"country":"US","state":"US-CA","line1":"%[1]s cnry street","city":"Cnryville","postal_code":"90210"}}`, word))
	p.Want(t, 200, "PATCH", "/v1/subscriptions/"+p.subscription["id"].(string), fmt.Sprintf(`{"metadata":{"note":"cnry %s"}}`, word))
	p.Want(t, 200, "PATCH", "/v1/orders/"+p.order["id"].(string), fmt.Sprintf(`{"billing_name":"Cnry Billed %s","billing_address":{"country":"US","state":"US-CA","line1":"cnry lane","city":"Cnryville","postal_code":"90210"}}`, word))
}

// scan lists the tables of all schemas in which a canary is found, and in how many rows; of views, too, if they are among the kinds.
func (p *person) scan(t *testing.T, kinds string) map[string]int {
	t.Helper()
	rows, err := p.Store.Pool().Query(t.Context(), "SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text = ANY(current_schemas(false)) AND relkind::text = ANY (string_to_array($1, NULL)) ORDER BY 1", kinds)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 60 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	found := map[string]int{}
	for _, table := range tables {
		n := worldtest.Query[int](t, p, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()+" r WHERE r::text ILIKE $1 OR r::text LIKE $2 OR r::text LIKE $3",
			"%"+canary+"%", fmt.Sprintf("%%%x%%", canary), fmt.Sprintf("%%%x%%", "Cnry")) // of bytea
		if n > 0 {
			found[table] = n
		}
	}
	return found
}

func (p *person) wantNothing(t *testing.T, after string) {
	t.Helper()
	if found := p.scan(t, "r"); len(found) > 0 {
		t.Errorf("after %s the person is still in %v", after, found)
	}
}

// books are sums that an erasure must not change.
func (p *person) books(t *testing.T) string {
	t.Helper()
	return worldtest.Query[string](t, p, `
		SELECT concat_ws(' | ', (SELECT string_agg(r::text, ',' ORDER BY r::text) FROM revenue_daily r), (SELECT string_agg(r::text, ',' ORDER BY r::text) FROM tax_by_region_monthly r),
			(SELECT string_agg(r::text, ',' ORDER BY r::text) FROM mrr_daily r), (SELECT sum(total_amount + tax_amount + refunded_amount) FROM orders), (SELECT sum(amount) FROM payments),
			(SELECT sum(amount) FROM balance_events), (SELECT sum(net_amount) FROM orders_export), (SELECT count(*) FROM changes),
			(SELECT sum((metadata->'_cost'->>'amount')::numeric) FROM events), (SELECT count(*) FROM events WHERE metadata->>'subscription_id' IS NOT NULL))`)
}

func (p *person) erase(t *testing.T, trial bool) erasure.Report {
	t.Helper()
	r, err := erasure.New(p.Store.Pool()).Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{uuid.MustParse(p.id)}, Reason: erasure.Asked, By: "test", Trial: trial})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whoever is erased is nowhere in the database afterwards, whatever syncd does next, and sums are what they were.
func TestErasedStaysErased(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	p := start(t)
	all := p.Names()
	p.SyncAll(t, all...)
	p.speak(t, "2") // so that changes have the words of before
	p.Round(t)
	p.SyncAll(t, all...)
	p.Exec(t, `INSERT INTO sync_rejects (stream, key, run_id, reason, body) VALUES ('orders', 'k', 1, 'cnry', convert_to('{"customer":{"id":"' || $1 || '","name":"Cnry"}}', 'UTF8')),
		('payments', 'k', 1, 'cnry', convert_to('{"order_id":"' || $2 || '","by":"cnry"}', 'UTF8')), ('checkouts', 'k', 1, 'x', '\\xff' || convert_to('{"customer_email":"CNRY@example.com"}', 'UTF8'))`,
		p.id, p.order["id"])
	p.Exec(t, `INSERT INTO sync_findings (stream, key, kind, mirror_value, evidence) VALUES ('customers', $1, 'different', '{"note": "cnry"}', 'x'), ('orders', '2026 cnry@example.com', 'lost', '', 'x')`, p.id)
	p.Exec(t, `INSERT INTO sync_drift (stream, kind, field, value, first_run, last_run) VALUES ('customers', 'new_value', 'type', 'Cnry Person 1', 1, 1)`)

	before, books := p.scan(t, "r"), p.books(t)
	for _, table := range []string{"customers", "members", "orders", "subscriptions", "checkouts", "events_2026_10", "changes_permanent_2026", "customers_export", "orders_export", "subscriptions_export", "sync_rejects", "sync_findings", "sync_drift"} {
		if before[table] == 0 {
			t.Errorf("nothing of the person in %s, so this proves nothing of it: %v", table, before)
		}
	}
	trial := p.erase(t, true)
	if found := p.scan(t, "r"); fmt.Sprint(found) != fmt.Sprint(before) {
		t.Errorf("a trial changed %v to %v", before, found)
	}
	report := p.erase(t, false)
	if fmt.Sprint(report) != fmt.Sprint(trial) || report.Rows == 0 {
		t.Errorf("said %v would be cleared, and cleared %v", trial, report)
	}
	if found := p.scan(t, "rv"); len(found) > 0 {
		t.Errorf("after erase the person is still in %v", found)
	}
	if now := p.books(t); now != books {
		t.Errorf("sums were\n%s\nand are\n%s", books, now)
	}
	if again := p.erase(t, false); again.Rows != 0 {
		t.Errorf("erased again: %v", again)
	}
	p.writersObey(t, all)
}

// writersObey goes through all who write.
func (p *person) writersObey(t *testing.T, all []string) {
	t.Helper()
	for stream, r := range p.SyncAll(t, all...) {
		if r.Inserted+r.Updated > 0 {
			t.Errorf("%s: %d rows written though Polar changed nothing", stream, r.Inserted+r.Updated)
		}
	}
	p.wantNothing(t, "sync")
	p.speak(t, "4")
	p.Round(t)
	p.wantNothing(t, "tail")
	for stream, id := range map[string]any{"customers": p.id, "orders": p.order["id"], "subscriptions": p.subscription["id"]} {
		if r := p.Refresh(t.Context(), stream, uuid.MustParse(id.(string))); r.Err != nil {
			t.Error(r.Err)
		}
	}
	p.wantNothing(t, "refresh")
	p.speak(t, "5")
	p.SyncAll(t, all...)
	p.wantNothing(t, "sync of changes")
	p.RequireCleanAudit(t, audit.Options{States: 100})
	if n := worldtest.Query[int](t, p, "SELECT count(*) FROM sync_findings WHERE kind = 'state'"); n > 0 {
		t.Errorf("%d states are said to differ", n)
	}
	p.wantNothing(t, "audit")
	for _, stream := range []string{"orders", "events", "balance_events"} {
		if r := p.Backfill(t.Context(), stream, time.Time{}, p.World.Now()); r.Err != nil {
			t.Error(r.Err)
		}
	}
	p.wantNothing(t, "backfill")
	if _, err := rebuild.Run(t.Context(), p.Engine, rebuild.Options{Again: true}); err != nil {
		t.Error(err)
	}
	p.wantNothing(t, "backfill history")
	p.empty(t)
	p.SyncAll(t, all...)
	if n := worldtest.Query[int](t, p, "SELECT count(*) FROM orders WHERE customer_id = $1", p.id); n == 0 {
		t.Error("the orders are gone, so this proves nothing")
	}
	p.wantNothing(t, "sync from nothing")
}

// empty takes all rows out of all tables but those that say whose database it is, and who is erased.
func (p *person) empty(t *testing.T) {
	t.Helper()
	kept := []string{"sync_migrations", "sync_views", "sync_meta", "sync_clock", "sync_safe", "sync_erasures", "sync_erasure_again", "sync_erasure_hashes", "sync_budget"}
	tables := p.Texts(t, "SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text = ANY(current_schemas(false)) AND relkind IN ('r', 'p')")
	tables = slices.DeleteFunc(tables, func(table string) bool { return slices.Contains(kept, table) })
	p.Exec(t, "TRUNCATE "+strings.Join(tables, ", "))
}

// Whom Polar anonymizes is erased here, too: by the event that tells of it, else by the objects that show the customer.
func TestAnonymizedByPolar(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	p := start(t)
	streams := []string{"products", "customers", "members", "subscriptions", "orders", "payments", "checkouts", "customers_export", "orders_export", "subscriptions_export"}
	lonely := worldtest.NewCustomer[*person]("individual", "lonely")(t, p) // of no other object
	p.SyncAll(t, streams...)
	p.Round(t)
	other := p.First(t, "/v1/orders/", nil, func(o map[string]any) bool { return o["customer_id"] != p.id })["customer_id"].(string)
	p.Want(t, 204, "DELETE", "/v1/customers/"+p.id+"?anonymize=true", "")
	p.Want(t, 204, "DELETE", "/v1/customers/"+lonely+"?anonymize=true", "")
	p.Round(t)
	p.wantNothing(t, "a round")
	p.Want(t, 204, "DELETE", "/v1/customers/"+other+"?anonymize=true", "")
	p.SyncAll(t, "orders")
	list, err := erasure.New(p.Store.Pool()).List(t.Context())
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, e := range list {
		if e.Reason != erasure.Anonymized || e.ClearedAt.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	if n := worldtest.Query[int](t, p, "SELECT count(*) FROM customers WHERE id = $1 AND email IS NULL AND name IS NULL", other); n != 1 {
		t.Error("a sweep of orders did not erase a customer whom they show as anonymized")
	}
	p.SyncAll(t, streams...)
	// Polar's files have an address for them that the mirror has not.
	if n := worldtest.Query[int](t, p, `SELECT (SELECT count(*) FROM orders_export WHERE _deleted_at IS NULL AND order_id IS NULL) +
		(SELECT count(*) FROM subscriptions_export WHERE _deleted_at IS NULL AND subscription_id IS NULL)`); n > 0 {
		t.Errorf("%d rows of exports belong to no order or subscription", n)
	}
	if n := worldtest.Query[int](t, p, `SELECT (SELECT count(*) FROM orders_export WHERE email LIKE '%@anonymized.invalid') + (SELECT count(*) FROM subscriptions_export WHERE email LIKE '%@anonymized.invalid')`); n > 0 {
		t.Errorf("%d rows of exports have the address of a customer who is erased", n)
	}
	p.RequireCleanAudit(t, audit.Options{Streams: []string{"customers", "orders", "subscriptions", "members"}, States: 10})
	p.wantNothing(t, "audit")
}

// A page that is being written when somebody is erased is cleared, too: the erasure waits for it.
func TestEraseWaitsForPages(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	id := uuid.New()
	exec := func(tx pgx.Tx, sql string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	insert := func(tx pgx.Tx, name string) {
		exec(tx, "INSERT INTO customers (id, email, name, metadata, _hash, _requested_at) VALUES ($1, 'cnry@example.com', $2, '{}', '', now()) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email", id, name)
	}
	done := make(chan error, 1)
	err := pool.InTx(t.Context(), func(tx pgx.Tx) error {
		exec(tx, "INSERT INTO sync_streams (stream) VALUES ('customers')")
		exec(tx, "SELECT FROM sync_streams WHERE stream = 'customers' FOR UPDATE")
		go func() {
			_, err := erasure.New(pool).Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{id}, Reason: erasure.Asked, By: "test"})
			done <- err
		}()
		for waits := false; !waits; {
			if err := tx.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'sync_streams'::regclass)").Scan(&waits); err != nil {
				return err
			}
		}
		insert(tx, "Cnry")
		return nil
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	look := func() (name, email *string) {
		if err := pool.QueryRow(t.Context(), "SELECT name, email FROM customers WHERE id = $1", id).Scan(&name, &email); err != nil {
			t.Fatal(err)
		}
		return name, email
	}
	if name, email := look(); name != nil || email != nil {
		t.Errorf("the page that was under way left %v, %v", *name, *email)
	}
	if err := pool.InTx(t.Context(), func(tx pgx.Tx) error { insert(tx, "Cnry again"); return nil }); err != nil {
		t.Fatal(err)
	}
	if name, email := look(); name != nil || email != nil {
		t.Errorf("a later page left %v, %v", *name, *email)
	}
}

// A payment belongs to a customer by its order. Where both are written at the same moment, neither transaction sees the other's row: the run
// that ends later clears the payment, and what was recorded of it.
func TestWrittenAtTheSameMoment(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	e := erasure.New(pool)
	customer, order, payment := uuid.New(), uuid.New(), uuid.New()
	if _, err := e.Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{customer}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "INSERT INTO sync_streams (stream) VALUES ('payments')"); err != nil {
		t.Fatal(err)
	}
	begin := func(sql string, args ...any) pgx.Tx {
		t.Helper()
		tx, err := pool.Pool.Begin(t.Context())
		if err == nil {
			_, err = tx.Exec(t.Context(), "SELECT FROM sync_streams WHERE stream = 'payments' FOR SHARE") // as a page does
		}
		if err == nil {
			_, err = tx.Exec(t.Context(), sql, args...)
		}
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	cleared := func(after string, want int) {
		t.Helper()
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM payments p WHERE p::text ILIKE '%cnry%') + (SELECT count(*) FROM changes c WHERE c::text ILIKE '%cnry%')").Scan(&n); err != nil || n != want {
			t.Errorf("after %s %d rows have what belongs to an erased customer, want %d: %v", after, n, want, err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	first := begin("INSERT INTO orders (id, customer_id, metadata, _hash, _requested_at) VALUES ($1, $2, '{}', '', now())", order, customer)
	second := begin("INSERT INTO payments (id, order_id, method_metadata, _hash, _requested_at) VALUES ($1, $2, '{\"brand\": \"cnry\"}', '', now())", payment, order)
	third := begin("INSERT INTO changes (stream, id, operation, seen_at, changed_at, retention, new) VALUES ('payments', $1, 'insert', now(), now(), 'permanent', '{\"method_metadata\": {\"brand\": \"cnry\"}}')", payment)
	for _, tx := range []pgx.Tx{first, third} {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		e.Settle(t.Context(), log) // of the first run: it waits for pages under way, such as the second
	}()
	for waits := false; !waits; {
		select {
		case <-settled:
			t.Fatal("the first run has not waited for the page under way")
		default:
		}
		if err := pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'sync_streams'::regclass)").Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-settled
	e.Settle(t.Context(), log)
	cleared("both runs", 0)
	if left, err := e.List(t.Context()); err != nil || len(left) != 1 || left[0].ClearedAt.IsZero() {
		t.Errorf("%+v, %v", left, err)
	}
	var again int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM sync_erasure_again").Scan(&again); err != nil || again != 0 {
		t.Errorf("%d are to be cleared again: %v", again, err)
	}
}

// Polar goes on to know an erased customer, and may know it by another address: by one of a shop that asked for the erasure here alone, or by
// that which it gives to those whom it has anonymized. Rows that only tell an address are cleared by the new one, before they tell it or after.
func TestErasedByAnotherAddress(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	customer, other := uuid.New(), uuid.New()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	is := func(id uuid.UUID, email, external string) {
		t.Helper()
		exec(`INSERT INTO customers (id, email, external_id, metadata, _hash, _requested_at) VALUES ($1, $2, $3, '{}', '', now())
			ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email, external_id = EXCLUDED.external_id`, id, email, external)
	}
	exported := func(email string) {
		t.Helper()
		exec("INSERT INTO orders_export (id, email, customer_name, _hash, _requested_at) VALUES (gen_random_uuid(), $1, 'Cnry', '', now())", email)
	}
	checkout := func(external string) {
		t.Helper()
		exec("INSERT INTO checkouts (id, external_customer_id, customer_name, metadata, _hash, _requested_at) VALUES (gen_random_uuid(), $1, 'Cnry', '{}', '', now())", external)
	}
	is(customer, "old@example.com", "old")
	is(other, "other@example.com", "other")
	if _, err := erasure.New(pool).Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{customer}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	exported("new@example.com")
	checkout("new")
	is(customer, "New@example.com", "new")
	exported("NEW@example.com")
	exported("old@example.com")
	checkout("new")
	is(customer, "New@example.com", "new")
	exported("other@example.com")
	checkout("other")
	for table, want := range map[string]int{"orders_export": 1, "checkouts": 1} {
		var names int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table+" WHERE customer_name = 'Cnry'").Scan(&names); err != nil || names != want {
			t.Errorf("%s: %d rows have a name, want %d: %v", table, names, want, err)
		}
	}
}

// An order of an erased customer has no address, and the row of a file that is its own has another one. A row at the same time of somebody
// whose order is not mirrored yet is not taken for it, and not cleared.
func TestRowsOfSomebodyElseStay(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	customer, other := uuid.New(), uuid.New()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	linked := func(after, want string) {
		t.Helper()
		var got string
		err := db.New(pool).OrdersExportLink(t.Context())
		if err == nil {
			err = pool.QueryRow(t.Context(), "SELECT string_agg(concat_ws(' ', customer_name, order_id IS NOT NULL), ', ' ORDER BY customer_name) FROM orders_export").Scan(&got)
		}
		if err != nil || got != want {
			t.Errorf("after %s: %s, want %s: %v", after, got, want, err)
		}
	}
	order := func(customer uuid.UUID) {
		t.Helper()
		exec("INSERT INTO orders (id, created_at, customer_id, metadata, _hash, _requested_at) VALUES (gen_random_uuid(), '2026-01-01', $1, '{}', '', now())", customer)
	}
	if _, err := erasure.New(pool).Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{customer}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	exec("INSERT INTO customers (id, email, metadata, _hash, _requested_at) VALUES ($1, 'other@example.com', '{}', '', now())", other)
	exec(`INSERT INTO orders_export (id, created_at, email, customer_name, _hash, _requested_at) VALUES
		(gen_random_uuid(), '2026-01-01', 'hash@anonymized.example', 'Cnry', '', now()), (gen_random_uuid(), '2026-01-01', 'other@example.com', 'Other', '', now())`)
	order(customer)
	linked("one of two orders", "Cnry f, Other f")
	order(other)
	linked("both", "Other t, t")
}

// Who is noted while a pass over what belongs to written rows waits for its turn is not cleared by it, and does not count as cleared.
func TestNotedWhileAPassWaits(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	e, log := erasure.New(pool), slog.New(slog.DiscardHandler)
	erased, noted := uuid.New(), uuid.New()
	if _, err := e.Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{erased}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	order := func(customer uuid.UUID) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), "INSERT INTO orders (id, customer_id, metadata, _hash, _requested_at) VALUES ($1, $2, '{}', '', now())", uuid.New(), customer); err != nil {
			t.Fatal(err)
		}
	}
	order(erased)
	settled := make(chan struct{})
	if err := pool.Exclusively(t.Context(), func(pgx.Tx) error {
		go func() {
			defer close(settled)
			e.Settle(t.Context(), log)
		}()
		for waits := false; !waits; {
			if err := pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))").Scan(&waits); err != nil {
				return err
			}
		}
		if _, err := pool.Exec(t.Context(), erasure.NoteSQL, []uuid.UUID{noted}); err != nil {
			return err
		}
		order(noted)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	<-settled
	for _, last := range []bool{false, true} {
		list, err := e.List(t.Context())
		if err != nil || len(list) != 2 || list[0].ClearedAt.IsZero() || list[1].ClearedAt.IsZero() == last {
			t.Errorf("after the last pass %v: %+v, %v", last, list, err)
		}
		e.Settle(t.Context(), log)
	}
}

// A customer is found by each of its names, also after it was erased; several are named by their ids.
func TestFind(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	e := erasure.New(pool)
	ada, eve := uuid.New(), uuid.New()
	if _, err := pool.Exec(t.Context(), `INSERT INTO customers (id, email, external_id, created_at, _hash, _requested_at) VALUES
		($1, 'Ada@example.com', 'one', now(), '', now()), ($2, 'two@example.com', 'two', now(), '', now())`, ada, eve); err != nil {
		t.Fatal(err)
	}
	find := func(named string, want uuid.UUID, wantErr error) {
		t.Helper()
		if got, err := e.Find(t.Context(), named); got != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, %v", named, got, err)
		}
	}
	all := func() {
		t.Helper()
		find("ada@EXAMPLE.com", ada, nil)
		find("one", ada, nil)
		find(ada.String(), ada, nil)
		find("nobody", uuid.UUID{}, erasure.ErrUnknown)
		find(uuid.NewString(), uuid.UUID{}, erasure.ErrUnknown)
	}
	all()
	if _, err := e.Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{ada}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	all()
	// Who comes back is another customer.
	if _, err := pool.Exec(t.Context(), `INSERT INTO customers (id, email, created_at, _hash, _requested_at) VALUES ($1, 'ada@example.com', now(), '', now());`, uuid.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Find(t.Context(), "ada@example.com"); !errors.Is(err, erasure.ErrAmbiguous) || !strings.Contains(err.Error(), ada.String()+" (erased)") {
		t.Error(err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO members (id, customer_id, email, _hash, _requested_at) VALUES ($1, $2, 'ada@example.com', '', now())`, uuid.New(), eve); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM customers WHERE email = 'ada@example.com') + (SELECT count(*) FROM members WHERE email IS NOT NULL)").Scan(&left); err != nil || left != 2 {
		t.Errorf("%d of 2 rows of the new customer have the address (%v)", left, err)
	}
}

// Triggers follow the tables: those that are missing or old are made by the next start.
func TestKeep(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	e, id := erasure.New(pool), uuid.New()
	triggers := func() (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'keep_erased%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	keep := func() int {
		t.Helper()
		if err := e.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return triggers()
	}
	if n := keep(); n != 0 {
		t.Errorf("%d triggers though nobody is erased", n)
	}
	if _, err := e.Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{id}, Reason: erasure.Asked, By: "test", Trial: true}); err != nil || triggers() != 0 {
		t.Errorf("a trial made %d triggers: %v", triggers(), err)
	}
	if _, err := e.Erase(t.Context(), erasure.Order{Customers: []uuid.UUID{id}, Reason: erasure.Asked, By: "test"}); err != nil {
		t.Fatal(err)
	}
	all := triggers()
	if _, err := pool.Exec(t.Context(), "DROP TRIGGER keep_erased_out ON orders"); err != nil {
		t.Fatal(err)
	}
	if n := keep(); n != all-1 {
		t.Errorf("%d triggers, want %d: nothing has changed", n, all-1)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE sync_safe SET erasure_made_by = 'an older syncd'"); err != nil {
		t.Fatal(err)
	}
	if n := keep(); n != all {
		t.Errorf("%d triggers, want %d", n, all)
	}
}
