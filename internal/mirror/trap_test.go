package mirror_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/token"
	"syncd/internal/worldtest"
)

// The traps that Polar's API sets for a mirror, by their numbers. Where Polar's own side of one is shown in the
// simulator's tests, here is what the mirror makes of it.

// A scan by a filter on the time goes on from the last row; one by page number has to read the newest rows first, so that
// new ones land in front of what was read, or a list whose new rows come last from its end.
func TestTrap01_NewestFirstPushesRowsOverPages(t *testing.T) {
	t.Parallel()
	fixed := map[string]string{"files": "", "license_keys": "created_at", "webhook_endpoints": "-created_at"} // the order of these lists cannot be chosen
	for _, s := range catalog.Entries() {
		switch scan := s.Scan.(type) {
		case scan.Offset:
			if want, is := fixed[s.Name]; is {
				if len(scan.Sort) > 0 || strings.Join(scan.Fixed, " ") != want {
					t.Errorf("%s is read by %q and comes by %q", s.Name, scan.Sort, scan.Fixed)
				}
			} else if len(scan.Sort) == 0 || scan.Sort[0] != "-created_at" {
				t.Errorf("%s is read by %q: new rows would hide that others vanish", s.Name, scan.Sort)
			}
		case scan.Keyset:
			if scan.Sort != "created_at" && scan.Sort != "started_at" {
				t.Errorf("%s is read by %q", s.Name, scan.Sort)
			}
		}
	}
}

func TestTrap02_TiesWithoutTieBreaker(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 80}})
	h.NewMirror(t, small("members", 3)).SweepOnce(t.Context(), "members")
	h.Equal(t, "members")
}

func TestTrap03_ClampedLimitIsNoLastPage(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 130}})
	if r := h.NewMirror(t, small("customers", 1000)).SweepOnce(t.Context(), "customers"); r.Outcome != mirror.Succeeded || r.Pages < 2 {
		t.Errorf("%+v", r)
	}
	h.Equal(t, "customers")
}

func TestTrap05_ChangesThatModifiedAtMisses(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "products")
	p := h.First(t, "/v1/products/", nil, func(p map[string]any) bool { return len(p["benefits"].([]any)) > 0 })
	after := h.Want(t, http.StatusOK, http.MethodPost, "/v1/products/"+p["id"].(string)+"/benefits", `{"benefits":[]}`)
	if after["modified_at"] != p["modified_at"] {
		t.Fatal("modified_at tells of it")
	}
	if r := h.SyncAll(t, "products")["products"]; r.Updated != 1 {
		t.Errorf("%+v", r)
	}
	h.Equal(t, "products")
}

func TestTrap08_BackdatedRows(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 20}})
	h.SyncAll(t, "customers")
	newest := worldtest.Query[time.Time](t, h, "SELECT max(created_at) FROM customers")
	late := 0
	for range 20 {
		h.World.Advance(16 * 24 * time.Hour)
		h.SyncAll(t, "customers")
		if late = worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE created_at < $1 AND _synced_at > (SELECT started_at FROM sync_runs ORDER BY id DESC LIMIT 1)", newest); late > 0 {
			break
		}
	}
	if late == 0 {
		t.Error("none came backdated")
	}
	h.Equal(t, "customers")
}

func TestTrap09_HiddenRowsAreNotDeleted(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}})
	h.SyncAll(t, "meters", "customer_meters")
	h.Equal(t, "meters", "customer_meters")
	hidden := worldtest.Query[int](t, h, "SELECT count(*) FROM customer_meters c JOIN meters m ON m.id = c.meter_id WHERE m.archived_at IS NOT NULL")
	if hidden == 0 {
		t.Fatal("no meter is archived")
	}
	// A reader that does not know of them misses them, asks for each, and finds them there.
	plain := worldtest.Changed("customer_meters", func(s *catalog.Entry) {
		scan := s.Scan.(scan.Offset)
		scan.Each = nil
		s.Scan = scan
	})
	r := h.NewMirror(t, worldtest.Both(plain, func(c *catalog.Config) { c.Brake = mirror.Brake{Rows: 1000} })).SweepOnce(t.Context(), "customer_meters")
	if h.tombstones(t, "customer_meters") != 0 || r.Deleted != 0 || int(r.Requests) < hidden {
		t.Errorf("%+v", r)
	}
	h.Equal(t, "customer_meters")
}

func TestTrap09_BlockedOrganization(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "products", "customers")
	h.Fault(t, "empty:path=/v1/organizations/")
	h.Fault(t, "empty:path=/v1/customers/")
	h.Fault(t, "empty:path=/v1/products/")
	if _, err := h.Sync(t.Context(), "products", "customers"); !errors.Is(err, token.ErrOrganization) || !strings.Contains(err.Error(), "blocked") {
		t.Errorf("%v", err)
	}
	if h.tombstones(t, "products")+h.tombstones(t, "customers") != 0 {
		t.Error("rows were marked as deleted")
	}
}

func TestTrap10_RowsThatOneMightNotExpect(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 120}})
	h.SyncAll(t, "products", "customers", "meters", "customer_meters", "orders")
	for what, sql := range map[string]string{
		"archived products":                  "SELECT count(*) FROM products WHERE is_archived",
		"draft or void orders":               "SELECT count(*) FROM orders WHERE status IN ('draft', 'void')",
		"customer meters of gone customers":  "SELECT count(*) FROM customer_meters m JOIN customers c ON c.id = m.customer_id WHERE c._deleted_at IS NOT NULL",
		"products that are not public (any)": "SELECT count(*) FROM products WHERE visibility <> 'public'",
	} {
		if worldtest.Query[int](t, h, sql) == 0 {
			t.Errorf("no %s", what)
		}
	}
}

func TestTrap11_DeletedRowsJustVanish(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers", "members")
	id := h.Remove(t, 1)[0]
	h.SyncAll(t, "customers", "members")
	h.Tombstone(t, "customers", id)
	h.Equal(t, "customers", "members")
}

func TestTrap12_RetiredVersionIs404ForEverything(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	h.Remove(t, 1)
	for _, version := range polarsim.Versions() { // else the one that is left would be read
		h.Server.RetireVersion(version)
	}
	client, err := fetch.New(fetch.Config{Server: h.HTTP.URL, Token: worldtest.Token, Version: "2020-01", RequestsPerMinute: -1, Backoff: func(int) time.Duration { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := h.NewMirror(t, func(c *catalog.Config) { c.Client = client })
	if _, err := r.Sync(t.Context(), "customers"); !errors.Is(err, fetch.ErrContract) {
		t.Errorf("%v", err)
	}
	if res := r.SweepOnce(t.Context(), "customers"); res.Outcome != mirror.Failed || !errors.Is(res.Err, fetch.ErrContract) {
		t.Errorf("%+v", res)
	}
	if n := h.tombstones(t, "customers"); n != 0 {
		t.Errorf("%d marked", n)
	}
}

func TestTrap13_EmbeddedCopiesDoNotOverwrite(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "products", "customers", "subscriptions", "orders")
	h.Equal(t, "products", "customers", "subscriptions", "orders")
	prices := worldtest.Query[int](t, h, "SELECT count(*) FROM product_prices WHERE _removed_at IS NULL")
	h.Exec(t, "UPDATE orders SET _hash = '\\x00'; UPDATE subscriptions SET _hash = '\\x00'")
	h.SyncAll(t, "subscriptions", "orders")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM product_prices WHERE _removed_at IS NULL"); n != prices {
		t.Errorf("%d prices, were %d", n, prices)
	}
	h.Equal(t, "products", "customers", "subscriptions", "orders")
	// Renaming a product changes one row, not the orders that show its name in a copy alone.
	h.Exec(t, "UPDATE customers SET _synced_at = '2020-01-01'")
	c := worldtest.Query[uuid.UUID](t, h, "SELECT customer_id FROM orders JOIN customers c ON c.id = customer_id AND c._deleted_at IS NULL LIMIT 1")
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+c.String(), `{"locale":"pl"}`)
	got := h.SyncAll(t, "customers", "orders")
	if got["customers"].Updated != 1 || got["orders"].Updated != 0 {
		t.Errorf("%d customers and %d orders changed", got["customers"].Updated, got["orders"].Updated)
	}
}

func TestTrap14_ForeignKeysBreak(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 80}})
	h.SyncAll(t, "products", "orders", "subscriptions")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM order_items i WHERE product_price_id IS NOT NULL AND NOT EXISTS (SELECT FROM product_prices p WHERE p.id = i.product_price_id)"); n == 0 {
		t.Error("every order item finds its price: the trap is not set")
	}
	h.Equal(t, "orders", "subscriptions")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM pg_constraint WHERE connamespace::regnamespace::text = ANY(current_schemas(false)) AND contype IN ('f', 'u')"); n != 0 {
		t.Errorf("%d enforced keys", n)
	}
}

func TestTrap15_UniqueAmongTheLivingOnly(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	id := newCustomer("individual", "again")(t, h)
	h.SyncAll(t, "customers")
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+id, "")
	newCustomer("individual", "again")(t, h)
	h.SyncAll(t, "customers")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE email = 'again@example.com' AND external_id = 'ext again'"); n != 2 {
		t.Errorf("%d rows", n)
	}
	h.Equal(t, "customers")
}

func TestTrap17_UndocumentedKeysAreKept(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE NOT _extra ? 'amount'"); n != 0 {
		t.Errorf("%d orders lack a key that was on the wire", n)
	}
	h.Equal(t, "orders")
}

// One fault after another on a field of a customer; the digits have to arrive.
func TestTrap19_BigIntegers(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	id := newCustomer("individual", "big")(t, h)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"metadata":{"n":123456789012345678901234567890,"f":9007199254740993}}`)
	h.SyncAll(t, "customers")
	if got := worldtest.Query[string](t, h, "SELECT metadata->>'n' || ' ' || (metadata->>'f') FROM customers WHERE id = $1", id); got != "123456789012345678901234567890 9007199254740993" {
		t.Error(got)
	}
}

func TestTrap18_FloatsKeepTheirDigits(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.Fault(t, "set:path=/v1/customer-meters/,item=0,field=consumed_units,value=1234567.000000001")
	r := h.NewMirror(t, worldtest.Changed("customer_meters", func(s *catalog.Entry) {
		s.Scan = scan.Offset{Sort: []string{"-created_at", "customer_id", "meter_id"}}
	})).SweepOnce(t.Context(), "customer_meters")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM customer_meters WHERE consumed_units = 1234567.000000001"); n != 1 {
		t.Errorf("%d rows; %+v", n, r)
	}
	h.SyncAll(t, "products")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM product_prices WHERE unit_amount IS NOT NULL"); n == 0 {
		t.Error("no unit_amount, which is a string on the wire")
	}
}

// A token narrowed on the way, a token of another organization, an organization id that is not the token's.
func TestTrap28_OneOrganizationOnly(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	h.Fault(t, "403:path=/v1/customers/,page=2")
	if r := h.NewMirror(t, small("customers", 10)).SweepOnce(t.Context(), "customers"); r.Outcome != mirror.Failed || !errors.Is(r.Err, fetch.ErrScope) {
		t.Errorf("narrowed token: %+v", r)
	}
	h.Server.ClearFaults()
	other := h.NewMirror(t, func(c *catalog.Config) { c.OrganizationID = uuid.NewString() })
	if _, err := other.Sync(t.Context(), "customers"); !errors.Is(err, token.ErrOrganization) {
		t.Errorf("foreign organization: %v", err)
	}
	// Asked for in each request, it gives empty lists.
	r := h.NewMirror(t, worldtest.Changed("customers", func(s *catalog.Entry) { s.Query = url.Values{"organization_id": {uuid.NewString()}} })).SweepOnce(t.Context(), "customers")
	partial(t, r, "no longer listed")
	if n := h.tombstones(t, "customers"); n != 0 {
		t.Errorf("%d marked", n)
	}
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")
}

func TestTrap36_StatusGoesBack(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.Fault(t, `set:path=/v1/orders/,item=0,field=status,value="refunded"`)
	h.SyncAll(t, "orders")
	h.Server.ClearFaults()
	h.SyncAll(t, "orders")
	h.Equal(t, "orders")
}

func TestTrap37_ArbitraryText(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	id := newCustomer("individual", "text")(t, h)
	const name = "=HYPERLINK(\"x\")\r\n\t\u202eRTL\u2028 ' ; DROP TABLE 😀"
	body, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"name":`+string(body)+`}`)
	h.SyncAll(t, "customers")
	if got := worldtest.Query[string](t, h, "SELECT name FROM customers WHERE id = $1", id); got != name {
		t.Errorf("%q", got)
	}
	h.Equal(t, "customers")
}

func TestTrap38_KeysThatDifferByCase(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	id := newCustomer("individual", "case")(t, h)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"metadata":{"Plan":"a","plan":"b","PLAN":"c","id":"x","Name":"y"}}`)
	h.Fault(t, `set:id=`+id+`,field=Name,value="another field"`)
	h.SyncAll(t, "customers")
	if got := worldtest.Query[string](t, h, "SELECT name || ' ' || (_extra->>'Name') || ' ' || (metadata->>'Plan') || (metadata->>'plan') || (metadata->>'PLAN') FROM customers WHERE id = $1", id); got != "N another field abc" {
		t.Error(got)
	}
}

func TestTrap39_ParentGoneChildActive(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}})
	streams := []string{"customers", "members", "subscriptions"}
	h.SyncAll(t, streams...)
	sub := h.First(t, "/v1/subscriptions/", url.Values{"status": {"active"}}, func(s map[string]any) bool { return s["customer"].(map[string]any)["deleted_at"] == nil })
	status := func() string {
		return worldtest.Query[string](t, h, "SELECT s.status || CASE WHEN c._deleted_at IS NULL THEN '' ELSE ' of a deleted customer' END FROM subscriptions s JOIN customers c ON c.id = s.customer_id WHERE s.id = $1", sub["id"])
	}
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+sub["customer_id"].(string), "")
	h.SyncAll(t, streams...)
	if got := status(); got != "active of a deleted customer" {
		t.Errorf("right after: %s", got)
	}
	h.World.Advance(time.Hour)
	h.SyncAll(t, streams...)
	if got := status(); got != "canceled of a deleted customer" {
		t.Errorf("an hour later: %s", got)
	}
	h.Equal(t, streams...)
}

// A reply that was requested earlier never overwrites one that was requested later, whichever comes first.
func TestTrap07_RepliesOutOfOrder(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	id := newCustomer("individual", "order")(t, h)
	// A server that answers the old runner with what there was when it asked, and only when the new one is done.
	held, release := make(chan struct{}), make(chan struct{})
	var first, overtaken atomic.Bool
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.Server.ServeHTTP(rec, r)
		if strings.HasPrefix(r.URL.Path, "/v1/customers/") && !first.Swap(true) {
			close(held)
			<-release
		}
		if strings.HasPrefix(r.URL.Path, "/v1/customers/") && overtaken.Swap(false) {
			h.Exec(t, `UPDATE customers SET name = 'later', _hash = '\x00', _requested_at = clock_timestamp() WHERE id = $1`, id)
		}
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		if _, err := w.Write(rec.Body.Bytes()); err != nil {
			t.Error(err)
		}
	}))
	defer slow.Close()
	client, err := fetch.New(fetch.Config{Server: slow.URL, Token: worldtest.Token, RequestsPerMinute: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// Its lease runs out while it waits, because nothing renews the row that is moved back by hand.
	old := h.NewMirror(t, func(c *catalog.Config) { c.Client, c.LeaseTTL = client, time.Hour })
	done := make(chan mirror.Result)
	go func() { done <- old.SweepOnce(t.Context(), "customers") }()
	<-held
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"name":"newer"}`)
	h.Exec(t, "UPDATE sync_streams SET leased_until = now() - interval '1 second'")
	h.SyncAll(t, "customers")
	close(release)
	if r := <-done; r.Outcome == mirror.Succeeded {
		t.Errorf("the older run: %+v", r)
	}
	if got := worldtest.Query[string](t, h, "SELECT name FROM customers WHERE id = $1", id); got != "newer" {
		t.Error(got)
	}
	h.Equal(t, "customers")

	// Nor under a lease of its own: a row whose reply was requested later stays, and a sweep that cannot tell by whom is not
	// complete. The next one is.
	overtaken.Store(true)
	r := h.NewMirror(t, func(c *catalog.Config) { c.Client = client }).SweepOnce(t.Context(), "customers")
	if r.Outcome != mirror.Partial || r.Stale != 1 || worldtest.Query[string](t, h, "SELECT verdict FROM sync_runs WHERE id = $1", r.RunID) != "incomplete" {
		t.Errorf("%+v", r)
	}
	if got := worldtest.Query[string](t, h, "SELECT name FROM customers WHERE id = $1", id); got != "later" {
		t.Error(got)
	}
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")

	// A time that no request can have had is not believed.
	h.Exec(t, "UPDATE customers SET name = 'from the future', _hash = '\\x00', _requested_at = now() + interval '1 hour' WHERE id = $1", id)
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")
}
