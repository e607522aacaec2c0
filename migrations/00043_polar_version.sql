-- The version of Polar's API that the mirror is read in. Adds nullable columns to a table of one row: an exclusive lock on
-- sync_meta for an instant.

-- +goose Up
ALTER TABLE sync_meta ADD COLUMN polar_version text, ADD COLUMN polar_version_retired text, ADD COLUMN polar_version_at timestamptz;
COMMENT ON COLUMN sync_meta.polar_version IS 'Version of the API that was last asked for, such as 2026-10; null before the first time.';
COMMENT ON COLUMN sync_meta.polar_version_retired IS 'Version that is configured and that Polar does not serve any more, where polar_version stands in for it; else null.';
COMMENT ON COLUMN sync_meta.polar_version_at IS 'Since when these are so (UTC).';
COMMENT ON COLUMN license_keys._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing. From version 2026-10 of the API on it has member_id (members.id), from 2027-01 on subscription_id and order_id.';

-- +goose Down
ALTER TABLE sync_meta DROP COLUMN polar_version, DROP COLUMN polar_version_retired, DROP COLUMN polar_version_at;
