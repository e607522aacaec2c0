-- name: MetricsExportUpsert :exec
-- A file requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO metrics_export (
    id, "interval", timezone, period_start, display_name, value, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@interval::text[]), unnest(@timezone::text[]),
    unnest(@period_start::timestamptz[]), unnest(@display_name::text[]), unnest(@value::numeric[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    "interval" = EXCLUDED."interval", timezone = EXCLUDED.timezone, period_start = EXCLUDED.period_start,
    display_name = EXCLUDED.display_name, value = EXCLUDED.value, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE metrics_export._requested_at <= EXCLUDED._requested_at;

-- name: MetricsExportLink :exec
-- The mirrored row that each row of the file belongs to. A name that several metrics have belongs to none.
WITH named AS (
    SELECT min(slug) AS slug, display_name FROM metrics WHERE _deleted_at IS NULL GROUP BY display_name HAVING count(DISTINCT slug) = 1
)
UPDATE metrics_export e SET metric_id = mirrored
FROM (SELECT x.id AS export_id, t.id AS mirrored
      FROM metrics_export x
      LEFT JOIN named n ON n.display_name = x.display_name
      LEFT JOIN metrics t ON t.slug = n.slug AND t."interval" = x."interval" AND t.period_start = x.period_start
                          AND t.timezone = x.timezone AND t._deleted_at IS NULL) m
WHERE m.export_id = e.id AND e.metric_id IS DISTINCT FROM mirrored;
