-- name: BudgetLock :one
-- A pause lasts little more than a minute; one that seems to last two was set before the clock was set back, and is over.
-- The next process waits here. A crash of the server loses tokens for a second at most, so the commit does not wait for the disk.
SELECT b.tokens, clock_timestamp()::timestamptz AS at,
       EXTRACT(epoch FROM clock_timestamp() - b.refilled_at)::double precision AS since,
       EXTRACT(epoch FROM CASE WHEN b.paused_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '2 minutes'
                               THEN b.paused_until - clock_timestamp() ELSE interval '0' END)::double precision AS paused,
       set_config('synchronous_commit', 'off', true)::text AS commits
FROM sync_budget b
FOR UPDATE;

-- name: BudgetSet :exec
-- A time further ahead than transactions wait for each other was written before the clock was set back.
UPDATE sync_budget
SET tokens = @tokens,
    refilled_at = CASE WHEN refilled_at > @ahead::timestamptz THEN @at::timestamptz ELSE GREATEST(refilled_at, @at::timestamptz) END;

-- name: BudgetPause :exec
UPDATE sync_budget
SET paused_until = GREATEST(CASE WHEN paused_until < c.soon THEN paused_until END, c.until)
FROM (SELECT clock_timestamp() + interval '2 minutes' AS soon, clock_timestamp() + make_interval(secs => @seconds::double precision) AS until) c;

-- name: BudgetHolders :many
SELECT * FROM sync_budget_holders ORDER BY holder;

-- name: BudgetPaused :one
SELECT EXTRACT(epoch FROM CASE WHEN b.paused_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '2 minutes'
                               THEN b.paused_until - clock_timestamp() ELSE interval '0' END)::double precision AS seconds, clock_timestamp()::timestamptz AS at FROM sync_budget b;

-- name: BudgetHolderSet :exec
INSERT INTO sync_budget_holders AS h (holder, asked_at, waiting_at, wanted, priority, rate, burst, per_minute, pace, used, requests, rate_limited, paused)
VALUES (@holder, @asked_at, @waiting_at, @wanted, @priority, @rate, @burst, @per_minute, @pace, @used, @requests, @rate_limited, @paused)
ON CONFLICT (holder) DO UPDATE SET
    asked_at = EXCLUDED.asked_at, waiting_at = EXCLUDED.waiting_at, wanted = EXCLUDED.wanted, priority = EXCLUDED.priority,
    rate = EXCLUDED.rate, burst = EXCLUDED.burst, per_minute = EXCLUDED.per_minute, pace = EXCLUDED.pace, used = EXCLUDED.used,
    requests = EXCLUDED.requests, rate_limited = EXCLUDED.rate_limited, paused = EXCLUDED.paused;

-- name: BudgetForget :exec
DELETE FROM sync_budget_holders WHERE asked_at < @before OR asked_at > @after;

-- name: BudgetLeave :exec
-- The process has ended: what it would let come binds nobody any more. Its row stays for those who look at it.
UPDATE sync_budget_holders SET rate = 'Infinity', burst = 9223372036854775807, waiting_at = NULL, wanted = 0 WHERE holder = @holder;
