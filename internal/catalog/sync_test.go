package catalog_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/store/origin"
	"syncd/internal/token"
	"syncd/internal/worldtest"
)

// When Polar last answered is on record, a refusal included, and by the clock of the database.
func TestSyncRecordsWhenPolarAnswered(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	if at, _, err := h.Store.Polar().LastAnswer(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("before the first request: %v, %v", at, err)
	}
	h.Fault(t, "500:path=/v1/*")
	if err := h.CheckAccess(t.Context()); err == nil {
		t.Error("no error")
	}
	if at, _, err := h.Store.Polar().LastAnswer(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("an answer 500 counted: %v, %v", at, err)
	}
	h.Server.ClearFaults()
	h.Fault(t, "401:path=/v1/*")
	if err := h.NewMirror(t, nil).CheckAccess(t.Context()); err == nil {
		t.Error("no error")
	}
	first, ago, err := h.Store.Polar().LastAnswer(t.Context())
	if err != nil || first.IsZero() || ago < 0 || ago > time.Minute {
		t.Errorf("%v, %v ago, %v", first, ago, err)
	}
	h.Server.ClearFaults()
	h.Exec(t, "UPDATE sync_polar SET answered_at = now() - interval '1 hour'")
	if r := h.NewMirror(t, nil).SweepOnce(t.Context(), "products"); r.Outcome != mirror.Succeeded {
		t.Errorf("%+v", r)
	}
	if _, ago, err := h.Store.Polar().LastAnswer(t.Context()); err != nil || ago > time.Minute {
		t.Errorf("%v ago, %v", ago, err)
	}
	// A clock that was ahead is not believed for ever.
	h.Exec(t, "UPDATE sync_polar SET answered_at = now() + interval '1 day'")
	if r := h.NewMirror(t, nil).SweepOnce(t.Context(), "products"); r.Outcome != mirror.Succeeded {
		t.Errorf("%+v", r)
	}
	if !worldtest.Query[bool](t, h, "SELECT answered_at <= now() FROM sync_polar") {
		t.Error("Polar answers tomorrow")
	}
}

func TestSecondSyncWritesNothing(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Metrics: true, World: polarsim.Options{Customers: 60}, Mirror: func(c *catalog.Config) { c.Parallel = 2 }})
	h.SyncAll(t)
	before := h.CountWrites(t)
	if before == 0 {
		t.Fatal("the statistics do not see writes")
	}
	for name, r := range h.SyncAll(t) {
		if r.Inserted+r.Updated != 0 {
			t.Errorf("%s: %d rows inserted, %d updated", name, r.Inserted, r.Updated)
		}
	}
	if after := h.CountWrites(t); after != before {
		t.Errorf("%d rows of stream tables were written", after-before)
	}
	h.Equal(t)
}

func TestSchemasSideBySide(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	dsn := pgtest.Empty(t)
	for seed, schema := range []string{"polar", "bill-2"} {
		s, err := store.Open(t.Context(), store.Config{DSN: dsn, Schema: schema, MaxConns: 2})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Migrate(t.Context())
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		h := start(t, setup{DSN: dsn, Schema: schema, World: polarsim.Options{Seed: uint64(seed + 1), Customers: 20}})
		h.SyncAll(t)
		h.Equal(t)
	}
	// A token of the first organization must not write into the second's schema.
	h := start(t, setup{DSN: dsn, Schema: "bill-2", World: polarsim.Options{Seed: 1, Customers: 20}})
	before := h.CountWrites(t)
	if _, err := h.Sync(t.Context()); !errors.Is(err, origin.ErrOtherOrganization) {
		t.Errorf("another organization: %v", err)
	}
	if after := h.CountWrites(t); after != before {
		t.Errorf("%d rows written for the wrong organization", after-before)
	}
}

func TestUnavailableStreamFailsNothing(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	r := h.SyncAll(t)["organization_access_tokens"]
	if r.Outcome != mirror.Skipped || !r.Unavailable || !r.IsWhole() || r.Requests > 2 {
		t.Errorf("%+v", r)
	}
	if why := worldtest.Query[string](t, h, "SELECT unavailable FROM sync_streams WHERE stream = 'organization_access_tokens'"); !strings.Contains(why, "not available") {
		t.Errorf("reported as %q", why)
	}
}

func TestMissingScopeStopsThatStreamOnly(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.Fault(t, "403:path=/v1/payments/")
	results, err := h.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Stream == "payments" {
			if r.Outcome != mirror.Failed || !errors.Is(r.Err, fetch.ErrScope) || !strings.Contains(r.Reason, "payments:read") {
				t.Errorf("payments: %+v", r)
			}
		} else if !r.IsWhole() {
			t.Errorf("%s: %s %s", r.Stream, r.Outcome, r.Reason)
		}
	}
	// Until the next start it costs no further request, and says why.
	asked := h.Client.Requests()
	if r := h.SweepOnce(t.Context(), "payments"); r.Outcome != mirror.Skipped || !strings.Contains(r.Reason, "payments:read") || r.IsWhole() {
		t.Errorf("again: %+v", r)
	}
	if n := h.Client.Requests() - asked; n != 0 {
		t.Errorf("%d requests for a disabled stream", n)
	}
}

func TestRefusedTokenStopsEverything(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Server: polarsim.ServerOptions{Token: "polar_oat_another"}})
	if _, err := h.Sync(t.Context()); !errors.Is(err, fetch.ErrAuth) || strings.Contains(err.Error(), worldtest.Token) {
		t.Errorf("at the start: %v", err)
	}
	if n := h.Client.Requests(); n != 2 { // a refusal is asked for once more
		t.Errorf("%d requests with a refused token", n)
	}

	h = start(t, setup{Mirror: func(c *catalog.Config) { c.Parallel = 1 }})
	h.Fault(t, "401:path=/v1/customers/") // revoked on the way
	results, err := h.Sync(t.Context())
	if !errors.Is(err, fetch.ErrAuth) {
		t.Errorf("on the way: %v", err)
	}
	for _, r := range results[slices.IndexFunc(results, func(r mirror.Result) bool { return r.Stream == "customers" })+1:] {
		if r.IsWhole() {
			t.Errorf("%s went on: %+v", r.Stream, r)
		}
	}
}

// What a page can do wrong: nothing stored is lost, nothing is half written, and the next run makes it good.
func TestBadAnswers(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, c := range map[string]struct {
		fault   string
		outcome mirror.Outcome
		says    string
	}{
		"html 502 for ever":     {"502:path=/v1/orders/,skip=1", mirror.Failed, "502"},
		"500 for a while":       {"500:path=/v1/orders/,skip=1,times=2", mirror.Succeeded, ""},
		"cut body for a while":  {"truncate:path=/v1/orders/,skip=1,times=2", mirror.Succeeded, ""},
		"cut body for ever":     {"truncate:path=/v1/orders/,skip=1", mirror.Failed, "broke off"},
		"connection reset":      {"reset:path=/v1/orders/,skip=1,times=2", mirror.Succeeded, ""},
		"no JSON":               {"html:path=/v1/orders/,skip=1", mirror.Failed, "text/html"},
		"rate limited":          {"429:path=/v1/orders/,skip=1,times=1,value=1", mirror.Succeeded, ""},
		"wrong version or path": {"404:path=/v1/orders/,skip=1", mirror.Failed, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 120}})
			h.Fault(t, c.fault)
			r := h.SweepOnce(t.Context(), "orders")
			if r.Outcome != c.outcome || !strings.Contains(r.Reason, c.says) {
				t.Errorf("%s, because %q; want %s", r.Outcome, r.Reason, c.outcome)
			}
			if got := worldtest.Query[string](t, h, "SELECT outcome FROM sync_runs WHERE id = $1", r.RunID); got != string(c.outcome) {
				t.Errorf("recorded as %s", got)
			}
			rows := worldtest.Query[int64](t, h, "SELECT count(*) FROM orders")
			if c.outcome != mirror.Succeeded && (rows == 0 || rows%100 != 0) {
				t.Errorf("%d orders: a page is lost or half written", rows)
			}
			if orphans := worldtest.Query[int64](t, h, "SELECT count(*) FROM order_items i WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = i.order_id)"); orphans != 0 {
				t.Errorf("%d items without their order", orphans)
			}
			h.Server.ClearFaults()
			h.SyncAll(t, "orders")
			h.Equal(t, "orders")
		})
	}
}

func TestStopFinishesThePageInHand(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 200}})
	h.Fault(t, "stall:path=/v1/orders/,skip=2")
	observed := make(chan struct{}, 100)
	r := h.NewMirror(t, func(c *catalog.Config) { c.Observer = worldtest.Observer(func() { observed <- struct{}{} }) })
	done := make(chan mirror.Result)
	go func() { done <- r.SweepOnce(t.Context(), "orders") }()
	<-observed
	<-observed
	r.Drain()
	select {
	case res := <-done:
		if res.Outcome != mirror.Interrupted || res.Pages != 2 {
			t.Errorf("%+v", res)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still running after 10 s")
	}
	h.Server.ClearFaults()
	again := h.SyncAll(t, "orders")["orders"]
	if !again.Resumed || again.Inserted == 0 {
		t.Errorf("began again: %+v", again)
	}
	h.Equal(t, "orders")
}

func TestUnknownStream(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	_, err := h.Sync(t.Context(), "ordres", "orders")
	var unknown *mirror.UnknownStreamError
	if !errors.As(err, &unknown) || unknown.Nearest != "orders" {
		t.Errorf("%v", err)
	}
	if names, err := h.Resolve("orders", "customers", "orders"); err != nil || !slices.Equal(names, []string{"customers", "orders"}) {
		t.Errorf("%v, %v", names, err)
	}
}

func TestOrganizationIsToldFromOtherScopes(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.Fault(t, "403:path=/v1/organizations/")
	if err := h.CheckAccess(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Fault(t, "403:path=/v1/products/")
	h.Fault(t, "403:path=/v1/customers/")
	h.Fault(t, "403:path=/v1/payments/")
	if err := h.CheckAccess(t.Context()); !errors.Is(err, token.ErrOrganization) || !strings.Contains(err.Error(), "organizations:read") {
		t.Errorf("%v", err)
	}
	other := h.NewMirror(t, func(c *catalog.Config) { c.OrganizationID = uuid.NewString() })
	h.Server.ClearFaults()
	if err := other.CheckAccess(t.Context()); !errors.Is(err, token.ErrOrganization) {
		t.Errorf("another organization than configured: %v", err)
	}
	if status, _ := h.Call(t, http.MethodGet, "/v1/organizations/", ""); status != http.StatusOK {
		t.Error(status)
	}
}

// Every stream is equal to the API, field by field, again after a month in which customers came and went, subscriptions
// were renewed, canceled and refunded, sessions expired, keys were used and files replaced.
func TestEveryStreamFollowsAfterChange(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Metrics: true, World: polarsim.Options{Seed: 7, Customers: 40}})
	h.Make(t, "/v1/webhooks/endpoints", `{"url":"https://stays.example.com/","format":"slack","events":["order.paid"]}`) // a list that loses all it had is not believed
	h.SyncAll(t)
	h.Equal(t)
	h.equalFiles(t)
	h.equalMetrics(t)
	h.World.Churn(60)
	for range 4 {
		h.World.Advance(8 * 24 * time.Hour)
	}
	files := h.All(t, "/v1/files/", nil)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/files/"+files[0]["id"].(string), `{"name":"renamed.pdf","version":"9"}`)
	for path, field := range map[string]string{"/v1/discounts/": "name", "/v1/benefits/": "description", "/v1/checkout-links/": "label", "/v1/custom-fields/": "name"} {
		rows := h.All(t, path, nil)
		h.Want(t, http.StatusOK, http.MethodPatch, path+rows[0]["id"].(string), `{"`+field+`":"Renamed “é”"}`)
		h.Want(t, http.StatusNoContent, http.MethodDelete, path+rows[1]["id"].(string), "")
		defer h.Tombstone(t, strings.ReplaceAll(strings.Trim(path, "/v1"), "-", "_"), rows[1]["id"].(string))
	}
	for _, x := range catalogueRows {
		h.Make(t, x.path, h.naming(t, x.body))
	}
	for _, path := range []string{"/v1/organizations/", "/v1/meters/"} {
		h.Want(t, http.StatusOK, http.MethodPatch, path+h.All(t, path, nil)[0]["id"].(string), `{"name":"Renamed “é”"}`)
	}
	h.Make(t, "/v1/metrics/dashboards", `{"name":"Made","metrics":["orders"]}`)
	const hooks = "/v1/webhooks/endpoints"
	kept := h.Make(t, hooks, `{"url":"https://one.example.com/","format":"raw","events":["order.paid"]}`)
	deleted := h.All(t, hooks, nil)[2]["id"].(string)
	h.Want(t, http.StatusOK, http.MethodPatch, hooks+"/"+kept, `{"name":"Renamed","enabled":false}`)
	h.Want(t, http.StatusNoContent, http.MethodDelete, hooks+"/"+deleted, "")
	defer h.Tombstone(t, "webhook_endpoints", deleted)
	order := h.First(t, "/v1/orders/", url.Values{"status": {"paid"}}, func(o map[string]any) bool { return fmt.Sprint(o["refundable_amount"]) != "0" })
	h.Make(t, "/v1/refunds/", fmt.Sprintf(`{"order_id":"%s","reason":"other","amount":1,"metadata":{"by":"hand"}}`, order["id"]))
	changed := map[string]bool{}
	for name, r := range h.SyncAll(t) {
		changed[name] = r.Inserted+r.Updated > 0
	}
	for _, stream := range catalog.Entries() {
		if !changed[stream.Name] && stream.Name != "organization_access_tokens" { // which Polar shows to nobody but people
			t.Errorf("nothing of %s has changed: this shows nothing of it", stream.Name)
		}
	}
	// Polar no longer shows the means of payment of a customer who was deleted; that is no evidence against the rows, which stay.
	var names []string
	for _, stream := range catalog.Entries() {
		if stream.Name != "payment_methods" {
			names = append(names, stream.Name)
		}
	}
	h.Equal(t, names...)
	h.equalFiles(t)
	h.equalMetrics(t)
}
