package store_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// orders is where orders go, with their items and the customers that they hold copies of.
func orders() *store.Target {
	table, items := store.TableOf((*db.Queries).OrdersUpsert), store.TableOf((*db.Queries).OrderItemsUpsert)
	return &store.Target{
		Stream: "orders", Table: table,
		Shape: item.NewShape(item.Spec{Columns: table.Columns, Embedded: []string{"customer"}, Children: []item.Child{
			{Field: "items", Name: "order_items", Parent: "order_id", Key: "id", Columns: items.Columns},
		}}),
		Children: []store.ChildTarget{{Name: "order_items", Parent: "order_id", Key: "id", Table: items}},
		Copies:   []store.CopyTarget{{Field: "customer", Of: customers()}},
	}
}

// id is the same for the same name.
func id(name string, n int) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, name, n))
}

// orderPage is a page of orders from one number to another, each with one item and the copy of a customer of its own.
func orderPage(t *testing.T, from, to int, status string) store.Page {
	t.Helper()
	p := store.Page{RequestedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Read: to - from, Checkpoint: fmt.Appendf(nil, `{"page":%d}`, to), Requests: int64(to)}
	var sp item.Splitter
	shape := orders().Shape
	quoted, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	for n := from; n < to; n++ {
		o, err := sp.Split(shape, fmt.Appendf(nil, `{"id":%q,"status":%s,"customer_id":%q,"customer":{"id":%[3]q,"name":"c"},"items":[{"id":%q,"label":%[2]s}]}`,
			id("order", n), quoted, id("customer", n), id("item", n)))
		if err != nil {
			t.Fatal(err)
		}
		p.Items = append(p.Items, o)
	}
	return p
}

// Pages that go together leave what they leave one by one, but for the number of transactions.
func TestPagesTogether(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	pages := []store.Page{orderPage(t, 0, 3, "new"), orderPage(t, 3, 6, "new"), orderPage(t, 6, 7, "new")}
	got, err := run.Put(t.Context(), orders(), pages...)
	if want := (store.Counts{Pages: 3, Requests: 7, Read: 7, Inserted: 7}); err != nil || got != want || run.Counts != want || run.SweepPages != 3 {
		t.Fatalf("%+v, %v; want %+v; %+v, %d pages", got, err, want, run.Counts, run.SweepPages)
	}
	one := func(sql string) (text string) {
		if err := s.Pool().QueryRow(t.Context(), "SELECT ("+sql+")::text").Scan(&text); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return text
	}
	for sql, want := range map[string]string{
		"SELECT string_agg(cardinality(ids) || ' on ' || page, ', ' ORDER BY page) FROM sync_seen": "3 on 0, 3 on 1, 1 on 2",
		"SELECT count(DISTINCT xmin::text) FROM orders":                                            "1",
		"SELECT count(*) || ' ' || sum(_position) FROM order_items":                                "7 0",
		"SELECT count(*) FROM customers":                                                           "7",
		"SELECT count(*) FROM sync_stubs WHERE copied_from = 'orders' AND stream = 'customers'":    "7",
		"SELECT checkpoint FROM sync_streams WHERE stream = 'orders'":                              `{"page": 7}`,
		"SELECT sweep_pages FROM sync_streams WHERE stream = 'orders'":                             "3",
		"SELECT pages || ' ' || requests || ' ' || rows_read FROM sync_runs":                       "3 7 7",
	} {
		if got := one(sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}

	// A row that comes twice is compared with what the first of the two pages has stored of it.
	second := orderPage(t, 2, 4, "paid")
	second.RequestedAt = second.RequestedAt.Add(time.Second)
	got, err = run.Put(t.Context(), orders(), orderPage(t, 0, 3, "open"), second)
	if want := (store.Counts{Pages: 2, Requests: 4, Read: 5, Updated: 5}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got := one("SELECT string_agg(status, ' ' ORDER BY status) FROM orders"); got != "new new new open open paid paid" {
		t.Error(got)
	}
}

// A row that was read for itself is no copy, though the copy was made after the run that reads it had begun.
func TestCopyMadeMeanwhile(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	tail, err := s.Runs().Open(t.Context(), "customers", store.KindTail, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := beginOrders(t, s).Put(t.Context(), orders(), orderPage(t, 0, 2, "new")); err != nil {
		t.Fatal(err)
	}
	var sp item.Splitter
	read, err := sp.Split(customers().Shape, fmt.Appendf(nil, `{"id":%q,"name":"c"}`, id("customer", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Put(t.Context(), customers(), store.Page{RequestedAt: time.Now(), Items: []item.Item{read}}); err != nil {
		t.Fatal(err)
	}
	copied, err := s.Rows("customers").CopiedIDs(t.Context())
	if err != nil || !slices.Equal(copied, []uuid.UUID{id("customer", 0)}) {
		t.Errorf("known from copies alone: %v, %v; want the customer that was not read", copied, err)
	}
}

// What a list holds twice is stored once, as it came last.
func TestListedTwice(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	for k, want := range []string{"second 2", "second 2"} {
		p := orderPage(t, 0, 1, fmt.Sprint("status ", k))
		var sp item.Splitter
		var err error
		if p.Items[0], err = sp.Split(orders().Shape, fmt.Appendf(nil, `{"id":%q,"status":"%d","items":[{"id":%q,"label":"first"},{"id":%q,"label":"x"},{"id":%[3]q,"label":"second"}]}`,
			id("order", 0), k, id("item", 0), id("item", 1))); err != nil {
			t.Fatal(err)
		}
		if c, err := run.Put(t.Context(), orders(), p); err != nil || c.Inserted+c.Updated != 1 {
			t.Fatalf("%+v, %v", c, err)
		}
		var got string
		if err := s.Pool().QueryRow(t.Context(), "SELECT label || ' ' || _position FROM order_items WHERE id = $1 AND _removed_at IS NULL", id("item", 0)).Scan(&got); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// A row that Postgres refuses is set aside, in whichever of the pages it came; the others are stored.
func TestPoisonAmongPagesTogether(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	pages := []store.Page{orderPage(t, 0, 3, "new"), orderPage(t, 3, 4, "a\x00b"), orderPage(t, 4, 6, "new")}
	got, err := run.Put(t.Context(), orders(), pages...)
	if want := (store.Counts{Pages: 3, Requests: 6, Read: 6, Inserted: 5, Rejected: 1}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	var rejected, checkpoint string
	if err := s.Pool().QueryRow(t.Context(), "SELECT (SELECT string_agg(item_id::text, ' ') FROM sync_rejects), (SELECT checkpoint::text FROM sync_streams WHERE stream = 'orders')").Scan(&rejected, &checkpoint); err != nil {
		t.Fatal(err)
	}
	if rejected != id("order", 3).String() || checkpoint != `{"page": 6}` {
		t.Errorf("rejected %s, goes on at %s", rejected, checkpoint)
	}
}

func beginOrders(t *testing.T, s *store.Store) *store.Run {
	t.Helper()
	run, err := s.Runs().Begin(t.Context(), "orders", store.KindSweep, "test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Whatever pages hold, their transaction takes at most four round trips, once its statements are prepared.
func TestRoundTripsOfPages(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int64{"direct": 3, "pooled": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Migrated(t)
			if name == "pooled" {
				dsn = pgtest.Pooler(t, dsn, "transaction")
			}
			dsn, trips := counting(t, dsn)
			s := open(t, dsn, "polar")
			run := beginOrders(t, s)
			for k := range 4 {
				at := time.Date(2026, 1, 2, 3, k, 0, 0, time.UTC)
				kept := orderPage(t, 0, 50, "kept")
				changed, fresh := orderPage(t, 50, 80, fmt.Sprint("changed ", k)), orderPage(t, 100*(k+1), 100*(k+1)+40, "new")
				bad := uuid.New()
				fresh.Rejects = []store.Reject{{ID: &bad, Reason: "no good", Body: []byte("{}")}}
				fresh.Gaps = []store.Gap{{Place: fmt.Sprint(k), Reason: "not rendered"}}
				pages := []store.Page{kept, changed, fresh}
				for i := range pages {
					pages[i].RequestedAt = at
				}
				before := trips.Load()
				counts, err := run.Put(t.Context(), orders(), pages...)
				if err != nil || k > 0 && (counts.Unchanged != 50 || counts.Updated != 30 || counts.Inserted != 40 || counts.Rejected != 1) {
					t.Fatalf("%+v, %v", counts, err)
				}
				if n := trips.Load() - before; k == 3 && n > most {
					t.Errorf("%d round trips, want at most %d", n, most)
				}
			}
			kept := orderPage(t, 0, 50, "kept")
			kept.RequestedAt = time.Date(2026, 1, 2, 3, 9, 0, 0, time.UTC)
			before := trips.Load()
			if _, err := run.Put(t.Context(), orders(), kept); err != nil {
				t.Fatal(err)
			}
			if n := trips.Load() - before; n > most-1 {
				t.Errorf("%d round trips for what is unchanged, want at most %d", n, most-1)
			}
		})
	}
}

// A first sweep that meets unknown customers asks for copies with its comparison. Where a row turns out to be known, only the others are asked for.
func TestFirstSweepTakesTwoRoundTrips(t *testing.T) {
	t.Parallel()
	dsn, trips := counting(t, pgtest.Migrated(t))
	s := open(t, dsn, "polar")
	run := beginOrders(t, s)
	put := func(k, from int) (int64, store.Counts) {
		page := orderPage(t, from, 100*(k+1), "new")
		page.RequestedAt = time.Date(2026, 1, 2, 3, k, 0, 0, time.UTC)
		before := trips.Load()
		counts, err := run.Put(t.Context(), orders(), page)
		if err != nil {
			t.Fatal(err)
		}
		return trips.Load() - before, counts
	}
	for k := range 3 {
		put(k, 100*k)
	}
	if n, counts := put(3, 300); n != 2 || counts.Inserted != 100 {
		t.Errorf("%d round trips, want 2: %+v", n, counts)
	}
	// They were presumed to be new: once in a run that fails, and is repeated by statements that are prepared now.
	if n, counts := put(4, 399); n > 8 || counts.Inserted != 100 || counts.Unchanged != 1 {
		t.Errorf("%d round trips, want at most 8: %+v", n, counts)
	}
	put(5, 500)
	if n, counts := put(6, 599); n != 3 || counts.Inserted != 100 || counts.Unchanged != 1 {
		t.Errorf("%d round trips, want 3: %+v", n, counts)
	}
	var known int
	if err := s.Pool().QueryRow(t.Context(), "SELECT count(*) FROM customers").Scan(&known); err != nil || known != 700 {
		t.Errorf("%d customers are known from their orders, want 700: %v", known, err)
	}
	before := trips.Load()
	if err := run.Finish(t.Context(), store.Closing{Outcome: "succeeded", SweepEnded: true, Verdict: "complete", Accounted: true}); err != nil {
		t.Fatal(err)
	}
	if n := trips.Load() - before; n > 4 { // two steps, whose statements are prepared
		t.Errorf("closing the run takes %d round trips, want at most 4", n)
	}
}

// counting leads to the same server, and counts round trips: how often a client goes on sending after it has heard from it.
func counting(t *testing.T, dsn string) (through string, trips *atomic.Int64) {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := "tcp", net.JoinHostPort(config.Host, fmt.Sprint(config.Port))
	if filepath.IsAbs(config.Host) {
		network, address = "unix", filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	}
	listen, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = listen.Close(); <-done })
	trips = new(atomic.Int64)
	relay := func(to, from net.Conn, seen func()) {
		defer to.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			seen()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		defer close(done)
		for {
			client, err := listen.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(t.Context(), network, address)
			if err != nil {
				_ = client.Close()
				continue
			}
			var heard atomic.Bool
			go relay(client, server, func() { heard.Store(true) })
			go relay(server, client, func() {
				if heard.Swap(false) {
					trips.Add(1)
				}
			})
		}
	}()
	where := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: listen.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	return where.String(), trips
}

// While all rows are new they are not compared. Rows that another run stored meanwhile, from a later request, stay what they are.
func TestWhatIsPresumedNewOverwritesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := beginOrders(t, s)
	put := func(run *store.Run, at time.Time, from int, status string) store.Counts {
		t.Helper()
		page := orderPage(t, from, from+10, status)
		page.RequestedAt = at
		counts, err := run.Put(t.Context(), orders(), page)
		if err != nil {
			t.Fatal(err)
		}
		return counts
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	put(run, at, 0, "sweep")
	put(run, at, 10, "sweep")
	beside, err := s.Runs().Open(t.Context(), "orders", store.KindTail, "beside")
	if err != nil {
		t.Fatal(err)
	}
	put(beside, at.Add(time.Minute), 25, "later")
	if c := put(run, at, 20, "sweep"); c.Inserted != 5 || c.Stale != 5 || c.Rejected != 0 {
		t.Errorf("stored %+v, want 5 new and 5 stale", c)
	}
	var later, sweep int
	if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE status = 'later'), count(*) FILTER (WHERE status = 'sweep') FROM orders`).Scan(&later, &sweep); err != nil || later != 10 || sweep != 25 {
		t.Errorf("%d orders of the later request and %d of the sweep, want 10 and 25: %v", later, sweep, err)
	}
}
