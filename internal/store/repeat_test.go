package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
	"syncd/internal/store/audits"
	"syncd/internal/store/budget"
)

// conflicts makes the first statement that writes to each table of the schema fail with an SQLSTATE, after each call of
// again. Numbers of a sequence are given out for good, also to a transaction that is broken off.
func conflicts(t *testing.T, conn *pgx.Conn) (again func(code string), met func() int) {
	t.Helper()
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", `
		CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF TG_ARGV[0] <> '' AND nextval(TG_ARGV[1]::regclass) = 1 THEN
				RAISE EXCEPTION 'somebody else was first' USING ERRCODE = (SELECT code FROM polar.conflict_code);
			END IF;
			RETURN NULL;
		END $$`, "CREATE TABLE conflict_code (code text)", "INSERT INTO conflict_code VALUES ('40001')")
	tables := pgtest.List(t, conn, "SELECT tablename::text FROM pg_tables WHERE schemaname IN ('polar', 'polar_sync') AND tablename NOT LIKE 'conflict%' AND tablename <> 'sync_migrations'")
	for _, table := range tables {
		sequence := "polar.conflict_" + table
		pgtest.Exec(t, conn, "CREATE SEQUENCE "+sequence, "CREATE TRIGGER conflict BEFORE INSERT OR UPDATE OR DELETE ON "+table+" FOR EACH STATEMENT EXECUTE FUNCTION conflict('x', '"+sequence+"')")
	}
	return func(code string) {
			pgtest.Exec(t, conn, "UPDATE conflict_code SET code = '"+code+"'")
			for _, table := range tables {
				pgtest.Exec(t, conn, "SELECT setval('conflict_"+table+"', 1, false)")
			}
		}, func() int {
			return len(pgtest.List(t, conn, "SELECT sequencename::text FROM pg_sequences WHERE sequencename LIKE 'conflict\\_%' AND last_value IS NOT NULL"))
		}
}

// aWrite is one thing that a store writes.
type aWrite struct {
	name string
	do   func() error
}

// allWrites are the writes of a run from its beginning to its end, and those beside it, in an order in which each has something
// to write.
func allWrites(t *testing.T, s *store.Store) []aWrite {
	t.Helper()
	ctx := t.Context()
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	var run *store.Run
	var ids []uuid.UUID
	for i := range 3 {
		ids = append(ids, customerPage(3).Items[i].ID)
	}
	return []aWrite{
		{"bind", func() error { return s.Polar().BindOrganization(ctx, uuid.NameSpaceOID, "https://api.polar.sh") }},
		{"begin", func() (err error) {
			run, err = s.Runs().Begin(ctx, "customers", store.KindSweep, "test", time.Hour)
			return err
		}},
		{"renew", func() error { return run.Renew(ctx) }},
		{"page", func() error {
			counts, err := run.Put(ctx, customers(), customerPage(3, "one", "two"))
			if want := (store.Counts{Pages: 1, Requests: 1, Read: 3, Inserted: 3}); err == nil && (counts != want || run.Counts != want) {
				t.Errorf("page: %+v and %+v, want %+v", counts, run.Counts, want)
			}
			return err
		}},
		{"drift", func() error {
			fresh, err := run.RecordDrift(ctx, []item.Finding{{Kind: "new_field", Field: "x"}})
			if err == nil && len(fresh) != 1 {
				t.Errorf("drift: %d are new, want 1", len(fresh))
			}
			return err
		}},
		{"findings", func() error {
			return audits.New(s.Pool()).RecordFindings(ctx, "customers", []string{"k"}, at, []audits.Finding{{Stream: "customers", Key: "a", Kind: "k"}, {Stream: "customers", Key: "b", Kind: "k"}})
		}},
		{"suspect", func() error {
			got, err := run.MarkSuspects(ctx, store.Absence{IDs: ids}, false)
			if err == nil && len(got.Free) != 3 {
				t.Errorf("suspects: %d, want 3", len(got.Free))
			}
			return err
		}},
		{"acquit", func() error { return run.ClearSuspects(ctx, ids[:1]) }},
		{"tombstone", func() error {
			n, err := run.Tombstone(ctx, "customers", ids[1:], at, "test")
			if err == nil && n != 2 {
				t.Errorf("tombstones: %d, want 2", n)
			}
			return err
		}},
		{"budget", func() error {
			_, err := budget.New(s.Pool()).Take(ctx, budget.Ask{Holder: "test", Want: 1, Rate: 1, Burst: 10, Budget: budget.Budget{Requests: []int64{}}})
			return err
		}},
		{"pause", func() error { return budget.New(s.Pool()).Pause(ctx, time.Second) }},
		{"restart", func() error { return run.RestartSweep(ctx, true) }},
		{"expire", func() error {
			_, err := run.DeleteExpired(ctx, "created_at", at)
			return err
		}},
		{"finish", func() error {
			return run.Finish(ctx, store.Closing{Outcome: "succeeded", SweepEnded: true, Verdict: "complete"})
		}},
	}
}

// Everything that a store writes is written in spite of deadlocks and serialization failures, once, and told as done once.
func TestConflictsAreRepeated(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn := pgtest.Connect(t, dsn)
	again, met := conflicts(t, conn)
	codes := []string{"40001", "40P01"}
	for i, write := range allWrites(t, open(t, dsn, "polar")) {
		again(codes[i%2])
		if err := write.do(); err != nil {
			t.Fatalf("%s: %v", write.name, err)
		}
		if met() == 0 {
			t.Errorf("%s met no conflict", write.name)
		}
	}
	if n := pgtest.List(t, conn, "SELECT count(*)::text FROM sync_tombstones"); n[0] != "2" {
		t.Errorf("%s tombstones", n)
	}
}

func TestPoolMaxConns(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	for limit, streams := range map[string]int{"": 4, "pool_max_conns=1": 1, "pool_max_conns=3": 1, "pool_max_conns=8": 3, "pool_max_conns=40": 19} {
		s, err := store.Open(t.Context(), store.Config{DSN: dsn + "&" + limit, Schema: "polar", MaxConns: int32(store.Connections(4))})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Parallel(); got != streams {
			t.Errorf("%q: %d streams, want %d", limit, got, streams)
		}
		s.Close()
	}
}
