-- name: SweepsLast :many
SELECT r.stream, r.id, r.finished_at, r.outcome, r.verdict, r.reason
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT * FROM sync_runs a
    WHERE a.stream = s.stream AND a.kind = 'sweep' AND a.finished_at IS NOT NULL
    ORDER BY a.id DESC LIMIT 1
) r
WHERE s.stream <> 'tail'
ORDER BY r.stream;

-- name: SweepsEnded :many
-- The last sweep that reached the end of its list. An interrupted one says nothing new about the table.
SELECT r.stream, r.id, r.outcome, r.verdict, r.reason
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT * FROM sync_runs a
    WHERE a.stream = s.stream AND a.kind = 'sweep' AND a.verdict IS NOT NULL
    ORDER BY a.id DESC LIMIT 1
) r
WHERE s.stream <> 'tail'
ORDER BY r.stream;

-- name: ApprovalsLast :many
-- Those after the last sweep that reached the end of its list: an earlier one says nothing about it.
SELECT s.stream, a.id
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT max(r.id)::bigint AS id FROM sync_runs r
    WHERE r.stream = s.stream AND r.kind = 'approval' AND r.kind <> 'tail' AND r.kind <> 'feed' AND r.outcome = 'succeeded'
      AND r.id > COALESCE((SELECT e.id FROM sync_runs e WHERE e.stream = s.stream AND e.kind = 'sweep' AND e.verdict IS NOT NULL ORDER BY e.id DESC LIMIT 1), 0)
) a
WHERE s.stream <> 'tail' AND a.id IS NOT NULL
ORDER BY s.stream;

-- name: RejectsCount :many
SELECT stream, count(*) AS rejects
FROM sync_rejects
WHERE resolved_at IS NULL
GROUP BY stream;

-- name: SuspectsCount :many
SELECT stream, count(*) AS suspects, count(*) FILTER (WHERE held) AS held,
       COALESCE(max(last_run) FILTER (WHERE held), 0)::bigint AS held_run
FROM sync_suspects
GROUP BY stream;
