-- What people have taken note of in sync_drift.
-- Adds a nullable column to a small table: an exclusive lock on it for an instant.

-- +goose Up
ALTER TABLE sync_drift ADD COLUMN acknowledged_at timestamptz;
COMMENT ON COLUMN sync_drift.acknowledged_at IS 'When somebody took note of it with syncd drift (UTC), since when it is not open any more; null while nobody has.';

-- +goose Down
ALTER TABLE sync_drift DROP COLUMN acknowledged_at;
