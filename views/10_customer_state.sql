-- What Polar's customer-state endpoints answer, from the mirror.
-- The bodies are bound to the tables of this schema when they are made: they work under any search_path.

CREATE OR REPLACE FUNCTION polar_time(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN replace(to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '');
COMMENT ON FUNCTION polar_time(timestamptz) IS 'A time as Polar writes it in JSON: UTC with the suffix Z, and six digits of a second only where they are not all zero.';

CREATE OR REPLACE FUNCTION customer_state(id uuid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c._extra || jsonb_build_object(
        'id', c.id,
        'created_at', polar_time(c.created_at),
        'modified_at', polar_time(c.modified_at),
        'metadata', c.metadata,
        'external_id', c.external_id,
        'email', c.email,
        'email_verified', c.email_verified,
        'type', c.type,
        'name', c.name,
        'billing_name', c.billing_name,
        'billing_address', c.billing_address,
        'tax_id', c.tax_id,
        'locale', c.locale,
        'organization_id', c.organization_id,
        'default_payment_method_id', c.default_payment_method_id,
        'deleted_at', polar_time(c.deleted_at),
        'first_user_event_at', polar_time(c.first_user_event_at),
        'avatar_url', c.avatar_url,
        'active_subscriptions', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', s.id,
                'created_at', polar_time(s.created_at),
                'modified_at', polar_time(s.modified_at),
                'custom_field_data', s.custom_field_data,
                'metadata', s.metadata,
                'status', s.status,
                'amount', s.amount,
                'currency', s.currency,
                'recurring_interval', s.recurring_interval,
                'current_period_start', polar_time(s.current_period_start),
                'current_period_end', polar_time(s.current_period_end),
                'trial_start', polar_time(s.trial_start),
                'trial_end', polar_time(s.trial_end),
                'cancel_at_period_end', s.cancel_at_period_end,
                'canceled_at', polar_time(s.canceled_at),
                'started_at', polar_time(s.started_at),
                'ends_at', polar_time(s.ends_at),
                'product_id', s.product_id,
                'discount_id', s.discount_id,
                'seats', s.seats,
                'units', s.units,
                'meters', COALESCE((
                    SELECT jsonb_agg(jsonb_build_object(
                        'id', m.id,
                        'created_at', polar_time(m.created_at),
                        'modified_at', polar_time(m.modified_at),
                        'meter_id', m.meter_id,
                        'consumed_units', m.consumed_units,
                        'credited_units', m.credited_units,
                        'amount', m.amount
                    ) ORDER BY m._position)
                    FROM subscription_meters m
                    WHERE m.subscription_id = s.id AND m._removed_at IS NULL), '[]')
            ) ORDER BY s.started_at, s.id)
            FROM subscriptions s
            WHERE s.customer_id = c.id AND s.status IN ('active', 'trialing') AND s._deleted_at IS NULL), '[]'),
        'granted_benefits', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', g.id,
                'created_at', polar_time(g.created_at),
                'modified_at', polar_time(g.modified_at),
                'granted_at', polar_time(g.granted_at),
                'benefit_id', g.benefit_id,
                'benefit_type', b.type,
                'benefit_metadata', b.metadata,
                'properties', g.properties
            ) ORDER BY g.granted_at, g.id)
            FROM benefit_grants g LEFT JOIN benefits b ON b.id = g.benefit_id
            WHERE g.customer_id = c.id AND g.is_granted AND g._deleted_at IS NULL), '[]'),
        'active_meters', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', u.id,
                'created_at', polar_time(u.created_at),
                'modified_at', polar_time(u.modified_at),
                'meter_id', u.meter_id,
                'consumed_units', u.consumed_units,
                'credited_units', u.credited_units,
                'balance', u.balance
            ) ORDER BY u.created_at, u.id)
            FROM customer_meters u
            WHERE u.customer_id = c.id AND u._deleted_at IS NULL), '[]')
    )
    FROM customers c
    WHERE c.id = customer_state.id AND c._deleted_at IS NULL AND c.deleted_at IS NULL;
END;
COMMENT ON FUNCTION customer_state(uuid) IS 'The state of a customer, by Polar id, as GET /v1/customers/{id}/state gives it: the customer with active_subscriptions (active and trialing ones), granted_benefits and active_meters (all meters of the customer, archived ones too). Null when the mirror has no such customer, or a deleted one. As fresh as the streams customers, subscriptions, benefit_grants, benefits and customer_meters.';

CREATE OR REPLACE FUNCTION customer_state_external(external_id text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT customer_state(c.id)
    FROM customers c
    WHERE c.external_id = customer_state_external.external_id AND c._deleted_at IS NULL AND c.deleted_at IS NULL
    ORDER BY c.created_at DESC, c.id
    LIMIT 1;
END;
COMMENT ON FUNCTION customer_state_external(text) IS 'customer_state() by the id of the customer in your own system, as GET /v1/customers/external/{external_id}/state gives it. Null when no customer has it that is not deleted; where the mirror still shows it at two, that of the one created last.';
