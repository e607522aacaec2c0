-- name: ClockStamp :one
-- Whoever asks next waits here, so no two get the same. Nothing that is stored under a stamp outlives it in a crash, as it is
-- written later, so nobody waits for the disk.
UPDATE sync_clock
SET at = GREATEST(clock_timestamp(), at + GREATEST(LEAST(clock_timestamp() - read_at, interval '1 minute') / 2, interval '1 microsecond')),
    read_at = clock_timestamp()
RETURNING at, set_config('synchronous_commit', 'off', true)::text AS commits;

-- name: ClockNow :one
SELECT clock_timestamp()::timestamptz AS now;
