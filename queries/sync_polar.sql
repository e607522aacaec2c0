-- name: PolarAnswered :exec
-- A clock that was ahead must not make Polar look available for ever: a time in the future counts as now.
INSERT INTO sync_polar (answered_at)
SELECT GREATEST(clock_timestamp() - make_interval(secs => @seconds_ago::double precision), (SELECT LEAST(p.answered_at, clock_timestamp()) FROM sync_polar p))
ON CONFLICT (singleton) DO UPDATE SET answered_at = EXCLUDED.answered_at;

-- name: PolarLastAnswer :one
SELECT answered_at, GREATEST(0, EXTRACT(epoch FROM clock_timestamp() - answered_at))::double precision AS seconds_ago FROM sync_polar;
