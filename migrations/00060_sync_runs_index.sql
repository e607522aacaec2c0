-- An index on runs that are no rounds: the last sweep of each stream is looked up for every page, verdict and round.
-- Rounds are nearly all rows of sync_runs, and Postgres would rather go back through them.
-- Lock: blocks runs from beginning and ending while it is built, which takes less than a second for a million rows.

-- +goose Up
CREATE INDEX sync_runs_but_rounds_idx ON sync_runs (stream, id DESC) WHERE kind <> 'tail' AND kind <> 'feed';

-- +goose Down
DROP INDEX sync_runs_but_rounds_idx;
