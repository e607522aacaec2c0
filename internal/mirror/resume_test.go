package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

// digests of all rows of the tables of streams, without the times at which they were read and written.
func (h *harness) digests(t *testing.T) string {
	t.Helper()
	var lines []string
	for table := range strings.FieldsSeq(worldtest.Query[string](t, h, `SELECT string_agg(table_name, ' ') FROM information_schema.columns WHERE table_schema = 'polar' AND column_name = '_hash'`)) {
		lines = append(lines, table+": "+worldtest.Query[string](t, h, `
			SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(row, ',' ORDER BY row)), 'none')
			FROM (SELECT md5((to_jsonb(t) - '{_synced_at,_requested_at,_deleted_at}'::text[] || jsonb_build_object('dead', to_jsonb(t)->>'_deleted_at' IS NOT NULL))::text)
			      FROM `+pgx.Identifier{table}.Sanitize()+` t) AS d(row)`))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// redone bounds the requests that an interruption may cost: the pages read ahead, and a seam. A sweep by page number that was
// stopped looks once more for new rows before it ends.
const redone = store.MaxPages + 1

// A sweep that is stopped after each of its pages, in whatever way, ends with the tables of one that was left alone.
func TestResumeAfterEveryPage(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"orders", "payments", "members"} { // by time, by page, by page with ties
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			path := "/v1/" + stream + "/"
			world := polarsim.Options{Customers: 160}
			alone := start(t, setup{World: world})
			pages := int(alone.SyncAll(t, stream)[stream].Pages)
			usual, want := alone.Server.RequestsByPath()["GET "+path], alone.digests(t)
			if pages < 3 {
				t.Fatalf("%d pages are too few", pages)
			}
			for _, way := range []string{"drain", "cancel", "fault"} {
				t.Run(way, func(t *testing.T) {
					t.Parallel()
					h := start(t, setup{World: world})
					if way == "drain" { // it may let pass all that was read already, so the third page has to wait for it
						h.Fault(t, "stall:path="+path+",skip=2,times=1,for=1s")
					}
					stops := 0
					var res mirror.Result
					for ; res.Outcome != mirror.Succeeded; stops++ {
						if stops < pages {
							res = h.stopped(t, stream, way)
						} else { // was stopped often enough
							res = h.SyncAll(t, stream)[stream]
						}
						if stops > 0 && worldtest.Query[bool](t, h, "SELECT sweep_id = id FROM sync_runs WHERE id = $1", res.RunID) {
							t.Fatalf("began again: %+v", res)
						}
					}
					stops-- // the last one was none
					if got := h.digests(t); got != want {
						t.Errorf("the tables differ:\n%s\nleft alone:\n%s", got, want)
					}
					if n := worldtest.Query[int](t, h, "SELECT count(DISTINCT sweep_id) FROM sync_runs WHERE stream = $1", stream); n != 1 {
						t.Errorf("%d sweeps", n)
					}
					asked := h.Server.RequestsByPath()["GET "+path]
					// A drain lets pass what was read already; the others stop at once.
					most := usual + redone*stops + 2 // the front is looked at once more at the end, and the page behind it where the two share a time
					if way == "fault" {
						most += stops // the 404 is asked for once more, in no version of the API
					}
					if stops < 1 || way != "drain" && stops*store.MaxPages < pages-1 || asked > most {
						t.Errorf("%d requests with %d stops, %d when left alone in %d pages", asked, stops, usual, pages)
					}
				})
			}
		})
	}
}

// stopped makes a run that is stopped when it has stored a page, or several that were ready.
func (h *harness) stopped(t *testing.T, stream, way string) mirror.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var r *catalog.Mirror
	r = h.NewMirror(t, func(c *catalog.Config) {
		c.Observer = worldtest.Observer(func() {
			switch way {
			case "drain":
				r.Drain()
			case "cancel":
				cancel()
			}
		})
	})
	if way == "fault" {
		h.Fault(t, fmt.Sprintf("404:path=/v1/%s/,skip=1", stream))
		defer h.Server.ClearFaults()
	}
	res := r.SweepOnce(ctx, stream)
	want := mirror.Interrupted
	if way == "fault" {
		want = mirror.Failed
	}
	if res.Outcome != want && res.Outcome != mirror.Succeeded {
		t.Errorf("%s: %s: %s", way, res.Outcome, res.Reason)
	}
	if got := worldtest.Query[string](t, h, "SELECT outcome FROM sync_runs WHERE id = $1", res.RunID); got != string(res.Outcome) {
		t.Errorf("recorded as %s, want %s", got, res.Outcome)
	}
	return res
}

// Postgres cuts every connection in the middle of a sweep.
func TestResumeAfterLostConnections(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.Options{Customers: 120}
	alone := start(t, setup{World: world})
	alone.SyncAll(t, "orders")
	h := start(t, setup{World: world})
	h.Fault(t, "stall:path=/v1/orders/,skip=3,times=1,for=3s") // so that the cut falls into the sweep: on a busy machine, too, what came before is stored meanwhile
	cuts := 0
	r := h.NewMirror(t, func(c *catalog.Config) {
		c.Observer = worldtest.Observer(func() {
			if cuts++; cuts == 2 {
				h.CutConnections(t)
			}
		})
	})
	res := r.SweepOnce(t.Context(), "orders")
	if res.Outcome != mirror.Failed && res.Outcome != mirror.Succeeded { // the pool may have noticed in time
		t.Errorf("%+v", res)
	}
	if cuts < 2 {
		t.Fatal("no connection was cut")
	}
	again := h.SyncAll(t, "orders")["orders"]
	if res.Outcome == mirror.Failed && (!again.Resumed || again.Inserted == 0 && res.Inserted < int64(again.Distinct)) {
		t.Errorf("after %s it began again: %+v", res.Reason, again)
	}
	if got, want := h.digests(t), alone.digests(t); got != want {
		t.Errorf("the tables differ:\n%s\nleft alone:\n%s", got, want)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_runs WHERE finished_at IS NULL"); n != 0 {
		t.Errorf("%d runs are open", n)
	}
}
