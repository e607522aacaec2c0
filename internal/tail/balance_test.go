package tail_test

import (
	"net/url"
	"testing"
	"time"

	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// What is booked is mirrored by the round that reads the feed of events, without a further request.
func TestTailStoresBookingsOfTheFeed(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	quiet := requestsOfEvents(t, h)
	h.World.Churn(12)
	if n := requestsOfEvents(t, h); n > quiet {
		t.Errorf("%d requests for events, %d in a quiet round", n, quiet)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM balance_events WHERE _requested_at > (SELECT complete_at FROM sync_streams WHERE stream = 'balance_events')"); n == 0 {
		t.Error("nothing was booked, so this test sees nothing")
	}
	h.Equal(t, "balance_events")
	if by := worldtest.Query[string](t, h, "SELECT array_to_string(covered_by, ',') FROM freshness WHERE stream = 'balance_events'"); by != "events" {
		t.Errorf("covered by %q", by)
	}
}

// requestsOfEvents makes a round and tells how often it asked for events.
func requestsOfEvents(t *testing.T, h *harness) int {
	t.Helper()
	before := h.Server.RequestsByPath()["GET /v1/events/"]
	h.Round(t)
	return h.Server.RequestsByPath()["GET /v1/events/"] - before
}

// A payment that comes weeks after its order is dated back by these weeks, where no feed looks. The event order.paid tells of it.
func TestTailFindsBookingsDatedBack(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	for range 40 {
		h.World.Advance(24 * time.Hour)
		h.Round(t)
	}
	late := 0
	booked := map[any]string{}
	for _, e := range h.All(t, "/v1/events/", url.Values{"source": {"system"}, "name": {"balance.order"}, "sorting": {"timestamp"}}) {
		booked[e["metadata"].(map[string]any)["order_id"]] = e["timestamp"].(string)
	}
	for _, e := range h.All(t, "/v1/events/", url.Values{"source": {"system"}, "name": {"order.paid"}, "sorting": {"timestamp"}}) {
		if at := booked[e["metadata"].(map[string]any)["order_id"]]; at != "" && instant(t, e["timestamp"].(string)).Sub(instant(t, at)) > 24*time.Hour {
			late++
		}
	}
	if late == 0 {
		t.Error("no order was paid late, so this test sees nothing")
	}
	h.Equal(t, "balance_events")
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
