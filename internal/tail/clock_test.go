package tail_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/worldtest"
)

// A world is changed and a customer deleted, after something was wrong with a clock, and the mirror has to follow.
func TestClocksThatWereWrong(t *testing.T) {
	t.Parallel()
	dated := func(h *harness, t *testing.T, offset string) {
		for _, table := range h.Texts(t, `SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'polar' AND column_name = '_requested_at'`) {
			h.Exec(t, "UPDATE "+table+" SET _requested_at = _requested_at + interval '"+offset+"' WHERE _requested_at > '2000-01-01'")
		}
		h.Exec(t, "UPDATE sync_seen SET requested_at = requested_at + interval '"+offset+"'")
		h.Exec(t, "UPDATE sync_streams SET tail = regexp_replace(tail::text, '\"(seen|checked|whole|head|hot status|count|recent|census)\": \"20..', '\"\\1\": \"2100', 'g')::jsonb WHERE tail IS NOT NULL")
	}
	for name, wrong := range map[string]func(h *harness, t *testing.T, dsn string){
		"an older syncd dated rows and marks by a host a day ahead": func(h *harness, t *testing.T, _ string) { dated(h, t, "1 day") },
		"an older syncd dated rows by a host a minute ahead":        func(h *harness, t *testing.T, _ string) { dated(h, t, "1 minute") },
		"the database was set back by an hour": func(h *harness, t *testing.T, dsn string) {
			pgtest.SetClock(t, dsn, -time.Hour, h.Store.Pool())
		},
		"the database was a day ahead and is right again": func(h *harness, t *testing.T, dsn string) {
			pgtest.SetClock(t, dsn, 24*time.Hour, h.Store.Pool())
			h.SyncAll(t)
			h.Round(t)
			pgtest.SetClock(t, dsn, 0, h.Store.Pool())
		},
		"the database was set a day ahead": func(h *harness, t *testing.T, dsn string) {
			pgtest.SetClock(t, dsn, 24*time.Hour, h.Store.Pool())
		},
	} {
		for _, way := range []string{"sync", "tail"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.Migrated(t)
				h := start(t, setup{World: polarsim.Options{Customers: 20}, DSN: dsn, Mirror: worldtest.Tailing})
				h.SyncAll(t)
				h.Round(t)
				wrong(h, t, dsn)

				order := h.First(t, "/v1/orders/", nil, func(o map[string]any) bool {
					address, is := o["billing_address"].(map[string]any)
					return !is || address["country"] == "DE" // the country of an order stays
				})["id"].(string)
				product := h.First(t, "/v1/products/", nil, func(map[string]any) bool { return true })
				h.Want(t, http.StatusOK, http.MethodPatch, "/v1/orders/"+order, `{"billing_name":"after the clock was wrong","billing_address":{"country":"DE"}}`)
				price := product["prices"].([]any)[0].(map[string]any)["id"]
				h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product["id"].(string),
					fmt.Sprintf(`{"name":"another name","prices":[{"id":%q},{"amount_type":"free"}]}`, price))
				gone := h.Remove(t, 1)[0]
				switch way {
				case "sync":
					h.SyncAll(t)
					h.Equal(t, "customers", "products", "orders", "members", "subscriptions")
				case "tail":
					for range 3 {
						h.Round(t)
					}
					h.Equal(t, "customers", "products")
					h.seen(t, "orders", "billing_name")
					if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_changes WHERE known_at IS NULL OR known_at < noted_at"); n != 0 {
						t.Errorf("%d changes are pending", n)
					}
				}
				h.Tombstone(t, "customers", gone)
				h.SyncAll(t)
				h.SyncAll(t)
				// The payment method of the one who is gone takes a sweep an hour later.
				h.Equal(t, slices.DeleteFunc(h.Names(), func(s string) bool { return s == "payment_methods" })...)
				if way == "sync" { // what it leaves is the same after tails
					before := h.CountWrites(t)
					h.SyncAll(t)
					if n := h.CountWrites(t) - before; n != 0 {
						t.Errorf("a sync without a change wrote %d times", n)
					}
				}
				if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_runs WHERE outcome NOT IN ('succeeded', 'skipped')"); n != 0 {
					t.Errorf("%d runs did not succeed", n)
				}
			})
		}
	}
}

// Without the clock of the database nothing is asked: what came could not be stored, nor put in order.
func TestClockThatCannotBeReadSendsNothing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	start(t, setup{DSN: dsn}).SyncAll(t, "customers")
	h := start(t, setup{DSN: dsn}) // another process: the first may count on from its last stamp for a moment
	h.Exec(t, "ALTER TABLE sync_clock RENAME TO gone")
	asked := h.Server.Requests()
	r := h.SweepOnce(t.Context(), "customers")
	if r.Outcome != mirror.Failed || h.Server.Requests() != asked {
		t.Errorf("%+v after %d requests, want it failed after none", r, h.Server.Requests()-asked)
	}
	res, err := h.Sync(t.Context(), "customers")
	if err == nil || h.Server.Requests() != asked {
		t.Errorf("%+v, %v", res, err)
	}
}

// What a payload tells loses to any reply that was asked for later, also where the clock of the database was set since: Polar's
// time is put beside the database's by moments at which both were seen, and never by how far they are apart now.
func TestLatePayloadLosesToALaterReply(t *testing.T) {
	t.Parallel()
	set := func(by time.Duration) func(h *harness, t *testing.T, dsn string) {
		return func(h *harness, t *testing.T, dsn string) { pgtest.SetClock(t, dsn, by, h.Store.Pool()) }
	}
	for name, wrong := range map[string]func(h *harness, t *testing.T, dsn string){
		"no clock was set":                    func(*harness, *testing.T, string) {},
		"the database was set a day ahead":    set(24 * time.Hour),
		"the database was set an hour back":   set(-time.Hour),
		"the database was set a minute ahead": set(70 * time.Second),
		"the database was set ahead, and the process is another": func(h *harness, t *testing.T, dsn string) {
			set(24*time.Hour)(h, t, dsn)
			h.Mirror = h.NewMirror(t, worldtest.Tailing)
		},
		"the database was set ahead, and nothing was known of the clocks": func(h *harness, t *testing.T, dsn string) {
			set(24*time.Hour)(h, t, dsn)
			h.Exec(t, "UPDATE sync_streams SET tail = tail - 'moments' WHERE stream = 'tail'")
			h.Mirror = h.NewMirror(t, worldtest.Tailing)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Migrated(t)
			h := start(t, setup{World: polarsim.Options{Customers: 20}, DSN: dsn, Mirror: worldtest.Tailing})
			h.SyncAll(t)
			h.Round(t)
			h.World.Advance(time.Minute)
			customers := h.All(t, "/v1/customers/", nil)
			changed, gone := "/v1/customers/"+customers[0]["id"].(string), customers[1]["id"].(string)

			h.World.StopWorker()
			h.Want(t, http.StatusOK, http.MethodPatch, changed, `{"name":"before"}`)
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+gone, `{"name":"before"}`)
			brief := h.Make(t, "/v1/customers/", `{"email":"came-and-went@example.com"}`)
			h.World.StartWorker() // it tells of these, and of nothing that follows
			h.World.StopWorker()
			h.Want(t, http.StatusOK, http.MethodPatch, changed, `{"name":"after"}`)
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+gone, "")
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+brief, "")
			h.World.Advance(time.Minute)
			h.SyncAll(t)

			wrong(h, t, dsn)
			h.Round(t)
			h.Equal(t, "customers", "members")
			h.Tombstone(t, "customers", gone)
		})
	}
}
