-- name: SweepsLast :many
SELECT DISTINCT ON (stream) stream, id, finished_at, outcome, verdict, reason
FROM sync_runs
WHERE kind = 'sweep' AND finished_at IS NOT NULL
ORDER BY stream, id DESC;

-- name: SweepsEnded :many
-- The last sweep that reached the end of its list. An interrupted one says nothing new about the table.
SELECT r.stream, r.id, r.outcome, r.verdict, r.reason
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT * FROM sync_runs a
    WHERE a.stream = s.stream AND a.kind = 'sweep' AND a.verdict IS NOT NULL
    ORDER BY a.id DESC LIMIT 1
) r
ORDER BY r.stream;

-- name: ApprovalsLast :many
SELECT stream, max(id)::bigint AS id
FROM sync_runs
WHERE kind = 'approval' AND outcome = 'succeeded'
GROUP BY stream;

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
