package pg_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
)

// With a guard that fails nothing is written, however a statement is sent; with one that does not, all is. The connections stay usable.
func TestGuard(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t)
	admin := pgtest.Connect(t, dsn)
	pgtest.Exec(t, admin, `CREATE SCHEMA first; CREATE TABLE first.written (n int); CREATE TABLE public.held (yes boolean);
		CREATE FUNCTION public.guard() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
			IF NOT EXISTS (SELECT FROM public.held) THEN RAISE EXCEPTION 'over' USING ERRCODE = 'SYNCD'; END IF;
		END $$`)
	for _, pooled := range []bool{false, true} {
		conns, err := pg.Share(t.Context(), pg.Config{DSN: dsn, MaxConns: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conns.Close)
		pool, err := pg.Open(t.Context(), pg.Config{Connections: conns, Schema: "first", Guard: "SELECT public.guard()"})
		if err != nil {
			t.Fatal(err)
		}
		if pooled {
			pool.TakePooler()
		}
		ways := map[string]func() error{
			"a statement": func() error { _, err := pool.Exec(t.Context(), "INSERT INTO written VALUES ($1)", 1); return err },
			"a statement with a row": func() error {
				var n int
				return pool.QueryRow(t.Context(), "INSERT INTO written VALUES ($1) RETURNING n", 2).Scan(&n)
			},
			"a transaction": func() error {
				return pool.InTx(t.Context(), func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), "INSERT INTO written VALUES (3)"); return err })
			},
			"steps": func() error {
				return pool.InSteps(t.Context(), func(s *pg.Steps) error {
					step := &pg.Pipeline{}
					step.Add("INSERT INTO written VALUES (4)", nil, nil)
					return s.Commit(t.Context(), step)
				})
			},
		}
		for _, held := range []bool{false, true, false} {
			pgtest.Exec(t, admin, "TRUNCATE public.held, first.written")
			if held {
				pgtest.Exec(t, admin, "INSERT INTO public.held VALUES (true)")
			}
			for what, write := range ways {
				if err := write(); held && err != nil || !held && !pg.IsCode(err, pg.Refused) {
					t.Errorf("pooled %v, held %v, %s: %v", pooled, held, what, err)
				}
			}
			want := map[bool]string{false: "0", true: "4"}[held]
			if n := pgtest.List(t, admin, "SELECT count(*) FROM first.written"); n[0] != want {
				t.Errorf("pooled %v, held %v: %s rows were written, want %s", pooled, held, n[0], want)
			}
		}
	}
}

// A transaction whose process stands still ends, unless somebody has set another limit.
func TestStandingStill(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"": "30s", "7s": "7s"} {
		dsn := pgtest.Empty(t)
		pgtest.Exec(t, pgtest.Connect(t, dsn), "CREATE SCHEMA first")
		if set != "" {
			pgtest.Exec(t, pgtest.Connect(t, dsn), "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET idle_in_transaction_session_timeout TO ''"+set+"'''; END $$")
		}
		pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Schema: "first", MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		for _, pooled := range []bool{false, true} {
			if pooled {
				pool.TakePooler()
			}
			var is string
			if err := pool.QueryRow(t.Context(), "SELECT current_setting('idle_in_transaction_session_timeout')").Scan(&is); err != nil || is != want {
				t.Errorf("pooled %v: %s (%v), want %s", pooled, is, err, want)
			}
		}
	}
}
