-- name: DisputesUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO disputes (
    id, created_at, modified_at, status, resolved, closed, amount, tax_amount, currency, reason,
    evidence_due_by, past_due, order_id, payment_id, customer_id, case_id, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@status::text[]), unnest(@resolved::boolean[]), unnest(@closed::boolean[]),
    unnest(@amount::bigint[]), unnest(@tax_amount::bigint[]), unnest(@currency::text[]),
    unnest(@reason::text[]), unnest(@evidence_due_by::timestamptz[]), unnest(@past_due::boolean[]),
    unnest(@order_id::uuid[]), unnest(@payment_id::uuid[]), unnest(@customer_id::uuid[]),
    unnest(@case_id::uuid[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, status = EXCLUDED.status,
    resolved = EXCLUDED.resolved, closed = EXCLUDED.closed, amount = EXCLUDED.amount,
    tax_amount = EXCLUDED.tax_amount, currency = EXCLUDED.currency, reason = EXCLUDED.reason,
    evidence_due_by = EXCLUDED.evidence_due_by, past_due = EXCLUDED.past_due, order_id = EXCLUDED.order_id,
    payment_id = EXCLUDED.payment_id, customer_id = EXCLUDED.customer_id, case_id = EXCLUDED.case_id,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE disputes._requested_at <= EXCLUDED._requested_at;
