-- Runs that write beside the sweep of their stream: when each reply was
-- requested has to be known also of rows that it found unchanged. It locks sync_seen
-- for a moment; it holds pages of sweeps under way only.

-- +goose Up
ALTER TABLE sync_seen ADD COLUMN requested_at timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX sync_seen_requested_at_idx ON sync_seen (requested_at);
COMMENT ON TABLE sync_seen IS 'The ids that a sweep under way has received, one row a page; and those that any run received in the last ten minutes, so that a reply which was requested earlier and arrives late does not undo a later one.';
COMMENT ON COLUMN sync_seen.stream IS 'Name of the stream; of a run beside the sweep with a slash and its kind.';
COMMENT ON COLUMN sync_seen.requested_at IS 'When the reply with that page was requested (UTC, clock of the syncd process).';
COMMENT ON COLUMN sync_streams.stream IS 'Name of the stream, which is also the name of its table; or a lease of its own beside the sweep''s: orders/backfill, tail.';
COMMENT ON COLUMN sync_runs.stream IS 'Name of the stream, which is also the name of its table; tail for one round of tail runs over all streams.';
COMMENT ON COLUMN sync_runs.kind IS 'sweep: reads the stream from end to end. tail: reads what is new or may have changed. refresh: fetches single objects. backfill: reads a window of time. audit: fetches what a comparison found different. approval: marks as deleted what the brake had held, on an operator''s word. Only a complete sweep proves that nothing is missing.';

-- +goose Down
DROP INDEX sync_seen_requested_at_idx;
ALTER TABLE sync_seen DROP COLUMN requested_at;
