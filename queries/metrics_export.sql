-- name: MetricsExportUpsert :exec
-- A file requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO metrics_export (
    id, "interval", timezone, period_start, display_name, value, metric_id, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@interval::text[]), unnest(@timezone::text[]),
    unnest(@period_start::timestamptz[]), unnest(@display_name::text[]), unnest(@value::numeric[]),
    unnest(metric_ids(@interval::text[], @timezone::text[], @period_start::timestamptz[], @display_name::text[])),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    "interval" = EXCLUDED."interval", timezone = EXCLUDED.timezone, period_start = EXCLUDED.period_start,
    display_name = EXCLUDED.display_name, value = EXCLUDED.value, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE metrics_export._requested_at <= EXCLUDED._requested_at;

-- name: MetricsExportLink :exec
-- The mirrored row of each row of the file that has none, or may have another by now. Rows of a file that came after the metrics have theirs from the upsert.
WITH doubtful AS (
    SELECT array_agg(x.id) AS ids, array_agg(x."interval") AS intervals, array_agg(x.timezone) AS timezones, array_agg(x.period_start) AS starts, array_agg(x.display_name) AS names
    FROM metrics_export x LEFT JOIN metrics t ON t.id = x.metric_id AND t.display_name = x.display_name AND t._deleted_at IS NULL
    WHERE t.id IS NULL
       OR x.display_name = ANY (ARRAY(SELECT d.display_name FROM (SELECT DISTINCT slug, display_name FROM metrics WHERE _deleted_at IS NULL) d GROUP BY d.display_name HAVING count(*) > 1))
)
UPDATE metrics_export e SET metric_id = m.id
FROM (SELECT unnest(ids) AS export_id, unnest(metric_ids(intervals, timezones, starts, names)) AS id FROM doubtful) m
WHERE m.export_id = e.id AND e.metric_id IS DISTINCT FROM m.id;
