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

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// refreshed makes one run and demands its outcome.
func (h *harness) refreshed(t *testing.T, want mirror.Outcome, stream string, ids ...string) mirror.Result {
	t.Helper()
	list := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		list[i] = uuid.MustParse(id)
	}
	r := h.Refresh(t.Context(), stream, list...)
	if r.Outcome != want || (want == mirror.Succeeded) != (r.Reason == "") || r.Kind != "refresh" {
		t.Errorf("refresh of %s: %s, because %q; want %s", stream, r.Outcome, r.Reason, want)
	}
	return r
}

// Whatever somebody did to a row, its digest says that nothing changed: only a forced write mends it.
func TestRefreshMendsWhatWasDamagedByHand(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers", "members", "products", "subscriptions", "orders", "refunds", "metric_dashboards")
	for name, damage := range map[string]struct{ stream, sql string }{
		"amount":            {"orders", "UPDATE orders SET total_amount = total_amount + 1 WHERE id = $1"},
		"currency":          {"orders", "UPDATE orders SET currency = 'xyz' WHERE id = $1"},
		"row lost":          {"orders", "DELETE FROM orders WHERE id = $1"},
		"marked as deleted": {"orders", "UPDATE orders SET _deleted_at = now() WHERE id = $1"},
		"child changed":     {"orders", "UPDATE order_items SET amount = amount + 1 WHERE order_id = $1"},
		"child lost":        {"orders", "DELETE FROM order_items WHERE order_id = $1"},
		"child removed":     {"orders", "UPDATE order_items SET _removed_at = now() WHERE order_id = $1"},
		"child too many":    {"orders", "INSERT INTO order_items SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid()))).* FROM order_items i WHERE order_id = $1 LIMIT 1"},
		"row lost, child too many": {"orders", `WITH gone AS (DELETE FROM orders WHERE id = $1)
			INSERT INTO order_items SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid()))).* FROM order_items i WHERE order_id = $1 LIMIT 1`},
		"name of a member":                        {"members", "UPDATE members SET name = 'x', _extra = '{\"a\": 1}' WHERE id = $1"},
		"refund, found by the filter of its list": {"refunds", "UPDATE refunds SET amount = amount + 1 WHERE id = $1"},
		"refund lost":                             {"refunds", "DELETE FROM refunds WHERE id = $1"},
		"dashboard":                               {"metric_dashboards", "UPDATE metric_dashboards SET name = NULL WHERE id = $1"},
	} {
		t.Run(name, func(t *testing.T) {
			id := worldtest.Query[string](t, h, "SELECT id::text FROM "+damage.stream+" WHERE _deleted_at IS NULL ORDER BY id LIMIT 1")
			if h.Exec(t, damage.sql, id) == 0 {
				t.Fatal("nothing was damaged")
			}
			r := h.refreshed(t, mirror.Succeeded, damage.stream, id, id)
			if r.Read != 1 || r.Inserted+r.Updated != 1 {
				t.Errorf("%+v", r.Counts)
			}
			h.Equal(t, damage.stream)
		})
	}
}

func TestRefreshMarksWhatDoesNotExist(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers", "members")
	ids := h.Remove(t, 2)
	member := worldtest.Query[string](t, h, "SELECT id::text FROM members WHERE customer_id = $1", ids[0])
	r := h.refreshed(t, mirror.Succeeded, "customers", ids[0])
	if r.Deleted != 1 {
		t.Errorf("%+v", r)
	}
	h.Tombstone(t, "customers", ids[0])
	if evidence := worldtest.Query[string](t, h, "SELECT evidence FROM sync_tombstones WHERE id = $1", ids[0]); evidence != "GET /v1/customers/{id} answered 404 ResourceNotFound" {
		t.Errorf("evidence: %q", evidence)
	}
	// Marked already: nothing more to do.
	if r := h.refreshed(t, mirror.Succeeded, "customers", ids[0]); r.Deleted != 0 {
		t.Errorf("again: %+v", r)
	}
	there := worldtest.Query[string](t, h, "SELECT id::text FROM customers WHERE _deleted_at IS NULL AND id <> $1 LIMIT 1", ids[1])
	if r := h.refreshed(t, mirror.Succeeded, "customers", there, ids[1]); r.Deleted != 1 || r.Updated != 1 {
		t.Errorf("%+v", r)
	}
	h.Equal(t, "customers")
	if r := h.refreshed(t, mirror.Succeeded, "members", member); r.Deleted != 1 {
		t.Errorf("member: %+v", r)
	}

	// What neither side has is no success, and no row.
	nobody := uuid.NewString()
	r = h.refreshed(t, mirror.Partial, "customers", nobody)
	if !strings.Contains(r.Reason, nobody) || worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE id = $1", nobody) != 0 {
		t.Errorf("%+v", r)
	}
	if r := h.refreshed(t, mirror.Failed, "members", nobody); !strings.Contains(r.Reason, "sync the stream") {
		t.Errorf("%+v", r)
	}
}

// Nothing but {"error":"ResourceNotFound"} says that an object does not exist.
func TestRefreshNeedsTheRightAnswer(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	id := h.Remove(t, 1)[0]
	for fault, class := range map[string]error{
		"404:path=/v1/customers/" + id:   fetch.ErrContract,
		"403:path=/v1/customers/" + id:   fetch.ErrScope,
		"500:path=/v1/customers/" + id:   fetch.ErrTransient,
		"html:path=/v1/customers/" + id:  fetch.ErrContract,
		"reset:path=/v1/customers/" + id: fetch.ErrTransient,
		"401:path=/v1/customers/" + id:   fetch.ErrAuth,
	} {
		h.Fault(t, fault)
		r := h.NewMirror(t, nil).Refresh(t.Context(), "customers", uuid.MustParse(id))
		h.Server.ClearFaults()
		if r.Outcome != mirror.Failed || !errors.Is(r.Err, class) || h.tombstones(t, "customers") != 0 {
			t.Errorf("%s: %s %v, %d marked", fault, r.Outcome, r.Err, h.tombstones(t, "customers"))
		}
	}
	// An API that does not find any other row either is not believed.
	r := h.NewMirror(t, worldtest.Changed("customers", func(s *catalog.Entry) { s.Get = "/v1/products/{id}" })).Refresh(t.Context(), "customers", uuid.MustParse(id))
	partial(t, r, "not believed")
	// Nor one that finds none of many.
	var gone []uuid.UUID
	for _, id := range h.Remove(t, 21) {
		gone = append(gone, uuid.MustParse(id))
	}
	partial(t, h.Refresh(t.Context(), "customers", gone...), "brake")
	if h.tombstones(t, "customers") != 0 {
		t.Error("marked")
	}
	// Another object than the one asked for is not stored.
	r = h.NewMirror(t, worldtest.Changed("customers", func(s *catalog.Entry) { s.Get = "/v1/customers/" + h.alive(t) })).Refresh(t.Context(), "customers", gone[0])
	if r.Outcome != mirror.Failed || !strings.Contains(r.Reason, "another object") || r.Pages != 0 {
		t.Errorf("%+v", r)
	}
}

func (h *harness) alive(t *testing.T) string {
	t.Helper()
	return h.First(t, "/v1/customers/", nil, func(map[string]any) bool { return true })["id"].(string)
}

// One object that cannot be had does not keep the others from being stored; an API that is down is not asked for each.
func TestRefreshOfSeveral(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	var ids []string
	for _, c := range h.All(t, "/v1/customers/", nil)[:5] {
		ids = append(ids, c["id"].(string))
	}
	h.Exec(t, "UPDATE customers SET name = 'damaged'")
	h.Fault(t, "500:path=/v1/customers/"+ids[1])
	r := h.refreshed(t, mirror.Partial, "customers", ids...)
	if r.Updated != 4 || !strings.Contains(r.Reason, ids[1]) {
		t.Errorf("%+v", r)
	}
	h.Server.ClearFaults()
	h.Fault(t, "404:path=/v1/customers/*")
	asked := h.Server.Requests()
	if r := h.refreshed(t, mirror.Failed, "customers", ids...); h.Server.Requests()-asked != 6 || !errors.Is(r.Err, fetch.ErrContract) {
		t.Errorf("%d requests, %+v", h.Server.Requests()-asked, r)
	}
	h.Server.ClearFaults()
	h.Fault(t, "nul:path=/v1/customers/*,id="+ids[0])
	r = h.refreshed(t, mirror.Partial, "customers", ids[0], ids[1])
	if r.Rejected != 1 || r.Updated != 1 || !strings.Contains(r.Reason, "sync_rejects") {
		t.Errorf("%+v", r)
	}
}

// A refresh takes no lease, so it does not wait for the sweep that has it; the sweep's older page does not undo it.
func TestRefreshBesideASweep(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	goOn := h.paused(t, nil)
	customer := h.alive(t)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+customer, `{"name":"changed meanwhile"}`)
	if r := h.refreshed(t, mirror.Succeeded, "customers", customer); r.Updated != 1 {
		t.Errorf("%+v", r)
	}
	if r := goOn(); r.Outcome != mirror.Succeeded {
		t.Errorf("the sweep: %s %s", r.Outcome, r.Reason)
	}
	h.Equal(t, "customers")
}

func TestRefreshByExternalID(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.Make(t, "/v1/customers/", `{"email":"slash@example.com","external_id":"a/b ?c"}`)
	odd := h.Make(t, "/v1/customers/", `{"email":"odd@example.com","external_id":"?ö %2F"}`)
	plain := h.Make(t, "/v1/customers/", `{"email":"plain@example.com","external_id":"plain-1"}`)
	external := func(want mirror.Outcome, stream string, ids ...string) mirror.Result {
		t.Helper()
		r := h.RefreshExternal(t.Context(), stream, ids...)
		if r.Outcome != want {
			t.Errorf("%s %q: %s %s, want %s", stream, ids, r.Outcome, r.Reason, want)
		}
		return r
	}
	// A slash in an id is part of the path for Polar's router, whatever its escape.
	if r := external(mirror.Failed, "customers", "a/b ?c"); !errors.Is(r.Err, fetch.ErrContract) && !errors.Is(r.Err, fetch.ErrNotFound) {
		t.Errorf("%+v", r)
	}
	if r := external(mirror.Succeeded, "customers", "?ö %2F"); r.Inserted != 1 || worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE id = $1", odd) != 1 {
		t.Errorf("%+v", r)
	}
	if r := external(mirror.Succeeded, "customers", "plain-1"); r.Inserted != 1 {
		t.Errorf("%+v", r)
	}
	if got := worldtest.Query[string](t, h, "SELECT id::text FROM customers WHERE external_id = 'plain-1'"); got != plain {
		t.Errorf("%s, want %s", got, plain)
	}
	member := h.Make(t, "/v1/customers/"+h.teamOf(t, "ext-team")+"/members", `{"email":"m@example.com","external_id":"m-1"}`)
	if r := external(mirror.Succeeded, "members", "ext-team", "m-1"); r.Inserted != 1 || worldtest.Query[string](t, h, "SELECT id::text FROM members WHERE external_id = 'm-1'") != member {
		t.Errorf("%+v", r)
	}

	// Given to a new customer, the id is taken from the old one, whose row must not keep it.
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+plain, "")
	again := h.Make(t, "/v1/customers/", `{"email":"other@example.com","external_id":"plain-1"}`)
	r := external(mirror.Succeeded, "customers", "plain-1")
	if r.Deleted != 1 || r.Inserted != 1 {
		t.Errorf("%+v", r)
	}
	h.Tombstone(t, "customers", plain)
	// Gone for both: the row is marked, and then there is nobody left to refresh.
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+again, "")
	h.SyncAll(t, "customers")
	h.Exec(t, "UPDATE customers SET _deleted_at = NULL WHERE id = $1", again)
	if r := external(mirror.Succeeded, "customers", "plain-1"); r.Deleted != 1 {
		t.Errorf("%+v", r)
	}
	if r := external(mirror.Partial, "customers", "plain-1"); !strings.Contains(r.Reason, "neither Polar nor the mirror") {
		t.Errorf("%+v", r)
	}
	if r := external(mirror.Failed, "orders", "1"); !errors.Is(r.Err, mirror.ErrNotSingle) {
		t.Errorf("%+v", r)
	}
}

func (h *harness) teamOf(t *testing.T, external string) string {
	t.Helper()
	return h.Make(t, "/v1/customers/", fmt.Sprintf(`{"type":"team","email":"%s@example.com","name":"Team","external_id":%q}`, external, external))
}

// Streams without a GET by id, by a filter of their list.
func TestRefreshByAFilter(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	by := func(column string) func(*catalog.Config) {
		return worldtest.Changed("orders", func(s *catalog.Entry) {
			s.Get, s.Pick = "", streams.Pick{Param: "customer_id", Column: column}
		})
	}
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	o := h.First(t, "/v1/orders/", url.Values{}, func(map[string]any) bool { return true })
	h.Exec(t, "UPDATE orders SET total_amount = -1")
	of := worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE customer_id = $1", o["customer_id"])
	id, nobody := uuid.MustParse(o["id"].(string)), uuid.New()
	r := h.NewMirror(t, by("customer_id")).Refresh(t.Context(), "orders", id, nobody)
	partial(t, r, nobody.String()+" is not listed")
	if int(r.Updated) != of || worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE total_amount = -1 AND customer_id = $1", o["customer_id"]) != 0 {
		t.Errorf("%+v, of %d", r, of)
	}
	r = h.NewMirror(t, worldtest.Changed("orders", func(s *catalog.Entry) { s.Get = "" })).Refresh(t.Context(), "orders", id)
	if r.Outcome != mirror.Failed || !errors.Is(r.Err, mirror.ErrNotSingle) {
		t.Errorf("%+v", r)
	}
	if streams := catalog.Entries(); !slices.ContainsFunc(streams, func(s catalog.Entry) bool { _, n := s.RefreshKeys(); return s.Name == "members" && n == 2 }) {
		t.Error("members are not found by external ids")
	}
}
