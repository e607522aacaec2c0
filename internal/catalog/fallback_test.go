package catalog_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

const (
	noMembers = "ended:path=/v1/members/,method=GET,value=405" // POST is left
	allOfThem = "GET /v1/members/"
	oneByOne  = "GET /v1/customers/{id}/members"
)

// equalMembers compares members with the list of all, which is there for as long as that takes.
func (h *harness) equalMembers(t *testing.T) {
	t.Helper()
	h.Server.ClearFaults()
	h.Equal(t, "members")
	h.Fault(t, noMembers)
}

func (h *harness) deletedMembers(t *testing.T) int {
	t.Helper()
	return worldtest.Query[int](t, h, "SELECT count(*) FROM members WHERE _deleted_at IS NOT NULL")
}

// When Polar ends the list of all members they are read by the lists of customers: sweeps, tails and audits go on, nothing is
// deleted by going over, there or back, and what is really gone is found. One request finds out.
func TestMembersWithoutTheListOfAll(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30, NoWebhook: true}, Server: polarsim.ServerOptions{FreshState: true}, Mirror: worldtest.Tailing})
	h.complete(t, h.Mirror, "with the list")
	deleted := h.deletedMembers(t)

	h.Fault(t, noMembers)
	h.Mirror = h.NewMirror(t, worldtest.Tailing)
	h.Server.Reset()
	h.complete(t, h.Mirror, "without the list")
	asked := h.Server.RequestsByPath()
	if asked[allOfThem] != 1 || asked[oneByOne] == 0 || asked[oneByOne] > h.World.Counts()["customers"] || h.deletedMembers(t) != deleted {
		t.Errorf("%d requests for all, %d for those of one customer of %d; %d are deleted, before %d",
			asked[allOfThem], asked[oneByOne], h.World.Counts()["customers"], h.deletedMembers(t), deleted)
	}
	h.equalMembers(t)

	t.Run("an event of its customer shows a member", func(t *testing.T) {
		team := newCustomer("team", "fallback")(t, h)
		h.Round(t)
		added := h.Make(t, "/v1/customers/"+team+"/members", `{"email":"added@example.com"}`)
		h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+team, `{"name":"Told"}`)
		h.Server.Reset()
		h.Round(t)
		h.equalMembers(t)
		if asked := h.Server.RequestsByPath(); asked[oneByOne] == 0 || asked[oneByOne] > 2 {
			t.Errorf("asked %v", asked)
		}
		h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+team+"/members/"+added, "")
		h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+team, `{"name":"Told again"}`)
		h.Round(t)
		h.Tombstone(t, "members", added)
		h.equalMembers(t)
	})
	t.Run("a sweep finds what nobody tells of", func(t *testing.T) {
		team := newCustomer("team", "untold")(t, h)
		gone := h.Make(t, "/v1/customers/"+team+"/members", `{"email":"gone@example.com"}`)
		h.SyncAll(t, "customers", "members")
		h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+team+"/members/"+gone, "")
		h.Make(t, "/v1/customers/"+team+"/members", `{"email":"new@example.com"}`)
		left := h.Remove(t, 1)[0]
		h.SyncAll(t, "customers", "members")
		if h.deletedMembers(t) != deleted+1 {
			t.Error("one sweep that did not meet a member is enough: the list of its customer may be what is gone")
		}
		h.Exec(t, "UPDATE sync_suspects SET noticed_at = noticed_at - interval '1 hour'")
		h.SyncAll(t, "customers", "members")
		h.Tombstone(t, "members", gone)
		h.equalMembers(t)
		if n := worldtest.Query[int](t, h, "SELECT count(*) FROM members WHERE customer_id = $1 AND _deleted_at IS NULL", uuid.MustParse(left)); n > 0 {
			t.Errorf("%d members of a customer that is gone are left", n)
		}
	})
	t.Run("plan tells what it costs", func(t *testing.T) {
		m := h.NewMirror(t, nil)
		plan, err := m.Plan(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		costs := plan.Streams
		h.Server.Reset()
		h.SyncAll(t, "members")
		spent := h.Server.RequestsByPath()[oneByOne] + h.Server.RequestsByPath()[allOfThem]
		for _, c := range costs {
			if c.Stream == "members" && (c.Requests != spent || c.Rows != -1 || strings.Join(c.CoveredBy, "") != "events") {
				t.Errorf("plan says %+v, a sweep takes %d", c, spent)
			}
		}
	})

	h.Server.ClearFaults()
	deleted = h.deletedMembers(t)
	h.Server.Reset()
	h.complete(t, h.Mirror, "with the list again")
	h.Equal(t, "members")
	if asked := h.Server.RequestsByPath(); asked[oneByOne] > 0 || h.deletedMembers(t) != deleted {
		t.Errorf("asked %v; %d are deleted, before %d", asked, h.deletedMembers(t), deleted)
	}
}

// A mirror that is made without the list of all asks every customer once; from then on those that can have members, and new ones.
func TestMembersAreAskedForWhereThereMayBeAny(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30}})
	h.Fault(t, "ended:path=/v1/members/")
	var bare []any // individual customers whose only member is gone, as far as the mirror knows
	h.SyncAll(t, "customers", "members")
	h.equalMembers(t)
	if asked, n := h.Server.RequestsByPath()[oneByOne], h.World.Counts()["customers"]; asked != n {
		t.Errorf("%d of %d customers were asked", asked, n)
	}
	for _, row := range h.Stored(t, "customers", "type = 'individual' AND _deleted_at IS NULL ORDER BY id LIMIT 3") {
		h.Exec(t, "DELETE FROM members WHERE customer_id = $1", row["id"])
		bare = append(bare, row["id"])
	}
	h.Exec(t, "UPDATE customers SET _synced_at = now() - interval '1 hour'")
	h.Server.Reset()
	h.SweepOnce(t.Context(), "members")
	if asked, n := h.Server.RequestsByPath()[oneByOne], h.World.Counts()["customers"]-len(bare); asked != n {
		t.Errorf("%d customers were asked, %d can have members", asked, n)
	}
	h.Want(t, http.StatusOK, http.MethodPatch, fmt.Sprintf("/v1/customers/%s", bare[0]), `{"type":"team"}`)
	h.Want(t, http.StatusOK, http.MethodPatch, fmt.Sprintf("/v1/customers/%s", bare[1]), `{"name":"Changed"}`)
	h.SyncAll(t, "customers", "members")
	for i, want := range []int{1, 1, 0} {
		if n := worldtest.Query[int](t, h, "SELECT count(*) FROM members WHERE customer_id = $1", bare[i]); n != want {
			t.Errorf("customer %d has %d members, want %d", i, n, want)
		}
	}
}

// draining stops a mirror when so many lists of members have been asked for.
type draining struct {
	after atomic.Int64
	m     *catalog.Mirror
}

func (d *draining) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/members") && d.after.Add(-1) == 0 {
		d.m.Drain()
	}
	return http.DefaultTransport.RoundTrip(req)
}

// A sweep that had fallen back and was interrupted goes on where it stopped, in the next process.
func TestMembersAreResumedWithoutTheListOfAll(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}})
	h.SyncAll(t, "customers")
	h.Fault(t, noMembers)
	d := &draining{}
	d.after.Store(40)
	d.m = h.MirrorThrough(t, d, slog.New(slog.DiscardHandler))
	if res := d.m.SweepOnce(t.Context(), "members"); res.Outcome != mirror.Interrupted {
		t.Fatalf("%s: %s", res.Outcome, res.Reason)
	}
	h.SyncAll(t, "members")
	h.equalMembers(t)
	if asked, n := h.Server.RequestsByPath(), h.World.Counts()["customers"]; asked[oneByOne] > n+25 || asked[allOfThem] > 3 {
		t.Errorf("%d customers were asked of %d, and %d times for all", asked[oneByOne], n, asked[allOfThem])
	}
}
