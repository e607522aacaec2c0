-- name: MetricsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO metrics (
    id, "interval", timezone, period_start, slug, value, type, display_name, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@interval::text[]), unnest(@timezone::text[]),
    unnest(@period_start::timestamptz[]), unnest(@slug::text[]), unnest(@value::numeric[]),
    unnest(@type::text[]), unnest(@display_name::text[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    "interval" = EXCLUDED."interval", timezone = EXCLUDED.timezone, period_start = EXCLUDED.period_start,
    slug = EXCLUDED.slug, value = EXCLUDED.value, type = EXCLUDED.type, display_name = EXCLUDED.display_name,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE metrics._requested_at <= EXCLUDED._requested_at;
