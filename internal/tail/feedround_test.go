package tail_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// bare is a world without webhook endpoints that has been swept and followed once.
func bare(t *testing.T, lag time.Duration) *harness {
	t.Helper()
	h := start(t, setup{World: polarsim.Options{Customers: 30, NoWebhook: true}, Mirror: func(c *catalog.Config) { c.Tail.Lag = lag }})
	h.SyncAll(t)
	h.Round(t)
	return h
}

func (h *harness) rename(t *testing.T, id any, name string) {
	t.Helper()
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id.(string), `{"name":"`+name+`"}`)
}

func (h *harness) nameOf(t *testing.T, id any) string {
	t.Helper()
	return worldtest.Query[string](t, h, "SELECT COALESCE(name, '') FROM customers WHERE id = $1", id)
}

func (h *harness) polled(t *testing.T, stream string) time.Time {
	t.Helper()
	fresh, err := h.Store.Streams().Freshness(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fresh[stream].PolledAt
}

// A round of feeds costs one request while nothing happens, and fetches what has changed. A client that listens to Postgres hears of it.
func TestFeedShowsAChange(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	orders, products := h.polled(t, "orders"), h.polled(t, "products")
	if a := h.Feed(t, tail.Question{}); a.Requests != 1 || a.News || a.Feeds != 1 {
		t.Errorf("while nothing happens: %d requests, news %v, %d feeds", a.Requests, a.News, a.Feeds)
	}
	if !h.polled(t, "orders").After(orders) || !h.polled(t, "products").Equal(products) {
		t.Error("orders, of which events tell, do not count as polled, or products do, of which none tells")
	}
	listener, err := h.Store.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "LISTEN polar"); err != nil {
		t.Fatal(err)
	}
	id := h.All(t, "/v1/customers/", nil)[0]["id"]
	h.rename(t, id, "Ada")
	if a := h.Feed(t, tail.Question{}); !a.News || a.Updated == 0 {
		t.Errorf("after a change: news %v, %d updated", a.News, a.Updated)
	}
	for heard := ""; !strings.Contains(heard, id.(string)); {
		n, err := listener.Conn().WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heard = n.Payload
	}
	if got := h.nameOf(t, id); got != "Ada" {
		t.Errorf("the customer is called %q", got)
	}
	h.Equal(t, "customers", "members")
}

// Processes on one schema do not ask a feed twice in its interval, nor at the same time.
func TestFeedIsAskedByOneProcess(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	other := h.NewMirror(t, worldtest.Tailing)
	if a := h.Feed(t, tail.Question{Every: time.Millisecond}); a.Requests != 1 {
		t.Errorf("the first of two processes: %d requests", a.Requests)
	}
	if a, err := other.Feed(t.Context(), tail.Question{Every: time.Hour}); err != nil || a.Requests != 0 || a.Outcome != mirror.Succeeded {
		t.Errorf("the other a moment later: %d requests, %s, %v", a.Requests, a.Outcome, err)
	}
	h.Exec(t, "UPDATE sync_streams SET lease_run = 1, lease_holder = 'a third', leased_until = now() + interval '20 s', lease_seconds = 30 WHERE stream = 'tail'")
	if a, err := other.Feed(t.Context(), tail.Question{}); err != nil || a.Requests != 0 || a.Outcome != mirror.Skipped {
		t.Errorf("while a third makes a round: %d requests, %s, %v", a.Requests, a.Outcome, err)
	}
}

// What is named is fetched at once, and no feed is asked for it.
func TestFeedFetchesWhatIsNamed(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	id := h.All(t, "/v1/products/", nil)[0]["id"].(string)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+id, `{"name":"Named"}`)
	named := h.NamedBy("product.updated", h.World.Now(), []byte(`{"id":"`+id+`","name":"not believed"}`))
	if len(named) != 1 || named[0].Stream != "products" || named[0].Value != id {
		t.Fatalf("named: %+v", named)
	}
	named = append(named, tails.Changed{Stream: "unknown", Filter: tails.ByID, Value: id})
	if a := h.Feed(t, tail.Question{Every: time.Hour, Named: named}); a.Requests != 1 || !a.News {
		t.Errorf("%d requests, news %v", a.Requests, a.News)
	}
	if got := h.Stored(t, "products", "id = '"+id+"'")[0]["name"]; got != "Named" {
		t.Errorf("the product is called %v", got)
	}
	// The state of a customer is no customer: it names the customer, and its meters.
	if named := h.NamedBy("customer.state_changed", h.World.Now(), []byte(`{"id":"`+id+`"}`)); len(named) != 2 ||
		named[0].Stream != "customers" || named[0].Filter != tails.ByID || named[1].Stream != "customer_meters" || named[1].Filter != "customer_id" || named[1].Value != id {
		t.Errorf("a state names %+v", named)
	}
	for event, data := range map[string]string{"unheard.of": `{"id":"` + id + `"}`, "product.created": `{"id":"x"}`} {
		if named := h.NamedBy(event, h.World.Now(), []byte(data)); len(named) != 0 {
			t.Errorf("%s names %+v", event, named)
		}
	}
}

// A round of feeds reads back as far as a page shows. An entry that comes later than that is found by the next round of tails, however
// many rounds of feeds have moved on meanwhile.
func TestTailReadsBehindRoundsOfFeeds(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	h.World.Churn(90)
	h.Round(t)
	h.cancel(t)
	h.Feed(t, tail.Question{})
	id := h.Texts(t, "SELECT value FROM sync_changes WHERE stream = 'subscriptions' AND filter = 'id' ORDER BY changed_at DESC LIMIT 1")[0]
	event := h.Texts(t, "SELECT e.id::text FROM sync_feed_entries e JOIN sync_changes c ON c.changed_at = e.at WHERE c.value = '"+id+"'")[0]
	for range 3 {
		h.World.Advance(7 * time.Minute)
		h.World.Churn(90)
		h.Feed(t, tail.Question{})
	}
	for h.Feed(t, tail.Question{}).News {
	}
	// As if the event had not come until now.
	h.Exec(t, "DELETE FROM sync_feed_entries WHERE id = $1", event)
	h.Exec(t, "DELETE FROM sync_changes WHERE value = $1", id)
	h.Exec(t, "UPDATE subscriptions SET cancel_at_period_end = false, _hash = '' WHERE id = $1", id)
	if a := h.Feed(t, tail.Question{}); a.Requests != 1 {
		t.Errorf("%d requests for the newest part of a long feed", a.Requests)
	}
	seen := func() bool {
		return worldtest.Query[bool](t, h, "SELECT cancel_at_period_end FROM subscriptions WHERE id = $1", id)
	}
	if seen() {
		t.Error("a round of feeds has read more than the newest part")
	}
	h.Round(t)
	if !seen() {
		t.Error("a round of tails has not seen the late event")
	}
}

// A round without room fetches what is known by its id, and puts off the lists.
func TestFeedWithoutRoom(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	h.Feed(t, tail.Question{Room: 10})
	customers := h.All(t, "/v1/customers/", nil)[:6]
	for i, c := range customers {
		h.rename(t, c["id"], fmt.Sprintf("Renamed %d", i))
	}
	if a := h.Feed(t, tail.Question{Room: 2}); a.Requests != 1+6 {
		t.Errorf("%d requests; want one for the feed, and one for each customer", a.Requests)
	}
	if got := h.nameOf(t, customers[0]["id"]); got != "Renamed 0" {
		t.Errorf("a customer is called %q", got)
	}
	if a := h.Feed(t, tail.Question{Room: 10}); a.Requests != 1+1 {
		t.Errorf("with room: %d requests; want one for the feed, and one for the members of all customers", a.Requests)
	}
	h.Equal(t, "customers", "members")
	h.rename(t, customers[0]["id"], "Once more")
	h.Feed(t, tail.Question{})
	h.Exec(t, "UPDATE sync_streams SET tail = tail - 'listed' WHERE stream = 'tail'") // as if half a minute had passed
	if a := h.Feed(t, tail.Question{}); a.Requests != 1+1 {
		t.Errorf("after half a minute without room: %d requests; want one for the feed, and one for the members", a.Requests)
	}
}

// What was fetched right after its change is fetched once more, when the replicas have caught up.
func TestFeedFetchesOnceMore(t *testing.T) {
	t.Parallel()
	h := bare(t, time.Millisecond)
	id := h.All(t, "/v1/customers/", nil)[0]["id"]
	fetched := func(again string, room int) int {
		before := h.Server.RequestsByPath()["GET /v1/customers/{id}"]
		h.Exec(t, "UPDATE sync_streams SET tail = jsonb_set(tail, '{again}', to_jsonb(now() - $1::interval)) WHERE stream = 'tail'", again)
		h.Exec(t, "UPDATE sync_changes SET noted_at = noted_at - interval '1 s', known_at = known_at - interval '1 s'")
		h.Feed(t, tail.Question{Room: room})
		return h.Server.RequestsByPath()["GET /v1/customers/{id}"] - before
	}
	for i, tc := range []struct {
		again      string
		room, want int
	}{{"40 s", 0, 0}, {"40 s", 10, 1}, {"40 s", 10, 0}, {"70 s", 0, 1}} {
		if tc.want == 1 || i == 0 {
			h.rename(t, id, fmt.Sprintf("Ada %d", i))
			h.Feed(t, tail.Question{})
			h.Exec(t, "UPDATE sync_changes SET known_at = noted_at")
		}
		if got := fetched(tc.again, tc.room); got != tc.want {
			t.Errorf("%s after the last time, with room for %d: fetched %d times more, want %d", tc.again, tc.room, got, tc.want)
		}
	}
}

// With a webhook endpoint there are two feeds, which take turns while nothing happens, also before anything was ever delivered.
func TestFeedsTakeTurns(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 20, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.hook(t)
	h.SyncAll(t)
	h.Round(t)
	asked := func(q tail.Question) (events, deliveries int) {
		before := h.Server.RequestsByPath()
		h.Feed(t, q)
		after := h.Server.RequestsByPath()
		return after["GET /v1/events/"] - before["GET /v1/events/"], after["GET /v1/webhooks/deliveries"] - before["GET /v1/webhooks/deliveries"]
	}
	var both [2]int
	for range 4 {
		events, deliveries := asked(tail.Question{})
		if both[0] += events; events+deliveries != 1 {
			t.Errorf("while nothing happens, events are asked %d times and deliveries %d times in a round", events, deliveries)
		}
		both[1] += deliveries
	}
	if both != [2]int{2, 2} {
		t.Errorf("in four rounds events were asked %d times, deliveries %d times", both[0], both[1])
	}
	if events, deliveries := asked(tail.Question{Each: true}); events != 1 || deliveries != 1 {
		t.Errorf("each: events %d times, deliveries %d times", events, deliveries)
	}
	h.cancel(t)
	if events, deliveries := asked(tail.Question{}); events != 1 || deliveries != 1 {
		t.Errorf("after a change: events %d times, deliveries %d times", events, deliveries)
	}
	h.seen(t, "subscriptions", "cancel_at_period_end", "canceled_at")
}
