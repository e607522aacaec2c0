package mirror_test

import (
	"cmp"
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
)

// digests of all rows of the tables of streams, without the times at which they were read and written.
func (h *harness) digests(t *testing.T) string {
	t.Helper()
	var lines []string
	for table := range strings.FieldsSeq(query[string](t, h, `SELECT string_agg(table_name, ' ') FROM information_schema.columns WHERE table_schema = 'polar' AND column_name = '_hash'`)) {
		lines = append(lines, table+": "+query[string](t, h, `
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
			alone := start(t, setup{world: world})
			pages := int(alone.sync(t, stream)[stream].Pages)
			usual, want := alone.server.RequestsByPath()["GET "+path], alone.digests(t)
			if pages < 3 {
				t.Fatalf("%d pages are too few", pages)
			}
			for _, way := range []string{"drain", "cancel", "fault"} {
				t.Run(way, func(t *testing.T) {
					t.Parallel()
					h := start(t, setup{world: world})
					if way == "drain" { // it may let pass all that was read already, so the third page has to wait for it
						h.fault(t, "stall:path="+path+",skip=2,times=1,for=1s")
					}
					stops := 0
					var res mirror.Result
					for ; res.Outcome != mirror.Succeeded; stops++ {
						if stops < pages {
							res = h.stopped(t, stream, way)
						} else { // was stopped often enough
							res = h.sync(t, stream)[stream]
						}
						if stops > 0 && query[bool](t, h, "SELECT sweep_id = id FROM sync_runs WHERE id = $1", res.RunID) {
							t.Fatalf("began again: %+v", res)
						}
					}
					stops-- // the last one was none
					if got := h.digests(t); got != want {
						t.Errorf("the tables differ:\n%s\nleft alone:\n%s", got, want)
					}
					if n := query[int](t, h, "SELECT count(DISTINCT sweep_id) FROM sync_runs WHERE stream = $1", stream); n != 1 {
						t.Errorf("%d sweeps", n)
					}
					asked := h.server.RequestsByPath()["GET "+path]
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
	r = h.runner(t, func(c *catalog.Config) {
		c.Observer = observer(func() {
			switch way {
			case "drain":
				r.Drain()
			case "cancel":
				cancel()
			}
		})
	})
	if way == "fault" {
		h.fault(t, fmt.Sprintf("404:path=/v1/%s/,skip=1", stream))
		defer h.server.ClearFaults()
	}
	res := r.Once(ctx, stream)
	want := mirror.Interrupted
	if way == "fault" {
		want = mirror.Failed
	}
	if res.Outcome != want && res.Outcome != mirror.Succeeded {
		t.Errorf("%s: %s: %s", way, res.Outcome, res.Reason)
	}
	if got := query[string](t, h, "SELECT outcome FROM sync_runs WHERE id = $1", res.RunID); got != string(res.Outcome) {
		t.Errorf("recorded as %s, want %s", got, res.Outcome)
	}
	return res
}

// Postgres cuts every connection in the middle of a sweep.
func TestResumeAfterLostConnections(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.Options{Customers: 120}
	alone := start(t, setup{world: world})
	alone.sync(t, "orders")
	h := start(t, setup{world: world})
	h.fault(t, "stall:path=/v1/orders/,skip=3,times=1,for=200ms") // so that the cut falls into the sweep
	cuts := 0
	r := h.runner(t, func(c *catalog.Config) {
		c.Observer = observer(func() {
			if cuts++; cuts == 2 {
				h.cut(t)
			}
		})
	})
	res := r.Once(t.Context(), "orders")
	if res.Outcome != mirror.Failed && res.Outcome != mirror.Succeeded { // the pool may have noticed in time
		t.Errorf("%+v", res)
	}
	if cuts < 2 {
		t.Fatal("no connection was cut")
	}
	again := h.sync(t, "orders")["orders"]
	if res.Outcome == mirror.Failed && (!again.Resumed || again.Inserted == 0) {
		t.Errorf("after %s it began again: %+v", res.Reason, again)
	}
	if got, want := h.digests(t), alone.digests(t); got != want {
		t.Errorf("the tables differ:\n%s\nleft alone:\n%s", got, want)
	}
	if n := query[int](t, h, "SELECT count(*) FROM sync_runs WHERE finished_at IS NULL"); n != 0 {
		t.Errorf("%d runs are open", n)
	}
}

// cut ends every other session of the database.
func (h *harness) cut(t *testing.T) (n int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, cmp.Or(h.direct, h.store.Pool().Config().ConnString()))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err := conn.QueryRow(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}
