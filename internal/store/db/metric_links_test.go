package db_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/wire"
)

// A row of the export comes with the id of its metric: filled in later, all of them would be written twice. What changes in the metrics
// afterwards is corrected.
func TestExportRowsComeWithTheirMetric(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	q := db.New(conn)
	day := time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC)
	metric := func(slug, name string, start time.Time) uuid.UUID {
		t.Helper()
		id := uuid.New()
		if _, err := conn.Exec(t.Context(), `INSERT INTO metrics (id, "interval", timezone, period_start, slug, display_name, _hash, _requested_at) VALUES ($1, 'day', 'UTC', $2, $3, $4, '', now())`,
			id, start, slug, name); err != nil {
			t.Fatal(err)
		}
		return id
	}
	names := []string{"Revenue", "Twice", "Deleted", "Absent", "Orders"}
	revenue, orders := metric("revenue", "Revenue", day), metric("orders", "Orders", day)
	metric("revenue", "Revenue", day.AddDate(0, 0, 1))
	first, deleted := metric("twice", "Twice", day), metric("deleted", "Deleted", day)
	second := metric("again", "Twice", day)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE metrics SET _deleted_at = now() WHERE id = $1`, deleted)
	var rows db.MetricsExportUpsertParams
	for range names {
		rows.ID = append(rows.ID, uuid.New())
		rows.Interval, rows.Timezone, rows.PeriodStart = append(rows.Interval, "day"), append(rows.Timezone, "UTC"), append(rows.PeriodStart, day)
		rows.Value, rows.Extra, rows.Hash = append(rows.Value, wire.Decimal{}), append(rows.Extra, json.RawMessage("{}")), append(rows.Hash, []byte("x"))
		rows.RequestedAt = append(rows.RequestedAt, day)
	}
	rows.DisplayName = names
	links := func(when string, want ...uuid.UUID) {
		t.Helper()
		result, err := conn.Query(t.Context(), `SELECT COALESCE(metric_id, '00000000-0000-0000-0000-000000000000') FROM metrics_export ORDER BY array_position($1::text[], display_name)`, names)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(result, pgx.RowTo[uuid.UUID])
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", when, got, err, want)
		}
	}
	link := func() {
		t.Helper()
		if err := q.MetricsExportLink(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.MetricsExportUpsert(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	links("stored", revenue, uuid.Nil, uuid.Nil, uuid.Nil, orders)
	var version, after string
	at := `SELECT string_agg(ctid::text, ',' ORDER BY id) FROM metrics_export`
	if err := conn.QueryRow(t.Context(), at).Scan(&version); err != nil {
		t.Fatal(err)
	}
	link()
	if err := conn.QueryRow(t.Context(), at).Scan(&after); err != nil || after != version {
		t.Errorf("rows that were right were written again: %s, before %s: %v", after, version, err)
	}

	exec(`UPDATE metrics SET _deleted_at = now() WHERE id IN ($1, $2)`, revenue, second)
	exec(`UPDATE metrics SET _deleted_at = NULL WHERE id = $1`, deleted)
	absent := metric("absent", "Absent", day)
	metric("orders_too", "Orders", day)
	link()
	links("linked", uuid.Nil, first, deleted, absent, uuid.Nil)
}
