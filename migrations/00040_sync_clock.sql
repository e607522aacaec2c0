-- The clock by which replies, changes and leases are put in order: that of the database, made so that it never goes back.
-- Creates a table, and adds two columns without a rewrite: sync_streams and sync_runs are locked for a moment.

-- +goose Up
CREATE TABLE sync_clock (
    singleton boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    read_at   timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
INSERT INTO sync_clock DEFAULT VALUES;
COMMENT ON TABLE sync_clock IS 'The clock that every request to Polar is dated by, one row. It is the clock of the database, save that it never goes back: after that one was set back, as by a failover, it goes on at half speed until the other has caught up. No clock of a host takes part.';
COMMENT ON COLUMN sync_clock.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sync_clock.at IS 'The last moment given out (UTC). No two are alike, and each is later than those before.';
COMMENT ON COLUMN sync_clock.read_at IS 'What the clock of the database showed then (UTC).';

ALTER TABLE sync_streams ADD COLUMN lease_seconds double precision;
COMMENT ON COLUMN sync_streams.lease_seconds IS 'Seconds by which the lease is renewed. One that seems to last longer was taken before the clock of the database was set back, and has ended. Null when nobody holds it, and for one that an older syncd holds.';
COMMENT ON COLUMN sync_streams.leased_until IS 'When the lease ends unless it is renewed (UTC, clock of the database).';

ALTER TABLE sync_runs
    ADD COLUMN stamped_at       timestamptz,
    ADD COLUMN rows_unexplained bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN sync_runs.stamped_at IS 'When the run began (UTC, by sync_clock): each of its requests is later. Null for runs without a lease, and for those of an older syncd.';
COMMENT ON COLUMN sync_runs.rows_unexplained IS 'Those of rows_stale of which nothing tells what had been requested later. Such a sweep is not complete.';

COMMENT ON COLUMN sync_seen.requested_at IS 'When the reply with that page was requested (UTC, by sync_clock).';
COMMENT ON COLUMN sync_changes.noted_at IS 'When the change was noted (UTC, by sync_clock).';
COMMENT ON COLUMN sync_changes.known_at IS 'When what has changed was last asked for and stored (UTC, by sync_clock); the change is pending while this is null or earlier than noted_at.';

-- +goose Down
ALTER TABLE sync_runs DROP COLUMN rows_unexplained, DROP COLUMN stamped_at;
ALTER TABLE sync_streams DROP COLUMN lease_seconds;
DROP TABLE sync_clock;
