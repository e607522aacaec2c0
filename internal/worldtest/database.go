package worldtest

import (
	"cmp"
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/internal/store/pg"
)

// Texts are the rows of a query for one text.
func (h *Harness) Texts(t *testing.T, sql string) []string {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// Stored is a table as JSON objects, by id (and parent for child tables).
func (h *Harness) Stored(t *testing.T, table, where string) []map[string]any {
	t.Helper()
	texts := h.Texts(t, "SELECT to_jsonb(t)::text FROM "+pgx.Identifier{table}.Sanitize()+" t WHERE "+where)
	list := make([]map[string]any, len(texts))
	for i, text := range texts {
		Decode(t, []byte(text), &list[i])
	}
	return list
}

// Exec runs SQL on the mirror's own schema.
func (h *Harness) Exec(t *testing.T, sql string, args ...any) int64 {
	t.Helper()
	tag, err := h.Store.Pool().Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	return tag.RowsAffected()
}

// Aside does something in a transaction of which nothing is kept.
func (h *Harness) Aside(t *testing.T, do func(pgx.Tx)) {
	t.Helper()
	conn, err := h.Store.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }() // the connection may be gone, and so is the transaction
	do(tx)
}

// Query gives the one value that a query asks for.
func Query[T any](t *testing.T, w world, sql string, args ...any) (v T) {
	t.Helper()
	if err := w.Database().QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// world is a Harness, or what embeds one.
type world interface{ Database() *pg.Pool }

// Database is that of the mirror.
func (h *Harness) Database() *pg.Pool { return h.Store.Pool() }

// DriftRow is a row of sync_drift.
type DriftRow struct {
	Kind, Field, Value string
	Sample             *uuid.UUID
	Runs               int64
}

// Drift is what was met of a stream that syncd does not know.
func (h *Harness) Drift(t *testing.T, stream string) []DriftRow {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), "SELECT kind, field, value, sample_id, runs FROM sync_drift WHERE stream = $1 ORDER BY 1, 2, 3", stream)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DriftRow])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Tombstone demands that a row is still there, marked as deleted, with the evidence of it.
func (h *Harness) Tombstone(t *testing.T, stream, id string) {
	t.Helper()
	if rows := h.Stored(t, stream, "id = '"+id+"' AND _deleted_at IS NOT NULL"); len(rows) != 1 {
		t.Errorf("%s %s is not marked as deleted: %v", stream, id, rows)
	}
	if n := Query[int](t, h, `SELECT count(*) FROM sync_tombstones JOIN sync_runs r ON r.id = run_id
		WHERE sync_tombstones.stream = $1 AND sync_tombstones.id = $2 AND evidence <> '' AND resurrected_at IS NULL`, stream, id); n != 1 {
		t.Errorf("%s %s: %d tombstones", stream, id, n)
	}
}

// CutConnections ends every other session of the database.
func (h *Harness) CutConnections(t *testing.T) (n int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, cmp.Or(h.Direct, h.Store.Pool().Config().ConnString()))
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

// CountWrites counts what was ever written to the tables of streams. A session reports its statistics when it ends, so all
// of them are ended first.
func (h *Harness) CountWrites(t *testing.T) (n int64) {
	t.Helper()
	h.statistics(t, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(t.Context(), `SELECT COALESCE(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)
			FROM pg_stat_user_tables WHERE relname NOT LIKE 'sync\_%'`).Scan(&n)
	})
	return n
}

// CountReads counts how many rows were ever read of each table.
func (h *Harness) CountReads(t *testing.T) map[string]int64 {
	t.Helper()
	read := map[string]int64{}
	h.statistics(t, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(t.Context(), "SELECT relname::text, seq_tup_read + COALESCE(idx_tup_fetch, 0) FROM pg_stat_user_tables")
		if err != nil {
			return err
		}
		var table string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&table, &n}, func() error { read[table] = n; return nil })
		return err
	})
	return read
}

// statistics asks for those of Postgres after all other sessions have ended, and so told theirs.
func (h *Harness) statistics(t *testing.T, ask func(*pgxpool.Conn) error) {
	t.Helper()
	ctx := t.Context()
	h.Store.Pool().Reset()
	conn, err := h.Store.Pool().Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for others := 1; others > 0; {
		if err := conn.QueryRow(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(conn); err != nil {
		t.Fatal(err)
	}
}
