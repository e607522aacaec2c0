package store_test

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/store/origin"
	"syncd/internal/store/pg"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t *testing.T, dsn, schema string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DSN: dsn, Schema: schema, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Names that break careless quoting: each must be created, migrated and used.
func TestSchemaNames(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t)
	for _, name := range []string{"polar", "bill-2", `we"ird`, "With Space", "ünï", "a,b", strings.Repeat("X", 58)} {
		s := open(t, dsn, name)
		applied, err := s.Migrate(t.Context())
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if len(applied) == 0 {
			t.Fatalf("%q: nothing applied: its tables went to another schema", name)
		}
		if n, err := s.Rows("orders").CountLive(t.Context()); err != nil || n != 0 {
			t.Fatalf("%q: count %d, %v", name, n, err)
		}
		var schema string
		if err := s.Pool().QueryRow(t.Context(), "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'orders'::regclass").Scan(&schema); err != nil || schema != name {
			t.Errorf("%q: orders is in schema %q, %v", name, schema, err)
		}
		if err := s.CheckSchema(t.Context()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		s.Close() // these schemas share one small server
	}
	for _, name := range []string{"", "pg_mine", "information_schema", "$user", strings.Repeat("x", 59)} {
		if _, err := store.Open(t.Context(), store.Config{DSN: dsn, Schema: name}); err == nil {
			t.Errorf("schema %q was accepted", name)
		}
	}
}

func TestMigrateConcurrently(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, through := range map[string]func(t *testing.T, dsn string) string{
		"direct":         func(_ *testing.T, dsn string) string { return dsn },
		"one connection": func(_ *testing.T, dsn string) string { return dsn + "&pool_max_conns=1" },
		"one connection of a pooler": func(t *testing.T, dsn string) string {
			return pgtest.Pooler(t, dsn, "transaction", "default_pool_size=1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := through(t, pgtest.Empty(t))
			var all []string
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					s, err := store.Open(t.Context(), store.Config{DSN: dsn, Schema: "polar", MaxConns: 2})
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					applied, err := s.Migrate(t.Context())
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					all = append(all, applied...)
				})
			}
			wg.Wait()
			s := open(t, dsn, "polar")
			list, err := s.Migrations(t.Context())
			if err != nil || len(all) != len(list) {
				t.Errorf("%d migrations were applied, of %d, %v", len(all), len(list), err)
			}
			var noted int
			if err := s.Pool().QueryRow(t.Context(), "SELECT (SELECT count(*) FROM sync_migrations WHERE version_id > 0) + (SELECT count(DISTINCT hash) FROM sync_views)").Scan(&noted); err != nil || noted != len(list) {
				t.Errorf("%d are noted, %v", noted, err)
			}
		})
	}
}

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Empty(t), "polar")
	if err := s.CheckSchema(t.Context()); !errors.Is(err, pg.ErrSchemaEmpty) || !errors.Is(err, pg.ErrSchemaBehind) {
		t.Errorf("empty: %v", err)
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pool().Exec(t.Context(), "DELETE FROM sync_migrations WHERE version_id = (SELECT max(version_id) FROM sync_migrations)"); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSchema(t.Context()); errors.Is(err, pg.ErrSchemaEmpty) || !errors.Is(err, pg.ErrSchemaBehind) {
		t.Errorf("without the last migration: %v", err)
	}
	if _, err := s.Pool().Exec(t.Context(), "INSERT INTO sync_migrations (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSchema(t.Context()); !errors.Is(err, pg.ErrSchemaNewer) {
		t.Errorf("newer: %v", err)
	}
	if _, err := s.Migrate(t.Context()); !errors.Is(err, pg.ErrSchemaNewer) {
		t.Errorf("migrating a newer schema: %v", err)
	}
}

func TestBindRefusesASecondOrganization(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	one, two := uuid.New(), uuid.New()
	for range 2 {
		if err := s.Polar().BindOrganization(t.Context(), one, "https://api.polar.sh"); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Polar().BindOrganization(t.Context(), two, "https://api.polar.sh")
	if !errors.Is(err, origin.ErrOtherOrganization) || !strings.Contains(err.Error(), one.String()) {
		t.Errorf("second organization: %v", err)
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Migrated(t), "polar")
	ctx := t.Context()
	first, err := s.Runs().Begin(ctx, "orders", store.KindSweep, "one", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Runs().Begin(ctx, "orders", store.KindSweep, "two", time.Hour)
	if !errors.Is(err, store.ErrBusy) || !strings.Contains(err.Error(), "held by one") {
		t.Errorf("a held lease: %v", err)
	}
	if other, err := s.Runs().Begin(ctx, "customers", store.KindSweep, "two", time.Hour); err != nil {
		t.Errorf("another stream: %v", err)
	} else if err := other.Finish(ctx, store.Closing{Outcome: "succeeded"}); err != nil {
		t.Error(err)
	}

	// The holder dies: its lease runs out.
	if _, err := s.Pool().Exec(ctx, "UPDATE sync_streams SET leased_until = now() - interval '1 second' WHERE stream = 'orders'"); err != nil {
		t.Fatal(err)
	}
	second, err := s.Runs().Begin(ctx, "orders", store.KindSweep, "two", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var outcome string
	if err := s.Pool().QueryRow(ctx, "SELECT outcome FROM sync_runs WHERE id = $1", first.ID).Scan(&outcome); err != nil || outcome != "interrupted" {
		t.Errorf("the run of the dead process: %q, %v", outcome, err)
	}

	// It was only asleep: nothing of it may be written any more.
	if err := first.Renew(ctx); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("renew: %v", err)
	}
	page := customerPage(1)
	if _, err := first.Put(ctx, customers(), page); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("page: %v", err)
	}
	if err := first.Finish(ctx, store.Closing{Outcome: "succeeded"}); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("finish: %v", err)
	}
	if n, err := s.Rows("customers").CountLive(ctx); err != nil || n != 0 {
		t.Errorf("%d rows of a page that had lost its lease, %v", n, err)
	}
	if err := second.Renew(ctx); err != nil {
		t.Error(err)
	}
	if err := second.Finish(ctx, store.Closing{Outcome: "succeeded"}); err != nil {
		t.Error(err)
	}
}

func TestLogIsOptional(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{DSN: pgtest.Migrated(t), Schema: "polar", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
