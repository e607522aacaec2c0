-- name: SubscriptionsExportUpsert :exec
-- A file requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO subscriptions_export (
    id, email, started_at, product, amount, amount_major, currency, status, recurring_interval, customer_name,
    billing_name, billing_country, net_amount, net_amount_major, discount, seats, current_period_start,
    current_period_end, cancel_at_period_end, canceled_at, ends_at, ended_at, cancellation_reason, trial_start,
    trial_end, active, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@email::text[]), unnest(@started_at::timestamptz[]),
    unnest(@product::text[]), unnest(@amount::bigint[]), unnest(@amount_major::numeric[]),
    unnest(@currency::text[]), unnest(@status::text[]), unnest(@recurring_interval::text[]),
    unnest(@customer_name::text[]), unnest(@billing_name::text[]), unnest(@billing_country::text[]),
    unnest(@net_amount::bigint[]), unnest(@net_amount_major::numeric[]), unnest(@discount::text[]),
    unnest(@seats::bigint[]), unnest(@current_period_start::timestamptz[]),
    unnest(@current_period_end::timestamptz[]), unnest(@cancel_at_period_end::boolean[]),
    unnest(@canceled_at::timestamptz[]), unnest(@ends_at::timestamptz[]), unnest(@ended_at::timestamptz[]),
    unnest(@cancellation_reason::text[]), unnest(@trial_start::timestamptz[]),
    unnest(@trial_end::timestamptz[]), unnest(@active::boolean[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    email = EXCLUDED.email, started_at = EXCLUDED.started_at, product = EXCLUDED.product,
    amount = EXCLUDED.amount, amount_major = EXCLUDED.amount_major, currency = EXCLUDED.currency,
    status = EXCLUDED.status, recurring_interval = EXCLUDED.recurring_interval,
    customer_name = EXCLUDED.customer_name, billing_name = EXCLUDED.billing_name,
    billing_country = EXCLUDED.billing_country, net_amount = EXCLUDED.net_amount,
    net_amount_major = EXCLUDED.net_amount_major, discount = EXCLUDED.discount, seats = EXCLUDED.seats,
    current_period_start = EXCLUDED.current_period_start, current_period_end = EXCLUDED.current_period_end,
    cancel_at_period_end = EXCLUDED.cancel_at_period_end, canceled_at = EXCLUDED.canceled_at,
    ends_at = EXCLUDED.ends_at, ended_at = EXCLUDED.ended_at, cancellation_reason = EXCLUDED.cancellation_reason,
    trial_start = EXCLUDED.trial_start, trial_end = EXCLUDED.trial_end, active = EXCLUDED.active,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at,
    _deleted_at = NULL
WHERE subscriptions_export._requested_at <= EXCLUDED._requested_at;

-- name: SubscriptionsExportLink :exec
-- The mirrored row that each row of the file belongs to: by start, email and name of the product. Rows with equal keys are
-- paired off in the order of what else they have in common. Of an erased customer the mirror has no email, and the file may
-- have one, such as Polar gives to those whom it has anonymized: what is left over is paired off by start and product,
-- where it is as many on both sides: a row of somebody else would be cleared.
WITH ours AS (
    SELECT k.*, row_number() OVER (PARTITION BY k.key ORDER BY k.currency, k.amount, k.status, k.current_period_start, k.id) AS n
    FROM (SELECT o.id, o.currency, o.amount, o.status, o.current_period_start,
                 o.started_at::text || ' ' || COALESCE(lower(c.email), '') || ' ' || COALESCE(p.name, '') AS key,
                 CASE WHEN COALESCE(c.email, '') = '' THEN o.started_at::text || ' ' || COALESCE(p.name, '') END AS rest
          FROM subscriptions o LEFT JOIN customers c ON c.id = o.customer_id LEFT JOIN products p ON p.id = o.product_id
          WHERE o._deleted_at IS NULL) k
), theirs AS (
    SELECT k.*, row_number() OVER (PARTITION BY k.key ORDER BY k.currency, k.amount, k.status, k.current_period_start, k.id) AS n
    FROM (SELECT o.id, o.currency, o.amount, o.status, o.current_period_start,
                 o.started_at::text || ' ' || COALESCE(lower(o.email), '') || ' ' || COALESCE(o.product, '') AS key,
                 o.started_at::text || ' ' || COALESCE(o.product, '') AS rest
          FROM subscriptions_export o
          WHERE o._deleted_at IS NULL) k
), pairs AS (
    SELECT t.id AS export_id, o.id AS mirrored FROM theirs t JOIN ours o ON o.key = t.key AND o.n = t.n
), ours_left AS (
    SELECT k.id, k.rest, row_number() OVER (PARTITION BY k.rest ORDER BY k.currency, k.amount, k.status, k.current_period_start, k.id) AS n, count(*) OVER (PARTITION BY k.rest) AS of
    FROM ours k LEFT JOIN pairs p ON p.mirrored = k.id WHERE p.mirrored IS NULL AND k.rest IS NOT NULL
), theirs_left AS (
    SELECT k.id, k.rest, row_number() OVER (PARTITION BY k.rest ORDER BY k.currency, k.amount, k.status, k.current_period_start, k.id) AS n, count(*) OVER (PARTITION BY k.rest) AS of
    FROM theirs k LEFT JOIN pairs p ON p.export_id = k.id WHERE p.export_id IS NULL AND k.rest IS NOT NULL
), all_pairs AS (
    SELECT export_id, mirrored FROM pairs
    UNION ALL SELECT t.id, o.id FROM theirs_left t JOIN ours_left o ON o.rest = t.rest AND o.n = t.n AND o.of = t.of
)
UPDATE subscriptions_export e SET subscription_id = m.mirrored
FROM (SELECT x.id AS export_id, p.mirrored FROM subscriptions_export x LEFT JOIN all_pairs p ON p.export_id = x.id) m
WHERE m.export_id = e.id AND e.subscription_id IS DISTINCT FROM m.mirrored;
