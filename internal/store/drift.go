package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store/db"
)

// RecordDrift notes what a run met, each thing once, and gives back what no run had met before.
func (r *Run) RecordDrift(ctx context.Context, met []item.Finding) (fresh []item.Finding, err error) {
	p := db.DriftUpsertParams{Stream: r.Stream, RunID: r.ID}
	for _, d := range met {
		p.Kinds, p.Fields, p.Vals, p.SampleIds = append(p.Kinds, d.Kind), append(p.Fields, printable(d.Field)), append(p.Vals, printable(d.Value)), append(p.SampleIds, d.Sample)
	}
	var rows []db.DriftUpsertRow
	err = r.s.pool.InTx(ctx, func(tx pgx.Tx) (err error) {
		rows, err = r.s.q.WithTx(tx).DriftUpsert(ctx, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record how %s differs from what is known: %w", r.Stream, err)
	}
	for _, row := range rows {
		fresh = append(fresh, item.Finding{Kind: row.Kind, Field: row.Field, Value: row.Value, Sample: deref(row.SampleID)})
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
