package mirror_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// feedWorlds are without and with an endpoint whose deliveries tell of subscriptions.
func feedWorlds(t *testing.T, do func(t *testing.T, hook bool)) {
	for name, hook := range map[string]bool{"events": false, "deliveries": true} {
		t.Run(name, func(t *testing.T) { t.Parallel(); do(t, hook) })
	}
}

func (h *harness) hook(t *testing.T) {
	t.Helper()
	h.make(t, "/v1/webhooks/endpoints", `{"url":"https://hooks.example.com/","format":"raw","events":["subscription.created","subscription.updated","subscription.canceled"]}`)
}

// cancel changes one of the first subscriptions: no question for what is new shows it.
func (h *harness) cancel(t *testing.T) {
	t.Helper()
	subscriptions, _ := h.list(t, "/v1/subscriptions/", url.Values{"sorting": {"started_at"}, "active": {"true"}, "cancel_at_period_end": {"false"}})
	h.want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+subscriptions[0]["id"].(string), `{"cancel_at_period_end":true}`)
}

// A round of one stream reads the feeds, which tell of all: what they tell of the others is not lost.
func TestTailOfOneStreamLeavesTheOthersTheirNews(t *testing.T) {
	t.Parallel()
	feedWorlds(t, func(t *testing.T, hook bool) {
		h := start(t, setup{world: polarsim.Options{Customers: 250}, mirror: tailing})
		if hook {
			h.hook(t)
		}
		h.sync(t)
		h.round(t)
		h.cancel(t)
		h.round(t, "orders")
		h.round(t)
		h.seen(t, "subscriptions", "cancel_at_period_end", "canceled_at")
	})
}

// What changes while the first sweep of a stream is under way, behind where it reads, is noted by rounds that follow others.
func TestTailNotesWhatChangesDuringAFirstSweep(t *testing.T) {
	t.Parallel()
	feedWorlds(t, func(t *testing.T, hook bool) {
		h := start(t, setup{world: polarsim.Options{Customers: 250}, mirror: tailing})
		if hook {
			h.hook(t)
		}
		h.sync(t, slices.DeleteFunc(h.Names(), func(name string) bool {
			return name == "subscriptions" || name == "customer_seats" || strings.HasSuffix(name, "_export") || name == "payment_methods"
		})...)
		h.round(t)
		sweeper := h.runner(t, func(c *catalog.Config) {
			c.Observer = &onPage{do: func() {
				h.cancel(t)
				h.round(t)
			}}
		})
		if res := sweeper.Once(t.Context(), "subscriptions"); res.Outcome != mirror.Succeeded {
			t.Fatalf("%s: %s", res.Outcome, res.Reason)
		}
		h.round(t)
		h.seen(t, "subscriptions", "cancel_at_period_end", "canceled_at")
	})
}

// onPage does something when the first page of a run has been stored.
type onPage struct {
	once sync.Once
	do   func()
}

func (*onPage) RunStarted(string)             {}
func (o *onPage) PageStored(string, int, int) { o.once.Do(o.do) }
func (*onPage) RunFinished(mirror.Result)     {}
