package tail_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/tail"
)

// meanwhile does something when a path is requested for the n-th time, from 1.
type meanwhile struct {
	path  string
	times *atomic.Int64
	do    func(n int64)
}

func (m meanwhile) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, m.path) {
		m.do(m.times.Add(1))
	}
	return http.DefaultTransport.RoundTrip(req)
}

// A round of tails has the lease, so it looks at the feeds while it lasts: what changes meanwhile is in its row at its end.
func TestTailHearsWhatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	id := h.All(t, "/v1/customers/", nil)[0]["id"]
	for name, feeds := range map[string]time.Duration{"Deaf": 0, "Heard": 1} {
		m := h.MirrorThrough(t, meanwhile{"/v1/subscriptions/", new(atomic.Int64), func(n int64) {
			if n == 1 {
				h.rename(t, id, name)
			}
		}}, slog.New(slog.DiscardHandler))
		if _, _, err := m.TailSparing(t.Context(), 0, feeds); err != nil {
			t.Fatal(err)
		}
		if got := h.nameOf(t, id); (got == name) != (feeds > 0) {
			t.Errorf("the customer is called %q, not %q", got, name)
		}
	}
	h.Round(t)
	h.Equal(t, "customers", "subscriptions", "orders")
}

// Many changed orders cost a request or two, and not one each: what a row holds says by which filters the list finds it.
func TestFeedFetchesManyTogether(t *testing.T) {
	t.Parallel()
	h := bare(t, -1)
	paid := h.Stored(t, "orders", "status = 'paid' AND net_amount > 500 ORDER BY md5(id::text) LIMIT 12")
	for _, o := range paid {
		h.Make(t, "/v1/refunds/", fmt.Sprintf(`{"order_id":%q,"reason":"other","amount":1}`, o["id"]))
	}
	before := h.Server.RequestsByPath()
	h.Feed(t, tail.Question{Room: 100})
	after := h.Server.RequestsByPath()
	single, lists := after["GET /v1/orders/{id}"]-before["GET /v1/orders/{id}"], after["GET /v1/orders/"]-before["GET /v1/orders/"]
	if single+lists > 4 {
		t.Errorf("%d changed orders: %d requests for one, %d for several", len(paid), single, lists)
	}
	h.Equal(t, "orders", "refunds")
}
