package audits

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Finding is a row of sync_findings.
type Finding struct {
	Stream    string    `json:"stream"`
	Key       string    `json:"key"`
	Kind      string    `json:"kind"`
	Field     string    `json:"field,omitempty"`
	Mirror    string    `json:"mirror"`
	Other     string    `json:"other"`
	Evidence  string    `json:"evidence"`
	FirstSeen time.Time `json:"first_seen,omitzero"`
	Healed    bool      `json:"healed"`
}

// RecordFindings writes findings. It closes those of earlier audits of these streams and kinds that were not found again since
// the audit began.
func (a Audits) RecordFindings(ctx context.Context, stream string, kinds []string, since time.Time, list []Finding) error {
	params := make([]db.FindingsUpsertParams, len(list))
	for i, f := range list {
		params[i] = db.FindingsUpsertParams{Stream: f.Stream, Key: f.Key, Kind: f.Kind, Field: f.Field, MirrorValue: &f.Mirror, OtherValue: &f.Other, Evidence: f.Evidence, Healed: f.Healed}
	}
	err := a.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := a.q.WithTx(tx)
		var first error
		if len(params) > 0 {
			q.FindingsUpsert(ctx, params).Exec(func(_ int, err error) { first = errors.Join(first, err) })
		}
		if first != nil {
			return first
		}
		return q.FindingsResolve(ctx, db.FindingsResolveParams{Stream: stream, Kinds: kinds, AuditedAt: since})
	})
	if err != nil {
		return fmt.Errorf("record the findings about %s: %w", stream, err)
	}
	return nil
}

// OpenFindings are those findings of some streams that are not healed.
func (a Audits) OpenFindings(ctx context.Context, streams []string) ([]Finding, error) {
	rows, err := a.q.FindingsOpen(ctx, streams)
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	list := make([]Finding, len(rows))
	for i, r := range rows {
		list[i] = Finding{Stream: r.Stream, Key: r.Key, Kind: r.Kind, Field: r.Field, Mirror: pg.Value(r.MirrorValue), Other: pg.Value(r.OtherValue), Evidence: r.Evidence, FirstSeen: r.FirstSeen}
	}
	return list, nil
}
