package tail_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

func TestTailFollowsTheWorld(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	h.World.Advance(5 * 24 * time.Hour)
	res := h.Round(t)
	t.Logf("after five days: %d requests, %d inserted, %d updated", res.Requests, res.Inserted, res.Updated)
	h.Equal(t, "orders", "payments", "customers", "members")
	h.seen(t, "subscriptions", "status", "current_period_end", "amount", "canceled_at", "ended_at")
	for range worldtest.EveryTurn {
		h.Round(t)
	}
	for range 5 {
		if res = h.Round(t); res.Requests > tail.RoundRequests || res.Inserted+res.Updated > 0 {
			t.Errorf("a quiet round: %d requests, %d inserted, %d updated; want at most %d, and no change", res.Requests, res.Inserted, res.Updated, tail.RoundRequests)
		}
	}
}

// Rows never modified come first in descending order of modified_at, so the newest change has to be searched for.
func TestTailFindsModifiedRowsBehindThoseNeverModified(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 500}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	for i, d := range []time.Duration{time.Minute, 20 * time.Hour, time.Hour, 9 * 24 * time.Hour} {
		h.World.Advance(d)
		res, err := h.Tail(t.Context(), "customer_meters")
		if err != nil || res.Err != nil {
			t.Fatal(err, res.Err)
		}
		t.Logf("step %d: %d requests, %d inserted, %d updated", i, res.Requests, res.Inserted, res.Updated)
		// Rows of archived meters are hidden from this list, and from the tail.
		h.seen(t, "customer_meters", "consumed_units", "modified_at")
	}
}

// seen demands that the rows of a list are here, and some of their fields as Polar has them.
func (h *harness) seen(t *testing.T, stream string, fields ...string) {
	t.Helper()
	here := map[any]map[string]any{}
	for _, row := range h.Stored(t, stream, "_deleted_at IS NULL") {
		here[row["id"]] = row
	}
	i := slices.IndexFunc(catalog.Entries(), func(s catalog.Entry) bool { return s.Name == stream })
	for _, item := range h.All(t, catalog.Entries()[i].Path, nil) {
		row := here[item["id"]]
		if row == nil {
			t.Errorf("%s %s is missing", stream, item["id"])
			continue
		}
		for _, f := range fields {
			if !worldtest.Alike(row[f], item[f]) {
				t.Errorf("%s %s: %s is %v, the API has %v", stream, item["id"], f, row[f], item[f])
			}
		}
	}
}

// What no tail sees is in docs/freshness.md, word for word as in the table of streams.
func TestTailUnseenIsDocumented(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	want.WriteString("| stream | unseen by tails |\n|---|---|\n")
	for _, s := range catalog.Entries() {
		unseen := s.Tail.Unseen
		if unseen == "" {
			t.Errorf("%s does not say what its tail cannot see", s.Name)
		}
		fmt.Fprintf(&want, "| `%s` | %s |\n", s.Name, unseen)
	}
	page, err := os.ReadFile("../../docs/freshness.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- generated: unseen -->\n")
	got, _, found := strings.Cut(rest, "<!-- /generated -->")
	if !found || got != want.String() {
		t.Errorf("docs/freshness.md, between the marks of unseen, wants this (make generate):\n%s", want.String())
	}
}

// A count that equals is no reason for a sweep, whatever it was before; one that differs again is.
func TestTailEqualCountIsNoReason(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t, "customers", "members")
	rounds := func(due int) {
		t.Helper()
		for range worldtest.EveryTurn {
			h.Round(t)
		}
		if got, err := tails.New(h.Store.Pool()).SweepsDue(t.Context()); err != nil || len(got) != due {
			t.Errorf("sweeps due: %v (%v), want %d", got, err, due)
		}
	}
	h.Fault(t, "total:path=/v1/members/,value=+1") // counted, and not to be seen yet
	rounds(0)
	h.Server.ClearFaults()
	rounds(0)
	h.Fault(t, "total:path=/v1/members/,value=+1")
	rounds(1)
}

// A row that is gone shows in a count, brings a sweep forward, and stays until that sweep has evidence.
func TestTailTakesNoAbsenceForADeletion(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	for range worldtest.EveryTurn {
		h.Round(t)
	}
	if due, err := tails.New(h.Store.Pool()).SweepsDue(t.Context()); err != nil || len(due) > 0 {
		t.Fatalf("sweeps are due in a quiet world: %v, %v", due, err)
	}
	member := h.All(t, "/v1/members/", url.Values{"role": {"member"}})[0]
	path := fmt.Sprintf("/v1/customers/%s/members/%s", member["customer_id"], member["id"])
	if status, body := h.Call(t, http.MethodDelete, path, ""); status >= 300 {
		t.Fatalf("DELETE %s: %d %s", path, status, body)
	}
	for range worldtest.EveryTurn {
		h.Round(t)
	}
	if gone := h.Stored(t, "members", "_deleted_at IS NOT NULL"); len(gone) > 0 {
		t.Errorf("a tail marked %d members as deleted", len(gone))
	}
	due, err := tails.New(h.Store.Pool()).SweepsDue(t.Context())
	if err != nil || len(due) != 1 || due["members"] == "" {
		t.Errorf("sweeps due: %v (%v), want that of members", due, err)
	}
	h.SyncAll(t, "members")
	h.Equal(t, "members")
	if due, err := tails.New(h.Store.Pool()).SweepsDue(t.Context()); err != nil || len(due) > 0 {
		t.Errorf("still due after the sweep: %v, %v", due, err)
	}
}

// Each slow question has its turn within everyTurn rounds, whatever the others cost.
func TestTailGivesEachSlowQuestionItsTurn(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 20, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	unasked := func() (names []string) {
		asked := map[string]map[string]any{}
		for _, text := range h.Texts(t, "SELECT json_build_object(stream, tail->'asked')::text FROM sync_streams WHERE tail ? 'asked'") {
			worldtest.Decode(t, []byte(text), &asked)
		}
		for _, s := range catalog.Entries() {
			for _, p := range s.Tail.Slow {
				if !s.Optional && s.OptIn == "" && asked[s.Name][p.Name()] == nil {
					names = append(names, s.Name+" "+p.Name())
				}
			}
		}
		return names
	}
	h.Round(t)
	if len(unasked()) == 0 {
		t.Fatal("one round asks all: this shows nothing of turns")
	}
	for range worldtest.EveryTurn - 1 {
		h.Round(t)
	}
	if left := unasked(); len(left) > 0 {
		t.Errorf("after %d rounds nobody has asked %v", worldtest.EveryTurn, left)
	}
}

// The first round after a sync has no mark in the feeds yet. It begins where the sweeps did, and need not ask where the feeds end.
// A round with requests to spare asks all slow probes, and tells how many it has left.
func TestTailSparesForSlowQuestions(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t)
	const spare = 100
	plan, err := h.Plan(t.Context(), spare)
	if err != nil {
		t.Fatal(err)
	}
	res, left, err := h.TailSparing(t.Context(), spare, 0)
	if err != nil || res.Outcome != mirror.Succeeded {
		t.Fatal(res, err)
	}
	if spent := int(res.Requests); spent <= tail.RoundRequests || spent > plan.Round || left < spare+tail.RoundRequests-plan.Round-1 || left >= spare {
		t.Errorf("%d requests, %d are left; the plan says %d a round", spent, left, plan.Round)
	}
	if late := h.Texts(t, "SELECT stream FROM freshness WHERE cardinality(covered_by) > 0 AND polled_at IS NULL"); len(late) > 0 {
		t.Errorf("not asked about: %v", late)
	}
	for _, c := range plan.Streams {
		if c.Rounds > 1 {
			t.Errorf("%s is seen after %d rounds", c.Stream, c.Rounds)
		}
	}
}

// The feeds tell the first round also of what happened in the minutes before the sweeps, which have shown most of it. What the rest
// costs is taken from slow probes.
func TestTailFirstRoundAfterABusyMinute(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 40, NoWebhook: true}})
	for i, c := range h.All(t, "/v1/customers/", nil)[:12] {
		h.rename(t, c["id"], fmt.Sprintf("Renamed %d", i))
	}
	h.World.Advance(2 * time.Minute)
	// Of what Polar dates back nobody knows whether the sweeps have shown it: it is fetched.
	var made []string
	product := h.All(t, "/v1/products/", url.Values{"is_archived": {"false"}})[0]["id"].(string)
	for range 3 {
		made = append(made, h.Make(t, "/v1/checkouts/", `{"products":["`+product+`"]}`))
	}
	h.SyncAll(t)
	if res := h.Round(t); res.Requests > tail.RoundRequests {
		t.Errorf("the first round: %d requests; want at most %d", res.Requests, tail.RoundRequests)
	}
	if told := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_feed_entries"); told < 15 {
		t.Errorf("the feed has told of %d changes: too few for this test", told)
	}
	slices.Sort(made)
	if fetched := h.Texts(t, "SELECT value FROM sync_changes WHERE stream IN ('checkouts', 'customers') ORDER BY value"); !slices.Equal(fetched, made) {
		t.Errorf("fetched %v, want %v", fetched, made)
	}
}

func TestTailFirstRoundCostsNoMore(t *testing.T) {
	t.Parallel()
	feedWorlds(t, func(t *testing.T, hook bool) {
		h := start(t, setup{World: polarsim.Options{Customers: 60}, Mirror: worldtest.Tailing})
		if hook {
			h.hook(t)
		}
		h.SyncAll(t)
		res := h.Round(t)
		if res.Requests > tail.RoundRequests || res.Inserted+res.Updated > 0 {
			t.Errorf("the first round: %d requests, %d inserted, %d updated; want at most %d, and no change", res.Requests, res.Inserted, res.Updated, tail.RoundRequests)
		}
	})
}
