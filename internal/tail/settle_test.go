package tail_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// What is known to have changed and can no longer be had is settled: by the 404 of what it belonged to, or by the next complete sweep.
func TestTailSettlesWhatCameAndWent(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	pending := func() int64 {
		t.Helper()
		n, err := tails.New(h.Store.Pool()).Changes().PendingCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n["members"]
	}
	team := newCustomer("team", "cameandwent")(t, h)
	for i := range 3 {
		h.Make(t, "/v1/customers/"+team+"/members", fmt.Sprintf(`{"email":"m%d@example.com"}`, i))
	}
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+team, "")
	for range 2 {
		if h.Round(t); pending() != 0 {
			t.Errorf("%d changes of members of a customer that is gone are still to be fetched", pending())
		}
	}
	// A change of a member that nobody knows the customer of, as an earlier syncd left it.
	h.Exec(t, "INSERT INTO sync_changes (stream, filter, value, changed_at, noted_at) VALUES ('members', 'id', $1, now(), now() - interval '1 minute')", uuid.NewString())
	h.Round(t)
	due, err := tails.New(h.Store.Pool()).SweepsDue(t.Context())
	if err != nil || pending() != 1 || due["members"] == "" {
		t.Errorf("%d to be fetched, sweeps due: %v, %v", pending(), due, err)
	}
	if h.SyncAll(t, "members"); pending() != 0 {
		t.Error("a complete sweep does not settle what was noted before it began")
	}
	h.Round(t)
	// What is noted while a sweep reads may be missing in what it read.
	h.Exec(t, "INSERT INTO sync_changes (stream, filter, value, changed_at, noted_at) VALUES ('members', 'id', $1, now(), now() + interval '1 minute')", uuid.NewString())
	if h.SyncAll(t, "members"); pending() != 1 {
		t.Error("a sweep settles what was noted after it began")
	}
}

// A delivery that says that its object is deleted leads to a request for it and to a mark, in the same round.
func TestTailBelievesADeliveryThatTellsOfADeletion(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Now: time.Now()}, Mirror: func(c *catalog.Config) {
		c.Tail.Lag = -1
		worldtest.Changed("benefits", func(s *catalog.Entry) { s.Tail.Slow = nil })(c)
	}})
	benefit := h.Make(t, "/v1/benefits/", `{"type":"license_keys","description":"Made","properties":{}}`)
	h.SyncAll(t)
	h.Round(t)
	h.Exec(t, "UPDATE benefits SET _requested_at = _requested_at - interval '1 hour'") // what is sent now is newer
	h.Exec(t, "UPDATE sync_seen SET requested_at = requested_at - interval '1 hour'")
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/benefits/"+benefit, "")
	h.Round(t)
	h.Tombstone(t, "benefits", benefit)
	if evidence := worldtest.Query[string](t, h, "SELECT evidence FROM sync_tombstones WHERE id = $1", benefit); !strings.Contains(evidence, "404 ResourceNotFound") || strings.Contains(evidence, "sweep") {
		t.Errorf("by %q", evidence)
	}
}

// What is noted is fetched once, and once more after the delay of Polar's replicas; then a round is quiet.
func TestTailFetchesTwice(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, world := range map[string]polarsim.Options{"with an endpoint": {}, "without": {NoWebhook: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Customers, world.Now = 150, time.Now()
			h := start(t, setup{World: world, Server: polarsim.ServerOptions{StableTies: true}, Mirror: func(c *catalog.Config) { c.Tail.Lag = 10 * time.Second }})
			h.SyncAll(t)
			pass := func() { // half a minute between two rounds
				h.World.Advance(30 * time.Second)
				h.Exec(t, "UPDATE sync_changes SET noted_at = noted_at - interval '30 s', known_at = known_at - interval '30 s'")
			}
			for range worldtest.EveryTurn {
				h.Round(t)
				pass()
			}
			// The sweep was an hour ago: what is sent now is newer.
			h.Exec(t, "UPDATE customers SET _requested_at = _requested_at - interval '1 hour'")
			h.Exec(t, "UPDATE sync_seen SET requested_at = requested_at - interval '1 hour'")
			for i := range 29 {
				id := newCustomer("team", fmt.Sprint("w", i))(t, h)
				h.Make(t, "/v1/customers/"+id+"/members", fmt.Sprintf(`{"email":"w%d@example.com"}`, i))
				h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"name":"Again"}`)
			}
			old := h.All(t, "/v1/customers/", url.Values{"sorting": {"created_at", "email"}})[:20]
			for _, c := range old {
				h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+c["id"].(string), `{"name":"Changed"}`)
			}
			var costs, single []int64
			for range 4 {
				before := h.Server.RequestsByPath()
				all := h.Round(t).Requests
				after := h.Server.RequestsByPath()
				read := func(path string) int64 { return int64(after["GET "+path] - before["GET "+path]) }
				costs = append(costs, all-max(0, read("/v1/webhooks/deliveries")-1)) // which are read again for ten minutes, by pages
				single = append(single, read("/v1/customers/{id}"))
				pass()
			}
			t.Logf("after 107 writes the rounds cost %d requests, %d of them for single customers", costs, single)
			want := []int64{20, 20, 0, 0} // the new ones are on the first page of the list
			if !world.NoWebhook {
				want[0], want[1] = 0, 0 // deliveries bring them
			}
			if !slices.Equal(single, want) || max(costs[2], costs[3]) > tail.RoundRequests+1 {
				t.Errorf("%d requests in the rounds after the writes, %d of them for single customers; want %d of those", costs, single, want)
			}
			h.seen(t, "customers", "name")
			h.seen(t, "members", "email")
		})
	}
}

// Rows of a list inside an object do not look alive when the object is gone, and come back with it.
func TestTombstoneTakesChildrenAlong(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t)
	links := h.All(t, "/v1/checkout-links/", nil)
	link := links[slices.IndexFunc(links, func(l map[string]any) bool { return len(l["products"].([]any)) > 0 })]["id"].(string)
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/checkout-links/"+link, "")
	h.SyncAll(t, "checkout_links")
	h.Tombstone(t, "checkout_links", link)
	if alive := h.Stored(t, "checkout_link_products", "checkout_link_id = '"+link+"' AND _removed_at IS NULL"); len(alive) > 0 {
		t.Errorf("products of a link that is gone look alive: %v", alive)
	}

	for _, s := range catalog.Entries() {
		if len(s.Children) == 0 || s.OptIn != "" {
			continue
		}
		for _, c := range s.Children {
			parent := worldtest.Query[uuid.UUID](t, h, fmt.Sprintf("SELECT %s FROM %s c JOIN %s p ON p.id = c.%[1]s WHERE c._removed_at IS NULL AND p._deleted_at IS NULL LIMIT 1", c.Parent, c.Name, s.Name))
			run, err := h.Store.Runs().Open(t.Context(), s.Name, store.KindRefresh, "test")
			if err != nil {
				t.Fatal(err)
			}
			at := worldtest.Query[time.Time](t, h, "SELECT now()")
			n, err := run.Tombstone(t.Context(), s.Name, []uuid.UUID{parent}, at, "by mistake", store.ChildTable{Table: c.Name, Parent: c.Parent})
			if err != nil || n != 1 {
				t.Fatal(s.Name, n, err)
			}
			if err := run.Finish(t.Context(), store.Closing{Outcome: "succeeded"}); err != nil {
				t.Fatal(err)
			}
			if alive := h.Stored(t, c.Name, fmt.Sprintf("%s = '%s' AND _removed_at IS NULL", c.Parent, parent)); len(alive) > 0 {
				t.Errorf("%s of what is gone look alive: %v", c.Name, alive)
			}
		}
		h.SyncAll(t, s.Name)
		h.Equal(t, s.Name)
	}
}
