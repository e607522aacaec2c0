package mirror_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// owned answers for lists that belong to one owner, in the place of the simulated Polar, which has them right always.
type owned struct {
	mu    sync.Mutex
	items map[string][]map[string]any // by the id of the owner
	gone  map[string]bool             // owners that are not found
	count map[string]int              // counts that are wrong
	asked []string
	then  http.Handler
}

func (o *owned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := r.URL.Query()
	id, whole := cmp.Or(q.Get("subscription_id"), q.Get("order_id")), true
	if strings.HasSuffix(r.URL.Path, "/payment-methods") {
		id, whole = strings.Split(r.URL.Path, "/")[3], false
	} else if r.URL.Path != "/v1/customer-seats" {
		o.then.ServeHTTP(w, r)
		return
	}
	o.asked = append(o.asked, id)
	w.Header().Set("Content-Type", "application/json")
	if o.gone[id] {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":"ResourceNotFound","detail":"Not found"}`))
		return
	}
	items := append([]map[string]any{}, o.items[id]...)
	total := len(items) + o.count[id]
	answer := map[string]any{"items": items, "pagination": map[string]int{"total_count": total, "max_page": min(1, total)}}
	if whole {
		answer = map[string]any{"seats": items, "available_seats": 3, "total_seats": 3 + len(items)}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(err)
	}
}

// entriesOf are the entries of these streams.
func entriesOf(names ...string) []catalog.Entry {
	return slices.DeleteFunc(catalog.Entries(), func(e catalog.Entry) bool { return !slices.Contains(names, e.Name) })
}

// own puts owned between the simulated Polar and the runner.
func own(t *testing.T) (*harness, *owned) {
	t.Helper()
	h := start(t, setup{})
	o := &owned{items: map[string][]map[string]any{}, gone: map[string]bool{}, count: map[string]int{}, then: h.Server}
	h.HTTP = httptest.NewServer(o)
	t.Cleanup(h.HTTP.Close)
	h.Mirror = h.NewMirror(t, func(c *catalog.Config) {
		owned := entriesOf("license_keys", "license_key_activations", "customer_seats", "payment_methods", "events")
		for _, s := range owned {
			c.Entries = slices.DeleteFunc(c.Entries, func(other catalog.Entry) bool { return other.Name == s.Name })
		}
		c.Entries = append(c.Entries, owned...)
	})
	return h, o
}

func (o *owned) seat(column, owner string) string {
	id := uuid.NewString()
	seat := map[string]any{"id": id, "created_at": "2026-01-02T03:04:05Z", "modified_at": nil, "subscription_id": nil, "order_id": nil,
		"status": "claimed", "customer_id": nil, "member_id": nil, "member": nil, "email": "seat@example.com", "customer_email": nil,
		"invitation_token_expires_at": nil, "claimed_at": nil, "revoked_at": nil, "seat_metadata": nil}
	seat[column] = owner
	o.items[owner] = append(o.items[owner], seat)
	return id
}

func (o *owned) method(customer string) string {
	id := uuid.NewString()
	o.items[customer] = append(o.items[customer], map[string]any{"id": id, "created_at": "2026-01-02T03:04:05Z", "modified_at": nil,
		"processor": "stripe", "customer_id": customer, "type": "card", "is_default": true, "method_metadata": map[string]any{"brand": "visa", "last4": "4242"}})
	return id
}

func (h *harness) ids(t *testing.T, sql string) []string {
	t.Helper()
	return strings.Fields(worldtest.Query[string](t, h, "SELECT COALESCE(string_agg(id::text, ' ' ORDER BY id), '') FROM "+sql))
}

// Each owner is asked once, those of both kinds, and nobody else.
func TestOwnedSeats(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h, o := own(t)
	h.SyncAll(t, "customers", "members", "products", "subscriptions", "orders")
	h.Exec(t, "UPDATE orders SET seats = 3 WHERE id IN (SELECT id FROM orders WHERE subscription_id IS NULL ORDER BY id LIMIT 2)")
	subscriptions := h.ids(t, "subscriptions WHERE seats IS NOT NULL")
	orders := h.ids(t, "orders WHERE seats IS NOT NULL AND subscription_id IS NULL")
	if len(subscriptions) == 0 || len(orders) == 0 {
		t.Fatalf("%d subscriptions and %d orders have seats", len(subscriptions), len(orders))
	}
	o.seat("subscription_id", subscriptions[0])
	o.seat("subscription_id", subscriptions[0])
	o.seat("order_id", orders[len(orders)-1])
	r := h.SyncAll(t, "customer_seats")["customer_seats"]
	if r.Distinct != 3 || r.Total != 3 || int(r.Requests) != len(o.asked) || !slices.Equal(o.asked, append(subscriptions, orders...)) {
		t.Errorf("%+v, asked %v", r, o.asked)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM customer_seats WHERE (subscription_id IS NULL) <> (order_id IS NULL) AND status = 'claimed'"); n != 3 {
		t.Errorf("%d seats", n)
	}
	if n := len(h.Stored(t, "sync_drift", "stream = 'customer_seats'")); n > 0 {
		t.Errorf("%d findings of drift", n)
	}
	if r := h.SyncAll(t, "customer_seats")["customer_seats"]; r.Inserted+r.Updated > 0 {
		t.Errorf("nothing changed, and %+v", r.Counts)
	}
}

// Absence is a suspicion, and two complete sweeps an hour apart a proof; of an owner that is not found nothing is proven.
func TestOwnedTombstones(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h, o := own(t)
	h.SyncAll(t, "customers")
	customers := h.ids(t, "customers")
	kept, gone, lost := o.method(customers[0]), o.method(customers[0]), o.method(customers[1])
	h.SyncAll(t, "payment_methods")

	o.items[customers[0]] = o.items[customers[0]][:1] // and the other is gone
	o.gone[customers[1]] = true
	for range 3 {
		h.SyncAll(t, "payment_methods")
	}
	if n := h.tombstones(t, "payment_methods"); n != 0 {
		t.Errorf("%d marked by sweeps in quick succession", n)
	}
	h.age(t, "1 hour")
	h.SyncAll(t, "payment_methods")
	h.Tombstone(t, "payment_methods", gone)
	if dead := h.ids(t, "payment_methods WHERE _deleted_at IS NOT NULL"); !slices.Equal(dead, []string{gone}) {
		t.Errorf("marked as deleted: %v; kept %s, of an owner that is not found %s", dead, kept, lost)
	}
	if n := len(h.Stored(t, "sync_suspects", "stream = 'payment_methods'")); n > 0 {
		t.Errorf("%d suspects", n)
	}

	// Once the owner's own stream has found that it is deleted, what it owned is gone with it.
	if status, body := h.Call(t, http.MethodDelete, "/v1/customers/"+customers[1], ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	h.SyncAll(t, "customers", "payment_methods")
	h.age(t, "1 hour")
	h.SyncAll(t, "payment_methods")
	h.Tombstone(t, "payment_methods", lost)
}

// A list that counts more than it gives is no complete one.
func TestOwnedCounts(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h, o := own(t)
	h.SyncAll(t, "customers")
	customers := h.ids(t, "customers")
	o.method(customers[2])
	o.count[customers[2]] = 1
	results, err := h.Sync(t.Context(), "payment_methods")
	if err != nil {
		t.Fatal(err)
	}
	partial(t, results[0], "1 different rows were read, Polar counts 2")
	if n := len(h.ids(t, "payment_methods")); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// What is listed for one owner at a time shows nothing of owners that were made since these were read: it is whole as of then,
// and not as of its own sweep.
func TestOwnedIsWholeAsOfItsOwners(t *testing.T) {
	t.Parallel()
	h, _ := own(t)
	owners := []string{"subscriptions", "orders"}
	h.SyncAll(t, append([]string{"customers", "members", "products"}, owners...)...)
	completeAt := func(streams ...string) time.Time {
		return worldtest.Query[time.Time](t, h, "SELECT min(complete_at) FROM sync_streams WHERE stream = ANY($1)", streams)
	}
	for range 2 {
		h.SyncAll(t, "customer_seats")
		if at, want := completeAt("customer_seats"), completeAt(owners...); !at.Equal(want) {
			t.Errorf("whole as of %v, its owners as of %v", at, want)
		}
		h.SyncAll(t, "orders", "subscriptions")
	}
	// A sweep of the owners that ended only after this one had begun may have brought some that it passed by.
	before := completeAt("customer_seats")
	h.Exec(t, "UPDATE sync_runs SET finished_at = finished_at + interval '1 hour' WHERE stream = 'orders' AND id = (SELECT max(id) FROM sync_runs WHERE stream = 'orders')")
	h.SyncAll(t, "customer_seats")
	if at := completeAt("customer_seats"); at.Before(before) || !at.Before(completeAt("orders")) {
		t.Errorf("whole as of %v, once as of %v, and its owners as of %v", at, before, completeAt("orders"))
	}
	h.Exec(t, "UPDATE sync_runs SET finished_at = finished_at + interval '1 hour' WHERE stream = 'orders'")
	partial(t, h.SweepOnce(t.Context(), "customer_seats"), "orders, which was not whole when it began")
}

// What is read for each row of another stream is as whole as that one.
func TestOwnedNeedsItsOwners(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h, o := own(t)
	results, err := h.Sync(t.Context(), "payment_methods")
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Outcome != mirror.Failed || !strings.Contains(r.Reason, "`syncd sync customers`") || len(o.asked) > 0 {
		t.Errorf("%s: %s, asked %v", r.Outcome, r.Reason, o.asked)
	}
	h.Fault(t, "total:path=/v1/customers/,value=+5")
	results, err = h.Sync(t.Context(), "payment_methods", "customers") // in whatever order they are named
	if err != nil {
		t.Fatal(err)
	}
	partial(t, results[0], "Polar counts")
	partial(t, results[1], "customers, which is not whole")
	if len(o.asked) == 0 {
		t.Error("nobody was asked")
	}
	h.Server.ClearFaults()
	h.SyncAll(t, "payment_methods", "customers")
}

// A sweep that stops between two owners goes on with the next one.
func TestOwnedResumes(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h, o := own(t)
	h.SyncAll(t, "customers")
	customers := h.ids(t, "customers")
	for _, id := range customers {
		o.method(id)
	}
	o.gone[customers[1]] = true
	stop := &stopAfter{pages: 5}
	r := h.NewMirror(t, func(c *catalog.Config) {
		c.Entries = append(slices.DeleteFunc(c.Entries, func(s catalog.Entry) bool { return s.Name == "payment_methods" }), entriesOf("payment_methods")...)
		c.Observer = stop
		c.Ahead = 1 // else all owners are read before the fifth page is stored
	})
	stop.drain = r.Drain
	if res := r.SweepOnce(t.Context(), "payment_methods"); res.Outcome != mirror.Interrupted {
		t.Fatalf("%s: %s", res.Outcome, res.Reason)
	}
	before := len(o.asked)
	res := h.SyncAll(t, "payment_methods")["payment_methods"]
	if !res.Resumed || res.Distinct != len(customers)-1 || res.Total != res.Distinct || len(o.asked) > len(customers)+2 || before < 5 {
		t.Errorf("%+v: %d owners, asked %d times, %d of them before", res, len(customers), len(o.asked), before)
	}
}

type stopAfter struct {
	pages int
	drain func()
}

func (s *stopAfter) RunStarted(string) {}

func (s *stopAfter) RunFinished(mirror.Result) {}

func (s *stopAfter) PageStored(string, int, int) {
	if s.pages--; s.pages == 0 {
		s.drain()
	}
}

// Of a stream that is off no copy is stored, and it runs only when it is named.
func TestOffStreams(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Mirror: func(c *catalog.Config) {
		c.Entries = catalog.Entries()
		c.Off, _ = catalog.Select("orders,products", c.Entries)
	}})
	if by := h.SyncAll(t); len(by) != 2 {
		t.Errorf("%v", by)
	}
	if n := len(h.ids(t, "customers")) + len(h.Stored(t, "sync_stubs", "true")); n > 0 {
		t.Errorf("%d copies of a stream that is off", n)
	}
	h.SyncAll(t, "customers")
	if n := len(h.ids(t, "customers")); n == 0 {
		t.Error("a stream that is off does not run when it is named")
	}
}

// Events are in months of their own, however old they are. Those that are too old to be kept are removed, whole months at once, without a
// tombstone, and not read again.
func TestEventsRetention(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	now := h.World.Now()
	var events []map[string]any
	for i := range 250 {
		at := now.Add(-time.Duration(i) * 24 * time.Hour)
		events = append(events, map[string]any{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "timestamp": at.Format(time.RFC3339Nano), "name": "a", "source": "user"})
	}
	mux := http.NewServeMux()
	mux.Handle("/", h.Server)
	mux.HandleFunc("/v1/events/", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		bound := func(name string, otherwise time.Time) time.Time {
			if at, err := time.Parse(time.RFC3339, q.Get(name)); err == nil {
				return at
			}
			return otherwise
		}
		after, before := bound("start_timestamp", time.Time{}), bound("end_timestamp", now.AddDate(1, 0, 0))
		var found []map[string]any
		for _, e := range slices.Backward(events) {
			if at, _ := time.Parse(time.RFC3339Nano, e["timestamp"].(string)); at.After(after) && at.Before(before) {
				found = append(found, e)
			}
		}
		total, page := len(found), 0
		_, _ = fmt.Sscan(q.Get("page"), &page)
		found = found[min(100*(page-1), total):min(100*page, total)]
		if len(found) == 0 {
			total, found = 0, []map[string]any{}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"items": found, "pagination": map[string]int{"total_count": total, "max_page": (total + 99) / 100}})
	})
	h.HTTP = httptest.NewServer(mux)
	t.Cleanup(h.HTTP.Close)
	keep := func(days int) {
		h.Mirror = h.NewMirror(t, func(c *catalog.Config) {
			c.Entries = append(slices.DeleteFunc(c.Entries, func(s catalog.Entry) bool { return s.Name == "events" }), entriesOf("events")...)
			c.Retention = map[string]time.Duration{"events": time.Duration(days) * 24 * time.Hour}
		})
	}
	keep(0)
	if r := h.SyncAll(t, "events")["events"]; r.Distinct != 250 || r.Inserted != 250 {
		t.Errorf("%+v", r)
	}
	months := func() []string {
		return h.Texts(t, "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = 'events'::regclass ORDER BY 1")
	}
	if n := len(h.Stored(t, "events_default", "true")); n > 0 || len(months()) < 9 {
		t.Errorf("%d events are in no month; there are %q", n, months())
	}
	keep(100)
	since := now.Truncate(24*time.Hour).AddDate(0, 0, -100)
	for range 3 {
		r := h.SyncAll(t, "events")["events"]
		rows := h.Stored(t, "events", "true")
		if len(rows) < 100 || len(rows) > 101 || r.Distinct != len(rows) || r.Deleted > 0 || r.Inserted+r.Updated > 0 {
			t.Errorf("%d rows, %+v", len(rows), r)
		}
		if n := worldtest.Query[int](t, h, "SELECT count(*) FROM events WHERE timestamp < $1 OR _deleted_at IS NOT NULL", since); n > 0 {
			t.Errorf("%d rows from before %s", n, since)
		}
	}
	if n := len(h.Stored(t, "sync_streams", "stream = 'events' AND rows_corrected_at IS NOT NULL")); n > 0 {
		t.Error("the kept number of events was wrong after months had been dropped")
	}
	if oldest := months()[0]; oldest != "events_"+since.Format("2006_01") {
		t.Errorf("the oldest month is %s, events are kept since %s", oldest, since)
	}
	if n := len(h.Stored(t, "sync_tombstones", "true")) + len(h.Stored(t, "sync_suspects", "true")); n > 0 {
		t.Errorf("%d tombstones and suspects", n)
	}
}
