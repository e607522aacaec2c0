package mirror_test

import (
	"testing"
	"time"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// round makes one round of tails that must succeed, and tells how many requests it took.
func (h *harness) round(t *testing.T) mirror.Result {
	t.Helper()
	before := h.server.Requests()
	res, err := h.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if res.Outcome != mirror.Succeeded {
		t.Errorf("tail: %s: %s", res.Outcome, res.Reason)
	}
	if sent := h.server.Requests() - before; sent != int(res.Requests) {
		t.Errorf("the round counts %d requests, Polar %d", res.Requests, sent)
	}
	return res
}

func tailing(c *mirror.Config) { c.TailLag = -1 }

func TestTailFollowsTheWorld(t *testing.T) {
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Customers: 60}, mirror: tailing})
	h.sync(t)
	h.round(t)
	h.world.Advance(5 * 24 * time.Hour)
	res := h.round(t)
	t.Logf("after five days: %d requests, %d inserted, %d updated", res.Requests, res.Inserted, res.Updated)
	h.equal(t, "orders", "subscriptions", "payments", "customers")
	for range 3 {
		res = h.round(t)
		t.Logf("quiet: %d requests, %d inserted, %d updated", res.Requests, res.Inserted, res.Updated)
	}
	if res.Requests > mirror.RoundRequests {
		t.Errorf("a quiet round costs %d requests, want at most %d", res.Requests, mirror.RoundRequests)
	}
}
