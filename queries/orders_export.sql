-- name: OrdersExportUpsert :exec
-- A file requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO orders_export (
    id, email, created_at, product, net_amount, net_amount_major, currency, status, invoice_number, customer_name,
    billing_name, billing_country, subtotal_amount, subtotal_amount_major, discount_amount, discount_amount_major,
    tax_amount, tax_amount_major, total_amount, total_amount_major, refunded_amount, refunded_amount_major,
    billing_reason, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@email::text[]), unnest(@created_at::timestamptz[]),
    unnest(@product::text[]), unnest(@net_amount::bigint[]), unnest(@net_amount_major::numeric[]),
    unnest(@currency::text[]), unnest(@status::text[]), unnest(@invoice_number::text[]),
    unnest(@customer_name::text[]), unnest(@billing_name::text[]), unnest(@billing_country::text[]),
    unnest(@subtotal_amount::bigint[]), unnest(@subtotal_amount_major::numeric[]),
    unnest(@discount_amount::bigint[]), unnest(@discount_amount_major::numeric[]),
    unnest(@tax_amount::bigint[]), unnest(@tax_amount_major::numeric[]), unnest(@total_amount::bigint[]),
    unnest(@total_amount_major::numeric[]), unnest(@refunded_amount::bigint[]),
    unnest(@refunded_amount_major::numeric[]), unnest(@billing_reason::text[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    email = EXCLUDED.email, created_at = EXCLUDED.created_at, product = EXCLUDED.product,
    net_amount = EXCLUDED.net_amount, net_amount_major = EXCLUDED.net_amount_major, currency = EXCLUDED.currency,
    status = EXCLUDED.status, invoice_number = EXCLUDED.invoice_number, customer_name = EXCLUDED.customer_name,
    billing_name = EXCLUDED.billing_name, billing_country = EXCLUDED.billing_country,
    subtotal_amount = EXCLUDED.subtotal_amount, subtotal_amount_major = EXCLUDED.subtotal_amount_major,
    discount_amount = EXCLUDED.discount_amount, discount_amount_major = EXCLUDED.discount_amount_major,
    tax_amount = EXCLUDED.tax_amount, tax_amount_major = EXCLUDED.tax_amount_major,
    total_amount = EXCLUDED.total_amount, total_amount_major = EXCLUDED.total_amount_major,
    refunded_amount = EXCLUDED.refunded_amount, refunded_amount_major = EXCLUDED.refunded_amount_major,
    billing_reason = EXCLUDED.billing_reason, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE orders_export._requested_at <= EXCLUDED._requested_at;

-- name: OrdersExportLink :exec
-- The mirrored row that each row of the file belongs to: by invoice number, else by time of creation and email. Rows with equal keys are
-- paired off in the order of what else they have in common. Of an erased customer the mirror has no email, and the file may
-- have one, such as Polar gives to those whom it has anonymized: what is left over is paired off by the time alone,
-- where it is as many on both sides: a row of somebody else would be cleared.
WITH ours AS (
    SELECT k.*, row_number() OVER (PARTITION BY k.key ORDER BY k.currency, k.net_amount, k.total_amount, k.status, k.id) AS n
    FROM (SELECT o.id, o.currency, o.net_amount, o.total_amount, o.status,
                 CASE WHEN o.invoice_number <> '' THEN 'number ' || o.invoice_number
                      ELSE 'time ' || o.created_at::text || ' ' || COALESCE(lower(c.email), '') END AS key,
                 CASE WHEN COALESCE(o.invoice_number, '') = '' AND COALESCE(c.email, '') = '' THEN o.created_at::text END AS rest
          FROM orders o LEFT JOIN customers c ON c.id = o.customer_id
          WHERE o._deleted_at IS NULL) k
), theirs AS (
    SELECT k.*, row_number() OVER (PARTITION BY k.key ORDER BY k.currency, k.net_amount, k.total_amount, k.status, k.id) AS n
    FROM (SELECT o.id, o.currency, o.net_amount, o.total_amount, o.status,
                 CASE WHEN o.invoice_number <> '' THEN 'number ' || o.invoice_number
                      ELSE 'time ' || o.created_at::text || ' ' || COALESCE(lower(o.email), '') END AS key,
                 CASE WHEN COALESCE(o.invoice_number, '') = '' THEN o.created_at::text END AS rest
          FROM orders_export o
          WHERE o._deleted_at IS NULL) k
), pairs AS (
    SELECT t.id AS export_id, o.id AS mirrored FROM theirs t JOIN ours o ON o.key = t.key AND o.n = t.n
), ours_left AS (
    SELECT k.id, k.rest, row_number() OVER (PARTITION BY k.rest ORDER BY k.currency, k.net_amount, k.total_amount, k.status, k.id) AS n, count(*) OVER (PARTITION BY k.rest) AS of
    FROM ours k LEFT JOIN pairs p ON p.mirrored = k.id WHERE p.mirrored IS NULL AND k.rest IS NOT NULL
), theirs_left AS (
    SELECT k.id, k.rest, row_number() OVER (PARTITION BY k.rest ORDER BY k.currency, k.net_amount, k.total_amount, k.status, k.id) AS n, count(*) OVER (PARTITION BY k.rest) AS of
    FROM theirs k LEFT JOIN pairs p ON p.export_id = k.id WHERE p.export_id IS NULL AND k.rest IS NOT NULL
), all_pairs AS (
    SELECT export_id, mirrored FROM pairs
    UNION ALL SELECT t.id, o.id FROM theirs_left t JOIN ours_left o ON o.rest = t.rest AND o.n = t.n AND o.of = t.of
)
UPDATE orders_export e SET order_id = m.mirrored
FROM (SELECT x.id AS export_id, p.mirrored FROM orders_export x LEFT JOIN all_pairs p ON p.export_id = x.id) m
WHERE m.export_id = e.id AND e.order_id IS DISTINCT FROM m.mirrored;
