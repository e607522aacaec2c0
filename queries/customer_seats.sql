-- name: CustomerSeatsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO customer_seats (
    id, created_at, modified_at, subscription_id, order_id, status, customer_id, member_id, email,
    customer_email, invitation_token_expires_at, claimed_at, revoked_at, seat_metadata, _extra, _hash,
    _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@subscription_id::uuid[]), unnest(@order_id::uuid[]), unnest(@status::text[]),
    unnest(@customer_id::uuid[]), unnest(@member_id::uuid[]), unnest(@email::text[]),
    unnest(@customer_email::text[]), unnest(@invitation_token_expires_at::timestamptz[]),
    unnest(@claimed_at::timestamptz[]), unnest(@revoked_at::timestamptz[]), unnest(@seat_metadata::jsonb[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at,
    subscription_id = EXCLUDED.subscription_id, order_id = EXCLUDED.order_id, status = EXCLUDED.status,
    customer_id = EXCLUDED.customer_id, member_id = EXCLUDED.member_id, email = EXCLUDED.email,
    customer_email = EXCLUDED.customer_email,
    invitation_token_expires_at = EXCLUDED.invitation_token_expires_at, claimed_at = EXCLUDED.claimed_at,
    revoked_at = EXCLUDED.revoked_at, seat_metadata = EXCLUDED.seat_metadata, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE customer_seats._requested_at <= EXCLUDED._requested_at;
