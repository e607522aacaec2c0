-- name: BudgetLock :one
-- Whoever asks next waits here. What is lost of this when the server crashes is a second's worth of tokens, so nobody waits for the disk.
SELECT b.tokens, clock_timestamp()::timestamptz AS at,
       EXTRACT(epoch FROM clock_timestamp() - b.refilled_at)::double precision AS since,
       EXTRACT(epoch FROM GREATEST(b.paused_until, clock_timestamp()) - clock_timestamp())::double precision AS paused,
       set_config('synchronous_commit', 'off', true)::text AS commits
FROM sync_budget b
FOR UPDATE;

-- name: BudgetSet :exec
UPDATE sync_budget SET tokens = @tokens, refilled_at = GREATEST(refilled_at, @at::timestamptz);

-- name: BudgetPause :exec
UPDATE sync_budget SET paused_until = GREATEST(paused_until, clock_timestamp() + make_interval(secs => @seconds::double precision));

-- name: BudgetHolders :many
SELECT * FROM sync_budget_holders ORDER BY holder;

-- name: BudgetPaused :one
SELECT EXTRACT(epoch FROM GREATEST(b.paused_until, clock_timestamp()) - clock_timestamp())::double precision AS seconds, clock_timestamp()::timestamptz AS at FROM sync_budget b;

-- name: BudgetHolderSet :exec
INSERT INTO sync_budget_holders AS h (holder, asked_at, waiting_at, wanted, priority, rate, burst, per_minute, pace, used, requests, rate_limited, paused)
VALUES (@holder, @asked_at, @waiting_at, @wanted, @priority, @rate, @burst, @per_minute, @pace, @used, @requests, @rate_limited, @paused)
ON CONFLICT (holder) DO UPDATE SET
    asked_at = EXCLUDED.asked_at, waiting_at = EXCLUDED.waiting_at, wanted = EXCLUDED.wanted, priority = EXCLUDED.priority,
    rate = EXCLUDED.rate, burst = EXCLUDED.burst, per_minute = EXCLUDED.per_minute, pace = EXCLUDED.pace, used = EXCLUDED.used,
    requests = EXCLUDED.requests, rate_limited = EXCLUDED.rate_limited, paused = EXCLUDED.paused;

-- name: BudgetForget :exec
DELETE FROM sync_budget_holders WHERE asked_at < @before;
