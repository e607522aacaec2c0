-- name: ClockStamp :one
-- The next caller waits here, so no two get the same stamp. A row with a stamp is written after the stamp, so in a crash it never
-- outlives it, and the commit does not wait for the disk. told is the latest time that the caller has given out: a stamp is later, whatever
-- the clock shows. behind: the clock was set back and has not caught up, so stamps go on at half speed.
UPDATE sync_clock
SET at = GREATEST(clock_timestamp(), at + GREATEST(LEAST(clock_timestamp() - read_at, interval '1 minute') / 2, interval '1 microsecond'),
                  sqlc.arg(told)::timestamptz + interval '1 microsecond'),
    read_at = clock_timestamp()
RETURNING at, at > read_at AS behind, set_config('synchronous_commit', 'off', true)::text AS commits;

-- name: ClockNow :one
SELECT clock_timestamp()::timestamptz AS now;
