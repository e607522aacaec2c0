-- name: SyncHistoryEventsUpsert :exec
-- A reply requested earlier than the one stored changes nothing.
INSERT INTO sync_history_events (id, timestamp, organization_id, name, customer_id, metadata, _extra, _hash, _requested_at)
SELECT unnest(@id::uuid[]), unnest(@timestamp::timestamptz[]), unnest(@organization_id::uuid[]), unnest(@name::text[]),
    unnest(@customer_id::uuid[]), unnest(@metadata::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    timestamp = EXCLUDED.timestamp, organization_id = EXCLUDED.organization_id, name = EXCLUDED.name,
    customer_id = EXCLUDED.customer_id, metadata = EXCLUDED.metadata,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE sync_history_events._requested_at <= EXCLUDED._requested_at;

-- name: RebuildSpan :one
-- Since when changes of subscriptions are recorded, and the subscriptions that were there then; whether events of the whole time
-- before are here: in the table events, or read by an earlier rebuild.
SELECT s.history_since,
       (SELECT COALESCE(min(LEAST(t.created_at, t.started_at)), s.history_since)::timestamptz FROM subscriptions t) AS first_at,
       (SELECT count(*) FROM subscriptions t WHERE t.created_at < s.history_since) AS subscriptions,
       EXISTS (SELECT FROM sync_streams e WHERE e.stream = 'events' AND e.complete_at IS NOT NULL) AS has_events,
       EXISTS (SELECT FROM sync_runs r WHERE r.stream = 'sync_history_events' AND r.outcome = 'succeeded') AS was_read
FROM sync_streams s WHERE s.stream = 'subscriptions';

-- name: RebuildBaselines :many
-- Subscriptions as they were when changes began to be recorded: the present row with the oldest of the old values.
SELECT t.id, t.customer_id, (to_jsonb(t) || COALESCE((
    SELECT jsonb_object_agg(e.key, e.value ORDER BY c.seq DESC)
    FROM changes c CROSS JOIN LATERAL jsonb_each(c.old) e
    WHERE c.stream = 'subscriptions' AND c.id = t.id AND c.seq > 0), '{}'))::jsonb AS baseline
FROM subscriptions t
WHERE t.id > @after AND t.created_at < @history_since
  AND NOT EXISTS (SELECT FROM changes c WHERE c.stream = 'subscriptions' AND c.id = t.id AND c.seq > 0 AND c.operation = 'insert')
ORDER BY t.id LIMIT @most;

-- name: RebuildEvents :many
-- What Polar's events tell of subscriptions. The same event may be in both tables.
SELECT (h.metadata->>'subscription_id')::uuid AS subscription_id, h.timestamp::timestamptz AS timestamp, COALESCE(h.name, '') AS name, h.metadata::jsonb AS metadata
FROM sync_history_events h
WHERE h.metadata->>'subscription_id' = ANY(@ids::text[]) AND h.timestamp <= @until
UNION
SELECT (v.metadata->>'subscription_id')::uuid, v.timestamp::timestamptz, COALESCE(v.name, ''), v.metadata::jsonb
FROM events v
WHERE v.customer_id = ANY(@customers::uuid[]) AND v.source = 'system' AND v.name LIKE 'subscription.%'
  AND v.metadata->>'subscription_id' = ANY(@ids::text[]) AND v.timestamp <= @until
ORDER BY 2, 3;

-- name: RebuildOrders :many
-- What orders tell of subscriptions: when a period began, of which product, and what was billed for it: the plan alone, if that can be told
-- apart from prorations, usage and the discount on them, else -1. The interval of a product never changes.
SELECT o.subscription_id::uuid AS subscription_id, o.created_at::timestamptz AS created_at, COALESCE(o.billing_reason, '') AS billing_reason, o.product_id, o.discount_id,
       k.recurring_interval, k.recurring_interval_count,
       COALESCE(CASE WHEN i.plain THEN o.subtotal_amount - o.discount_amount WHEN i.known AND o.discount_amount = 0 THEN i.plan END, -1)::bigint AS amount
FROM orders o
LEFT JOIN products k ON k.id = o.product_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(n.amount) FILTER (WHERE NOT n.proration AND p.amount_type <> 'metered_unit'), 0)::bigint AS plan,
           COALESCE(bool_and(n.proration OR p.amount_type IS NOT NULL), false) AS known,
           COALESCE(bool_and(NOT n.proration AND p.amount_type <> 'metered_unit'), false) AS plain
    FROM order_items n
    LEFT JOIN LATERAL (
        SELECT s.amount_type FROM subscription_prices s WHERE s.subscription_id = o.subscription_id AND s.id = n.product_price_id
        UNION ALL
        SELECT c.amount_type FROM product_prices c WHERE c.id = n.product_price_id
        LIMIT 1
    ) p ON true
    WHERE n.order_id = o.id AND n._removed_at IS NULL
) i
WHERE o.subscription_id = ANY(@ids::uuid[]) AND o.created_at <= @until AND o._deleted_at IS NULL
  AND o.billing_reason IN ('purchase', 'subscription_create', 'subscription_cycle', 'subscription_cycle_after_trial')
ORDER BY o.subscription_id, o.created_at, o.id;

-- name: RebuildLock :exec
-- Until the end of the transaction nobody else rebuilds.
SELECT pg_advisory_xact_lock(hashtextextended('syncd rebuild ' || current_schema(), 0));

-- name: RebuildReplace :one
-- Replaces the rebuilt changes of subscriptions by those that are given in their order, where they differ.
WITH made AS (
    SELECT unnest(@id::uuid[]) AS id, unnest(@n::bigint[]) AS n, unnest(@operation::text[]) AS operation, unnest(@source::text[]) AS source,
           unnest(@changed_at::timestamptz[]) AS changed_at, NULLIF(unnest(@old::jsonb[]), 'null') AS old, unnest(@new::jsonb[]) AS new
), differ AS (
    SELECT g.id FROM unnest(@subscriptions::uuid[]) AS g (id)
    WHERE (SELECT jsonb_agg(jsonb_build_array(m.operation, m.source, m.changed_at, m.old, m.new) ORDER BY m.n) FROM made m WHERE m.id = g.id)
       IS DISTINCT FROM
          (SELECT jsonb_agg(jsonb_build_array(c.operation, c.source, c.changed_at, c.old, c.new) ORDER BY c.seq)
           FROM changes c WHERE c.stream = 'subscriptions' AND c.id = g.id AND c.seq < 0)
), gone AS (
    DELETE FROM changes c USING differ d WHERE c.stream = 'subscriptions' AND c.id = d.id AND c.seq < 0
), added AS (
    INSERT INTO changes (seq, stream, id, operation, source, seen_at, changed_at, old, new, retention)
    SELECT nextval('changes_rebuilt_seq'), 'subscriptions', m.id, m.operation, m.source, m.changed_at, m.changed_at, m.old, m.new, 'permanent'
    FROM (SELECT made.* FROM made JOIN differ USING (id) ORDER BY made.n) m
    RETURNING 1
)
SELECT (SELECT count(*) FROM differ) AS subscriptions, (SELECT count(*) FROM added) AS changes;
