package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// customers is where customers go.
func customers() *store.Target {
	table := store.TableOf((*db.Queries).CustomersUpsert)
	return &store.Target{Stream: "customers", Table: table, Shape: item.NewShape(item.Spec{Columns: table.Columns})}
}

// customerPage is a page of n customers whose names can be set; names[i] == "poison" is refused by Postgres.
func customerPage(n int, names ...string) store.Page {
	p := store.Page{RequestedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Read: n, Checkpoint: json.RawMessage(`{"page":2}`), Requests: 1}
	var sp item.Splitter
	shape := customers().Shape
	for i := range n {
		name := fmt.Sprint("customer ", i)
		if i < len(names) {
			name = names[i]
		}
		if name == "poison" {
			name = "a\x00b"
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			panic(err)
		}
		it, err := sp.Split(shape, fmt.Appendf(nil, `{"id":%q,"name":%s}`, uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i)), quoted))
		if err != nil {
			panic(err)
		}
		p.Items = append(p.Items, it)
	}
	return p
}

func begin(t *testing.T, s *store.Store) *store.Run {
	t.Helper()
	run, err := s.Runs().Begin(t.Context(), "customers", store.KindSweep, "test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestPageIsWrittenOnceAndComparedAfterwards(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := begin(t, s)
	for i, want := range []store.Counts{
		{Pages: 1, Requests: 1, Read: 3, Inserted: 3},
		{Pages: 1, Requests: 1, Read: 3, Unchanged: 3},
	} {
		got, err := run.Put(t.Context(), customers(), customerPage(3))
		if err != nil || got != want {
			t.Errorf("time %d: %+v, %v; want %+v", i, got, err, want)
		}
	}
	got, err := run.Put(t.Context(), customers(), customerPage(3, "renamed"))
	if want := (store.Counts{Pages: 1, Requests: 1, Read: 3, Updated: 1, Unchanged: 2}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// A reply requested earlier than the stored one must lose, whenever it commits.
func TestStaleReplyLoses(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := begin(t, s)
	if _, err := run.Put(t.Context(), customers(), customerPage(2, "new")); err != nil {
		t.Fatal(err)
	}
	late := customerPage(2, "old")
	late.RequestedAt = late.RequestedAt.Add(-time.Minute)
	got, err := run.Put(t.Context(), customers(), late)
	if err != nil || got.Stale != 1 || got.Updated != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	var name string
	if err := s.Pool().QueryRow(t.Context(), "SELECT name FROM customers WHERE id = $1", late.Items[0].ID).Scan(&name); err != nil || name != "new" {
		t.Errorf("stored %q, %v", name, err)
	}
}

// Where nobody knows when something was so, it overwrites nothing, not even a row that was copied from another object: which of
// the two is newer nobody knows either.
func TestPageOfAnUnknownTimeOverwritesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := begin(t, s)
	if _, err := run.Put(t.Context(), customers(), customerPage(3, "read", "copied", "same")); err != nil {
		t.Fatal(err)
	}
	unknown := customerPage(3, "another", "another", "same")
	unknown.RequestedAt = time.Time{}
	if _, err := s.Pool().Exec(t.Context(), "UPDATE customers SET _requested_at = $1 WHERE id = $2", store.CopiedAt, unknown.Items[1].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pool().Exec(t.Context(), "DELETE FROM sync_seen"); err != nil { // a copy was never received
		t.Fatal(err)
	}
	got, err := run.Put(t.Context(), customers(), unknown)
	if want := (store.Counts{Pages: 1, Requests: 1, Read: 3, Stale: 2, Unchanged: 1}); err != nil || got.Updated != want.Updated || got.Stale != want.Stale || got.Unchanged != want.Unchanged {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestPoisonCostsItselfAlone(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := begin(t, s)
	got, err := run.Put(t.Context(), customers(), customerPage(5, "a", "poison", "c", "poison"))
	if want := (store.Counts{Pages: 1, Requests: 1, Read: 5, Inserted: 3, Rejected: 2}); err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	var body []byte
	var reason string
	id := customerPage(2).Items[1].ID
	if err := s.Pool().QueryRow(t.Context(), "SELECT body, reason FROM sync_rejects WHERE key = $1 AND resolved_at IS NULL", id.String()).Scan(&body, &reason); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), `a\u0000b`) || reason == "" {
		t.Errorf("kept %q, because %q", body, reason)
	}
	if distinct, err := run.CountDistinct(t.Context()); err != nil || distinct != 5 {
		t.Errorf("%d ids seen, %v: a rejected item was seen all the same", distinct, err)
	}

	// It heals.
	if _, err := run.Put(t.Context(), customers(), customerPage(5, "a", "b", "c", "poison")); err != nil {
		t.Fatal(err)
	}
	var open int
	if err := s.Pool().QueryRow(t.Context(), "SELECT count(*) FROM sync_rejects WHERE resolved_at IS NULL").Scan(&open); err != nil || open != 1 {
		t.Errorf("%d open rejects, %v", open, err)
	}
}

// Rows and checkpoint commit together: after a failure of any part, neither is there.
func TestPageIsAtomic(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	run := begin(t, s)
	if _, err := s.Pool().Exec(t.Context(), `
		CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'boom'; END $$;
		CREATE TRIGGER boom BEFORE UPDATE OF rows_read ON sync_runs FOR EACH ROW EXECUTE FUNCTION boom()`); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Put(t.Context(), customers(), customerPage(3)); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Fatal(err)
	}
	if _, err := s.Pool().Exec(t.Context(), "DROP TRIGGER boom ON sync_runs"); err != nil {
		t.Fatal(err)
	}
	badCheckpoint := customerPage(3)
	badCheckpoint.Checkpoint = json.RawMessage(`{not json`)
	if _, err := run.Put(t.Context(), customers(), badCheckpoint); err == nil {
		t.Fatal("a broken checkpoint was stored")
	}
	if n, err := s.Rows("customers").CountLive(t.Context()); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
	if run.SweepPages != 0 || run.Counts != (store.Counts{}) {
		t.Errorf("counted: %d pages, %+v", run.SweepPages, run.Counts)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	first := begin(t, s)
	if first.Checkpoint != nil || first.SweepID != first.ID {
		t.Errorf("a first run resumes: %+v", first)
	}
	if _, err := first.Put(t.Context(), customers(), customerPage(3)); err != nil {
		t.Fatal(err)
	}
	if err := first.Finish(t.Context(), store.Closing{Outcome: "interrupted", Reason: "stopped"}); err != nil {
		t.Fatal(err)
	}

	second := begin(t, s)
	var cursor struct{ Page int }
	if err := json.Unmarshal(second.Checkpoint, &cursor); err != nil || cursor.Page != 2 || second.SweepID != first.SweepID || second.SweepPages != 1 {
		t.Errorf("resumed at %s, %+v, %v", second.Checkpoint, second, err)
	}
	if n, err := second.CountDistinct(t.Context()); err != nil || n != 3 {
		t.Errorf("%d ids of the first run are known, %v", n, err)
	}
	// Postgres crashed: the unlogged ids are gone, the checkpoint is not.
	if _, err := s.Pool().Exec(t.Context(), "TRUNCATE sync_seen"); err != nil {
		t.Fatal(err)
	}
	if err := second.Finish(t.Context(), store.Closing{Outcome: "interrupted"}); err != nil {
		t.Fatal(err)
	}
	third := begin(t, s)
	if third.Checkpoint != nil || third.SweepID != third.ID || third.SweepPages != 0 {
		t.Errorf("went on without the ids: %+v", third)
	}
	distinct := int64(0)
	if err := third.Finish(t.Context(), store.Closing{Outcome: "succeeded", SweepEnded: true, Verdict: "complete", Distinct: &distinct}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Streams().Statuses(t.Context(), []string{"orders", "customers"})
	if err != nil {
		t.Fatal(err)
	}
	if !list[0].StartedAt.IsZero() || list[1].Outcome != "succeeded" || list[1].Rows != 3 || list[1].CompleteAt.IsZero() {
		t.Errorf("status: %+v", list)
	}
}

func ids(p store.Page) []uuid.UUID {
	list := make([]uuid.UUID, len(p.Items))
	for i, it := range p.Items {
		list[i] = it.ID
	}
	return list
}
