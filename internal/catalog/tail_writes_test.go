package catalog_test

import (
	"fmt"
	"slices"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// Which kind of run sees a write first, when no webhook tells of it.
const (
	byNextRound = "the next round of tails"
	byTurn      = "a round in which the slow question has its turn"
	bySweep     = "the next sweep"
)

// Without a webhook the feed of events tells of some of the writes, and slow questions of others.
func TestTailSeesEachWrite(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	looksWho(t, polarsim.Options{NoWebhook: true}, map[string]string{
		"member created": byTurn, "member created by external id": byTurn,
		"member updated": byTurn, "member becomes the owner": byTurn, "member updated by external id": byTurn,
		"member deleted": bySweep, "member deleted by external id": bySweep,
		"product created": byTurn, "product updated": byTurn, "product's prices replaced": byTurn, "product archived": byTurn, "product's benefits updated": byTurn,
		"order updated": bySweep, "invoice generated": bySweep,
		"dashboard created": byTurn, "dashboard updated": byTurn, "dashboard deleted": byTurn,
		"file renamed": bySweep, "webhook endpoint renamed": byTurn, "webhook endpoint deleted": byTurn, "webhook endpoint created": byTurn,
		"checkout link renamed": byTurn, "checkout link deleted": byTurn, "custom field renamed": byTurn, "custom field deleted": byTurn,
		"payment disputed": byTurn, "dispute decided": byTurn, "discount renamed": byTurn, "discount deleted": byTurn, "benefit renamed": byTurn, "benefit deleted": byTurn,
		"discount created": byTurn, "benefit created": byTurn, "checkout link created": byTurn, "custom field created": byTurn, "custom field's key renamed": bySweep,
		"benefit taken from its customers": byTurn,
		"organization renamed":             byTurn, "meter renamed": byTurn, "meter archived": byTurn, "meter brought back": byTurn,
		"trial ends": bySweep, "renewal": bySweep, "expiry": bySweep,
	})
}

// With a webhook endpoint, its deliveries tell of nearly all.
func TestTailSeesEachWriteThatAWebhookTells(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	looksWho(t, polarsim.Options{}, map[string]string{
		"dashboard created": byTurn, "dashboard updated": byTurn, "dashboard deleted": byTurn,
		"file renamed": bySweep, "webhook endpoint renamed": byTurn, "webhook endpoint deleted": byTurn, "webhook endpoint created": byTurn,
		"checkout link renamed": byTurn, "checkout link deleted": byTurn, "custom field renamed": byTurn, "custom field deleted": byTurn,
		"payment disputed": byTurn, "dispute decided": byTurn, "checkout link created": byTurn, "custom field created": byTurn, "custom field's key renamed": bySweep,
		"meter renamed": byTurn, "meter archived": byTurn, "meter brought back": byTurn,
	})
}

// looksWho makes each write that Polar offers on the streams and looks who sees it; the next round of tails unless seenBy
// says otherwise. A round of all streams comes first. The turns of slow questions come sooner in rounds of the streams
// concerned alone; that they come in rounds of all streams too is shown by TestTailGivesEachSlowQuestionItsTurn.
func looksWho(t *testing.T, world polarsim.Options, seenBy map[string]string) {
	world.Seed, world.Customers = 4, 40
	h := start(t, setup{World: world, Mirror: worldtest.Tailing})
	table := everyWrite()
	ids := make([]string, len(table))
	for i, w := range table {
		if w.before != nil {
			ids[i] = w.before(t, h)
		}
	}
	h.SyncAll(t)
	h.Round(t)
	for i, w := range table {
		t.Run(w.name, func(t *testing.T) {
			w.do(t, h, ids[i])
			want := seenBy[w.name]
			if want == "" {
				want = byNextRound
			}
			res := h.Round(t)
			differs := h.differs(t, w.streams)
			got := byNextRound
			if differs != "" {
				got = bySweep
				for n := 0; want == byTurn && n < worldtest.EveryTurn && got != byTurn; n++ {
					h.Round(t, w.streams...)
					if differs = h.differs(t, w.streams); differs == "" {
						got = byTurn
					}
				}
			}
			if want == byTurn && got == byNextRound {
				got = byTurn // its turn was now
			}
			if got == bySweep {
				t.Log("by the next sweep, because:", differs)
			}
			if got != want {
				t.Errorf("seen by %s (%d requests: %s), want by %s", got, res.Requests, differs, want)
			}
			if got == bySweep {
				h.SyncAll(t, w.streams...)
				h.Equal(t, w.streams...)
			}
		})
	}
}

// differs is the first difference between the API and the tables of streams, children left out; "" when there is none.
func (h *harness) differs(t *testing.T, streams []string) string {
	t.Helper()
	for _, s := range catalog.Entries() {
		if !slices.Contains(streams, s.Name) || s.Optional {
			continue
		}
		here := map[any]map[string]any{}
		for _, row := range h.Stored(t, s.Name, "_deleted_at IS NULL") {
			here[row["id"]] = row
		}
		upstream := h.Upstream(t, s)
		for _, item := range upstream {
			worldtest.Conceal(item, s.Shape().SecretFields())
			row := here[item["id"]]
			if row == nil {
				return fmt.Sprintf("%s %s is missing", s.Name, item["id"])
			}
			for f, want := range item {
				if got, is := row[f]; is && !worldtest.Alike(got, want) {
					return fmt.Sprintf("%s %s: %s is %v, the API has %v", s.Name, item["id"], f, got, want)
				}
			}
		}
		if len(here) != len(upstream) {
			return fmt.Sprintf("%s: %d rows, the API has %d", s.Name, len(here), len(upstream))
		}
	}
	return ""
}

// A round in which nothing has changed costs at most ten requests, whatever the size of the organization.
func TestTailCostsTheSameAtAnySize(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, orders := range []int{100, 1000, 4000} {
		t.Run(fmt.Sprint(orders), func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: orders / 6, Orders: orders}, Mirror: func(c *catalog.Config) { c.Tail.Lag, c.Tail.Overlap = -1, 1 }})
			h.SyncAll(t)
			for range worldtest.EveryTurn {
				h.Round(t)
			}
			for range 5 {
				if res := h.Round(t); res.Requests > tail.RoundRequests || res.Inserted+res.Updated > 0 {
					t.Errorf("%d requests, %d inserted, %d updated; want at most %d, and no change", res.Requests, res.Inserted, res.Updated, tail.RoundRequests)
				}
			}
		})
	}
}
