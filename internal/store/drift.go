package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// Drift is one way in which Polar's answers differ from what this syncd knows of them.
type Drift struct {
	Kind   string // new_field | missing_field | type | new_value | version
	Field  string
	Value  string    // new_value: the value; type: the JSON type that came; version: the version that came
	Sample uuid.UUID // an item that shows it; zero where it has no usable id
}

// RecordDrift notes what a run met, each thing once, and gives back what no run had met before.
func (r *Run) RecordDrift(ctx context.Context, met []Drift) (fresh []Drift, err error) {
	p := db.DriftUpsertParams{Stream: r.Stream, RunID: r.ID}
	for _, d := range met {
		p.Kinds, p.Fields, p.Vals, p.SampleIds = append(p.Kinds, d.Kind), append(p.Fields, printable(d.Field)), append(p.Vals, printable(d.Value)), append(p.SampleIds, d.Sample)
	}
	var rows []db.DriftUpsertRow
	err = r.s.pool.inTx(ctx, func(tx pgx.Tx) (err error) {
		rows, err = r.s.q.WithTx(tx).DriftUpsert(ctx, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record how %s differs from what is known: %w", r.Stream, err)
	}
	for _, row := range rows {
		fresh = append(fresh, Drift{Kind: row.Kind, Field: row.Field, Value: row.Value, Sample: deref(row.SampleID)})
	}
	return fresh, nil
}

// printable cuts a text short, and makes it one that Postgres takes.
func printable(s string) string {
	const enough = 200
	if len(s) > enough {
		s = s[:enough] + "..."
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", `\0`), "?")
}
