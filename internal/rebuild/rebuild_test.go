package rebuild_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/rebuild"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// all are the rebuilt changes.
const all = `SELECT concat_ws(' ', id, seq, operation, source, changed_at, old, new) FROM changes WHERE seq < 0 ORDER BY id, seq`

func run(t *testing.T, h *worldtest.Harness, o rebuild.Options) rebuild.Report {
	t.Helper()
	r, err := rebuild.Run(t.Context(), h.Engine, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Read != nil && r.Read.Outcome != mirror.Succeeded {
		t.Fatalf("reading events: %+v", *r.Read)
	}
	return r
}

// Two organizations whose fourteen months were made by Polar's own services: at each order that bills a plan the rebuilt version has the
// amount and the product of the order; statuses last from the event that begins them to the one that ends them; versions follow one
// another without a gap, and the last one is the row.
func TestRebuiltFromRecordedEvents(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, truth := range recorded.Truths() {
		t.Run(string(truth), func(t *testing.T) {
			t.Parallel()
			h, _ := worldtest.StartTruth(t, truth)
			before := h.Client.Requests()
			r := run(t, h, rebuild.Options{})
			if r.Read != nil || h.Client.Requests() != before || r.Versions["event"] < 900 || r.Subscriptions != 111 {
				t.Errorf("the events are in the table already: %+v", r)
			}
			for name, wrong := range map[string]string{
				"another amount or product than was billed": `
					SELECT o.id || ' ' || o.created_at || ' ' || o.billing_reason || ': ' || COALESCE(v.amount, -1) || ' for ' || i.amount
					FROM orders o JOIN LATERAL (SELECT sum(n.amount) - o.discount_amount AS amount, bool_and(p.amount_type <> 'metered_unit' AND NOT n.proration) AS plain
						FROM order_items n JOIN product_prices p ON p.id = n.product_price_id WHERE n.order_id = o.id) i ON i.plain
					LEFT JOIN subscription_history v ON v.id = o.subscription_id AND v.valid_from <= o.created_at AND (v.valid_to > o.created_at OR v.valid_to IS NULL)
					WHERE o.billing_reason IN ('subscription_create', 'subscription_cycle') AND o.total_amount > 0 AND (v.amount, v.product_id) IS DISTINCT FROM (i.amount, o.product_id)`,
				"a gap between versions": `
					SELECT id::text FROM (SELECT id, valid_to, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next FROM subscription_history) v WHERE valid_to IS DISTINCT FROM next`,
				"a last version that is not the row": `
					SELECT t.id::text FROM subscriptions t JOIN subscription_history v ON v.id = t.id AND v.valid_to IS NULL
					WHERE to_jsonb(v) - '{valid_from,valid_to,version_source}'::text[] <> to_jsonb(t) - '{_hash,_requested_at,_synced_at,_deleted_at,_extra}'::text[]`,
				"a status that began without its event": `
					SELECT v.id || ' ' || v.status || ' ' || v.valid_from FROM (SELECT *, lag(status) OVER (PARTITION BY id ORDER BY valid_from) AS was FROM subscription_history) v
					WHERE was IS DISTINCT FROM status AND NOT EXISTS (SELECT FROM events e WHERE (e.metadata->>'subscription_id')::uuid = v.id AND e.timestamp = v.valid_from AND e.name = ANY (CASE
						WHEN was IS NULL THEN '{subscription.created}'::text[] WHEN v.status = 'past_due' THEN '{subscription.past_due}' WHEN v.status = 'paused' THEN '{subscription.paused}'
						WHEN v.status = 'canceled' THEN '{subscription.revoked}' ELSE '{subscription.reactivated,subscription.resumed,subscription.reinstated,subscription.cycled}' END))`,
				"an event that no version shows": `
					SELECT e.name || ' ' || e.timestamp FROM events e LEFT JOIN subscription_history v ON v.id = (e.metadata->>'subscription_id')::uuid AND v.valid_from = e.timestamp
					WHERE e.name = 'subscription.product_updated' AND v.product_id IS DISTINCT FROM (e.metadata->>'new_product_id')::uuid
						AND NOT EXISTS (SELECT FROM events u WHERE u.timestamp = e.timestamp AND u.metadata->>'proration_behavior' = 'next_period')
					   OR e.name = 'subscription.seats_updated' AND (v.seats = (e.metadata->>'new_seats')::int) IS DISTINCT FROM true AND e.metadata->>'proration_behavior' <> 'next_period'
					   OR e.name = 'subscription.canceled' AND NOT EXISTS (SELECT FROM subscription_history w WHERE w.id = (e.metadata->>'subscription_id')::uuid AND w.canceled_at = (e.metadata->>'canceled_at')::timestamptz)`,
			} {
				if got := h.Texts(t, wrong); len(got) > 0 {
					t.Errorf("%s: %d: %q", name, len(got), got[:min(3, len(got))])
				}
			}
		})
	}
}

// Events are read once, a second rebuild changes nothing, and a reader of the feed gets none of it.
func TestRebuildTwice(t *testing.T) {
	t.Parallel()
	h := old(t, 1)
	if _, err := rebuild.Run(t.Context(), h.Engine, rebuild.Options{}); !errors.Is(err, rebuild.ErrNothing) {
		t.Errorf("before the first sync: %v", err)
	}
	h.World.Advance(40 * 24 * time.Hour)
	h.SyncAll(t, "products", "customers", "discounts", "subscriptions", "orders")
	feed := worldtest.Query[int64](t, h, "SELECT count(*) FROM changes_after(0)")
	if r := run(t, h, rebuild.Options{Trial: true}); r.Unread == nil || r.Unread.Rows < 100 || r.Read != nil || len(h.Texts(t, all)) > 0 {
		t.Errorf("a trial before events are read: %+v", r)
	}
	first := run(t, h, rebuild.Options{})
	rebuilt := h.Texts(t, all)
	if first.Read == nil || first.Read.Requests == 0 || first.Written != len(rebuilt) || first.Replaced != first.Subscriptions || first.Changes != len(rebuilt) {
		t.Errorf("%+v, %d changes", first, len(rebuilt))
	}
	before := h.Client.Requests()
	if second := run(t, h, rebuild.Options{}); second.Written != 0 || second.Changes != first.Changes || h.Client.Requests() != before || !slices.Equal(h.Texts(t, all), rebuilt) {
		t.Errorf("again: %+v", second)
	}
	if n := worldtest.Query[int64](t, h, "SELECT count(*) FROM changes_after(0)"); n != feed {
		t.Errorf("a reader of the feed gets %d changes, there were %d", n, feed)
	}
	exact := worldtest.Query[time.Time](t, h, "SELECT exact_from FROM history WHERE table_name = 'subscriptions'")
	if from := worldtest.Query[time.Time](t, h, "SELECT events_from FROM history WHERE table_name = 'subscriptions'"); !from.Before(exact) || !exact.Equal(first.Until) {
		t.Errorf("events tell from %s on, exact from %s on, %s", from, exact, first.Until)
	}
	// Less is known: what differs is written, and only that.
	h.Exec(t, "DELETE FROM sync_history_events WHERE name = 'subscription.canceled'")
	if r := run(t, h, rebuild.Options{Trial: true}); r.Written == 0 || r.Replaced == first.Subscriptions || !slices.Equal(h.Texts(t, all), rebuilt) {
		t.Errorf("a trial: %+v", r)
	}
	if r := run(t, h, rebuild.Options{}); r.Written == 0 || slices.Equal(h.Texts(t, all), rebuilt) {
		t.Errorf("with fewer events: %+v", r)
	}
	if r := run(t, h, rebuild.Options{Again: true}); r.Read == nil || r.Read.Inserted == 0 || !equalButSeq(h.Texts(t, all), rebuilt) {
		t.Errorf("with all events again: %+v", r)
	}
}

func equalButSeq(a, b []string) bool {
	without := func(list []string) (cut []string) {
		for _, text := range list {
			parts := strings.SplitN(text, " ", 3)
			cut = append(cut, parts[0]+" "+parts[2])
		}
		return cut
	}
	return slices.Equal(without(a), without(b))
}

// Changes that are recorded are not rebuilt: syncs before and after a rebuild, and one between, leave its result the same, and the
// present is never taken for the past.
func TestRebuildBesideSyncs(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	names := []string{"products", "customers", "discounts", "subscriptions", "orders"}
	at := func() (*worldtest.Harness, func()) {
		dsn := pgtest.Migrated(t)
		h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 25, Seed: 2, Now: began}, DSN: dsn})
		return h, func() { // later
			h.World.Advance(20 * 24 * time.Hour)
			pgtest.SetClock(t, dsn, time.Until(h.World.Now()), h.Store.Pool())
			h.SyncAll(t, names...)
		}
	}
	h, later := at()
	later()
	run(t, h, rebuild.Options{}) // at once
	want := h.Texts(t, all)
	other, later := at()
	for range 4 {
		later()
	}
	observed := other.Texts(t, "SELECT concat_ws(' ', seq, changed_at, old, new) FROM changes WHERE seq > 0 ORDER BY seq")
	since := worldtest.Query[time.Time](t, other, "SELECT history_since FROM sync_streams WHERE stream = 'subscriptions'")
	run(t, other, rebuild.Options{})
	if len(observed) < 50 {
		t.Errorf("only %d changes were recorded", len(observed))
	}
	if got := other.Texts(t, all); !equalButSeq(got, want) {
		t.Errorf("late, %d changes were rebuilt, at once %d", len(got), len(want))
	}
	if got := other.Texts(t, "SELECT concat_ws(' ', seq, changed_at, old, new) FROM changes WHERE seq > 0 ORDER BY seq"); !slices.Equal(got, observed) {
		t.Error("recorded changes are otherwise")
	}
	if n := len(asOf(t, other, since)); n != worldtest.Query[int](t, other, "SELECT count(DISTINCT id) FROM changes WHERE stream = 'subscriptions' AND seq < 0") {
		t.Errorf("%d subscriptions when changes began to be recorded", n)
	}
	if wrong := other.Texts(t, `
		SELECT id::text FROM (SELECT id, valid_to, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from, valid_to) AS next FROM subscription_history) v WHERE valid_to IS DISTINCT FROM next`); len(wrong) > 0 {
		t.Errorf("versions do not follow one another: %q", wrong)
	}
}

// A rebuild whose reading is broken off rebuilds nothing, and goes on where it stopped.
func TestRebuildResumes(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 60, Now: began}, Mirror: func(c *catalog.Config) { c.Ahead = 1 }})
	h.SyncAll(t, "subscriptions", "orders")
	h.Fault(t, "404:path=/v1/events/,skip=2")
	r, err := rebuild.Run(t.Context(), h.Engine, rebuild.Options{})
	if err != nil || r.Read == nil || r.Read.Outcome != mirror.Failed || r.Changes > 0 || len(h.Texts(t, all)) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	had := worldtest.Query[int64](t, h, "SELECT count(*) FROM sync_history_events")
	h.Server.ClearFaults()
	if r := run(t, h, rebuild.Options{}); had == 0 || !r.Read.Resumed || r.Changes == 0 {
		t.Errorf("%d events, then %+v", had, *r.Read)
	}
	h.Drain()
	if _, err := rebuild.Run(t.Context(), h.Engine, rebuild.Options{}); err == nil || !strings.Contains(fmt.Sprint(err), "stopped after 0 of") {
		t.Errorf("while stopping: %v", err)
	}
}
