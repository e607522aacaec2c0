package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// What shows a write first.
const (
	byDelivery = "a delivery to a webhook endpoint"
	byEvent    = "one of Polar's events"
	byProbe    = "a question of the next round"
	byRound    = "the next round, some by this and some by that"
	byTurn     = "a round in which the slow question has its turn"
	bySweep    = "the next sweep"
)

// seen says what shows each write first: where there is no webhook endpoint, and where one is told everything.
var seen = []struct {
	without, with string
	writes        []string
}{
	{byEvent, byDelivery, []string{
		"customer created", "customer updated", "customer updated by external id", "customer deleted", "customer deleted by external id",
		"customer deleted and anonymized", "customer deleted and anonymized by external id", "address and external id of a deleted customer used again",
		"subscription created", "subscription's units updated", "subscription moved from another provider", "subscription canceled at the end of its period", "subscription uncanceled", "subscription revoked",
		"subscription deleted, which is to revoke", "refund made", "checkout opened"}},
	{byProbe, byProbe, []string{"events sent in"}},
	{byTurn, byDelivery, []string{"seat assigned", "seat revoked"}},
	{byProbe, byDelivery, []string{"subscription updated", "subscription to be changed next period"}}, // on the first page of the list
	{byTurn, byDelivery, []string{
		"member created", "member created by external id", "member updated", "member becomes the owner", "member updated by external id",
		"product created", "product updated", "product's prices replaced", "product archived", "product's benefits updated",
		"product renamed that was bought", "discount created", "discount renamed", "discount deleted", "benefit created", "benefit renamed", "benefit deleted", "benefit taken from its customers",
		"organization renamed"}},
	{bySweep, byDelivery, []string{"member deleted", "member deleted by external id", "order updated", "invoice generated"}},
	{byEvent, byEvent, []string{"payment disputed"}},
	{byTurn, byTurn, []string{
		"dispute decided", // against the merchant: only one that is won has an event
		"product deleted", "license key rotated", "webhook endpoint created", "webhook endpoint renamed", "webhook endpoint deleted",
		"checkout link created", "checkout link renamed", "checkout link deleted", "custom field created", "custom field renamed", "custom field deleted",
		"meter created", "meter renamed", "meter archived", "meter brought back", "dashboard created", "dashboard updated", "dashboard deleted", "trial ends"}},
	{bySweep, bySweep, []string{"file renamed", "custom field's key renamed"}},
	{bySweep, byRound, []string{"renewal", "expiry"}},
}

// seenBy is what shows a write first.
func (w write) seenBy(t *testing.T, hooked bool) string {
	t.Helper()
	for _, s := range seen {
		if slices.Contains(s.writes, w.name) {
			if hooked {
				return s.with
			}
			return s.without
		}
	}
	t.Fatal("nobody has said who sees it")
	return ""
}

// written are the writes that a shop's own client makes.
var written = []string{
	"customer created", "customer updated", "customer updated by external id", "customer deleted", "customer deleted by external id",
	"member created", "member updated", "member deleted",
	"product created", "product updated", "product archived", "product deleted", "product renamed that was bought", "product's benefits updated",
	"subscription created", "subscription to be changed next period", "subscription canceled at the end of its period", "subscription uncanceled", "subscription revoked",
	"order updated", "invoice generated", "refund made",
	"discount created", "discount renamed", "discount deleted", "checkout link created", "license key rotated",
	"events sent in", "meter created", "checkout opened", "seat assigned", "seat revoked",
}

// Without a webhook endpoint the feed of events tells of some of the writes, and slow questions of others; with one, its
// deliveries tell of nearly all. What a client writes is seen so in the next version of the API as in the current one.
func TestTailSeesEachWrite(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, world := range map[string]polarsim.Options{"without an endpoint": {NoWebhook: true}, "with one": {}} {
		for _, version := range []string{"2026-10", "2027-01"} {
			t.Run(name+", "+version, func(t *testing.T) {
				t.Parallel()
				table := everyWrite()
				if version != fetch.DefaultVersion {
					table = slices.DeleteFunc(table, func(w write) bool { return !slices.Contains(written, w.name) })
					if len(table) != len(written) {
						t.Fatalf("%d of %d writes are known", len(table), len(written))
					}
				}
				looksWho(t, setup{World: world, Version: version}, table)
			})
		}
	}
}

// looksWho makes each write that Polar offers on the streams and looks who sees it: deliveries alone, events alone, a round
// of all streams, or the turns of slow questions. These come sooner in rounds of the streams concerned alone; that they come
// in rounds of all streams too is shown by TestTailGivesEachSlowQuestionItsTurn.
func looksWho(t *testing.T, s setup, table []write) {
	s.World.Seed, s.World.Customers, s.Mirror = 4, 40, worldtest.Tailing
	h := start(t, s)
	only := func(change func(*catalog.Entry)) *catalog.Mirror {
		return h.NewMirror(t, worldtest.Both(worldtest.Tailing, worldtest.ChangedAll(func(s *catalog.Entry) {
			s.Tail.Fast, s.Tail.Slow, s.Tail.Census = nil, nil, nil
			change(s)
		})))
	}
	looks := []struct {
		by    string
		round *catalog.Mirror
	}{
		{byDelivery, only(func(s *catalog.Entry) { s.Tail.Touched, s.Tail.Carried = nil, "" })},
		{byEvent, only(func(s *catalog.Entry) { s.Tail.Hook = "" })},
		{byProbe, h.Mirror},
	}
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
			want := w.seenBy(t, !s.World.NoWebhook)
			differs, got := h.differs(t, w), ""
			if differs == "" {
				t.Fatal("the write changed nothing: it shows nothing")
			}
			for _, look := range looks {
				if res, err := look.round.Tail(t.Context()); err != nil || res.Outcome != mirror.Succeeded {
					t.Fatalf("%s: %s: %s, %v", look.by, res.Outcome, res.Reason, err)
				}
				if differs = h.differs(t, w); differs == "" {
					got = look.by
					break
				}
			}
			for n := 0; want != bySweep && n < worldtest.EveryTurn && got == ""; n++ {
				h.Round(t, w.streams...)
				if differs = h.differs(t, w); differs == "" {
					got = byTurn
				}
			}
			switch {
			case want == byTurn && got == byProbe:
				got = byTurn // its turn was now
			case want == byRound && got != "" && got != byTurn:
				got = byRound
			}
			if got == "" {
				got = bySweep
				t.Log("by the next sweep, because:", differs)
				h.SyncAll(t, w.streams...)
				h.Equal(t, w.streams...)
			}
			if got != want {
				t.Errorf("seen by %s, want by %s", got, want)
			}
		})
	}
}

// differs is the first difference between the API and the mirror in the streams of a write; "" when there is none.
func (h *harness) differs(t *testing.T, w write) string {
	t.Helper()
	_, differences := h.Unequal(t, w.streams...)
	return strings.Join(differences[:min(1, len(differences))], "")
}

// A round in which nothing has changed costs at most ten requests, whatever the size of the organization.
func TestTailCostsTheSameAtAnySize(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, orders := range []int{100, 4000} {
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
