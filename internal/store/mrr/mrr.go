// Package mrr keeps what the views of monthly recurring revenue are made of: the days on which each subscription brought how much.
//
// How they follow from the tables of streams and from changes is written in views/80_mrr.sql; this is who has it done.
package mrr

import (
	"context"
	"log/slog"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Keep brings the spans of subscriptions up to date. Where nothing has changed since the last time it writes nothing; the first time
// it makes those of all subscriptions. Where it fails it says so in the log, and the next time makes up for it.
func Keep(ctx context.Context, pool *pg.Pool, log *slog.Logger) {
	if err := db.New(pool).MRRKeep(ctx); err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "the views of MRR are not up to date; the next run tries again", "error", err)
	}
}
