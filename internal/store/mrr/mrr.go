// Package mrr keeps what the views of monthly recurring revenue are made of: the days on which each subscription brought how much.
//
// How they follow from the tables of streams and from changes is written in views/80_mrr.sql; this is who has it done.
package mrr

import (
	"context"
	"fmt"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Keep brings the spans of subscriptions up to date. Where nothing has changed since the last time it writes nothing; the first time
// it makes those of all subscriptions.
func Keep(ctx context.Context, pool *pg.Pool) error {
	if err := db.New(pool).MRRKeep(ctx); err != nil {
		return fmt.Errorf("bring MRR up to date: %w", err)
	}
	return nil
}
