package mirror_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// changed is the table of streams with one entry changed.
func changed(name string, change func(*mirror.Stream)) func(*mirror.Config) {
	return func(c *mirror.Config) {
		c.Streams = mirror.Streams()
		change(&c.Streams[slices.IndexFunc(c.Streams, func(s mirror.Stream) bool { return s.Name == name })])
	}
}

// remove deletes n customers through the API and gives their ids. They are the first of the list.
func (h *harness) remove(t *testing.T, n int) (ids []string) {
	t.Helper()
	for _, c := range h.all(t, "/v1/customers/", url.Values{"sorting": {"created_at", "email"}})[:n] {
		id := c["id"].(string)
		h.want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+id, "")
		ids = append(ids, id)
	}
	return ids
}

func (h *harness) tombstones(t *testing.T, stream string) int {
	t.Helper()
	return query[int](t, h, "SELECT count(*) FROM "+stream+" WHERE _deleted_at IS NOT NULL")
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
	h.sync(t, "customers", "members")
	id := h.remove(t, 1)[0]
	r := h.sync(t, "customers", "members")["customers"]
	if r.Deleted != 1 {
		t.Errorf("%+v", r)
	}
	h.tombstone(t, "customers", id)
	h.equal(t, "customers", "members")
	evidence := query[string](t, h, "SELECT evidence FROM sync_tombstones WHERE id = $1", id)
	if !strings.Contains(evidence, "404 ResourceNotFound") || !strings.Contains(evidence, "complete sweep") {
		t.Errorf("evidence: %q", evidence)
	}
	if run := query[int64](t, h, "SELECT run_id FROM sync_tombstones WHERE id = $1", id); run != r.RunID {
		t.Errorf("by run %d, not %d", run, r.RunID)
	}
	// A second sweep finds nothing more to mark.
	if again := h.sync(t, "customers")["customers"]; again.Deleted != 0 || again.Updated != 0 {
		t.Errorf("again: %+v", again)
	}

	// A row wrongly marked comes back with the next page that shows it, though its content is the same.
	other := query[string](t, h, "SELECT id::text FROM customers WHERE _deleted_at IS NULL ORDER BY id LIMIT 1")
	h.exec(t, "UPDATE customers SET _deleted_at = now() WHERE id = $1", other)
	h.exec(t, "INSERT INTO sync_tombstones (stream, id, run_id, evidence) VALUES ('customers', $1, 1, 'by mistake')", other)
	h.sync(t, "customers")
	h.equal(t, "customers")
	if !query[bool](t, h, "SELECT resurrected_at IS NOT NULL FROM sync_tombstones WHERE id = $1", other) {
		t.Error("the tombstone does not tell that the row came back")
	}
	h.tombstone(t, "customers", id)
}

func TestTombstoneWithoutGetNeedsTwoCompleteSweeps(t *testing.T) {
	t.Parallel()
	h := start(t, setup{mirror: changed("customers", func(s *mirror.Stream) { s.Get = "" })})
	h.sync(t, "customers")
	id := h.remove(t, 1)[0]
	if h.sync(t, "customers"); h.tombstones(t, "customers") != 0 {
		t.Error("one sweep was enough")
	}
	h.fault(t, "total:path=/v1/customers/,value=+1")
	partial(t, h.Once(t.Context(), "customers"), "Polar counts")
	h.server.ClearFaults()
	if h.tombstones(t, "customers") != 0 {
		t.Error("a sweep that is not complete counted as the second")
	}
	if r := h.sync(t, "customers")["customers"]; r.Deleted != 1 {
		t.Errorf("%+v", r)
	}
	h.tombstone(t, "customers", id)
	h.equal(t, "customers")
}

// Seen between two sweeps that missed it, a row is no suspect any more.
func TestTombstoneSuspectsAreForgotten(t *testing.T) {
	t.Parallel()
	h := start(t, setup{mirror: changed("customers", func(s *mirror.Stream) { s.Get = "" })})
	h.sync(t, "customers")
	missing := uuid.NewString()
	h.exec(t, "INSERT INTO customers SELECT (jsonb_populate_record(c, jsonb_build_object('id', $1::text))).* FROM customers c LIMIT 1", missing)
	h.exec(t, "UPDATE customers SET _synced_at = '2020-01-01' WHERE id = $1", missing)
	h.sync(t, "customers")
	if n := query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 1 {
		t.Fatalf("%d suspects", n)
	}
	h.exec(t, "UPDATE customers SET _synced_at = now() + interval '1 hour' WHERE id = $1", missing) // as if another run had read it
	h.sync(t, "customers")
	if n := query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 0 || h.tombstones(t, "customers") != 0 {
		t.Errorf("%d suspects", n)
	}
}

func TestTombstoneBrakeHoldsUntilApproved(t *testing.T) {
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Customers: 60}})
	h.sync(t, "customers")
	h.remove(t, 21)
	asked := h.server.Requests()
	r := h.Once(t.Context(), "customers")
	partial(t, r, fmt.Sprintf("syncd approve-deletions %d", r.RunID))
	if n := h.server.Requests() - asked; h.tombstones(t, "customers") != 0 || r.Deleted != 0 || n > 3 {
		t.Errorf("%d marked, %d requests", h.tombstones(t, "customers"), n)
	}
	if n := query[int](t, h, "SELECT count(*) FROM sync_suspects WHERE held"); n != 21 {
		t.Errorf("%d held", n)
	}
	if _, err := h.ApproveDeletions(t.Context(), r.RunID+1000); err == nil || !strings.Contains(err.Error(), "syncd status") {
		t.Errorf("a run that holds nothing: %v", err)
	}
	results, err := h.ApproveDeletions(t.Context(), r.RunID)
	if err != nil || len(results) != 1 || results[0].Outcome != mirror.Succeeded || results[0].Deleted != 21 {
		t.Fatalf("%+v, %v", results, err)
	}
	h.equal(t, "customers")
	h.sync(t, "customers")
	h.equal(t, "customers")

	// 20 rows are few enough, however large their share.
	h.remove(t, 20)
	h.sync(t, "customers")
	h.equal(t, "customers")
}

func TestTombstoneNothingFromIncompleteSweep(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.sync(t, "customers")
	h.remove(t, 2)
	for _, fault := range []string{"total:path=/v1/customers/,value=+1", "total:path=/v1/customers/,value=-1", "drift:path=/v1/customers/,value=1", "500:path=/v1/customers/", "noid:path=/v1/customers/,item=3"} {
		h.fault(t, fault)
		r := h.Once(t.Context(), "customers")
		h.server.ClearFaults()
		if r.Outcome == mirror.Succeeded || r.Reason == "" || h.tombstones(t, "customers") != 0 {
			t.Errorf("%s: %s %q, %d marked", fault, r.Outcome, r.Reason, h.tombstones(t, "customers"))
		}
	}
	h.sync(t, "customers")
	h.equal(t, "customers")
}

// The confirming GET has to say that the object does not exist, and nothing else will do.
func TestTombstoneNeedsTheRightAnswer(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.sync(t, "customers")
	id := h.remove(t, 1)[0]
	for fault, class := range map[string]error{
		"404:path=/v1/customers/" + id:               fetch.ErrContract, // as for a wrong route, or every route under a retired Polar-Version
		"403:path=/v1/customers/" + id:               fetch.ErrScope,
		"500:path=/v1/customers/" + id:               fetch.ErrTransient,
		"html:path=/v1/customers/" + id:              fetch.ErrContract,
		"reset:path=/v1/customers/" + id:             fetch.ErrTransient,
		"401:path=/v1/customers/" + id:               fetch.ErrAuth,
		"404:path=/v1/customers/*,method=GET,skip=1": fetch.ErrContract,
	} {
		h.fault(t, fault)
		r := h.runner(t, nil).Once(t.Context(), "customers")
		h.server.ClearFaults()
		if r.Outcome != mirror.Failed || !errors.Is(r.Err, class) || h.tombstones(t, "customers") != 0 {
			t.Errorf("%s: %s %v, %d marked", fault, r.Outcome, r.Err, h.tombstones(t, "customers"))
		}
	}
	h.sync(t, "customers")
	h.tombstone(t, "customers", id)
}

// Who does not find what it has just listed is not believed about the rest.
func TestTombstoneControl(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.sync(t, "customers")
	suspect := uuid.NewString()
	h.exec(t, "INSERT INTO customers SELECT (jsonb_populate_record(c, jsonb_build_object('id', $1::text, '_synced_at', '2020-01-01'))).* FROM customers c LIMIT 1", suspect)
	// The control is a row of the last page: every one of them is said not to exist.
	r := h.runner(t, changed("customers", func(s *mirror.Stream) { s.Get = "/v1/products/{id}" })).Once(t.Context(), "customers")
	partial(t, r, "does not exist")
	if h.tombstones(t, "customers") != 0 {
		t.Error("marked")
	}
	h.sync(t, "customers")
	h.tombstone(t, "customers", suspect)
}

// An empty list of a full table proves nothing, however small the table.
func TestTombstoneEmptyList(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.sync(t, "customers", "products", "metric_dashboards")
	h.fault(t, "empty:path=/v1/customers/")
	h.fault(t, "empty:path=/v1/products/")
	for range 3 {
		partial(t, h.Once(t.Context(), "customers"), "no longer listed")
		partial(t, h.Once(t.Context(), "products"), "lists none")
		partial(t, h.runner(t, changed("products", func(s *mirror.Stream) { s.Get = "" })).Once(t.Context(), "products"), "no longer listed")
	}
	if n := h.tombstones(t, "customers") + h.tombstones(t, "products"); n != 0 {
		t.Errorf("%d marked", n)
	}
	h.server.ClearFaults()

	// Where all rows are really gone, each of them is confirmed.
	for _, d := range h.upstream(t, mirror.Stream{Name: "metric_dashboards", Path: "/v1/metrics/dashboards"}) {
		h.want(t, http.StatusNoContent, http.MethodDelete, "/v1/metrics/dashboards/"+d["id"].(string), "")
	}
	h.sync(t, "metric_dashboards")
	h.equal(t, "metric_dashboards")
}

// A deleted customer is no longer listed, but its orders are, and show it.
func TestTombstoneOfACustomerThatOrdersReferTo(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	o := h.first(t, "/v1/orders/", nil, func(o map[string]any) bool { return o["customer"].(map[string]any)["deleted_at"] == nil })
	customer := o["customer_id"].(string)
	h.want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+customer, "")
	h.sync(t, "customers", "products", "subscriptions", "orders")
	h.tombstone(t, "customers", customer)
	h.equal(t, "customers", "products", "subscriptions", "orders")
	if from := query[string](t, h, "SELECT copied_from FROM sync_stubs WHERE stream = 'customers' AND id = $1 AND resolved_at IS NULL", customer); from != "orders" && from != "subscriptions" {
		t.Errorf("copied from %s", from)
	}
	if n := query[int](t, h, "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id)"); n != 0 {
		t.Errorf("%d orders without their customer", n)
	}
	// More sweeps change nothing about it.
	for name, r := range h.sync(t, "customers", "orders") {
		if r.Inserted+r.Updated != 0 || r.Deleted != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A copy never overwrites a row that was read for itself; such a row replaces the copy.
func TestTombstoneStubGivesWay(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.sync(t, "orders") // nothing else is there yet: customers, products and subscriptions come as copies
	stubs := query[int](t, h, "SELECT count(*) FROM sync_stubs WHERE stream = 'customers' AND resolved_at IS NULL")
	if stubs == 0 || stubs != query[int](t, h, "SELECT count(DISTINCT customer_id) FROM orders") {
		t.Fatalf("%d customers were copied", stubs)
	}
	if prices := query[int](t, h, "SELECT count(*) FROM product_prices"); prices != 0 {
		t.Errorf("a partial copy brought %d prices", prices)
	}
	h.sync(t, "products", "customers", "subscriptions")
	h.equal(t, "products", "customers", "subscriptions")
	if n := query[int](t, h, `SELECT count(*) FROM sync_stubs s JOIN customers c ON c.id = s.id
		WHERE s.stream = 'customers' AND (s.resolved_at IS NULL) <> (c._deleted_at IS NOT NULL)`); n != 0 {
		t.Errorf("%d stubs are neither replaced nor deleted customers", n)
	}
	// The other way round: orders that changed bring their copies along again, which are older than they look.
	h.exec(t, "UPDATE customers SET name = 'read for itself', _hash = '\\x00' WHERE _deleted_at IS NULL")
	h.exec(t, "UPDATE orders SET _hash = '\\x00'")
	if r := h.sync(t, "orders")["orders"]; r.Updated == 0 {
		t.Fatalf("%+v", r)
	}
	if n := query[int](t, h, "SELECT count(*) FROM customers WHERE name <> 'read for itself' AND _deleted_at IS NULL"); n != 0 {
		t.Errorf("%d rows were overwritten by copies", n)
	}
}
