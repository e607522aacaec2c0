-- name: ClockStamp :one
-- The next caller waits here, so no two get the same stamp. A row with a stamp is written after the stamp, so in a crash it never
-- outlives it, and the commit does not wait for the disk. told is the latest time that the caller has given out: a stamp is later, whatever
-- the clock shows. behind: the clock was set back and has not caught up, so stamps go on at half speed.
WITH c AS (
    SELECT GREATEST(t.now, k.at + GREATEST(LEAST(t.now - k.read_at, interval '1 minute') / 2, interval '1 microsecond'),
                    sqlc.arg(told)::timestamptz + interval '1 microsecond') AS at, t.now, set_config('synchronous_commit', 'off', true)::text AS commits
    FROM (SELECT at, read_at FROM sync_clock FOR UPDATE) k CROSS JOIN LATERAL (SELECT clock_timestamp() AS now WHERE k.at IS NOT NULL) t
)
UPDATE sync_clock SET at = c.at, read_at = c.now FROM c
RETURNING sync_clock.at, sync_clock.at > sync_clock.read_at AS behind, c.commits;

-- name: ClockNow :one
SELECT clock_timestamp()::timestamptz AS now;
