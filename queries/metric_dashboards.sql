-- name: MetricDashboardsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO metric_dashboards (
    id, created_at, modified_at, name, metrics, organization_id, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@name::text[]), unnest(@metrics::jsonb[]), unnest(@organization_id::uuid[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    metrics = EXCLUDED.metrics, organization_id = EXCLUDED.organization_id, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE metric_dashboards._requested_at <= EXCLUDED._requested_at;
