-- name: MetaBind :one
-- The first organization wins; the caller compares what comes back with its own.
INSERT INTO sync_meta (organization_id, server)
VALUES (@organization_id, @server)
ON CONFLICT (singleton) DO UPDATE SET singleton = true
RETURNING organization_id, server;

-- name: MetaGet :one
SELECT organization_id, server, bound_at FROM sync_meta;

-- name: MetaVersion :exec
UPDATE sync_meta
SET polar_version = @version, polar_version_retired = sqlc.narg(retired)::text, polar_version_at = now()
WHERE (polar_version, polar_version_retired) IS DISTINCT FROM (@version, sqlc.narg(retired)::text);

-- name: MetaVersionGet :one
SELECT polar_version, polar_version_retired, polar_version_at FROM sync_meta;

-- name: StreamEnsure :exec
INSERT INTO sync_streams (stream) VALUES (@stream) ON CONFLICT (stream) DO NOTHING;

-- name: StreamLock :one
-- The row stays locked until the transaction that takes the lease ends, so two takers queue. A lease that ends later than its
-- duration allows was taken before the clock was set back. Its holder may be long dead, so it counts as ended.
SELECT stream, lease_run, lease_holder, leased_until,
       (lease_run IS NOT NULL AND leased_until > clock_timestamp()
        AND leased_until <= clock_timestamp() + make_interval(secs => COALESCE(lease_seconds, 3600) + 5))::boolean AS leased,
       sweep_id, sweep_pages, sweep_total, checkpoint, checkpoint_at
FROM sync_streams
WHERE stream = @stream
FOR UPDATE;

-- name: StreamHold :one
-- The first statement of every transaction that writes rows of the stream: concurrent runs take turns, so each sees
-- what the others have stored before it decides which reply is newer. Rows are counted by whose turn it is: see sync_row_counts.
SELECT lease_run, set_config('syncd.writer', @stream, true)::text AS writer FROM sync_streams WHERE stream = @stream FOR UPDATE;

-- name: StreamsHold :many
-- The same for pages, and the row of the run's lease with it: nobody can take the lease until they are committed.
SELECT stream, lease_run, sweep_pages, set_config('syncd.writer', @writer, true)::text AS writer
FROM sync_streams WHERE stream = ANY(@streams::text[]) ORDER BY stream FOR UPDATE;

-- name: PagesQueue :exec
-- Before StreamsHold, where a transaction is sent while those before it are under way. A lock of a row goes to whoever asks at the moment when
-- it is free, and passes by who waits; this one is given in turn.
SELECT pg_advisory_xact_lock(hashtextextended('syncd pages ' || current_schema() || ' ' || @stream::text, 0));

-- name: StreamLease :exec
UPDATE sync_streams
SET lease_run = @run_id, lease_holder = @holder,
    leased_until = c.until, lease_seconds = @ttl_seconds,
    sweep_id = @sweep_id, sweep_pages = @sweep_pages, sweep_total = @sweep_total, checkpoint = @checkpoint
FROM (SELECT clock_timestamp() + make_interval(secs => @ttl_seconds) AS until) c
WHERE stream = @stream;

-- name: StreamRenew :execrows
UPDATE sync_streams
SET leased_until = c.until
FROM (SELECT clock_timestamp() + make_interval(secs => @ttl_seconds) AS until) c
WHERE stream = @stream AND lease_run = @run_id;

-- name: StreamRelease :exec
UPDATE sync_streams
SET lease_run = NULL, lease_holder = NULL, leased_until = NULL, lease_seconds = NULL, unavailable = @unavailable
WHERE stream = @stream AND lease_run = @run_id;

-- name: StreamSweepEnd :exec
UPDATE sync_streams
SET sweep_id = NULL, sweep_pages = 0, sweep_total = NULL, checkpoint = NULL, checkpoint_at = NULL,
    complete_at = COALESCE(@complete_at, complete_at),
    history_since = COALESCE(history_since, c.now),
    sweep_due = CASE WHEN @complete_at::timestamptz IS NULL THEN sweep_due END
FROM (SELECT clock_timestamp() AS now) c
WHERE stream = @stream AND lease_run = @run_id;

-- name: RunStart :one
INSERT INTO sync_runs (stream, kind, holder, sweep_id, stamped_at)
VALUES (@stream, @kind, @holder, @sweep_id, @stamped_at)
RETURNING id, started_at;

-- name: RunSetSweep :exec
UPDATE sync_runs SET sweep_id = @sweep_id WHERE id = @id;

-- name: RunFinish :exec
-- A run without a lease that was wrongly considered dead records its own end.
UPDATE sync_runs
SET finished_at = now(), outcome = @outcome, reason = @reason, error_class = @error_class, error = @error,
    requests = @requests, distinct_ids = @distinct_ids, duplicates = @duplicates,
    rows_appeared = @rows_appeared, rows_vanished = @rows_vanished,
    total_last = COALESCE(@total_last, total_last), verdict = @verdict
WHERE id = @id AND (finished_at IS NULL OR stamped_at IS NULL AND outcome = 'interrupted');

-- name: RunAbandon :exec
-- A taker of an expired lease closes the run of the process that died.
UPDATE sync_runs
SET finished_at = now(), outcome = 'interrupted', reason = 'its process stopped without closing the run'
WHERE id = @id AND finished_at IS NULL;

-- name: RunsAbandonOpen :exec
-- If the process of a run without a lease dies, the run never ends, and nothing else shows it. A run that seems to begin an hour
-- from now began before the clock of the database was set back: it would seem to be running until that hour has come.
UPDATE sync_runs
SET finished_at = now(), outcome = 'interrupted', reason = 'its process stopped without closing the run'
WHERE stream = @stream AND kind = @kind AND finished_at IS NULL AND stamped_at IS NULL
  AND NOT started_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour';

-- name: RunsLast :many
-- A run that is not closed counts as running only while its lease lasts: its process may have died. Rounds are named as the index leaves
-- them out: a stream without a run of late would be looked for among all of them.
SELECT r.id, r.stream, r.kind, r.holder, r.started_at, r.finished_at, r.outcome, r.reason, r.pages, r.requests,
       r.rows_inserted, r.rows_updated, r.rows_rejected,
       EXISTS (SELECT FROM sync_streams l WHERE l.lease_run = r.id AND l.leased_until > now()
               AND l.leased_until <= now() + make_interval(secs => COALESCE(l.lease_seconds, 3600) + 5))::boolean AS leased
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT * FROM sync_runs a
    WHERE a.stream = s.stream AND a.kind IN ('sweep', 'approval') AND a.kind <> 'tail' AND a.kind <> 'feed'
    ORDER BY a.id DESC LIMIT 1
) r
WHERE s.stream <> 'tail'
ORDER BY r.stream;

-- name: RoundLast :many
-- The same of the last round of tails; no row before the first.
SELECT r.id, r.stream, r.kind, r.holder, r.started_at, r.finished_at, r.outcome, r.reason, r.pages, r.requests,
       r.rows_inserted, r.rows_updated, r.rows_rejected,
       EXISTS (SELECT FROM sync_streams l WHERE l.lease_run = r.id AND l.leased_until > now()
               AND l.leased_until <= now() + make_interval(secs => COALESCE(l.lease_seconds, 3600) + 5))::boolean AS leased
FROM sync_runs r
WHERE r.stream = 'tail' AND r.kind = 'tail'
ORDER BY r.id DESC
LIMIT 1;

-- name: RunsLastSuccess :many
-- By the index on (stream, id), as in the other queries that a page repeats; rounds of tails are many, and none of them is a sweep.
SELECT r.stream, r.started_at
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT * FROM sync_runs a
    WHERE a.stream = s.stream AND a.outcome = 'succeeded' AND a.kind = 'sweep'
    ORDER BY a.id DESC LIMIT 1
) r
WHERE s.stream <> 'tail'
ORDER BY r.stream;

-- name: StreamsList :many
SELECT stream, lease_holder, leased_until, sweep_id, sweep_pages, checkpoint, complete_at, unavailable, rows_counted_at,
       COALESCE(CASE WHEN rows_corrected_at = rows_counted_at THEN rows_corrected_by END, 0)::bigint AS rows_corrected_by
FROM sync_streams
ORDER BY stream;

-- name: SeenPages :one
SELECT count(*) FROM sync_seen WHERE stream = @stream AND sweep_id = @sweep_id;

-- name: SeenDistinct :one
SELECT count(DISTINCT u.id)
FROM sync_seen s CROSS JOIN LATERAL unnest(s.ids) AS u(id)
WHERE s.stream = @stream AND s.sweep_id = @sweep_id;

-- name: SeenForget :exec
DELETE FROM sync_seen WHERE stream = @stream AND sweep_id = @sweep_id;

-- name: SeenClear :exec
-- Ids received recently still decide which of two replies is newer; no reply is on its way longer than that. A request later
-- than now decides nothing. The ids of the current sweep stay; the next run removes those of runs without a lease.
DELETE FROM sync_seen s
USING (SELECT GREATEST(k.at, t.now) AS present FROM sync_clock k, (SELECT clock_timestamp() AS now) t) c
WHERE NOT (s.stream = @stream AND s.sweep_id = @keep_sweep_id)
  AND (s.requested_at < c.present - interval '10 minutes' OR s.requested_at > c.present)
  AND NOT EXISTS (SELECT FROM sync_streams l WHERE l.stream = s.stream AND l.sweep_id = s.sweep_id);

-- name: SweepSince :one
-- When the sweep began; a sweep that an older syncd began has no stamp.
SELECT COALESCE(stamped_at, started_at)::timestamptz AS since FROM sync_runs WHERE id = @sweep_id;

-- name: ParentsKnown :one
-- The time as of which all rows of these streams were known when a sweep began; the epoch if one stream was not.
SELECT COALESCE(min(COALESCE(p.started_at, 'epoch')), 'epoch')::timestamptz AS as_of
FROM unnest(@streams::text[]) AS s(stream) LEFT JOIN LATERAL (
    SELECT f.started_at FROM sync_runs r JOIN sync_runs f ON f.id = r.sweep_id
    WHERE r.stream = s.stream AND r.verdict = 'complete' AND r.id < @sweep_id
      AND r.finished_at <= (SELECT c.started_at FROM sync_runs c WHERE c.id = @sweep_id)
    ORDER BY r.id DESC LIMIT 1
) p ON true;

-- name: SweepUnexplained :one
SELECT COALESCE(sum(rows_unexplained), 0)::bigint AS rows FROM sync_runs WHERE sweep_id = @sweep_id AND stream = @stream;

-- name: RejectsUpsert :batchexec
INSERT INTO sync_rejects (stream, key, item_id, run_id, reason, body, copied_from)
VALUES (@stream, @key, @item_id, @run_id, @reason, @body, @copied_from)
ON CONFLICT (stream, key) DO UPDATE
SET item_id = EXCLUDED.item_id, run_id = EXCLUDED.run_id, reason = EXCLUDED.reason, body = EXCLUDED.body, copied_from = EXCLUDED.copied_from,
    last_seen = EXCLUDED.last_seen, times_seen = sync_rejects.times_seen + 1, resolved_at = NULL;

-- name: RejectsResolve :exec
UPDATE sync_rejects SET resolved_at = now()
WHERE stream = @stream AND item_id = ANY(@ids::uuid[]) AND resolved_at IS NULL;

-- name: StreamOpen :one
-- Whether a stored page of the stream may change any of these: open rejects, which it may close; and suspects,
-- which it acquits. Also the organization whose objects are accepted, if there is one.
WITH known AS (INSERT INTO sync_streams (stream) VALUES (@stream) ON CONFLICT (stream) DO NOTHING)
SELECT EXISTS (SELECT 1 FROM sync_rejects r WHERE r.stream = @stream AND r.resolved_at IS NULL) AS rejects,
       EXISTS (SELECT 1 FROM sync_suspects d WHERE d.stream = @stream) AS suspects,
       m.organization_id
FROM (SELECT 1) AS one LEFT JOIN sync_meta m ON true;

-- name: RunStartedAt :one
SELECT started_at FROM sync_runs WHERE id = @id;

-- name: StreamRestart :execrows
UPDATE sync_streams
SET checkpoint = NULL, checkpoint_at = now(), sweep_total = NULL,
    sweep_pages = CASE WHEN @forget::boolean THEN 0 ELSE sweep_pages END
WHERE stream = @stream AND lease_run = @run_id;

-- name: SeenAny :one
SELECT ids[1]::uuid AS id FROM sync_seen
WHERE stream = @stream AND sweep_id = @sweep_id AND cardinality(ids) > 0
ORDER BY page DESC LIMIT 1;

-- name: RejectsUnidentified :one
SELECT count(*) FROM sync_rejects
WHERE stream = @stream AND item_id IS NULL AND resolved_at IS NULL AND run_id >= @run_id AND key NOT LIKE 'gap:%';

-- name: RejectsGaps :many
-- Rows that Polar could not render, since a run.
SELECT key FROM sync_rejects
WHERE stream = @stream AND resolved_at IS NULL AND run_id >= @run_id AND key LIKE 'gap:%'
ORDER BY key;

-- name: RejectsResolveUnmetGaps :exec
-- After a sweep that accounted for every row: the rows of these rejects came, or are gone.
UPDATE sync_rejects SET resolved_at = now()
WHERE stream = @stream AND resolved_at IS NULL AND run_id < @sweep_id AND key LIKE 'gap:%';

-- name: RejectsForgetGaps :exec
-- A sweep that starts again finds its gaps again, maybe at other places.
UPDATE sync_rejects SET resolved_at = now()
WHERE stream = @stream AND resolved_at IS NULL AND run_id >= @run_id AND key LIKE 'gap:%';

-- name: RejectsResolveUnmet :exec
-- After a complete sweep: rows that it did not meet no longer exist, so their rejects are closed, unless another object refers to them.
UPDATE sync_rejects SET resolved_at = now()
WHERE stream = @stream AND resolved_at IS NULL AND run_id < @sweep_id AND copied_from IS NULL;

-- name: RejectsOfCopies :one
-- Rows that other objects refer to, and whose copies could not be stored either.
SELECT count(*) FROM sync_rejects
WHERE stream = @stream AND resolved_at IS NULL AND copied_from IS NOT NULL;

-- name: RejectsOpenOf :one
SELECT count(*) FROM sync_rejects
WHERE stream = @stream AND item_id = ANY(@ids::uuid[]) AND resolved_at IS NULL;

-- name: SeenInsert :exec
-- The ids of several pages, one page after the other; ends are the places of the last ones.
INSERT INTO sync_seen (stream, sweep_id, page, ids, requested_at)
SELECT @stream, @sweep_id, p.ord - 1 + sqlc.arg(page)::bigint, (@ids::uuid[])[lag(p.last, 1, 0::bigint) OVER (ORDER BY p.ord) + 1 : p.last], p.at
FROM ROWS FROM (unnest(@ends::bigint[]), unnest(@requested_at::timestamptz[])) WITH ORDINALITY AS p(last, at, ord);

-- name: PageClose :exec
-- The last statement of a transaction with pages. It writes the run's counts (so that they are true even if the run dies)
-- and the checkpoint, and renews the lease, which StreamsHold has found to be the run's.
WITH run AS (
    UPDATE sync_runs
    SET pages = pages + @pages,
        requests = @requests,
        rows_read = rows_read + @rows_read,
        rows_inserted = rows_inserted + @rows_inserted,
        rows_updated = rows_updated + @rows_updated,
        rows_unchanged = rows_unchanged + @rows_unchanged,
        rows_stale = rows_stale + @rows_stale,
        rows_unexplained = rows_unexplained + @rows_unexplained,
        rows_rejected = rows_rejected + @rows_rejected,
        total_first = COALESCE(sync_runs.total_first, sqlc.narg(total_first)::bigint),
        total_last = COALESCE(sqlc.narg(total)::bigint, sync_runs.total_last)
    WHERE id = @run_id
)
UPDATE sync_streams
SET checkpoint = @checkpoint, checkpoint_at = now(),
    sweep_pages = sweep_pages + @pages,
    sweep_total = COALESCE(sweep_total, sqlc.narg(sweep_total)::bigint),
    leased_until = c.until
FROM (SELECT clock_timestamp() + make_interval(secs => @ttl_seconds) AS until) c
WHERE sync_streams.stream = @lease AND lease_run = @run_id;
