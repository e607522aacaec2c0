package tail_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// feedWorlds are without and with an endpoint whose deliveries tell of subscriptions.
func feedWorlds(t *testing.T, do func(t *testing.T, hook bool)) {
	for name, hook := range map[string]bool{"events": false, "deliveries": true} {
		t.Run(name, func(t *testing.T) { t.Parallel(); do(t, hook) })
	}
}

func (h *harness) hook(t *testing.T) {
	t.Helper()
	h.Make(t, "/v1/webhooks/endpoints", `{"url":"https://hooks.example.com/","format":"raw","events":["subscription.created","subscription.updated","subscription.canceled"]}`)
}

// cancel changes one of the first subscriptions: no question for what is new shows it.
func (h *harness) cancel(t *testing.T) {
	t.Helper()
	subscriptions, _ := h.List(t, "/v1/subscriptions/", url.Values{"sorting": {"started_at"}, "active": {"true"}, "cancel_at_period_end": {"false"}})
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+subscriptions[0]["id"].(string), `{"cancel_at_period_end":true}`)
}

// A round of one stream reads the feeds, which tell of all: what they tell of the others is not lost.
func TestTailOfOneStreamLeavesTheOthersTheirNews(t *testing.T) {
	t.Parallel()
	feedWorlds(t, func(t *testing.T, hook bool) {
		h := start(t, setup{World: polarsim.Options{Customers: 250}, Mirror: worldtest.Tailing})
		if hook {
			h.hook(t)
		}
		h.SyncAll(t)
		h.Round(t)
		h.cancel(t)
		h.Round(t, "orders")
		h.Round(t)
		h.seen(t, "subscriptions", "cancel_at_period_end", "canceled_at")
	})
}

// What changes while the first sweep of a stream is under way, behind where it reads, is noted by rounds that follow others.
func TestTailNotesWhatChangesDuringAFirstSweep(t *testing.T) {
	t.Parallel()
	feedWorlds(t, func(t *testing.T, hook bool) {
		h := start(t, setup{World: polarsim.Options{Customers: 250}, Mirror: worldtest.Tailing})
		if hook {
			h.hook(t)
		}
		h.SyncAll(t, slices.DeleteFunc(h.Names(), func(name string) bool {
			return name == "subscriptions" || name == "customer_seats" || strings.HasSuffix(name, "_export") || name == "payment_methods"
		})...)
		h.Round(t)
		sweeper := h.NewMirror(t, func(c *catalog.Config) {
			c.Observer = &onPage{do: func() {
				h.cancel(t)
				h.Round(t)
			}}
		})
		if res := sweeper.SweepOnce(t.Context(), "subscriptions"); res.Outcome != mirror.Succeeded {
			t.Fatalf("%s: %s", res.Outcome, res.Reason)
		}
		h.Round(t)
		h.seen(t, "subscriptions", "cancel_at_period_end", "canceled_at")
	})
}

// onPage does something when the first page of a run has been stored.
type onPage struct {
	once sync.Once
	do   func()
}

func (*onPage) RunStarted(string) {}

func (o *onPage) PageStored(string, int, int) { o.once.Do(o.do) }
func (*onPage) RunFinished(mirror.Result)     {}

// Deliveries are read although the stream of endpoints is off, or was never swept: the round asks for the endpoints itself, once an hour.
func TestTailReadsDeliveriesWithoutTheStreamOfEndpoints(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, change := range map[string]func(*catalog.Config){
		"it is off": func(c *catalog.Config) { c.Off = map[string]bool{"webhook_endpoints": true} },
		"it is unknown": func(c *catalog.Config) {
			c.Entries = slices.DeleteFunc(slices.Clone(catalog.Entries()), func(e catalog.Entry) bool { return e.Name == "webhook_endpoints" })
		},
		"it was never swept": func(*catalog.Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 20}, Mirror: worldtest.Both(worldtest.Tailing, change)})
			for _, e := range h.All(t, "/v1/webhooks/endpoints", nil) {
				h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/webhooks/endpoints/"+e["id"].(string), "")
			}
			h.Make(t, "/v1/webhooks/endpoints", `{"url":"https://hooks.example.com/","format":"raw","events":["product.created","product.updated"]}`)
			h.SyncAll(t, "products", "customers", "orders")
			h.Round(t)
			product := h.All(t, "/v1/products/", nil)[0]["id"].(string)
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"name":"told by a webhook"}`)
			asked := func() string {
				return strings.Join(h.Texts(t, "SELECT COALESCE(tail->'endpoints'->>'at', '') FROM sync_streams WHERE stream = 'tail'"), "")
			}
			before := asked()
			h.Round(t)
			if got := h.Stored(t, "products", "id = '"+product+"'")[0]["name"]; got != "told by a webhook" {
				t.Errorf("after a round the product is called %v", got)
			}
			if told := h.Texts(t, "SELECT feed FROM sync_feeds WHERE feed = 'webhook deliveries' AND told_through IS NOT NULL"); len(told) == 0 {
				t.Error("no delivery was read")
			}
			fresh, err := h.Store.Streams().Freshness(t.Context())
			if err != nil || !slices.Contains(fresh["products"].CoveredBy, "webhook deliveries") {
				t.Errorf("products are covered by %q, %v", fresh["products"].CoveredBy, err)
			}
			if before == "" || asked() != before {
				t.Errorf("the endpoints were asked for at %q, and again at %q", before, asked())
			}
		})
	}
}

// What a round of tails spends on a look at the feeds meanwhile is taken from no probe.
func TestLookingAtTheFeedsTakesNoTurnOfAProbe(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	probes := func(listens time.Duration) (asked int) {
		t.Helper()
		h.Exec(t, "UPDATE sync_streams SET tail = tail - 'asked' - 'cost'")
		if res, _, err := h.TailSparing(t.Context(), 0, listens); err != nil || res.Err != nil {
			t.Fatal(res, err)
		}
		return worldtest.Query[int](t, h, "SELECT count(*)::int FROM sync_streams, jsonb_object_keys(tail->'asked')")
	}
	if alone, listening := probes(0), probes(1); alone < 2 || listening != alone {
		t.Errorf("%d slow probes are asked in a round, %d in one that looks at the feeds", alone, listening)
	}
}
