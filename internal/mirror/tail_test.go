package mirror_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
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

// Rows never modified come first in descending order of modified_at, so the newest change has to be searched for.
func TestTailFindsModifiedRowsBehindThoseNeverModified(t *testing.T) {
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Customers: 500}, mirror: tailing})
	h.sync(t)
	h.round(t)
	for i, d := range []time.Duration{time.Minute, 20 * time.Hour, time.Hour, 9 * 24 * time.Hour} {
		h.world.Advance(d)
		before := h.server.Requests()
		res, err := h.Tail(t.Context(), "customer_meters")
		if err != nil || res.Err != nil {
			t.Fatal(err, res.Err)
		}
		h.equal(t, "customer_meters")
		t.Logf("step %d: %d requests, %d inserted, %d updated", i, res.Requests, res.Inserted, res.Updated)
		_ = before
	}
}

// What no tail sees is in the README, word for word as in the table of streams.
func TestTailUnseenIsDocumented(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	want.WriteString("| stream | unseen by tails |\n|---|---|\n")
	for _, s := range mirror.Streams() {
		unseen := s.Tail.Unseen
		if unseen == "" {
			t.Errorf("%s does not say what its tail cannot see", s.Name)
		}
		fmt.Fprintf(&want, "| `%s` | %s |\n", s.Name, unseen)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "<!-- unseen: begin")
	_, rest, _ = strings.Cut(rest, "-->\n")
	got, _, found := strings.Cut(rest, "<!-- unseen: end -->")
	if !found || got != want.String() {
		t.Errorf("README.md, between the marks of unseen, wants:\n%s", want.String())
	}
}

// A row that is gone shows in a count, brings a sweep forward, and stays until that sweep has evidence.
func TestTailTakesNoAbsenceForADeletion(t *testing.T) {
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Customers: 60}, mirror: tailing})
	h.sync(t)
	const every = 30 // rounds in which each slow question has had its turn
	for range every {
		h.round(t)
	}
	if due, err := h.store.SweepsDue(t.Context()); err != nil || len(due) > 0 {
		t.Fatalf("sweeps are due in a quiet world: %v, %v", due, err)
	}
	member := h.all(t, "/v1/members/", url.Values{"role": {"member"}})[0]
	path := fmt.Sprintf("/v1/customers/%s/members/%s", member["customer_id"], member["id"])
	if status, body := h.call(t, http.MethodDelete, path, ""); status >= 300 {
		t.Fatalf("DELETE %s: %d %s", path, status, body)
	}
	for range every {
		h.round(t)
	}
	if gone := h.stored(t, "members", "_deleted_at IS NOT NULL"); len(gone) > 0 {
		t.Errorf("a tail marked %d members as deleted", len(gone))
	}
	due, err := h.store.SweepsDue(t.Context())
	if err != nil || len(due) != 1 || due["members"] == "" {
		t.Errorf("sweeps due: %v (%v), want that of members", due, err)
	}
	h.sync(t, "members")
	h.equal(t, "members")
	if due, err := h.store.SweepsDue(t.Context()); err != nil || len(due) > 0 {
		t.Errorf("still due after the sweep: %v, %v", due, err)
	}
}
