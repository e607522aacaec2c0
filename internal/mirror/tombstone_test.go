package mirror_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

func (h *harness) tombstones(t *testing.T, stream string) int {
	t.Helper()
	return worldtest.Query[int](t, h, "SELECT count(*) FROM "+stream+" WHERE _deleted_at IS NOT NULL")
}

// age lets time pass for what is under suspicion.
func (h *harness) age(t *testing.T, by string) {
	t.Helper()
	h.Exec(t, "UPDATE sync_suspects SET noticed_at = noticed_at - $1::interval, emptied_at = emptied_at - $1::interval", by)
}

// partial demands a run that ended so, for a reason that says this.
func partial(t *testing.T, r mirror.Result, says string) {
	t.Helper()
	if r.Outcome != mirror.Partial || !strings.Contains(r.Reason, says) {
		t.Errorf("%s: %s, because %q; want partial, because %q", r.Stream, r.Outcome, r.Reason, says)
	}
}

func TestTombstoneWithEvidenceAndBack(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers", "members")
	id := h.Remove(t, 1)[0]
	r := h.SyncAll(t, "customers", "members")["customers"]
	if r.Deleted != 1 {
		t.Errorf("%+v", r)
	}
	h.Tombstone(t, "customers", id)
	h.Equal(t, "customers", "members")
	evidence := worldtest.Query[string](t, h, "SELECT evidence FROM sync_tombstones WHERE id = $1", id)
	if !strings.Contains(evidence, "404 ResourceNotFound") || !strings.Contains(evidence, "complete sweep") {
		t.Errorf("evidence: %q", evidence)
	}
	if run := worldtest.Query[int64](t, h, "SELECT run_id FROM sync_tombstones WHERE id = $1", id); run != r.RunID {
		t.Errorf("by run %d, not %d", run, r.RunID)
	}
	// A second sweep finds nothing more to mark.
	if again := h.SyncAll(t, "customers")["customers"]; again.Deleted != 0 || again.Updated != 0 {
		t.Errorf("again: %+v", again)
	}

	// A row wrongly marked comes back with the next page that shows it, though its content is the same.
	other := worldtest.Query[string](t, h, "SELECT id::text FROM customers WHERE _deleted_at IS NULL ORDER BY id LIMIT 1")
	h.Exec(t, "UPDATE customers SET _deleted_at = now() WHERE id = $1", other)
	h.Exec(t, "INSERT INTO sync_tombstones (stream, id, run_id, evidence) VALUES ('customers', $1, 1, 'by mistake')", other)
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")
	if !worldtest.Query[bool](t, h, "SELECT resurrected_at IS NOT NULL FROM sync_tombstones WHERE id = $1", other) {
		t.Error("the tombstone does not tell that the row came back")
	}
	h.Tombstone(t, "customers", id)
}

func TestTombstoneWithoutGetNeedsTwoCompleteSweeps(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Changed("customers", func(s *catalog.Entry) { s.Get = "" })})
	h.SyncAll(t, "customers")
	id := h.Remove(t, 1)[0]
	for range 2 {
		if h.SyncAll(t, "customers"); h.tombstones(t, "customers") != 0 {
			t.Error("one sweep was enough, or two in quick succession")
		}
	}
	h.age(t, "1 hour")
	h.Fault(t, "total:path=/v1/customers/,value=+1")
	partial(t, h.SweepOnce(t.Context(), "customers"), "Polar counts")
	h.Server.ClearFaults()
	if h.tombstones(t, "customers") != 0 {
		t.Error("a sweep that is not complete counted as the second")
	}
	if r := h.SyncAll(t, "customers")["customers"]; r.Deleted != 1 {
		t.Errorf("%+v", r)
	}
	h.Tombstone(t, "customers", id)
	h.Equal(t, "customers")
}

// Seen between two sweeps that missed it, a row is no suspect any more.
func TestTombstoneSuspectsAreForgotten(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Changed("customers", func(s *catalog.Entry) { s.Get = "" })})
	h.SyncAll(t, "customers")
	missing := uuid.NewString()
	h.Exec(t, "INSERT INTO customers SELECT (jsonb_populate_record(c, jsonb_build_object('id', $1::text))).* FROM customers c LIMIT 1", missing)
	h.Exec(t, "UPDATE customers SET _synced_at = '2020-01-01' WHERE id = $1", missing)
	h.SyncAll(t, "customers")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 1 {
		t.Fatalf("%d suspects", n)
	}
	// As if another run read it while the sweep was under way.
	h.Exec(t, `CREATE FUNCTION polar.met() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		UPDATE polar.customers SET _requested_at = clock_timestamp() WHERE id = '`+missing+`'; RETURN NULL; END $$`)
	h.Exec(t, "CREATE TRIGGER met AFTER INSERT ON sync_seen EXECUTE FUNCTION polar.met()")
	h.SyncAll(t, "customers")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 0 || h.tombstones(t, "customers") != 0 {
		t.Errorf("%d suspects", n)
	}
}

func TestTombstoneBrakeHoldsUntilApproved(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}})
	h.SyncAll(t, "customers")
	h.Remove(t, 21)
	asked := h.Server.Requests()
	r := h.SweepOnce(t.Context(), "customers")
	partial(t, r, fmt.Sprintf("syncd approve-deletions %d", r.RunID))
	if n := h.Server.Requests() - asked; h.tombstones(t, "customers") != 0 || r.Deleted != 0 || n > 3 {
		t.Errorf("%d marked, %d requests", h.tombstones(t, "customers"), n)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects WHERE held"); n != 21 {
		t.Errorf("%d held", n)
	}
	if _, err := h.ApproveDeletions(t.Context(), r.RunID+1000); err == nil || !strings.Contains(err.Error(), "syncd status") {
		t.Errorf("a run that holds nothing: %v", err)
	}
	results, err := h.ApproveDeletions(t.Context(), r.RunID)
	if err != nil || len(results) != 1 || results[0].Outcome != mirror.Succeeded || results[0].Deleted != 21 {
		t.Fatalf("%+v, %v", results, err)
	}
	h.Equal(t, "customers")
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")

	// 20 rows are few enough, however large their share.
	h.Remove(t, 20)
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")
}

// Approving says first what it costs, and a second complete sweep is evidence that costs nothing; what was missed by the
// second one only is asked for.
func TestTombstoneApprovedAfterASecondSweep(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 90}})
	h.SyncAll(t, "customers")
	h.Remove(t, 30)
	first := h.SweepOnce(t.Context(), "customers")
	partial(t, first, "it asks for each by id (about 30 requests); or let a second complete sweep, which begins an hour or more after the first, say the same (about ")
	h.age(t, "1 hour")
	h.Remove(t, 2)
	second := h.SweepOnce(t.Context(), "customers")
	partial(t, second, "it asks for each by id (about 2 requests)")
	asked := h.Server.Requests()
	if plan, err := h.PlanApproval(t.Context(), second.RunID); err != nil || len(plan) != 1 || plan[0].Rows != 32 || plan[0].Requests != 2 || h.Server.Requests() != asked {
		t.Errorf("plan %+v, %v, %d requests", plan, err, h.Server.Requests()-asked)
	}
	if _, err := h.PlanApproval(t.Context(), first.RunID); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("these do: %d", second.RunID)) {
		t.Errorf("an older run: %v", err)
	}
	// One of them comes back in between: it is no suspect any more, and not marked.
	back := worldtest.Query[string](t, h, "SELECT id::text FROM sync_suspects ORDER BY noticed_at, id LIMIT 1")
	h.Exec(t, "UPDATE customers SET _requested_at = now() WHERE id = $1", back)
	results, err := h.ApproveDeletions(t.Context(), second.RunID)
	if err != nil || len(results) != 1 || results[0].Outcome != mirror.Succeeded || results[0].Deleted != 31 || results[0].Requests != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_tombstones WHERE evidence LIKE 'not listed by two complete sweeps an hour or more apart%approved by an operator'"); n != 29 {
		t.Errorf("%d marked by the evidence of two sweeps", n)
	}
	h.SyncAll(t, "customers") // and the one left is asked for
	h.Equal(t, "customers")
}

// What an operator approves of a list that lost everything is settled.
func TestTombstoneApprovedEmptiedList(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "discounts")
	h.Exec(t, "UPDATE discounts SET id = gen_random_uuid(), _synced_at = '2020-01-01', _requested_at = '2020-01-01'")
	h.Fault(t, "empty:path=/v1/discounts/")
	r := h.SweepOnce(t.Context(), "discounts")
	partial(t, r, "an empty list is weak evidence")
	if strings.Contains(r.Reason, "costs no request") {
		t.Errorf("few rows are asked for by id whatever sweeps say: %q", r.Reason)
	}
	if results, err := h.ApproveDeletions(t.Context(), r.RunID); err != nil || results[0].Deleted == 0 || results[0].Requests == 0 {
		t.Errorf("%+v, %v", results, err)
	}
	if st, err := h.Store.Streams().Standings(t.Context(), []string{"discounts"}); err != nil || st[0].Missing() != "" {
		t.Errorf("%q, %v", st[0].Missing(), err)
	}
}

func TestTombstoneNothingFromIncompleteSweep(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	h.Remove(t, 2)
	for _, fault := range []string{"total:path=/v1/customers/,value=+1", "total:path=/v1/customers/,value=-1", "drift:path=/v1/customers/,value=1", "500:path=/v1/customers/", "noid:path=/v1/customers/,item=3"} {
		h.Fault(t, fault)
		r := h.SweepOnce(t.Context(), "customers")
		h.Server.ClearFaults()
		if r.Outcome == mirror.Succeeded || r.Reason == "" || h.tombstones(t, "customers") != 0 {
			t.Errorf("%s: %s %q, %d marked", fault, r.Outcome, r.Reason, h.tombstones(t, "customers"))
		}
	}
	h.SyncAll(t, "customers")
	h.Equal(t, "customers")
}

// The confirming GET has to say that the object does not exist, and nothing else will do.
func TestTombstoneNeedsTheRightAnswer(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	id := h.Remove(t, 1)[0]
	for fault, class := range map[string]error{
		"404:path=/v1/customers/" + id:               fetch.ErrContract, // as for a wrong route, or every route under a retired Polar-Version
		"403:path=/v1/customers/" + id:               fetch.ErrScope,
		"500:path=/v1/customers/" + id:               fetch.ErrTransient,
		"html:path=/v1/customers/" + id:              fetch.ErrContract,
		"reset:path=/v1/customers/" + id:             fetch.ErrTransient,
		"401:path=/v1/customers/" + id:               fetch.ErrAuth,
		"404:path=/v1/customers/*,method=GET,skip=1": fetch.ErrContract,
	} {
		h.Fault(t, fault)
		r := h.NewMirror(t, nil).SweepOnce(t.Context(), "customers")
		h.Server.ClearFaults()
		if r.Outcome != mirror.Failed || !errors.Is(r.Err, class) || h.tombstones(t, "customers") != 0 {
			t.Errorf("%s: %s %v, %d marked", fault, r.Outcome, r.Err, h.tombstones(t, "customers"))
		}
	}
	h.SyncAll(t, "customers")
	h.Tombstone(t, "customers", id)
}

// Who does not find what it has just listed is not believed about the rest.
func TestTombstoneControl(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	suspect := uuid.NewString()
	h.Exec(t, "INSERT INTO customers SELECT (jsonb_populate_record(c, jsonb_build_object('id', $1::text, '_synced_at', '2020-01-01'))).* FROM customers c LIMIT 1", suspect)
	// The control is a row of the last page: every one of them is said not to exist.
	r := h.NewMirror(t, worldtest.Changed("customers", func(s *catalog.Entry) { s.Get = "/v1/products/{id}" })).SweepOnce(t.Context(), "customers")
	partial(t, r, "does not exist")
	if h.tombstones(t, "customers") != 0 {
		t.Error("marked")
	}
	h.SyncAll(t, "customers")
	h.Tombstone(t, "customers", suspect)
}

// A list that loses everything it had is weak evidence, whatever GET says of each row and however few they are: nothing is
// marked until a complete sweep an hour later says the same.
func TestTombstoneEmptiedListIsHeld(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	none := func(s *catalog.Entry) { s.Get = "" }
	for name, c := range map[string]struct {
		stream string
		change func(*catalog.Entry)
		rows   int
		faults []string // that make the list empty; else it has new rows only
	}{
		"with GET by id":                  {"discounts", func(*catalog.Entry) {}, 3, []string{"empty:path=/v1/discounts/"}},
		"one row":                         {"discounts", func(*catalog.Entry) {}, 1, []string{"empty:path=/v1/discounts/"}},
		"without GET by id":               {"discounts", none, 3, []string{"empty:path=/v1/discounts/"}},
		"new rows only":                   {"discounts", func(*catalog.Entry) {}, 3, nil},
		"new rows only, without GET":      {"discounts", none, 3, nil},
		"an export with its headers only": {"customers_export", func(*catalog.Entry) {}, 10, []string{"rows:path=/v1/customers/export,value=0", "empty:path=/v1/customers/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 12}, Mirror: worldtest.Changed(c.stream, c.change)})
			h.SyncAll(t, "customers", c.stream)
			h.Exec(t, "DELETE FROM "+c.stream+" WHERE id NOT IN (SELECT id FROM "+c.stream+" ORDER BY id LIMIT $1)", c.rows)
			// Polar says of these that they do not exist.
			h.Exec(t, "UPDATE "+c.stream+" SET id = gen_random_uuid(), _synced_at = '2020-01-01', _requested_at = '2020-01-01'")
			for _, f := range c.faults {
				h.Fault(t, f)
			}
			held := func(says string) {
				t.Helper()
				r := h.SweepOnce(t.Context(), c.stream)
				partial(t, r, says)
				if n := h.tombstones(t, c.stream); n != 0 || r.Deleted != 0 {
					t.Fatalf("%d marked", n)
				}
				if verdict := worldtest.Query[string](t, h, "SELECT verdict FROM sync_runs WHERE id = $1", r.RunID); verdict != store.VerdictEmptied && c.faults != nil {
					t.Errorf("verdict %q", verdict)
				}
				standing, err := h.Store.Streams().Standings(t.Context(), []string{c.stream})
				if err != nil || standing[0].Missing() == "" || standing[0].Held != int64(c.rows) {
					t.Errorf("standing %+v, missing %q, %v", standing, standing[0].Missing(), err)
				}
			}
			held("an empty list is weak evidence")
			held("a complete sweep that says the same marks them")
			h.age(t, "59 minutes")
			held("an empty list is weak evidence")
			h.age(t, "1 minute")
			if r := h.SyncAll(t, c.stream)[c.stream]; r.Deleted != c.rows || h.tombstones(t, c.stream) != c.rows {
				t.Errorf("%d of %d marked: %+v", h.tombstones(t, c.stream), c.rows, r)
			}
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 0 {
				t.Errorf("%d suspects are left", n)
			}
		})
	}
}

// Nearly everything is as good as everything: of 12 rows one is left. Of 9 there is no telling.
func TestTombstoneNearlyEmptiedList(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for before, held := range map[int]bool{12: true, 9: false} {
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{})
			h.SyncAll(t, "customers")
			h.Exec(t, "DELETE FROM customers WHERE id NOT IN (SELECT id FROM customers ORDER BY created_at LIMIT $1)", before)
			left := worldtest.Query[string](t, h, "SELECT id::text FROM customers ORDER BY id LIMIT 1")
			h.Exec(t, "UPDATE customers SET id = gen_random_uuid(), _synced_at = '2020-01-01', _requested_at = '2020-01-01' WHERE id <> $1", left)
			r := h.SweepOnce(t.Context(), "customers")
			if held {
				partial(t, r, "an empty list is weak evidence")
			}
			if n := h.tombstones(t, "customers"); (n == 0) != held {
				t.Errorf("%d of %d marked: %s %s", n, before, r.Outcome, r.Reason)
			}
		})
	}
}

// What comes back meanwhile starts the wait anew, and a row that Polar gives by id is not marked at all.
func TestTombstoneEmptiedListThatComesBack(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "products", "customers")
	h.Fault(t, "empty:path=/v1/products/")
	partial(t, h.SweepOnce(t.Context(), "products"), "an empty list is weak evidence")
	h.age(t, "2 hours")
	partial(t, h.SweepOnce(t.Context(), "products"), "lists none")
	h.Server.ClearFaults()
	h.SyncAll(t, "products")
	if n := h.tombstones(t, "products") + worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 0 {
		t.Errorf("%d marked or under suspicion", n)
	}
	h.Equal(t, "products")
}

// Several lists that lose everything in one sync, or in the runs of a day, are a fault more likely than deletions: each of
// them says so, and an hour is not enough.
func TestTombstoneSeveralEmptiedLists(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	lists := map[string]string{"products": "/v1/products/", "discounts": "/v1/discounts/", "benefits": "/v1/benefits/", "meters": "/v1/meters/"}
	for name, run := range map[string]func(*harness) []mirror.Result{
		"in one sync": func(h *harness) []mirror.Result {
			results, err := h.Sync(t.Context(), slices.Collect(maps.Keys(lists))...)
			if err != nil {
				t.Error(err)
			}
			return results
		},
		"in runs of their own": func(h *harness) (results []mirror.Result) {
			for _, name := range []string{"benefits", "products", "meters", "discounts", "benefits"} {
				results = append(results, h.SweepOnce(t.Context(), name))
			}
			return results[1:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{})
			h.SyncAll(t, slices.Collect(maps.Keys(lists))...)
			for stream, path := range lists {
				h.Exec(t, "UPDATE "+stream+" SET id = gen_random_uuid(), _synced_at = '2020-01-01', _requested_at = '2020-01-01'")
				h.Fault(t, "empty:path="+path)
			}
			check := func() {
				t.Helper()
				for _, r := range run(h) {
					partial(t, r, "Polar, or the token, looks wrong")
					if reason := worldtest.Query[string](t, h, "SELECT reason FROM sync_runs WHERE id = $1", r.RunID); reason != r.Reason {
						t.Errorf("%s: on record is %q, not %q", r.Stream, reason, r.Reason)
					}
					if n := h.tombstones(t, r.Stream); n != 0 {
						t.Errorf("%s: %d marked", r.Stream, n)
					}
				}
			}
			check()
			h.age(t, "11 hours")
			check()
			h.age(t, "1 hour")
			for stream := range lists {
				if r := h.SyncAll(t, stream)[stream]; r.Deleted == 0 {
					t.Errorf("%s is held for ever: %+v", stream, r)
				}
			}
		})
	}
}

// The word of an endpoint on the only row of a table is not enough either, whoever asked for it.
func TestTombstoneRefreshOfTheOnlyRow(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "discounts")
	h.Exec(t, "DELETE FROM discounts WHERE id <> (SELECT min(id::text)::uuid FROM discounts)")
	only := worldtest.Query[string](t, h, "UPDATE discounts SET id = gen_random_uuid(), _requested_at = '2020-01-01' RETURNING id::text")
	partial(t, h.Refresh(t.Context(), "discounts", uuid.MustParse(only)), "two complete sweeps")
	if n := h.tombstones(t, "discounts"); n != 0 {
		t.Errorf("%d marked", n)
	}
}

// A row that any reply shows between two sweeps is no suspect any more.
func TestTombstoneSuspectShownByAnotherRun(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	h.Exec(t, "INSERT INTO sync_suspects (stream, id, first_run, last_run, held) SELECT 'orders', id, 1, 1, false FROM orders LIMIT 1")
	if r := h.Backfill(t.Context(), "orders", time.Unix(0, 0), time.Time{}); r.Outcome != mirror.Succeeded || r.Unchanged == 0 {
		t.Errorf("%+v", r)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 0 {
		t.Errorf("%d suspects", n)
	}
}

// A deleted customer is no longer listed, but its orders are, and show it.
func TestTombstoneOfACustomerThatOrdersReferTo(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	o := h.First(t, "/v1/orders/", nil, func(o map[string]any) bool { return o["customer"].(map[string]any)["deleted_at"] == nil })
	customer := o["customer_id"].(string)
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+customer, "")
	h.SyncAll(t, "customers", "products", "subscriptions", "orders")
	h.Tombstone(t, "customers", customer)
	h.Equal(t, "customers", "products", "subscriptions", "orders")
	if from := worldtest.Query[string](t, h, "SELECT copied_from FROM sync_stubs WHERE stream = 'customers' AND id = $1 AND resolved_at IS NULL", customer); from != "orders" && from != "subscriptions" {
		t.Errorf("copied from %s", from)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id)"); n != 0 {
		t.Errorf("%d orders without their customer", n)
	}
	// More sweeps change nothing about it.
	for name, r := range h.SyncAll(t, "customers", "orders") {
		if r.Inserted+r.Updated != 0 || r.Deleted != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A copy never overwrites a row that was read for itself; such a row replaces the copy.
func TestTombstoneStubGivesWay(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders") // nothing else is there yet: customers, products and subscriptions come as copies
	stubs := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_stubs WHERE stream = 'customers' AND resolved_at IS NULL")
	if stubs == 0 || stubs != worldtest.Query[int](t, h, "SELECT count(DISTINCT customer_id) FROM orders") {
		t.Fatalf("%d customers were copied", stubs)
	}
	if prices := worldtest.Query[int](t, h, "SELECT count(*) FROM product_prices"); prices != 0 {
		t.Errorf("a partial copy brought %d prices", prices)
	}
	h.SyncAll(t, "products", "customers", "subscriptions")
	h.Equal(t, "products", "customers", "subscriptions")
	if n := worldtest.Query[int](t, h, `SELECT count(*) FROM sync_stubs s JOIN customers c ON c.id = s.id
		WHERE s.stream = 'customers' AND (s.resolved_at IS NULL) <> (c._deleted_at IS NOT NULL)`); n != 0 {
		t.Errorf("%d stubs are neither replaced nor deleted customers", n)
	}
	// The other way round: orders that changed bring their copies along again, which are older than they look.
	h.Exec(t, "UPDATE customers SET name = 'read for itself', _hash = '\\x00' WHERE _deleted_at IS NULL")
	h.Exec(t, "UPDATE orders SET _hash = '\\x00'")
	if r := h.SyncAll(t, "orders")["orders"]; r.Updated == 0 {
		t.Fatalf("%+v", r)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE name <> 'read for itself' AND _deleted_at IS NULL"); n != 0 {
		t.Errorf("%d rows were overwritten by copies", n)
	}
}
