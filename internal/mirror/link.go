package mirror

import "context"

// manyInserted: after this many inserts the planner's statistics are stale, so ANALYZE.
const manyInserted = 1000

// LinkExport finds the mirrored rows of an export's rows again.
func (e *Engine) LinkExport(ctx context.Context, name string) error {
	return (&Run{engine: e, s: e.lookUp(name)}).link(ctx)
}

// link finds the mirrored rows of an export's rows.
func (run *Run) link(ctx context.Context) error {
	if run.s.Link == nil {
		return nil
	}
	// Right after a first sync Postgres has no statistics of the tables, and would join them row by row.
	if run.record != nil && run.record.Counts.Inserted > manyInserted {
		for _, table := range append([]string{run.s.Name}, run.s.Of...) {
			if err := run.engine.Store.Rows(table).Analyze(ctx); err != nil {
				return err
			}
		}
	}
	return run.engine.Store.Rows(run.s.Name).Link(ctx, run.s.Link)
}
