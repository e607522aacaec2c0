-- name: SubscriptionsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO subscriptions (
    id, created_at, modified_at, status, currency, amount, recurring_interval, recurring_interval_count,
    started_at, current_period_start, current_period_end, current_meter_period_start,
    current_meter_period_end, trial_start, trial_end, cancel_at_period_end, canceled_at, ends_at, ended_at,
    past_due_at, pause_at_period_end, paused_at, resumes_at, seats, units, customer_id, product_id,
    discount_id, checkout_id, customer_cancellation_reason, customer_cancellation_comment, pending_update,
    metadata, custom_field_data, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@status::text[]), unnest(@currency::text[]), unnest(@amount::bigint[]),
    unnest(@recurring_interval::text[]), unnest(@recurring_interval_count::bigint[]),
    unnest(@started_at::timestamptz[]), unnest(@current_period_start::timestamptz[]),
    unnest(@current_period_end::timestamptz[]), unnest(@current_meter_period_start::timestamptz[]),
    unnest(@current_meter_period_end::timestamptz[]), unnest(@trial_start::timestamptz[]),
    unnest(@trial_end::timestamptz[]), unnest(@cancel_at_period_end::boolean[]),
    unnest(@canceled_at::timestamptz[]), unnest(@ends_at::timestamptz[]), unnest(@ended_at::timestamptz[]),
    unnest(@past_due_at::timestamptz[]), unnest(@pause_at_period_end::boolean[]),
    unnest(@paused_at::timestamptz[]), unnest(@resumes_at::timestamptz[]), unnest(@seats::bigint[]),
    unnest(@units::bigint[]), unnest(@customer_id::uuid[]), unnest(@product_id::uuid[]),
    unnest(@discount_id::uuid[]), unnest(@checkout_id::uuid[]), unnest(@customer_cancellation_reason::text[]),
    unnest(@customer_cancellation_comment::text[]), unnest(@pending_update::jsonb[]),
    unnest(@metadata::jsonb[]), unnest(@custom_field_data::jsonb[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, status = EXCLUDED.status,
    currency = EXCLUDED.currency, amount = EXCLUDED.amount, recurring_interval = EXCLUDED.recurring_interval,
    recurring_interval_count = EXCLUDED.recurring_interval_count, started_at = EXCLUDED.started_at,
    current_period_start = EXCLUDED.current_period_start, current_period_end = EXCLUDED.current_period_end,
    current_meter_period_start = EXCLUDED.current_meter_period_start,
    current_meter_period_end = EXCLUDED.current_meter_period_end, trial_start = EXCLUDED.trial_start,
    trial_end = EXCLUDED.trial_end, cancel_at_period_end = EXCLUDED.cancel_at_period_end,
    canceled_at = EXCLUDED.canceled_at, ends_at = EXCLUDED.ends_at, ended_at = EXCLUDED.ended_at,
    past_due_at = EXCLUDED.past_due_at, pause_at_period_end = EXCLUDED.pause_at_period_end,
    paused_at = EXCLUDED.paused_at, resumes_at = EXCLUDED.resumes_at, seats = EXCLUDED.seats,
    units = EXCLUDED.units, customer_id = EXCLUDED.customer_id, product_id = EXCLUDED.product_id,
    discount_id = EXCLUDED.discount_id, checkout_id = EXCLUDED.checkout_id,
    customer_cancellation_reason = EXCLUDED.customer_cancellation_reason,
    customer_cancellation_comment = EXCLUDED.customer_cancellation_comment,
    pending_update = EXCLUDED.pending_update, metadata = EXCLUDED.metadata,
    custom_field_data = EXCLUDED.custom_field_data, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE subscriptions._requested_at <= EXCLUDED._requested_at;

-- name: SubscriptionPricesUpsert :exec
-- Writes only a row that is new, changed, moved or listed again, and never over a reply requested later.
INSERT INTO subscription_prices (
    subscription_id, id, product_id, created_at, modified_at, source, amount_type, type, recurring_interval,
    legacy, is_archived, price_currency, tax_behavior, price_amount, minimum_amount, maximum_amount,
    preset_amount, unit_amount, cap_amount, meter_id, seat_tiers, tiers, minimum_units, maximum_units,
    unit_label, _position, _extra, _hash, _requested_at
)
SELECT unnest(@subscription_id::uuid[]), unnest(@id::uuid[]), unnest(@product_id::uuid[]),
    unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]), unnest(@source::text[]),
    unnest(@amount_type::text[]), unnest(@type::text[]), unnest(@recurring_interval::text[]),
    unnest(@legacy::boolean[]), unnest(@is_archived::boolean[]), unnest(@price_currency::text[]),
    unnest(@tax_behavior::text[]), unnest(@price_amount::bigint[]), unnest(@minimum_amount::bigint[]),
    unnest(@maximum_amount::bigint[]), unnest(@preset_amount::bigint[]), unnest(@unit_amount::numeric[]),
    unnest(@cap_amount::bigint[]), unnest(@meter_id::uuid[]), unnest(@seat_tiers::jsonb[]),
    unnest(@tiers::jsonb[]), unnest(@minimum_units::bigint[]), unnest(@maximum_units::bigint[]),
    unnest(@unit_label::jsonb[]), unnest(@_position::bigint[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (subscription_id, id) DO UPDATE SET
    product_id = EXCLUDED.product_id, created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at,
    source = EXCLUDED.source, amount_type = EXCLUDED.amount_type, type = EXCLUDED.type,
    recurring_interval = EXCLUDED.recurring_interval, legacy = EXCLUDED.legacy,
    is_archived = EXCLUDED.is_archived, price_currency = EXCLUDED.price_currency,
    tax_behavior = EXCLUDED.tax_behavior, price_amount = EXCLUDED.price_amount,
    minimum_amount = EXCLUDED.minimum_amount, maximum_amount = EXCLUDED.maximum_amount,
    preset_amount = EXCLUDED.preset_amount, unit_amount = EXCLUDED.unit_amount,
    cap_amount = EXCLUDED.cap_amount, meter_id = EXCLUDED.meter_id, seat_tiers = EXCLUDED.seat_tiers,
    tiers = EXCLUDED.tiers, minimum_units = EXCLUDED.minimum_units, maximum_units = EXCLUDED.maximum_units,
    unit_label = EXCLUDED.unit_label, _position = EXCLUDED._position, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE subscription_prices._requested_at <= EXCLUDED._requested_at
  AND (subscription_prices._hash <> EXCLUDED._hash OR subscription_prices._position <> EXCLUDED._position
       OR subscription_prices._removed_at IS NOT NULL);

-- name: SubscriptionMetersUpsert :exec
-- Writes only a row that is new, changed, moved or listed again, and never over a reply requested later.
INSERT INTO subscription_meters (
    subscription_id, id, created_at, modified_at, meter_id, consumed_units, credited_units, amount, _position,
    _extra, _hash, _requested_at
)
SELECT unnest(@subscription_id::uuid[]), unnest(@id::uuid[]), unnest(@created_at::timestamptz[]),
    unnest(@modified_at::timestamptz[]), unnest(@meter_id::uuid[]), unnest(@consumed_units::numeric[]),
    unnest(@credited_units::bigint[]), unnest(@amount::bigint[]), unnest(@_position::bigint[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (subscription_id, id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, meter_id = EXCLUDED.meter_id,
    consumed_units = EXCLUDED.consumed_units, credited_units = EXCLUDED.credited_units,
    amount = EXCLUDED.amount, _position = EXCLUDED._position, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE subscription_meters._requested_at <= EXCLUDED._requested_at
  AND (subscription_meters._hash <> EXCLUDED._hash OR subscription_meters._position <> EXCLUDED._position
       OR subscription_meters._removed_at IS NOT NULL);
